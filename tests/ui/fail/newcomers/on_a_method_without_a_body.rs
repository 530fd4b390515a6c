use larder::cached;

trait Users {
    #[cached(ttl = 60)]
    fn get(&self, id: u64) -> u64;
}

struct Db;

impl Users for Db {
    fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    Db.get(1);
}
