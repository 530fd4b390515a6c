//! Garbage is a miss: never a wrong value, never a panic.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use larder::{
    Cache, Clock, SetOptions, cached,
    codec::Auto,
    testkit::{Chaos, ChaosCodec, ChaosFar, Fault, MemoryFar, Plan},
};

use super::rows::{Row, row, rows};

/// Two processes without near tiers on one store, of which `chaos` spoils the answers.
fn processes(chaos: &Chaos) -> (MemoryFar, [Cache; 2]) {
    let clock = Clock::tokio();
    let store = MemoryFar::new(clock.clone());
    let cache = || {
        let far = ChaosFar::new(store.clone(), chaos);
        let builder = Cache::builder().clock(clock.clone()).far(far);
        builder.build().expect("the settings are in order")
    };
    (store.clone(), [cache(), cache()])
}

#[tokio::test(start_paused = true)]
async fn whatever_is_read_the_value_is_right_or_there_is_none() {
    for seed in 0..8 {
        let chaos = Chaos::seeded(seed);
        let (_, caches) = processes(&chaos);
        chaos.set(Plan::new().garble(0.5));
        for round in 0..500 {
            let id = round % 20;
            let cache = &caches[usize::from(round % 3 == 0)];
            assert_eq!(row(cache, id).await, Ok(Row::new(id)));
            let key = format!("chaos:{id}");
            if let Ok(Some(got)) = cache.get::<Row>(&key).await {
                assert_eq!(got, Row::new(id));
            }
            let ids: Vec<u64> = (id..id + 4).collect();
            let Ok(batch) = rows(cache, &ids).await;
            assert_eq!(batch.len(), ids.len());
            for id in ids {
                assert_eq!(batch[&id], Row::new(id));
            }
        }
        assert!(chaos.count(Fault::Garbled) > 100);
        let hits = |cache: &Cache| cache.stats().total.far_hits;
        assert!(caches.iter().all(|cache| hits(cache) > 0));
    }
}

/// The methods by hand, which may report an error but no wrong value.
#[tokio::test(start_paused = true)]
async fn no_method_panics_or_lies_over_garbage() -> Result<(), larder::Error> {
    for seed in 0..8 {
        let chaos = Chaos::seeded(seed);
        let (_, [one, other]) = processes(&chaos);
        chaos.set(Plan::new().garble(0.5));
        for id in 0..300_u64 {
            let key = format!("hand:{}", id % 7);
            let value = Row::new(id % 7);
            let options = SetOptions::new().tag("a tag of the writer");
            let _ = one.set_with(&key, &value, options).await;
            for cache in [&one, &other] {
                let read = cache.get::<Row>(&key).await;
                if let Ok(Some(read)) = read {
                    assert_eq!(read, value);
                }
                let _ = cache.exists(&key).await;
                let _ = cache.ttl(&key).await;
                let _ = cache.touch(&key, Duration::from_secs(30)).await;
                let keys = [key.as_str(), "hand:missing"];
                if let Ok(many) = cache.get_many::<Row>(&keys).await {
                    assert_eq!(many.len(), 2);
                    assert!(many[1].is_none());
                    assert!(many[0].as_ref().is_none_or(|read| *read == value));
                }
            }
            if id % 5 == 0 {
                other.remove(&key).await?;
            }
        }
        chaos.rest();
        one.set("hand:7", &Row::new(7)).await?;
        assert_eq!(other.get("hand:7").await?, Some(Row::new(7)));
    }
    Ok(())
}

/// A store in which every name holds something else than it should, for good.
#[tokio::test(start_paused = true)]
async fn a_store_full_of_garbage_is_overwritten() -> Result<(), larder::Error> {
    let chaos = Chaos::seeded(1);
    let (store, [one, other]) = processes(&chaos);
    for id in 0..20 {
        row(&one, id).await.expect("a row");
    }
    for (at, name) in store.list().into_iter().enumerate() {
        // Stamps among them, whose garbage no store would let stand: these are evicted.
        if name.contains(":g:") {
            store.evict(&name);
        } else {
            store.plant(&name, vec![b'C'; at]);
        }
    }
    for id in 0..20 {
        assert_eq!(row(&other, id).await, Ok(Row::new(id)));
        assert_eq!(one.get(&format!("chaos:{id}")).await?, Some(Row::new(id)));
    }
    Ok(())
}

static LOADS: AtomicU64 = AtomicU64::new(0);

type Coded = ChaosCodec<Auto, 42, 50>;

#[cached(key = "codec:<id>", cache = cache, skip(cache), codec = Coded)]
async fn coded(cache: &Cache, id: u64) -> Row {
    LOADS.fetch_add(1, Ordering::Relaxed);
    Row::new(id)
}

#[tokio::test(start_paused = true)]
async fn a_codec_that_fails_or_panics_is_a_miss() {
    let (_, caches) = processes(&Chaos::seeded(1));
    let mut answers = Vec::new();
    for round in 0..400 {
        answers.push((
            round % 20,
            coded(&caches[round % 2], round as u64 % 20).await,
        ));
    }
    for (id, answer) in answers {
        assert_eq!(answer, Row::new(id as u64));
    }
    let loads = LOADS.load(Ordering::Relaxed);
    assert!((40..380).contains(&loads), "{loads} loads of 400 calls");
}
