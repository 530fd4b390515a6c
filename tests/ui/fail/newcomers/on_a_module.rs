use larder::cached;

#[cached(ttl = 60)]
mod users {
    pub(crate) fn get(id: u64) -> u64 {
        id
    }
}

fn main() {
    users::get(1);
}
