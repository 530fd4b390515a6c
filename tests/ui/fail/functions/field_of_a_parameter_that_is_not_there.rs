use larder::cached;

struct Page {
    number: u32,
}

#[cached(key = "pages:<page.number>")]
async fn page(#[cfg(any())] page: Page) -> u64 {
    1
}

fn main() {
    drop((page(), Page { number: 1 }.number));
}
