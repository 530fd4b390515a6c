use larder::{KeyPart, cached};

#[derive(KeyPart)]
struct Page {
    number: u32,
    #[key(skpi)]
    trace: u64,
}

// The type stays what it should be, so nothing else is reported.
#[cached(key = "pages:<page>")]
async fn read(page: Page) -> u32 {
    page.number
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = read(any());
}
