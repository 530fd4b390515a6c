use larder::cached;

struct Repo;

impl Repo {
    #[cached(skip(self), companion = true)]
    async fn method(&self, id: u64) -> u64 {
        id
    }

    #[cached(companion = true)]
    async fn associated(id: u64) -> u64 {
        id
    }

    #[cached(companion = true)]
    async fn of_its_own_type(id: u64) -> Option<u64> {
        Some(Self::number() + id)
    }

    fn number() -> u64 {
        1
    }
}

fn main() {
    drop((Repo.method(1), Repo::associated(1), Repo::of_its_own_type(1)));
}
