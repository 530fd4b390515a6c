use larder::cached;

use std::rc::Rc;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> Rc<u64> {
    Rc::new(id)
}

fn main() {
    drop(get_user(1));
}
