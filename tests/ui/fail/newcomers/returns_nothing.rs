use larder::cached;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> ! {
    loop {
        drop(id);
        std::future::pending().await
    }
}

fn main() {
    drop(get_user(1));
}
