#![deny(warnings)]

use larder::cached;

#[cached(key = "users:<id>", tags = ["tenant:<tenant>"])]
async fn get_user(id: u64, tenant: &str, locale: String, page: (u32, u32)) -> String {
    format!("{id} {tenant} {locale} {page:?}")
}

fn main() {
    drop(get_user(1, "", String::new(), (1, 2)));
}
