//! A clock that is wrong by an hour makes nothing live longer in the store, and nothing right wrong.

use std::time::Duration;

use larder::{Cache, Clock, Moka, Seal, testkit::MemoryFar};

use super::FINE;

const HOUR: Duration = Duration::from_secs(3_600);
const TTL: Duration = Duration::from_secs(100);
const ALMOST: Duration = Duration::from_millis(99_999);

/// Three machines and the store between them, all of whose time the test moves.
struct Machines {
    clocks: [Clock; 4],
    right: Cache,
    ahead: Cache,
    behind: Cache,
}

impl Machines {
    fn new(near: bool, seal: bool) -> Self {
        let clocks = [(); 4].map(|()| Clock::manual());
        let [store, right, ahead, behind] = &clocks;
        for clock in [store, right] {
            clock.advance(HOUR);
        }
        ahead.advance(2 * HOUR);
        let far = MemoryFar::new(store.clone());
        let cache = |clock: &Clock| {
            let mut builder = Cache::builder()
                .far(far.clone())
                .jitter(0.0)
                .clock(clock.clone());
            if near {
                builder = builder.near(Moka::new(100).expect(FINE));
            }
            if seal {
                builder = builder.seal(Seal::new(1, [1; 32]));
            }
            builder.build().expect(FINE)
        };
        Self {
            right: cache(right),
            ahead: cache(ahead),
            behind: cache(behind),
            clocks,
        }
    }

    fn pass(&self, time: Duration) {
        for clock in &self.clocks {
            clock.advance(time);
        }
    }
}

async fn read(cache: &Cache) -> Option<u8> {
    cache.get("key").await.expect("it is reachable")
}

async fn left(cache: &Cache) -> Option<Duration> {
    cache.ttl("key").await.expect("it is reachable")
}

#[tokio::test]
async fn the_store_alone_decides_when_an_entry_is_gone() {
    for writer in 0..3 {
        let machines = Machines::new(false, false);
        let all = [&machines.right, &machines.ahead, &machines.behind];
        let set = all[writer]
            .set_with("key", &7u8, larder::SetOptions::new().ttl(TTL))
            .await;
        set.expect("it is reachable");
        machines.pass(ALMOST);
        for cache in all {
            assert_eq!(read(cache).await, Some(7));
            let left = left(cache).await.expect("it is there");
            assert!(left <= TTL, "{left:?} left of {TTL:?}");
        }
        machines.pass(Duration::from_millis(1));
        for cache in all {
            assert_eq!((read(cache).await, left(cache).await), (None, None));
        }
    }
}

/// Who thinks that an entry is younger than it is may keep it in its near tier for another ttl, from
/// when it read it, and no longer.
#[tokio::test]
async fn a_near_tier_keeps_a_far_entry_for_its_ttl_at_most() {
    let machines = Machines::new(true, false);
    let set = machines
        .right
        .set_with("key", &7u8, larder::SetOptions::new().ttl(TTL))
        .await;
    set.expect("it is reachable");
    machines.pass(ALMOST);
    for cache in [&machines.ahead, &machines.behind] {
        assert_eq!(read(cache).await, Some(7));
    }
    machines.pass(TTL);
    for cache in [&machines.right, &machines.ahead, &machines.behind] {
        assert_eq!(read(cache).await, None);
    }
}

/// A seal vouches for the times, so that no old entry can be put back; the price is that clocks
/// must agree to within five minutes.
#[tokio::test]
async fn sealed_entries_are_gone_by_their_own_times_too() {
    let machines = Machines::new(false, true);
    let set = machines
        .right
        .set_with("key", &7u8, larder::SetOptions::new().ttl(TTL))
        .await;
    set.expect("it is reachable");
    assert_eq!(read(&machines.right).await, Some(7));
    assert_eq!(read(&machines.behind).await, Some(7));
    assert_eq!(read(&machines.ahead).await, None);
}
