use larder::cached;

struct Page {
    number: u64,
}

#[cached(key = "list:<page>")]
async fn list(page: Page) -> u64 {
    page.number
}

fn main() {
    drop(list(Page { number: 1 }));
}
