//! The service without a socket: what a test asks it, and what it asked the database.

use std::{
    fs,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode, header::CONTENT_TYPE},
};
use cities::{Cached, Catalogue, Db, Trips, web};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// One service with a database of its own.
#[derive(Clone)]
pub(crate) struct App {
    router: Router,
    db: Db,
    _directory: Arc<TempDir>,
}

/// The service as it is without the cache, and as it is with it.
pub(crate) fn each_app() -> [App; 2] {
    [App::new(|db| db), App::cached()]
}

impl App {
    fn new<C: Catalogue>(catalogue: impl FnOnce(Db) -> C) -> Self {
        let (db, directory) = database();
        Self {
            router: web::router(catalogue(db.clone())),
            db,
            _directory: Arc::new(directory),
        }
    }

    pub(crate) fn cached() -> Self {
        Self::new(|db| Cached::new(db, cache()))
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
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("a router never fails")
    }
}

async fn json(answer: Response<Body>) -> (StatusCode, Value) {
    let status = answer.status();
    let body = to_bytes(answer.into_body(), usize::MAX)
        .await
        .expect("a body");
    (
        status,
        serde_json::from_slice(&body).expect("every answer is JSON"),
    )
}

/// A cache of its own in this process.
pub(crate) fn cache() -> larder::Cache {
    cities::cache("cities", None).expect("a cache")
}

/// A database of its own, and the directory in which it lies.
pub(crate) fn database() -> (Db, TempDir) {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("cities.db");
    fs::write(&file, filled()).expect("a copy of the database");
    (Db::open(&file).expect("a database"), directory)
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
