//! The same function, cached in different ways.

#![expect(clippy::unused_async, reason = "what is cached stands for a query")]

use std::{
    future::Future,
    hint::black_box,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cached::macros::concurrent_cached;

/// What is kept.
#[derive(Debug)]
#[expect(dead_code, reason = "a value to hand out; nobody reads it")]
pub(crate) struct User {
    id: u64,
    name: String,
    email: String,
}

impl User {
    fn load(id: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            name: format!("user {id}"),
            email: format!("user{id}@example.org"),
        })
    }
}

/// Room for all keys and more, the same for all.
const CAPACITY: usize = 65_536;

/// One way to cache.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    run: fn(&[u64]),
}

impl Contender {
    /// Asks for each of `ids`, one after the other, on this thread.
    pub(crate) fn call(&self, ids: &[u64]) {
        (self.run)(ids);
    }
}

/// Polls `calls` in place, as a handler would be: no call is spawned.
fn in_place(calls: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(calls));
}

/// Calls `$f(id)` for each id and waits for it.
macro_rules! awaited {
    ($f:path) => {
        |ids| {
            in_place(async {
                for &id in ids {
                    black_box($f(black_box(id)).await);
                }
            })
        }
    };
}

/// Calls `$f(id)` for each id.
macro_rules! called {
    ($f:path) => {
        |ids| {
            for &id in ids {
                black_box($f(black_box(id)));
            }
        }
    };
}

pub(crate) const CONTENDERS: [Contender; 8] = [
    Contender {
        name: "larder #[cached]",
        run: awaited!(by_larder),
    },
    Contender {
        name: "cached #[concurrent_cached], async",
        run: awaited!(by_cached_async),
    },
    Contender {
        name: "cached #[concurrent_cached], sync",
        run: called!(by_cached_sync),
    },
    Contender {
        name: "cached #[cached], async",
        run: awaited!(by_cached_one_lock),
    },
    Contender {
        name: "moka future get_with, format! key",
        run: awaited!(by_moka),
    },
    Contender {
        name: "quick_cache get, format! key",
        run: called!(by_quick_cache),
    },
    Contender {
        name: "sketch: quick_cache, key on the stack, ttl and generation",
        run: awaited!(by_sketch),
    },
    Contender {
        name: "floor: key on the stack, its hash",
        run: called!(floor),
    },
];

#[larder::cached(ttl = 600, key = "users:<id>")]
async fn by_larder(id: u64) -> Arc<User> {
    User::load(id)
}

#[concurrent_cached(
    max_size = 65_536,
    ttl_secs = 600,
    key = "String",
    convert = r#"{ format!("users:{id}") }"#
)]
async fn by_cached_async(id: u64) -> Arc<User> {
    User::load(id)
}

#[concurrent_cached(
    max_size = 65_536,
    ttl_secs = 600,
    key = "String",
    convert = r#"{ format!("users:{id}") }"#
)]
fn by_cached_sync(id: u64) -> Arc<User> {
    User::load(id)
}

#[cached::macros::cached(
    max_size = 65_536,
    ttl_secs = 600,
    key = "String",
    convert = r#"{ format!("users:{id}") }"#
)]
async fn by_cached_one_lock(id: u64) -> Arc<User> {
    User::load(id)
}

static MOKA: LazyLock<moka::future::Cache<String, Arc<User>>> = LazyLock::new(|| {
    moka::future::Cache::builder()
        .max_capacity(CAPACITY as u64)
        .time_to_live(Duration::from_mins(10))
        .build()
});

async fn by_moka(id: u64) -> Arc<User> {
    MOKA.get_with(format!("users:{id}"), async { User::load(id) })
        .await
}

static QUICK: LazyLock<quick_cache::sync::Cache<String, Arc<User>>> =
    LazyLock::new(|| quick_cache::sync::Cache::new(CAPACITY));

fn by_quick_cache(id: u64) -> Arc<User> {
    let key = format!("users:{id}");
    QUICK.get(&key).unwrap_or_else(|| {
        let user = User::load(id);
        QUICK.insert(key, user.clone());
        user
    })
}

/// What a cache by hand would do: a bounded engine, an expiry, one generation for all.
static SKETCH: LazyLock<Sketch> = LazyLock::new(|| {
    Sketch::with(
        CAPACITY,
        CAPACITY as u64,
        quick_cache::UnitWeighter,
        foldhash::fast::RandomState::default(),
        quick_cache::sync::DefaultLifecycle::default(),
    )
});

type Sketch = quick_cache::sync::Cache<
    Box<str>,
    (Arc<User>, u64, u64),
    quick_cache::UnitWeighter,
    foldhash::fast::RandomState,
>;

static GENERATION: AtomicU64 = AtomicU64::new(0);

async fn by_sketch(id: u64) -> Arc<User> {
    let mut buffer = [0; KEY_BYTES];
    let key = write_key(&mut buffer, id);
    // The clock of a system call that is none: good to a few milliseconds, as a ttl needs.
    let now = coarsetime::Instant::now().as_ticks();
    let generation = GENERATION.load(Ordering::Acquire);
    match SKETCH.get(key) {
        Some((user, expires, born)) if now < expires && born == generation => user,
        _ => {
            let user = User::load(id);
            let expires = now + coarsetime::Duration::from_mins(10).as_ticks();
            SKETCH.insert(key.into(), (user.clone(), expires, generation));
            user
        }
    }
}

fn floor(id: u64) -> u64 {
    use std::hash::BuildHasher;
    static HASHER: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);
    let mut buffer = [0; KEY_BYTES];
    HASHER.hash_one(write_key(&mut buffer, id))
}

/// `users:` and the longest `u64`.
const KEY_BYTES: usize = 26;

/// `users:<id>`, written from behind.
fn write_key(buffer: &mut [u8; KEY_BYTES], mut id: u64) -> &str {
    let mut at = KEY_BYTES;
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(id % 10).expect("a digit");
        id /= 10;
        if id == 0 {
            break;
        }
    }
    at -= "users:".len();
    buffer[at..at + "users:".len()].copy_from_slice(b"users:");
    std::str::from_utf8(&buffer[at..]).expect("ascii")
}
