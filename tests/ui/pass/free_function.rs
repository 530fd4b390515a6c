#![deny(warnings)]

use larder::cached;

#[cached(ttl = 600, key = "users:<id>")]
async fn get_user(id: u64) -> Result<String, std::fmt::Error> {
    if id == 0 {
        return Err(std::fmt::Error);
    }
    let name = format!("user {id}");
    Ok(name)
}

#[cached]
async fn everything() -> Vec<u64> {
    vec![1, 2, 3]
}

#[cached]
async fn by_all_arguments(id: u64, name: String, page: Option<u32>) -> Option<String> {
    let page = page?;
    Some(format!("{id} {name} {page}"))
}

fn main() {
    drop((
        get_user(1),
        everything(),
        by_all_arguments(1, String::new(), None),
    ));
}
