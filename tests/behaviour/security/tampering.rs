//! Whoever can write to the store can take entries away. He can put none there that is taken for
//! another: by accident never, and where entries are sealed not on purpose either.

use std::time::Duration;

use bytes::Bytes;
use larder::{
    Cache, Clock, Compression, Seal, SetOptions, cached, policy::DEFAULT_TTL, testkit::MemoryFar,
};
use test_support::Random;

use super::{FINE, over, stored};

const SHORT: &str = "rows:1";
const OTHER: &str = "rows:2";

fn seal() -> Seal {
    Seal::new(7, [7; 32])
}

/// A value that is worth compressing.
fn value() -> Vec<String> {
    (0..100)
        .map(|row| format!("the row with the number {row}"))
        .collect()
}

#[cached(key = "none:<id>", none_ttl = 60, cache = cache, skip(cache))]
async fn nobody(cache: &Cache, id: u64) -> Option<u64> {
    None
}

/// Caches that pack in each way.
fn caches(far: &MemoryFar) -> Vec<Cache> {
    let ways = [None, Some(Compression::Lz4), Some(Compression::Zstd)];
    let pack = |compression: Option<Compression>, sealed| {
        let mut builder = over(far);
        if let Some(compression) = compression {
            builder = builder.compress(compression);
        }
        if sealed {
            builder = builder.seal(seal());
        }
        builder.build().expect(FINE)
    };
    let both = |way| [pack(way, false), pack(way, true)];
    ways.into_iter().flat_map(both).collect()
}

/// Something is done to the bytes, mostly a little.
fn damaged(whole: &Bytes, random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(3) {
        let byte = random.bits().to_le_bytes()[0];
        let at = random.below(bytes.len() + 1);
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            2 => bytes = (0..at).map(|_| random.bits().to_le_bytes()[0]).collect(),
            _ if at == bytes.len() => {}
            3 => drop(bytes.remove(at)),
            _ => bytes[at] ^= 1 << random.below(8),
        }
    }
    bytes
}

/// The one slot in a store that was empty before `key` was stored.
fn slot(far: &MemoryFar) -> String {
    let mut names = far.list().into_iter().filter(|name| name.contains(":e:"));
    let slot = names.next().expect("an entry was stored");
    assert_eq!(names.next(), None);
    slot
}

/// Damages what stands under a key in all manners; `right` says whether it may be seen.
async fn damage(cache: &Cache, far: &MemoryFar, key: &str, right: &Vec<String>, seed: u64) -> u64 {
    let name = slot(far);
    let whole = stored(far, &name).await;
    let mut random = Random::new(seed);
    let mut cases = 0;
    for _ in 0..3_500 {
        let bytes = damaged(&whole, &mut random);
        far.plant(&name, bytes.clone());
        let left = cache.ttl(key).await.expect("it is reachable");
        let read = cache
            .get::<Vec<String>>(key)
            .await
            .expect("it is reachable");
        assert_eq!(left.is_some(), bytes == whole, "{}", bytes.escape_ascii());
        assert!(read.is_none_or(|read| read == *right && bytes == whole));
        cases += 1;
    }
    far.flush();
    cases
}

#[tokio::test]
async fn a_damaged_entry_of_any_kind_is_a_miss_and_never_wrong() {
    let far = MemoryFar::default();
    let (mut cases, right) = (0, value());
    for (way, cache) in caches(&far).into_iter().enumerate() {
        let seed = 10 * way as u64;
        for (kind, key) in [SHORT, "rows:a key with blanks"].into_iter().enumerate() {
            cache.set(key, &right).await.expect("it is reachable");
            cases += damage(&cache, &far, key, &right, seed + kind as u64).await;
        }
        let tagged = SetOptions::new().tag("team:1").tag("team:2");
        cache
            .set_with(SHORT, &right, tagged)
            .await
            .expect("it is reachable");
        cases += damage(&cache, &far, SHORT, &right, seed + 2).await;
        let short = vec!["short".to_owned()];
        cache.set(SHORT, &short).await.expect("it is reachable");
        cases += damage(&cache, &far, SHORT, &short, seed + 3).await;
        assert_eq!(nobody(&cache, 1).await, None);
        cases += damage(&cache, &far, "none:1", &right, seed + 4).await;
    }
    assert!(cases >= 100_000, "{cases} cases");
}

/// What holds a load's right to store is no value, and damaged it is nobody's right.
#[tokio::test]
async fn a_damaged_lease_is_a_miss_and_gives_way() {
    let far = MemoryFar::default();
    let cache = over(&far).build().expect(FINE);
    let lease = Bytes::from_static(b"CK\x01\x03\x01\x02\x03\x04\x05\x06\x07\x08");
    let mut random = Random::new(1);
    for _ in 0..1_000 {
        far.plant("larder:e:rows:1", damaged(&lease, &mut random));
        let read = cache.get::<Vec<String>>(SHORT).await;
        assert_eq!(read.expect("it is reachable"), None);
        cache.set(SHORT, &value()).await.expect("it is reachable");
        let read = cache.get::<Vec<String>>(SHORT).await;
        assert_eq!(read.expect("it is reachable"), Some(value()));
    }
}

/// Puts the entry of `SHORT` where that of `OTHER` belongs, and reads it there.
async fn moved(cache: &Cache, far: &MemoryFar) -> Option<String> {
    for key in [SHORT, OTHER] {
        cache
            .set(key, &key.to_owned())
            .await
            .expect("it is reachable");
    }
    let entry = stored(far, "larder:e:rows:1").await;
    far.plant("larder:e:rows:2", entry);
    cache.get(OTHER).await.expect("it is reachable")
}

#[tokio::test]
async fn a_sealed_entry_cannot_be_moved_to_another_key() {
    let far = MemoryFar::default();
    let open = over(&far).build().expect(FINE);
    // Without a seal nothing tells: this is what seals are for.
    assert_eq!(moved(&open, &far).await.as_deref(), Some(SHORT));
    let sealed = over(&far).seal(seal()).build().expect(FINE);
    assert_eq!(moved(&sealed, &far).await, None);
    let stats = sealed.stats().total;
    assert_eq!((stats.forged, stats.undecodable), (1, 0));
    assert_eq!(sealed.ttl(OTHER).await.expect("it is reachable"), None);
    let read = sealed.get::<String>(SHORT).await.expect("it is reachable");
    assert_eq!(read.as_deref(), Some(SHORT), "where it belongs");
}

/// Together with all its groups' stamps, so that nothing but the seal is in the way.
#[tokio::test]
async fn a_sealed_entry_cannot_be_moved_to_another_namespace() {
    let far = MemoryFar::default();
    let in_namespace = |namespace: &str, seals: bool| {
        let builder = over(&far).namespace(namespace);
        let builder = if seals { builder.seal(seal()) } else { builder };
        builder.build().expect(FINE)
    };
    for seals in [false, true] {
        let (one, two) = (in_namespace("one", seals), in_namespace("two", seals));
        one.set(SHORT, &1u8).await.expect("it is reachable");
        for name in far.list() {
            let there = name.replacen("one:", "two:", 1);
            far.plant(&there, stored(&far, &name).await);
        }
        let read = two.get::<u8>(SHORT).await.expect("it is reachable");
        assert_eq!(read, (!seals).then_some(1));
        assert_eq!(two.stats().total.forged, u64::from(seals));
        far.flush();
    }
}

#[tokio::test]
async fn the_knowledge_that_there_is_nothing_is_sealed_too() {
    let far = MemoryFar::default();
    let cache = over(&far).seal(seal()).build().expect(FINE);
    for id in [1, 2] {
        assert_eq!(nobody(&cache, id).await, None);
    }
    assert_eq!(nobody(&cache, 1).await, None);
    assert_eq!(cache.stats().total.loads, 2);
    let entry = stored(&far, "larder:e:none:1").await;
    far.plant("larder:e:none:2", entry);
    assert_eq!(nobody(&cache, 2).await, None);
    let stats = cache.stats().total;
    assert_eq!((stats.loads, stats.forged), (3, 1), "it asked again");
}

/// The stamps are not sealed, so an entry can be kept and put back together with them: but not for
/// longer than it was to live.
#[tokio::test]
async fn a_sealed_entry_that_was_kept_cannot_be_put_back_for_ever() {
    let clock = Clock::manual();
    let far = MemoryFar::new(clock.clone());
    let cache = over(&far)
        .clock(clock.clone())
        .seal(seal())
        .build()
        .expect(FINE);
    cache.set(SHORT, &1u8).await.expect("it is reachable");
    let mut kept = Vec::new();
    for name in far.list() {
        kept.push((name.clone(), stored(&far, &name).await));
    }
    clock.advance(DEFAULT_TTL + Duration::from_secs(301));
    for (name, bytes) in kept {
        far.plant(&name, bytes);
    }
    assert_eq!(cache.get::<u8>(SHORT).await.expect("it is reachable"), None);
}

#[tokio::test]
async fn sealing_caches_and_others_do_not_read_each_others_entries() {
    let far = MemoryFar::default();
    let open = over(&far).build().expect(FINE);
    let sealed = over(&far).seal(seal()).build().expect(FINE);
    let stranger = over(&far).seal(Seal::new(7, [8; 32])).build().expect(FINE);
    let read = async |cache: &Cache| cache.get::<u8>(SHORT).await.expect("it is reachable");
    sealed.set(SHORT, &1u8).await.expect("it is reachable");
    assert_eq!((read(&open).await, read(&stranger).await), (None, None));
    assert_eq!(read(&sealed).await, Some(1));
    open.set(SHORT, &2u8).await.expect("it is reachable");
    assert_eq!((read(&sealed).await, read(&open).await), (None, Some(2)));
    assert_eq!(open.stats().total.undecodable, 1);
    assert_eq!(sealed.stats().total.undecodable, 1);
    assert_eq!(stranger.stats().total.forged, 1);
}

#[tokio::test]
async fn keys_are_changed_while_all_processes_run() {
    let far = MemoryFar::default();
    let with = |seal| over(&far).seal(seal).build().expect(FINE);
    let (old, new) = ([1; 32], [2; 32]);
    // As they are; told of the new key; writing with it; without the old one.
    let steps = [
        with(Seal::new(1, old)),
        with(Seal::new(1, old).also(2, new)),
        with(Seal::new(2, new).also(1, old)),
        with(Seal::new(2, new)),
    ];
    let fine = "it is reachable";
    for (writer, cache) in steps.iter().enumerate() {
        cache.set(SHORT, &writer).await.expect(fine);
        for (reader, other) in steps.iter().enumerate() {
            let read = other.get::<usize>(SHORT).await.expect(fine);
            if writer.abs_diff(reader) <= 1 {
                assert_eq!(read, Some(writer), "read by {reader}");
            }
            assert!(read.is_none_or(|read| read == writer));
        }
    }
}

#[tokio::test]
async fn what_is_packed_is_read_touched_and_renewed_like_everything() {
    let far = MemoryFar::default();
    for cache in caches(&far) {
        cache.set(SHORT, &value()).await.expect("it is reachable");
        let long = 10 * DEFAULT_TTL;
        assert!(cache.touch(SHORT, long).await.expect("it is reachable"));
        let left = cache.ttl(SHORT).await.expect("it is reachable");
        assert!(left.is_some_and(|left| left > DEFAULT_TTL), "{left:?}");
        let read = cache.get::<Vec<String>>(SHORT).await;
        assert_eq!(read.expect("it is reachable"), Some(value()));
        let stats = cache.stats().total;
        assert_eq!((stats.undecodable, stats.forged), (0, 0));
        far.flush();
    }
}

#[tokio::test]
async fn a_sealed_value_is_not_readable_in_the_store() {
    let far = MemoryFar::default();
    let needle = b"the row with the number";
    let holds = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let open = over(&far).build().expect(FINE);
    let sealed = over(&far).seal(seal()).build().expect(FINE);
    for (cache, readable) in [(open, true), (sealed, false)] {
        cache.set(SHORT, &value()).await.expect("it is reachable");
        assert_eq!(holds(&stored(&far, "larder:e:rows:1").await), readable);
    }
}
