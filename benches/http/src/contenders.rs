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
pub(crate) const CONTENDERS: [Contender; 7] = [
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
    let far = Redis::connect(url).expect("the server's own URL");
    let far = Cache::builder().far(far).build().expect("a cache");
    far.register("far").expect("it is called once");
    let layered = Router::new()
        .route("/layered/{page}", get(layered))
        .layer(larder::axum::layer());
    Router::new()
        .route("/constant/{page}", get(constant))
        .route("/near/{page}", get(near))
        .route("/redis/{page}", get(redis))
        .route("/cached/{page}", get(cached))
        .route("/moka/{page}", get(moka))
        .route("/none/{page}", get(none))
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
async fn redis(Path(page): Path<u64>) -> Json<Arc<Vec<Item>>> {
    Json(page::load(page))
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
