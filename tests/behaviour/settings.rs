//! What variables of the environment do: every row of the table in `docs/settings.md`, which of two
//! counts, what is said of what cannot work, and that no secret is ever shown.

use std::time::Duration;

use larder::{Cache, CacheBuilder, Error, ErrorKind, Settings};
use tokio::time::{sleep, timeout};

mod environment;
mod errors;
#[cfg(feature = "redis")]
mod late;
#[cfg(feature = "memcached")]
mod memcache;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod secrets;
#[cfg(feature = "redis")]
mod topologies;
mod variables;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn settings(pairs: Pairs<'_>) -> Settings {
    Settings::new(pairs.iter().copied())
}

/// A cache as it is set up, but with patience: none of this is about time.
fn cache(pairs: Pairs<'_>) -> Cache {
    let builder = CacheBuilder::from_settings(&settings(pairs));
    let builder = builder.expect("settings that are in order");
    let builder = builder.outage_budget(Duration::from_secs(5));
    builder.build().expect("settings that are in order")
}

fn refusal(pairs: Pairs<'_>) -> Error {
    let error = CacheBuilder::from_settings(&settings(pairs))
        .and_then(CacheBuilder::build)
        .expect_err("settings that cannot work");
    assert_eq!(error.kind(), ErrorKind::Config);
    error
}

/// What is wrong, after the words that stand before every such error.
fn words(pairs: Pairs<'_>) -> String {
    let text = refusal(pairs).to_string();
    let words = text.strip_prefix("cache misconfigured: ");
    words.expect("an error of this kind").to_owned()
}

/// Waits until a value stands in the far tier.
async fn is_used(cache: &Cache) {
    let tried = async {
        while let Err(error) = cache.set("key", &1_u32).await {
            println!("not yet: {error}");
            sleep(Duration::from_millis(10)).await;
        }
    };
    let used = timeout(Duration::from_secs(10), tried).await;
    used.expect("the far tier is reached");
}
