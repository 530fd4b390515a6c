use larder::cached;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> u64 {
    let shared = std::rc::Rc::new(id);
    std::future::ready(()).await;
    *shared
}

fn main() {
    let _ = get_user(1);
}
