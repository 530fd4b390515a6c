//! Each fault by itself, on a paused clock.

use tokio::time::{Instant, timeout};

use super::*;
use crate::{Over, testkit::MemoryFar};

crate::conformance!(ChaosFar::new(MemoryFar::default(), &Chaos::seeded(1)));

const SECOND: Duration = Duration::from_secs(1);
const ROUNDS: u64 = 200;

/// A store that holds a stamp, `1`, and a slot, `slot`, and chaos in front of it.
fn room(seed: u64, plan: Plan) -> (MemoryFar, Chaos, ChaosFar<MemoryFar>) {
    let (store, chaos) = (MemoryFar::default(), Chaos::seeded(seed));
    let far = ChaosFar::new(store.clone(), &chaos);
    store.plant("slot", &b"header345678 and an envelope"[..]);
    store.plant("1", 1_u64.to_be_bytes().to_vec());
    chaos.set(plan);
    (store, chaos, far)
}

/// An invalidation of the slot.
fn change() -> Invalidate<'static> {
    Invalidate {
        slots: &["slot"],
        stamps: &[("1", 2)],
        stamp_ttl: SECOND,
        channel: "channel",
        notice: b"notice",
    }
}

async fn held(store: &MemoryFar) -> bool {
    store.read(&["slot"]).await.unwrap()[0].is_some()
}

#[tokio::test]
async fn a_refused_call_does_nothing() {
    let (store, chaos, far) = room(1, Plan::new().fail(1.0));
    far.invalidate(change()).await.unwrap_err();
    assert!(held(&store).await);
    assert_eq!(chaos.count(Fault::Failed), 1);
}

#[tokio::test]
async fn a_call_whose_answer_is_lost_is_made() {
    let (store, chaos, far) = room(1, Plan::new().lose_answers(1.0));
    far.invalidate(change()).await.unwrap_err();
    assert!(!held(&store).await);
    assert_eq!(chaos.count(Fault::AnswerLost), 1);
}

#[tokio::test(start_paused = true)]
async fn every_late_write_fails_at_first_and_is_applied_in_the_end() {
    let (store, chaos, far) = room(1, Plan::new().write_late(1.0, SECOND));
    let lease = Prepare {
        stamps: &[("2", 7)],
        stamp_ttl: 60 * SECOND,
        lease: Some(Lease {
            slot: "other",
            header: *b"lease1234567",
            over: Over::Empty,
            ttl: 60 * SECOND,
        }),
    };
    let write = Write {
        slot: "slot",
        expected: *b"header345678",
        envelope: Bytes::from_static(b"header345678 and another"),
        ttl: 60 * SECOND,
        stamps: &["1"],
        stamp_ttl: 60 * SECOND,
    };
    let read = || store.read(&["slot", "2", "other"]);
    let before = read().await.unwrap();
    far.prepare(lease).await.unwrap_err();
    far.store(write.clone()).await.unwrap_err();
    assert_eq!(read().await.unwrap(), before);
    sleep(SECOND).await;
    let after = read().await.unwrap();
    assert_eq!(after[0], Some(write.envelope));
    assert_eq!(after[1].as_deref(), Some(&7_u64.to_be_bytes()[..]));
    assert_eq!(after[2].as_deref(), Some(&b"lease1234567"[..]));

    far.invalidate(change()).await.unwrap_err();
    assert!(held(&store).await);
    sleep(SECOND).await;
    assert!(!held(&store).await);
    assert_eq!(chaos.count(Fault::WrittenLate), 3);
    far.read(&["1"]).await.expect("reads are not late");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_made_or_not() {
    let (mut made, mut not) = (0, 0);
    for seed in 0..20 {
        let (store, chaos, far) = room(seed, Plan::new().hang(1.0));
        let hung = timeout(3_600 * SECOND, far.invalidate(change())).await;
        assert!(hung.is_err());
        assert_eq!(chaos.count(Fault::Hung), 1);
        *(if held(&store).await {
            &mut not
        } else {
            &mut made
        }) += 1;
    }
    assert!(made > 0 && not > 0, "{made} made, {not} not");
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_no_longer_than_it_may_be() {
    let (_, chaos, far) = room(1, Plan::new().delay(1.0, SECOND));
    let mut longest = Duration::ZERO;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        far.read(&["1"]).await.unwrap();
        longest = longest.max(began.elapsed());
    }
    // A timer's tick is a millisecond, and there are two.
    assert!(longest <= SECOND + Duration::from_millis(2), "{longest:?}");
    assert!(longest > SECOND / 2, "{longest:?}");
    assert_eq!(chaos.count(Fault::Delayed), ROUNDS);
}

#[tokio::test]
async fn garbage_is_of_every_kind_and_never_another_names_answer() {
    let (_, _, far) = room(1, Plan::new().garble(1.0));
    let names = ["slot", "missing", "1"];
    let true_ones = {
        let chaos = Chaos::seeded(1);
        let far = ChaosFar {
            chaos,
            ..far.clone()
        };
        far.read(&names).await.unwrap()
    };
    let [mut counts, mut gone, mut appeared, mut changed] = [0; 4];
    for _ in 0..ROUNDS {
        let read = far.read(&names).await.unwrap();
        assert_ne!(read, true_ones, "every answer is spoilt");
        if read.len() != names.len() {
            counts += 1;
            continue;
        }
        let others = |at: usize, one: &Option<Bytes>| {
            let mut others = true_ones.iter().enumerate();
            others.any(|(other, bytes)| other != at && one.is_some() && bytes == one)
        };
        for (at, (is, was)) in read.iter().zip(&true_ones).enumerate() {
            assert!(!others(at, is));
            match (is, was) {
                (None, Some(_)) => gone += 1,
                (Some(_), None) => appeared += 1,
                (is, was) => changed += u32::from(is != was),
            }
        }
    }
    let all = [counts, gone, appeared, changed];
    assert!(all.iter().all(|kind| *kind > 0), "{all:?}");
}

#[tokio::test]
async fn what_is_evicted_is_gone_for_good() {
    let (store, chaos, far) = room(1, Plan::new().evict(1.0));
    assert_eq!(far.read(&["slot"]).await.unwrap(), [None]);
    assert!(!held(&store).await);
    assert_eq!(chaos.count(Fault::Evicted), 1);
}

/// What 200 calls come to.
async fn outcome(seed: u64) -> Vec<String> {
    let plan = Plan::new()
        .fail(0.2)
        .lose_answers(0.2)
        .garble(0.2)
        .evict(0.1);
    let (_, _, far) = room(seed, plan.delay(0.2, SECOND));
    let mut outcome = Vec::new();
    for round in 0..ROUNDS {
        let began = Instant::now();
        let called = match round % 2 {
            0 => format!("{:?}", far.read(&["slot", "1"]).await),
            _ => format!("{:?}", far.invalidate(change()).await),
        };
        outcome.push(format!("{called} {:?}", began.elapsed()));
    }
    outcome
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides_and_nothing_else_does() {
    let (one, again, other) = (outcome(1).await, outcome(1).await, outcome(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let differ = one.iter().zip(&other).filter(|(one, other)| one != other);
    assert!(differ.count() > 50, "they have little in common");
}

#[tokio::test]
async fn how_often_one_fault_happens_says_nothing_about_when_another_does() {
    let failures = async |plan: Plan| {
        let (_, _, far) = room(1, plan);
        let mut failures = Vec::new();
        for _ in 0..ROUNDS {
            failures.push(far.read(&["1"]).await.is_err());
        }
        failures
    };
    let plan = Plan::new().fail(0.2);
    assert_eq!(
        failures(plan.clone()).await,
        failures(plan.garble(0.9)).await
    );
}

#[tokio::test]
async fn faults_are_as_frequent_as_was_said() {
    let (_, chaos, far) = room(1, Plan::new().fail(0.25));
    for _ in 0..4_000 {
        let _ = far.read(&["1"]).await;
    }
    let failed = chaos.count(Fault::Failed);
    assert!((900..1_100).contains(&failed), "{failed} of 4000");
}
