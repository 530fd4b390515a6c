use larder::cached;

#[cached(ttl = 60)]
#[cached(key = "users:<id>")]
async fn user(id: u64) -> String {
    format!("user {id}")
}

struct Repo;

impl Repo {
    #[cached(key = "rows:<id>")]
    /// Reads.
    #[larder::cached(local, key = "lines:<id>")]
    async fn row(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    let _ = (user::key(7), Repo.row(7));
}
