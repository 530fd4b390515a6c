use larder::cached;

#[cached(ttl = 60)]
trait Users {
    fn get(&self, id: u64) -> u64 {
        id
    }
}

struct Db;

impl Users for Db {}

fn main() {
    Db.get(1);
}
