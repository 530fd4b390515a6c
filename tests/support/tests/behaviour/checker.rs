//! Histories written by hand: what is stale, and what only looks like it.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use test_support::{Invalidation, Log, Read, Recorder, check};

/// The moment of a tick, one every millisecond.
fn at(tick: u64) -> Instant {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    *BEGAN + Duration::from_millis(tick)
}

fn read(key: usize, (start, end): (u64, u64), version: u64) -> Read {
    Read {
        key,
        start,
        began: at(start),
        end,
        version,
        hit: true,
        repeats: 1,
        took: Duration::from_micros(1),
    }
}

fn promise(floors: &[(usize, u64)], start: u64, end: impl Into<Option<u64>>) -> Invalidation {
    let end = end.into();
    Invalidation {
        floors: floors.to_vec(),
        start,
        end,
        done: at(end.unwrap_or(start)),
    }
}

#[test]
fn a_read_below_a_completed_invalidation_is_stale() {
    let log = Log {
        reads: vec![read(0, (1, 2), 0), read(0, (5, 6), 0), read(0, (7, 8), 1)],
        invalidations: vec![promise(&[(0, 1)], 3, 4)],
    };
    let report = check(&log);
    assert_eq!((report.reads, report.stale), (3, 1));
    let worst = &report.worst[0];
    assert_eq!((&worst.read, worst.floor), (&log.reads[1], 1));
    assert_eq!(worst.promise, log.invalidations[0]);
    assert!(
        report
            .to_string()
            .contains("version 0 returned by a hit at ticks 5..6, but 1")
    );
}

/// The age of a value counts from the first invalidation after which it was wrong.
#[test]
fn a_stale_read_is_as_old_as_the_first_promise_that_it_breaks() {
    let log = Log {
        reads: vec![read(0, (50, 51), 1), read(0, (90, 91), 2)],
        invalidations: vec![
            promise(&[(0, 1)], 2, 4),
            promise(&[(0, 2)], 6, 10),
            promise(&[(0, 3)], 30, 40),
        ],
    };
    let report = check(&log);
    assert_eq!(report.stale, 2);
    let ages: Vec<_> = report.worst.iter().map(|stale| stale.age).collect();
    assert_eq!(ages, [Duration::from_millis(40), Duration::from_millis(50)]);
    assert_eq!(report.oldest, Duration::from_millis(50));
    report.assert_within(Duration::from_millis(51));
    let within = std::panic::catch_unwind(|| report.assert_within(Duration::from_millis(50)));
    assert!(within.is_err());
}

#[test]
fn a_legal_history_with_concurrent_calls_is_fresh() {
    let log = Log {
        reads: vec![
            // Before, around and inside the first invalidation: old and new are both right.
            read(0, (0, 1), 0),
            read(0, (2, 12), 0),
            read(0, (3, 11), 1),
            read(0, (5, 6), 0),
            // Committed but not yet promised, and the other key.
            read(0, (11, 13), 2),
            read(1, (14, 15), 0),
            // What a later invalidation that has not yet returned will promise.
            read(0, (17, 18), 1),
            read(0, (21, 22), 2),
        ],
        invalidations: vec![
            promise(&[(0, 1)], 4, 10),
            promise(&[(0, 2), (1, 0)], 16, 20),
        ],
    };
    let report = check(&log);
    assert_eq!(
        (report.reads, report.stale, report.invalidations),
        (8, 0, 2),
        "{report}"
    );
    report.assert_fresh();
}

#[test]
fn a_failed_invalidation_promises_nothing() {
    let log = Log {
        reads: vec![read(0, (5, 6), 0)],
        invalidations: vec![promise(&[(0, 1)], 3, None)],
    };
    assert_eq!(check(&log).stale, 0);
}

#[test]
fn a_prefix_promises_for_each_of_its_keys() {
    let log = Log {
        reads: vec![read(0, (5, 6), 4), read(1, (5, 6), 6), read(2, (5, 6), 0)],
        invalidations: vec![promise(&[(0, 4), (1, 7)], 3, 4)],
    };
    let report = check(&log);
    assert_eq!(report.stale, 1, "{report}");
    assert_eq!(report.worst[0].read.key, 1);
}

#[test]
fn an_invalidation_that_returns_late_does_not_lower_the_floor() {
    let log = Log {
        reads: vec![
            read(0, (6, 7), 4),
            read(0, (9, 10), 4),
            read(0, (13, 14), 4),
        ],
        invalidations: vec![
            promise(&[(0, 3)], 3, 12),
            promise(&[(0, 2)], 1, 8),
            promise(&[(0, 5)], 2, 5),
        ],
    };
    let report = check(&log);
    let floors: Vec<u64> = report.worst.iter().map(|stale| stale.floor).collect();
    assert_eq!(floors, [5, 5, 5]);
}

#[test]
fn between_two_promises_the_first_one_binds() {
    let log = Log {
        reads: vec![read(0, (6, 7), 0), read(0, (6, 7), 1), read(0, (9, 10), 1)],
        invalidations: vec![promise(&[(0, 2)], 2, 8), promise(&[(0, 1)], 1, 4)],
    };
    let report = check(&log);
    let found: Vec<_> = report
        .worst
        .iter()
        .map(|stale| (stale.read.start, stale.floor))
        .collect();
    assert_eq!(found, [(6, 1), (9, 2)]);
}

#[test]
fn the_reads_that_are_furthest_behind_are_shown_first() {
    let reads = (0..20)
        .rev()
        .map(|version| read(0, (50, 51), version))
        .collect();
    let invalidations = vec![promise(&[(0, 10)], 3, 4)];
    let report = check(&Log {
        reads,
        invalidations,
    });
    let shown: Vec<u64> = report
        .worst
        .iter()
        .map(|stale| stale.read.version)
        .collect();
    assert_eq!((report.stale, shown), (10, vec![0, 1, 2, 3, 4]));
}

#[test]
#[should_panic(expected = "proves nothing")]
fn a_log_without_invalidations_is_no_proof() {
    let log = Log {
        reads: vec![read(0, (1, 2), 0)],
        ..Log::default()
    };
    check(&log).assert_fresh();
}

#[test]
fn a_run_of_equal_hits_is_one_entry_and_its_stale_end_is_found() {
    let recorder = Recorder::new();
    let (mut reader, mut writer) = (recorder.tape(), recorder.tape());
    for version in [0, 0, 0] {
        let call = reader.begin();
        reader.read(call, 0, version, true);
    }
    let call = writer.begin();
    writer.invalidated(call, vec![(0, 1)], true);
    let call = reader.begin();
    reader.read(call, 0, 0, true);
    drop((reader, writer));

    let log = recorder.take();
    assert_eq!((log.reads.len(), log.reads[0].repeats), (1, 4));
    let report = check(&log);
    assert_eq!((report.reads, report.hits, report.stale), (4, 4, 1));
}

#[test]
fn loads_and_other_versions_are_entries_of_their_own() {
    let recorder = Recorder::new();
    let mut tape = recorder.tape();
    for (key, version, hit) in [
        (0, 0, false),
        (0, 0, true),
        (1, 0, true),
        (0, 0, true),
        (0, 1, true),
        (0, 1, false),
    ] {
        let call = tape.begin();
        tape.read(call, key, version, hit);
    }
    drop(tape);
    let report = check(&recorder.take());
    assert_eq!((report.reads, report.hits), (6, 4));
}
