//! P1 in this process: a call that begins after an invalidation returned never gets a value whose
//! load began before it. (Over a shared store: `far`.)

use larder::{Cache, SetOptions};

use crate::world::{Source, near_cache};

const KEY: &str = "users:1:posts";

async fn read(cache: &Cache, source: &Source) -> u64 {
    let options = SetOptions::new().tag("team:1");
    let read = cache.get_or_load_with(KEY, options, || async {
        Ok::<_, String>(source.load().await)
    });
    read.await.expect("the source does not fail")
}

/// Every way to invalidate that key.
#[derive(Debug, Clone, Copy)]
enum How {
    Key,
    Prefix,
    LongerPrefix,
    Tag,
    Clear,
    Set,
}

const ALL: [How; 6] = [
    How::Key,
    How::Prefix,
    How::LongerPrefix,
    How::Tag,
    How::Clear,
    How::Set,
];

async fn invalidate(cache: &Cache, how: How, version: u64) {
    match how {
        How::Key => cache.remove(KEY).await,
        How::Prefix => cache.remove_prefix("users").await,
        How::LongerPrefix => cache.remove_prefix("users:1").await,
        How::Tag => cache.remove_tag("team:1").await,
        How::Clear => cache.clear().await,
        How::Set => {
            let options = SetOptions::new().tag("team:1");
            cache.set_with(KEY, &version, options).await
        }
    }
    .expect("a near tier does not fail");
}

#[tokio::test]
async fn a_stored_value_is_gone_after_every_kind_of_invalidation() {
    for how in ALL {
        let (cache, source) = (near_cache(), Source::open());
        assert_eq!(read(&cache, &source).await, 1);
        let version = source.commit();
        assert_eq!(
            read(&cache, &source).await,
            1,
            "nothing was invalidated yet"
        );
        invalidate(&cache, how, version).await;
        assert_eq!(read(&cache, &source).await, 2, "{how:?}");
    }
}

#[tokio::test]
async fn an_invalidation_in_the_middle_of_a_load_wins() {
    for how in ALL {
        let (cache, source) = (near_cache(), Source::closed());
        let load = tokio::spawn({
            let (cache, source) = (cache.clone(), source.clone());
            async move { read(&cache, &source).await }
        });
        source.begun().await;
        let version = source.commit();
        invalidate(&cache, how, version).await;
        source.let_one();
        assert_eq!(
            load.await.unwrap(),
            1,
            "who asked before gets what there was"
        );
        source.let_one();
        assert_eq!(
            read(&cache, &source).await,
            2,
            "{how:?}: stored although invalidated"
        );
    }
}

#[tokio::test]
async fn nobody_joins_a_load_that_is_older_than_an_invalidation() {
    for how in ALL {
        let (cache, source) = (near_cache(), Source::closed());
        let spawn = || {
            let (cache, source) = (cache.clone(), source.clone());
            tokio::spawn(async move { read(&cache, &source).await })
        };
        let old = spawn();
        source.begun().await;
        let version = source.commit();
        invalidate(&cache, how, version).await;
        let new = spawn();
        if !matches!(how, How::Set) {
            source.begun().await;
        }
        source.let_one();
        source.let_one();
        assert_eq!(new.await.unwrap(), 2, "{how:?}: joined the old load");
        assert_eq!(old.await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_and_a_writer_at_full_speed_see_no_old_value() {
    let (cache, source) = (near_cache(), Source::open());
    for round in 0..1_000 {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (cache, source) = (cache.clone(), source.clone());
                tokio::spawn(async move { read(&cache, &source).await })
            })
            .collect();
        let version = source.commit();
        let how = ALL[round % (ALL.len() - 1)];
        invalidate(&cache, how, version).await;
        let seen = read(&cache, &source).await;
        assert!(
            seen >= version,
            "{how:?}: read {seen} after {version} was announced"
        );
        for reader in readers {
            reader.await.unwrap();
        }
    }
    let stats = cache.stats();
    assert_eq!(stats.flights, 0);
    assert!(stats.groups <= 64, "the group table holds {}", stats.groups);
}

#[tokio::test]
async fn an_invalidation_reaches_what_it_names_and_nothing_else() {
    let cache = near_cache();
    let put = async |key: &str| cache.set(key, &1_u64).await.unwrap();
    let there = async |key: &str| cache.exists(key).await.unwrap();
    for key in ["users", "users:1", "users:1:posts", "users2", "users2:1"] {
        put(key).await;
    }
    cache.remove_prefix("users:1").await.unwrap();
    assert!(there("users").await);
    assert!(!there("users:1").await && !there("users:1:posts").await);
    put("users:1").await;
    cache.remove_prefix("users:*").await.unwrap();
    assert!(!there("users").await && !there("users:1").await);
    assert!(there("users2").await && there("users2:1").await);
}
