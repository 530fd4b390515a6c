use larder::cached;

fn main() {
    #[cached(ttl = 60)]
    let get = |id: u64| id;
    get(1);
}
