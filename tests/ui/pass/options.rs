#![deny(warnings)]

use std::sync::{Arc, LazyLock};

use larder::{cached, invalidate_cache};

mod renamed {
    pub(crate) use larder as store;
}

use larder::Cache;

struct App {
    cache: Arc<Cache>,
}

impl App {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    #[cached(key = "a:<id>", cache = self.cache)]
    async fn field(&self, id: u64) -> u64 {
        id
    }

    #[cached(key = "a:<id>", cache = self.cache())]
    async fn method(&self, id: u64) -> u64 {
        id
    }

    #[cached(key = "a:<id>", ttl = 60, jitter = "2.5%", cache = self.cache)]
    async fn varied(&self, id: u64) -> u64 {
        id
    }

    #[cached(key = "a:<id>", jitter = 0, cache = self.cache)]
    async fn exact(&self, id: u64) -> u64 {
        id
    }

    #[invalidate_cache(prefix = "a", cache = self.cache)]
    async fn write(&self) -> u64 {
        1
    }
}

fn cache() -> Cache {
    Cache::builder().build().expect("a cache of no tier")
}

static SHARED: LazyLock<Cache> = LazyLock::new(cache);

#[cached(key = "a:<id>", cache = SHARED)]
async fn global(id: u64) -> u64 {
    id
}

#[cached(key = "a:<id>", cache = cache, skip(cache))]
async fn argument(cache: &Cache, id: u64) -> u64 {
    drop(cache.clone());
    id
}

#[cached(key = "a:<id>", cache = "sessions")]
async fn named(id: u64) -> u64 {
    id
}

#[cached(crate = crate::renamed::store, key = "a:<id>",)]
async fn renamed_crate(id: u64) -> u64 {
    id
}

#[cached(key = "a:<id>", ttl = "1h 30m", none_ttl = 30, version = 2, tags = "team:<id>", codec = msgpack)]
async fn everything(id: u64) -> Option<u64> {
    Some(id)
}

#[cached(ttl = "250ms", local, tags = ["all", "team:<id>"])]
async fn short(id: u64) -> u64 {
    id
}

#[cached()]
async fn empty(id: u64) -> u64 {
    id
}

macro_rules! getter {
    ($name:ident, $key:expr, $ttl:expr, $unless:expr, $jitter:expr) => {
        #[cached(key = $key, ttl = $ttl, jitter = $jitter, unless = $unless, version = 2)]
        async fn $name(id: u64) -> u64 {
            id
        }
    };
}

getter!(from_a_macro, "m:<id>", 60, |id| *id == 0, "10%");
getter!(from_the_same, "n:<id>", "1m", |id| *id == 1, 0);

fn main() {
    let app = App {
        cache: Arc::new(cache()),
    };
    drop((
        app.field(1),
        app.method(1),
        app.write(),
        app.varied(1),
        app.exact(1),
        from_a_macro(1),
        from_the_same(1),
        global(1),
        argument(&app.cache, 1),
    ));
    drop((
        named(1),
        renamed_crate(1),
        everything(1),
        short(1),
        empty(1),
    ));
}
