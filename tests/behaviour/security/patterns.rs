//! No pattern is ever sent, and no command that looks at all keys: a real server's own account.

use std::{collections::BTreeSet, time::Duration};

use larder::{Cache, Moka, Redis, SetOptions, cached, invalidate_cache};
use test_support::{Monitor, RedisServer};
use tokio::task::block_in_place;

use super::{AWKWARD, FINE};

/// All that a user of its own needs, as the documentation of `Redis` has it.
const NEEDED: [&str; 17] = [
    "HELLO",
    "AUTH",
    "PING",
    "MGET",
    "GET",
    "SET",
    "UNLINK",
    "GETRANGE",
    "PEXPIRE",
    "EVAL",
    "EVALSHA",
    "PUBLISH",
    "SUBSCRIBE",
    "SELECT",
    "CLIENT",
    "SSUBSCRIBE",
    "SPUBLISH",
];
/// What connections say of themselves and ask about the server.
const HARMLESS: [&str; 6] = ["ROLE", "INFO", "WAIT", "ECHO", "MONITOR", "SCRIPT"];

#[cached(key = "users:<id>:<more>", tags = ["of:<id>"], cache = cache, skip(cache))]
async fn user(cache: &Cache, id: &str, more: &str) -> u64 {
    1
}

#[invalidate_cache(prefix = "users:<id>", tags = ["of:<id>"], cache = cache)]
async fn rename(cache: &Cache, id: &str) {
    let _ = (cache, id);
}

async fn use_all(cache: &Cache) {
    for id in AWKWARD {
        for more in ["*", "1"] {
            assert_eq!(user(cache, id, more).await, 1);
        }
        rename(cache, id).await;
        user(cache, id, id).await;
        larder::entry(user(cache, id, id))
            .invalidate()
            .await
            .expect("it runs");
    }
    let tagged = SetOptions::new().tag("tag").ttl(Duration::from_secs(5));
    cache.set_with("hand:1", &1, tagged).await.expect("it runs");
    cache
        .touch("hand:1", Duration::from_secs(9))
        .await
        .expect("it runs");
    cache
        .get_many::<i32>(&["hand:1", "hand:2"])
        .await
        .expect("it runs");
    for prefix in ["hand", "hand:", "hand:*"] {
        cache.remove_prefix(prefix).await.expect("it runs");
    }
    cache.remove_tag("tag").await.expect("it runs");
    cache.clear().await.expect("it runs");
    for wider in ["h*", "*", "h?nd", "[h]and"] {
        cache
            .remove_prefix(wider)
            .await
            .expect_err("no pattern is a prefix");
    }
}

fn holds_a_pattern(argument: &str) -> bool {
    argument.contains(['*', '?', '['])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_pattern_is_sent_and_nothing_looks_at_all_keys() {
    let server = RedisServer::start(&[]);
    let long = Duration::from_secs(5);
    let redis = Redis::builder(server.url())
        .deadline(long)
        .build()
        .expect(FINE);
    let cache = Cache::builder()
        .far(redis)
        .near(Moka::default())
        .outage_budget(long);
    let cache = cache.build().expect(FINE);
    let mut monitor = block_in_place(|| Monitor::new(&server));
    use_all(&cache).await;
    let commands = block_in_place(|| monitor.commands());
    assert!(commands.len() > 200, "{} commands", commands.len());
    let mut names = BTreeSet::new();
    for command in &commands {
        let name = command[0].to_uppercase();
        let known = NEEDED.contains(&&*name) || HARMLESS.contains(&&*name);
        assert!(known, "{command:?}");
        // A script is text of ours, which is the same for all calls.
        let arguments = if name == "EVAL" {
            &command[2..]
        } else {
            &command[1..]
        };
        let text = |argument: &&String| !argument.contains("\\x");
        let pattern = arguments
            .iter()
            .filter(text)
            .find(|text| holds_a_pattern(text));
        assert_eq!(pattern, None, "{command:?}");
        names.insert(name);
    }
    println!("sent: {names:?}");
    // The control: the one method that is documented to look at all keys is seen to.
    cache.sweep("hand:*").await.expect("it runs");
    let commands = block_in_place(|| monitor.commands());
    let scan = commands
        .iter()
        .find(|command| command[0].eq_ignore_ascii_case("SCAN"));
    let scan = scan.expect("a sweep scans");
    assert!(
        scan.iter().any(|argument| argument == "larder:e:hand:*"),
        "{scan:?}"
    );
}
