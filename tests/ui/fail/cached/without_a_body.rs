use larder::cached;

trait Users {
    #[cached(ttl = 600)]
    async fn get_user(&self, id: u64) -> u64;
}

fn main() {}
