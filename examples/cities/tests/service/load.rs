//! The load finds stale answers where there are some, and none in this service.

use std::time::Duration;

use cities::{
    Cached, Catalogue, Db,
    load::{Load, Measured, Naive},
};

use crate::app;

async fn measured<C: Catalogue>(service: impl FnOnce(Db) -> C) -> Measured {
    let (db, _directory) = app::database(Duration::from_millis(4));
    let load = Load {
        clients: 24,
        time: Duration::from_secs(60),
        requests: 12_000,
    };
    let measured = load
        .drive(service(db))
        .await
        .expect("every request is answered");
    assert_eq!(
        (measured.requests, measured.wrong),
        (12_000, 0),
        "{measured:?}"
    );
    measured
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_no_answer_is_stale_and_each_comes_from_the_database() {
    let plain = measured(|db| db).await;
    assert_eq!((plain.stale, plain.reached), (0, plain.requests));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_written_by_hand_is_found_to_be_stale() {
    let naive = measured(Naive::new).await;
    assert!(naive.stale > 0, "{naive:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_cache_no_answer_is_stale_and_few_come_from_the_database() {
    let near = measured(|db| Cached::new(db, app::near_cache())).await;
    few(near);
    let server = app::redis();
    let shared = app::shared_cache(&server).await;
    few(measured(|db| Cached::new(db, shared)).await);
}

fn few(measured: Measured) {
    assert_eq!(measured.stale, 0, "{measured:?}");
    assert!(
        measured.reached < measured.requests * 6 / 10,
        "{measured:?}"
    );
}
