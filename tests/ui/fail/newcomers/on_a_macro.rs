use larder::cached;

macro_rules! getter {
    ($name:ident) => {
        async fn $name(id: u64) -> u64 {
            id
        }
    };
}

#[cached(ttl = 60)]
getter!(get_user);

fn main() {
    drop(get_user(1));
}
