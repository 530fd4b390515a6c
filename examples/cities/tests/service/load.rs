//! The load finds stale answers where there are some, and none in this service.

use std::time::Duration;

use cities::{
    Cached, Catalogue, Db,
    load::{Load, Measured, Naive},
};

use crate::app;

async fn measured<C: Catalogue>(service: impl FnOnce(Db) -> C) -> Measured {
    let (db, _directory) = app::database(Duration::from_millis(8));
    let load = Load {
        clients: 24,
        time: Duration::from_secs(60),
        requests: 5_000,
        change_in: 10,
    };
    let measured = load
        .drive(service(db))
        .await
        .expect("every request is answered");
    assert_eq!(
        (measured.requests, measured.wrong),
        (5_000, 0),
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
    // One load shows some ten stale answers, but it may be lucky.
    for _ in 0..5 {
        if measured(Naive::new).await.stale > 0 {
            return;
        }
    }
    panic!("five loads found nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_cache_no_answer_is_stale_and_fewer_come_from_the_database() {
    let near = measured(|db| Cached::new(db, app::near_cache())).await;
    fewer(near);
    let server = app::redis();
    let shared = app::shared_cache(&server).await;
    fewer(measured(|db| Cached::new(db, shared)).await);
}

fn fewer(measured: Measured) {
    assert_eq!(measured.stale, 0, "{measured:?}");
    assert!(measured.reached < measured.requests * 3 / 4, "{measured:?}");
}
