use larder::cached;

struct Page;

#[cached(skip(lists))]
async fn list(page: Option<Page>, lists: &[u64]) -> u64 {
    lists[usize::from(page.is_some())]
}

fn main() {
    drop(list(Some(Page), &[]));
}
