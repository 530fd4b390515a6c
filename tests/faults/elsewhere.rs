//! Which faults are shown by other tests, because they need no server, or a look inside.

use std::{fmt::Write, fs, path::Path};

/// The number of a fault, what it is, and the file and the name of a test that shows what holds.
const SHOWN: &[(u8, &str, &str, &str)] = &[
    (
        35,
        "cluster: a node restarts from an old snapshot",
        "tests/behaviour/p1_cluster.rs",
        "a_node_that_restarts_from_an_old_snapshot_holds_nothing_that_is_valid",
    ),
    (
        35,
        "cluster: a replica takes over that has missed something",
        "tests/behaviour/p1_cluster.rs",
        "what_a_replica_has_missed_is_not_read_when_it_takes_over",
    ),
    (
        36,
        "the feed's connection is killed",
        "cache-backends/tests/redis/feed.rs",
        "a_killed_feed_is_lost_and_then_connected_again",
    ),
    (
        37,
        "the feed's line is half-open",
        "cache-backends/tests/redis/feed.rs",
        "a_half_open_feed_is_lost_and_then_connected_again",
    ),
    (
        42,
        "a strict writer dies, and the mark runs out",
        "tests/behaviour/strict.rs",
        "after_a_strict_writer_has_died_nobody_gets_the_old_value",
    ),
    (
        43,
        "a transaction is rolled back",
        "tests/behaviour/deferred.rs",
        "what_is_rolled_back_is_never_announced",
    ),
    (
        45,
        "the caller that loads is dropped, at each point",
        "tests/behaviour/p2_one_load.rs",
        "a_dropped_leader_hands_its_load_on",
    ),
    (
        46,
        "a load panics",
        "tests/behaviour/p2_one_load.rs",
        "a_panic_reaches_its_own_caller_only",
    ),
    (
        46,
        "every load panics",
        "tests/behaviour/p2_one_load.rs",
        "loads_that_always_panic_are_not_run_for_everybody",
    ),
    (
        47,
        "a load hangs",
        "tests/behaviour/p2_one_load.rs",
        "callers_of_a_hanging_load_load_for_themselves_after_the_wait",
    ),
    (
        48,
        "a load asks for its own key",
        "tests/behaviour/p2_one_load.rs",
        "a_load_may_ask_for_its_own_key",
    ),
    (
        48,
        "a load asks for sixty other keys of its function",
        "tests/behaviour/p2_one_load.rs",
        "a_load_may_ask_for_other_keys_of_the_same_function",
    ),
    (
        48,
        "two loads wait for each other",
        "tests/behaviour/p2_one_load.rs",
        "loads_that_wait_for_each_other_over_tasks_end",
    ),
    (
        49,
        "the runtime ends during a load",
        "tests/behaviour/p2_one_load.rs",
        "a_load_whose_runtime_ends_is_handed_to_another_runtime",
    ),
    (
        54,
        "memcached: a caller goes away at any byte of its answer",
        "cache-backends/tests/memcached/peer.rs",
        "a_caller_who_goes_away_at_any_byte_of_the_answer_shifts_nothing",
    ),
    (
        55,
        "memcached: names that are too long, or could be commands",
        "cache-backends/tests/memcached/limits.rs",
        "names_that_could_be_commands_are_never_sent",
    ),
    (
        55,
        "memcached: a value that is too large",
        "cache-backends/tests/memcached/limits.rs",
        "a_value_that_is_too_large_is_refused_and_what_stood_there_is_gone",
    ),
    (
        56,
        "bits flipped, ends cut off, random bytes",
        "cache-core/src/envelope/tests.rs",
        "damage_is_always_a_miss",
    ),
    (
        57,
        "lengths that are not there",
        "cache-core/tests/codecs/hostile.rs",
        "lengths_that_are_not_there_are_refused",
    ),
    (
        57,
        "nesting without end",
        "cache-core/tests/codecs/hostile.rs",
        "deep_nesting_is_refused",
    ),
    (
        58,
        "another version of a type, in each codec",
        "cache-core/tests/codecs/evolution.rs",
        "old_bytes_are_a_miss_or_right_and_never_another_value",
    ),
    (
        59,
        "keys made of separators, wildcards and whatever else",
        "cache-core/tests/keys.rs",
        "a_million_awkward_values_share_a_key_only_if_they_are_equal",
    ),
];

/// The tests that are named here and are not there.
pub(crate) fn lost() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let is_there = |file: &str, test: &str| {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        text.contains(&format!("fn {test}("))
    };
    SHOWN
        .iter()
        .filter(|(_, _, file, test)| !is_there(file, test))
        .map(|(number, _, file, test)| format!("case {number}: there is no `{test}` in {file}"))
        .collect()
}

/// A table of them.
pub(crate) fn table() -> String {
    let mut table = "| # | fault | shown by |\n| --: | --- | --- |\n".to_owned();
    for (number, fault, file, test) in SHOWN {
        let _ = writeln!(table, "| {number} | {fault} | `{test}` in `{file}` |");
    }
    table
}
