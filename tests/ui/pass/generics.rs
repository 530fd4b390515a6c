#![deny(warnings)]

use std::fmt::Display;

use larder::{cached, invalidate_cache};

#[derive(Clone)]
struct Page<T, const N: usize> {
    items: [T; N],
}

trait Entity: Clone + Send + Sync + 'static {
    fn load(id: u64) -> Self;
}

impl Entity for String {
    fn load(id: u64) -> Self {
        id.to_string()
    }
}

#[cached]
async fn load<T: Entity>(id: u64) -> T {
    T::load(id)
}

#[cached(key = "pages:<id>", local)]
async fn page<T, const N: usize>(id: u64) -> Option<Page<T, N>>
where
    T: Entity,
{
    Some(Page {
        items: std::array::from_fn(|_| T::load(id)),
    })
}

#[cached(skip(shown))]
async fn shown(id: u64, shown: impl Display + Send) -> String {
    format!("{id} {shown}")
}

#[cached]
async fn longest<'a, 'b: 'a>(a: &'a str, b: &'b str) -> String {
    if a.len() > b.len() {
        a.to_owned()
    } else {
        b.to_owned()
    }
}

#[cached]
async fn block<const N: usize>(id: u64) -> Vec<u64> {
    vec![id; N]
}

struct Repository<K>(K);

impl<K: Copy + Display + Send + Sync> Repository<K> {
    #[cached(skip(self))]
    async fn describe(&self) -> String {
        self.0.to_string()
    }

    #[cached(skip(key))]
    async fn associated(key: K) -> String {
        key.to_string()
    }

    #[invalidate_cache(all)]
    async fn forget<W: Into<u64> + Send>(&self, what: W) -> u64 {
        what.into()
    }
}

struct Borrowed<'a>(&'a str);

impl<'a> Borrowed<'a> {
    #[cached(key = "borrowed:<self.0>")]
    async fn len(&self) -> usize {
        self.0.len()
    }

    #[cached]
    async fn of(text: &'a str) -> usize {
        Self(text).len().await
    }
}

fn main() {
    let page = page::<String, 2>;
    drop(async move { page(1).await.map(|page| page.items) });
    drop((
        load::<String>(1),
        shown(1, 2),
        longest("a", "b"),
        block::<3>(1),
    ));
    let repository = Repository(1);
    drop((
        repository.describe(),
        Repository::associated(1),
        repository.forget(1_u32),
    ));
    drop((Borrowed("").len(), Borrowed::of("")));
}
