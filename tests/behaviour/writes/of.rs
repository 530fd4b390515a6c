//! `of = [get_user(id)]`: the entries of calls.

use larder::{Cache, cached, invalidate_cache};

use super::{Answer, User, user};
use crate::world::{Source, near_cache};

#[cached(key = "users:<id>", cache = cache, skip(cache, source))]
async fn get_user(cache: &Cache, source: &Source, id: u64) -> u64 {
    source.load().await + id
}

/// Its key is the default one, which nobody writes by hand.
#[cached(cache = cache, skip(cache, source))]
async fn list(cache: &Cache, source: &Source, lang: String, page: (u8, Option<&str>)) -> u64 {
    let _ = (lang, page);
    source.load().await
}

mod numbers {
    use super::{Cache, Source, cached};

    #[cached(cache = cache, skip(cache, source))]
    pub(super) async fn of<T: larder::KeyPart + Send + Sync>(
        cache: &Cache,
        source: &Source,
        number: T,
    ) -> u64 {
        let _ = number;
        source.load().await
    }

    #[cached(cache = cache, skip(cache))]
    pub(super) fn blocking(cache: &Cache, number: u64) -> std::sync::Arc<u64> {
        std::sync::Arc::new(number)
    }
}

#[invalidate_cache(of = [
    get_user(cache, source, id),
    list(cache, source, lang, (1, None)),
    numbers::of::<u64>(cache, source, id + 1),
    numbers::blocking(cache, id),
])]
async fn write(cache: &Cache, source: &Source, id: u64, lang: String) -> Answer<()> {
    source.commit();
    drop(lang);
    Ok(())
}

#[tokio::test]
async fn the_entries_of_these_calls_are_invalid_and_of_no_others() {
    let (cache, source) = (near_cache(), Source::open());
    let (cache, source) = (&cache, &source);
    let read = async || {
        (
            get_user(cache, source, 1).await,
            list(cache, source, "en".into(), (1, None)).await,
            numbers::of(cache, source, 2_u64).await,
            get_user(cache, source, 2).await,
            list(cache, source, "en".into(), (2, None)).await,
            numbers::of(cache, source, 1_u64).await,
        )
    };
    assert_eq!(read().await, (2, 1, 1, 3, 1, 1));
    let number = numbers::blocking(cache, 1);
    write(cache, source, 1, "en".into()).await.unwrap();
    assert_eq!(read().await, (3, 2, 2, 3, 1, 1));
    let again = numbers::blocking(cache, 1);
    assert!(!std::sync::Arc::ptr_eq(&number, &again));
}

#[invalidate_cache(of = [list(cache, source, ret.name, (u8::try_from(ret.id).unwrap_or_default(), page)), get_user(cache, source, ret.id)])]
async fn create(cache: &Cache, source: &Source, page: Option<&str>, ok: bool) -> Answer<User> {
    source.commit();
    let _ = page;
    ok.then(|| user(7, "en")).ok_or("no")
}

#[tokio::test]
async fn what_the_function_returned_may_be_an_argument() {
    let (cache, source) = (near_cache(), Source::open());
    let (cache, source) = (&cache, &source);
    let read = async || {
        (
            list(cache, source, "en".into(), (7, Some("a"))).await,
            get_user(cache, source, 7).await,
            list(cache, source, "en".into(), (7, None)).await,
        )
    };
    assert_eq!(read().await, (1, 8, 1));
    create(cache, source, Some("a"), false).await.unwrap_err();
    assert_eq!(read().await, (1, 8, 1), "it failed");
    create(cache, source, Some("a"), true).await.unwrap();
    assert_eq!(read().await, (3, 10, 1));
}

#[invalidate_cache(keys = ["users:2"], of = get_user(theirs, source, 1), cache = ours)]
async fn in_ours(ours: &Cache, theirs: &Cache, source: &Source) -> u64 {
    source.commit()
}

#[invalidate_cache(keys = ["users:2"], of = [get_user(ours, source, 1), get_user(theirs, source, 1)])]
async fn in_both(ours: &Cache, theirs: &Cache, source: &Source) -> u64 {
    source.commit()
}

#[tokio::test]
async fn an_entry_is_in_the_cache_of_its_function_or_in_that_of_the_attribute() {
    let (ours, theirs) = (&near_cache(), &near_cache());
    let source = &Source::open();
    let read = async || {
        (
            get_user(ours, source, 1).await,
            get_user(ours, source, 2).await,
            get_user(theirs, source, 1).await,
            get_user(theirs, source, 2).await,
        )
    };
    assert_eq!(read().await, (2, 3, 2, 3));
    in_ours(ours, theirs, source).await;
    assert_eq!(read().await, (3, 4, 2, 3));
    in_both(ours, theirs, source).await;
    assert_eq!(read().await, (4, 4, 4, 3));
}

#[tokio::test]
async fn a_write_that_is_cancelled_invalidates_the_entries_that_were_known() {
    #[invalidate_cache(of = [get_user(&cache, &source, id), get_user(&cache, &source, *ret)])]
    async fn slow(cache: Cache, source: Source, id: u64) -> u64 {
        source.commit();
        std::future::pending().await
    }
    let (cache, source) = (near_cache(), Source::open());
    assert_eq!(get_user(&cache, &source, 1).await, 2);
    tokio::select! {
        biased;
        _ = slow(cache.clone(), source.clone(), 1) => unreachable!("it never ends"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(get_user(&cache, &source, 1).await, 3);
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn an_entry_is_invalid_for_other_processes_too() {
    use super::far::{both, far_only};

    #[cached(ttl = 60, cache = cache, skip(cache, source))]
    async fn shared(cache: &Cache, source: &Source, id: u64) -> u64 {
        source.load().await + id
    }
    #[invalidate_cache(of = [shared(cache, source, ret)])]
    async fn change(cache: &Cache, source: &Source, id: u64) -> u64 {
        source.commit();
        id
    }
    let server = test_support::RedisServer::start(&[]);
    let (cache, other, source) = (both(&server).await, far_only(&server), Source::open());
    for cache in [&other, &cache] {
        assert_eq!(shared(cache, &source, 1).await, 2);
    }
    assert_eq!(source.loads(), 1);
    change(&cache, &source, 1).await;
    for cache in [&other, &cache] {
        assert_eq!(shared(cache, &source, 1).await, 3);
    }
    assert_eq!(source.loads(), 2);
}
