//! The service without a socket: what a test asks it, and what it asked the database.

use std::{
    fs,
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header::CONTENT_TYPE},
};
use cities::{Cached, Catalogue, Db, Trips, web};
use larder::{Cache, Redis};
use serde_json::Value;
use tempfile::TempDir;
use test_support::RedisServer;
use tokio::time::sleep;
use tower::ServiceExt;

/// One service with a database of its own.
#[derive(Clone)]
pub(crate) struct App {
    router: Router,
    db: Db,
    _directory: Arc<TempDir>,
    _redis: Option<Arc<RedisServer>>,
}

impl App {
    /// The service without a cache.
    pub(crate) fn plain() -> Self {
        Self::new(Duration::ZERO, None, |db| db)
    }

    /// The service with a cache: in this process, and in Redis as well.
    pub(crate) async fn cached() -> [Self; 2] {
        Self::cached_and_slow(Duration::ZERO).await
    }

    /// The same over a database that takes `latency` for each query.
    pub(crate) async fn cached_and_slow(latency: Duration) -> [Self; 2] {
        let redis = redis();
        let shared = shared_cache(&redis).await;
        [
            Self::new(latency, None, |db| Cached::new(db, near_cache())),
            Self::new(latency, Some(redis), |db| Cached::new(db, shared)),
        ]
    }

    /// The service with and without a cache: all of them answer the same.
    pub(crate) async fn each() -> [Self; 3] {
        let [near, shared] = Self::cached().await;
        [Self::plain(), near, shared]
    }

    /// Two processes that know nothing of each other, over one database.
    pub(crate) fn strangers() -> [Self; 2] {
        let one = Self::new(Duration::ZERO, None, |db| Cached::new(db, near_cache()));
        let other = Self {
            router: web::router(Cached::new(one.db.clone(), near_cache())),
            ..one.clone()
        };
        [one, other]
    }

    fn new<C: Catalogue>(
        latency: Duration,
        redis: Option<Arc<RedisServer>>,
        catalogue: impl FnOnce(Db) -> C,
    ) -> Self {
        let (db, directory) = database(latency);
        Self {
            router: web::router(catalogue(db.clone())),
            db,
            _directory: Arc::new(directory),
            _redis: redis,
        }
    }

    pub(crate) fn trips(&self) -> Trips {
        self.db.trips()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        json(self.send("GET", path, None).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        json(self.send("POST", path, Some(body)).await).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        json(self.send("PUT", path, Some(body)).await).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (StatusCode, Value) {
        json(self.send("DELETE", path, None).await).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Response<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(body) => request
                .header(CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let request = request.expect("the tests make valid requests");
        let answer = self.router.clone().oneshot(request).await;
        answer.expect("a router never fails")
    }
}

async fn json(answer: Response<Body>) -> (StatusCode, Value) {
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    let body = body.expect("the whole body");
    (
        status,
        serde_json::from_slice(&body).expect("every answer is JSON"),
    )
}

/// A cache of its own in this process.
pub(crate) fn near_cache() -> Cache {
    cities::cache("cities", None).expect("a cache")
}

/// A cache in this process and, under a name of its own, in `server`, which it has reached, to read
/// and to write: what is asked before that is not shared.
pub(crate) async fn shared_cache(server: &RedisServer) -> Cache {
    static CACHES: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("cities-{}", CACHES.fetch_add(1, Ordering::Relaxed));
    let redis = Redis::connect(server.url()).expect("a valid address");
    let cache = cities::cache(&namespace, Some(redis)).expect("a cache");
    while cache.exists("anything").await.is_err() || cache.remove("anything").await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    cache
}

/// The server that all tests share while one of them needs it.
pub(crate) fn redis() -> Arc<RedisServer> {
    static SERVER: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    server.upgrade().unwrap_or_else(|| {
        let started = Arc::new(RedisServer::start(&[]));
        *server = Arc::downgrade(&started);
        started
    })
}

/// A database of its own, which takes `latency` for each query, and the directory of its file.
pub(crate) fn database(latency: Duration) -> (Db, TempDir) {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("cities.db");
    fs::write(&file, filled()).expect("a copy of the database");
    let db = Db::open(&file).expect("a database");
    (db.slowed(latency), directory)
}

/// A database with the data of the package, made once: filling one takes a second.
fn filled() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let directory = TempDir::new().expect("a temporary directory");
        let file = directory.path().join("cities.db");
        drop(Db::open(&file).expect("a database"));
        fs::read(file).expect("a database file")
    })
}
