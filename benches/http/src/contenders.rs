//! The handlers that are measured.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderName, header::CONTENT_TYPE},
    routing::get,
};
use bytes::Bytes;
use larder::{Cache, Redis};
use redis::{AsyncCommands as _, aio::MultiplexedConnection};
use tokio::sync::OnceCell;

use crate::page::{self, Item};

/// One handler.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// The share of the throughput of constant bytes that it has to reach.
    pub(crate) target: Option<f64>,
    /// Whether each client asks for pages of its own.
    pub(crate) apart: bool,
}

/// All of them; the first is what the others are compared with.
pub(crate) const CONTENDERS: [Contender; 8] = [
    Contender {
        name: "constant bytes",
        path: "/constant",
        target: None,
        apart: false,
    },
    Contender {
        name: "larder, near tier",
        path: "/near",
        target: Some(0.93),
        apart: false,
    },
    Contender {
        name: "larder, near tier, with the layer",
        path: "/layered",
        target: None,
        apart: false,
    },
    Contender {
        name: "larder, Redis",
        path: "/redis",
        target: Some(0.8),
        apart: true,
    },
    Contender {
        name: "Redis by hand, a GET of the bytes",
        path: "/get",
        target: None,
        apart: true,
    },
    Contender {
        name: "cached 4.1, the value",
        path: "/cached",
        target: None,
        apart: false,
    },
    Contender {
        name: "moka by hand, the value",
        path: "/moka",
        target: None,
        apart: false,
    },
    Contender {
        name: "no cache, encoded each time",
        path: "/none",
        target: None,
        apart: false,
    },
];

/// All handlers, with a far cache on the server at `url`.
///
/// # Panics
///
/// If it is called twice.
pub(crate) fn router(url: &str) -> Router {
    let redis = Redis::connect(url).expect("the server's own URL");
    let cache = Cache::builder().far(redis).build().expect("a cache");
    cache.register("far").expect("it is called once");
    let client = redis::Client::open(url).expect("the server's own URL");
    let layered = Router::new()
        .route("/layered/{page}", get(layered))
        .layer(larder::axum::layer());
    Router::new()
        .route("/constant/{page}", get(constant))
        .route("/near/{page}", get(near))
        .route("/redis/{page}", get(far))
        .route("/cached/{page}", get(cached))
        .route("/moka/{page}", get(moka))
        .route("/none/{page}", get(none))
        .route(
            "/get/{page}",
            get(move |page| by_hand(client.clone(), page)),
        )
        .merge(layered)
}

/// How often Redis gave a response.
pub(crate) fn far_hits() -> u64 {
    let far = Cache::named("far").expect("the router has registered it");
    far.stats().total.far_hits
}

async fn constant(Path(page): Path<u64>) -> ([(HeaderName, &'static str); 1], Bytes) {
    static BYTES: LazyLock<Bytes> = LazyLock::new(|| page::json(1_000).into());
    let _ = page;
    ([(CONTENT_TYPE, "application/json")], BYTES.clone())
}

#[larder::cached(ttl = 600, key = "near:<page>")]
async fn near(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(page::load(page))
}

#[larder::cached(ttl = 600, key = "layered:<page>")]
async fn layered(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(page::load(page))
}

#[larder::cached(ttl = 600, key = "redis:<page>", cache = "far")]
async fn far(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(page::load(page))
}

/// What is least to be done: one connection for all, one command, no fence, no envelope, no deadline.
async fn by_hand(
    client: redis::Client,
    Path(page): Path<u64>,
) -> ([(HeaderName, &'static str); 1], Bytes) {
    static LINK: OnceCell<MultiplexedConnection> = OnceCell::const_new();
    let link = LINK.get_or_init(|| async {
        let link = client.get_multiplexed_async_connection().await;
        link.expect("the server answers")
    });
    let (mut link, key) = (link.await.clone(), format!("pages:{page}"));
    let found: Option<Vec<u8>> = link.get(&key).await.expect("the server answers");
    let bytes = match found {
        Some(bytes) => bytes,
        None => {
            let bytes = page::json(page);
            let set: Result<(), _> = link.set_ex(&key, &bytes, 600).await;
            set.expect("the server answers");
            bytes
        }
    };
    ([(CONTENT_TYPE, "application/json")], bytes.into())
}

async fn cached(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(by_cached(page).await)
}

#[cached::macros::concurrent_cached(
    max_size = 65536,
    ttl_secs = 600,
    key = "String",
    convert = r#"{ format!("pages:{page}") }"#
)]
async fn by_cached(page: u64) -> Arc<Vec<Item>> {
    page::load(page)
}

async fn moka(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    static MOKA: LazyLock<moka::future::Cache<String, Arc<Vec<Item>>>> = LazyLock::new(|| {
        moka::future::Cache::builder()
            .max_capacity(65_536)
            .time_to_live(Duration::from_mins(10))
            .build()
    });
    let found = MOKA.get_with(format!("pages:{page}"), async { page::load(page) });
    Json(found.await)
}

async fn none(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(page::load(page))
}
