use larder::cached;

use std::rc::Rc;

#[cached(key = "users:<id>")]
async fn get_user(id: u64) -> Result<u64, Rc<str>> {
    Ok(id)
}

fn main() {
    drop(get_user(1));
}
