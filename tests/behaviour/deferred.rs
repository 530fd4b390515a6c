//! Invalidations that wait for the commit of the transaction that they are a part of.

use larder::{Cache, Moka, cache_put, cached, deferred, invalidate_cache, testkit::MemoryFar};

use crate::world::Source;

fn cache() -> (Cache, MemoryFar) {
    let far = MemoryFar::default();
    let builder = Cache::builder().far(far.clone()).near(Moka::default());
    let cache = builder.build().expect("the settings are in order");
    (cache, far)
}

#[cached(key = "rows:<id>", ttl = 60, cache = cache, skip(cache, source))]
async fn read(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await
}

#[invalidate_cache(keys = ["rows:<id>"], cache = cache)]
async fn write(cache: &Cache, id: u64) -> Result<(), String> {
    Ok(())
}

#[invalidate_cache(prefix = "rows", strict, cache = cache)]
async fn write_strictly(cache: &Cache) -> Result<(), larder::Error> {
    Ok(())
}

#[invalidate_cache(prefix = "rows", cache = cache)]
fn write_plainly(cache: &Cache) {}

#[cache_put(key = "rows:<id>", ttl = 60, cache = cache)]
async fn put(cache: &Cache, id: u64, version: u64) -> Result<u64, String> {
    Ok(version)
}

#[invalidate_cache(prefix = "rows", cache = cache)]
async fn hang(cache: &Cache) {
    std::future::pending().await
}

/// A cache that holds version 1 of the row 1.
async fn warm(source: &Source) -> Cache {
    let (cache, _) = cache();
    // The feed begins with the first call, and what is loaded before that is not kept.
    read(&cache, source, 0).await;
    assert_eq!(read(&cache, source, 1).await, 1);
    cache
}

/// Waits until what happens in the background has happened.
async fn until_fresh(cache: &Cache, source: &Source) {
    for _ in 0..1_000 {
        if read(cache, source, 1).await == source.version() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody was told");
}

#[tokio::test]
async fn nothing_is_announced_before_the_commit() {
    let source = Source::open();
    let cache = warm(&source).await;
    let (done, invalidations) = deferred(async {
        write(&cache, 1).await?;
        // Whoever asks before the commit gets, and may keep, what is still true.
        assert_eq!(read(&cache, &source, 1).await, 1);
        Ok::<_, String>(())
    })
    .await;
    done.expect("nothing fails");
    assert_eq!(read(&cache, &source, 1).await, 1);
    source.commit();
    assert_eq!(
        read(&cache, &source, 1).await,
        1,
        "the commit is not announced"
    );
    invalidations.run().await;
    assert_eq!(read(&cache, &source, 1).await, 2);
}

#[tokio::test]
async fn what_is_rolled_back_is_never_announced() {
    let source = Source::open();
    let cache = warm(&source).await;
    let loads = source.loads();
    let (done, invalidations) = deferred(write(&cache, 1)).await;
    done.expect("nothing fails");
    invalidations.discard();
    assert_eq!(read(&cache, &source, 1).await, 1);
    assert_eq!(source.loads(), loads, "the entry is still there");
}

#[tokio::test]
async fn what_nobody_decides_about_is_invalidated() {
    let source = Source::open();
    let cache = warm(&source).await;
    let (_, invalidations) = deferred(write(&cache, 1)).await;
    source.commit();
    drop(invalidations);
    until_fresh(&cache, &source).await;
}

#[tokio::test]
async fn a_transaction_that_is_cancelled_invalidates() {
    let source = Source::open();
    let cache = warm(&source).await;
    let transaction = deferred(async {
        write(&cache, 1).await.expect("nothing fails");
        hang(&cache).await;
    });
    tokio::select! {
        biased;
        _ = transaction => unreachable!("it hangs"),
        () = tokio::task::yield_now() => {}
    }
    source.commit();
    until_fresh(&cache, &source).await;
}

#[tokio::test]
async fn plain_and_strict_functions_wait_as_well() {
    let source = Source::open();
    let cache = warm(&source).await;
    let ((), plain) = deferred(async { write_plainly(&cache) }).await;
    assert_eq!(read(&cache, &source, 1).await, 1);
    source.commit();
    plain.run().await;
    assert_eq!(read(&cache, &source, 1).await, 2);
    let (done, strict) = deferred(write_strictly(&cache)).await;
    done.expect("the far tier is there");
    source.commit();
    assert_eq!(read(&cache, &source, 1).await, 3, "its marks stand already");
    source.commit();
    strict.run().await;
    assert_eq!(read(&cache, &source, 1).await, 4);
    let loads = source.loads();
    read(&cache, &source, 1).await;
    assert_eq!(source.loads(), loads, "and are gone");
}

#[tokio::test]
async fn a_value_that_may_be_rolled_back_is_not_stored() {
    let source = Source::open();
    let cache = warm(&source).await;
    let (done, invalidations) = deferred(put(&cache, 1, 7)).await;
    assert_eq!(done, Ok(7));
    assert_eq!(read(&cache, &source, 1).await, 1);
    source.commit();
    invalidations.run().await;
    assert_eq!(read(&cache, &source, 1).await, 2);
}

#[tokio::test]
async fn a_transaction_in_a_transaction_waits_for_the_outer_one() {
    let source = Source::open();
    let cache = warm(&source).await;
    let ((), outer) = deferred(async {
        let (_, inner) = deferred(write(&cache, 1)).await;
        inner.run().await;
    })
    .await;
    assert_eq!(read(&cache, &source, 1).await, 1);
    source.commit();
    outer.run().await;
    assert_eq!(read(&cache, &source, 1).await, 2);
}
