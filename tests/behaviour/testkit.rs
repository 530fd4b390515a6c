//! What the test kit gives to those who test their own annotated functions.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use larder::{
    Cache, Moka, cached, invalidate_cache,
    testkit::{self, Recording, TestCache, What},
};

#[cached(ttl = 60, key = "kit:users:<id>")]
async fn get_user(id: u64) -> Result<String, String> {
    match id {
        0 => Err("there is no user 0".to_owned()),
        _ => Ok(format!("user {id}")),
    }
}

#[invalidate_cache(prefix = "kit:users")]
async fn rename_users(to: &str) -> Result<(), String> {
    if to.is_empty() {
        return Err("a name is missing".to_owned());
    }
    Ok(())
}

#[cached(cache = "kit sessions", key = "kit:sessions:<id>")]
async fn get_session(id: u64) -> u64 {
    id
}

#[cached(batch = ids, key = "kit:rows:<ids>")]
async fn get_rows(ids: Vec<u64>) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, id * 2)).collect()
}

#[cached(key = "kit:plain:<id>")]
fn plain(id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_function_without_a_word_about_caches_finds_the_tests_own() -> Result<(), String> {
    let test = testkit::enter();
    get_user(7).await?;
    get_user(7).await?;
    test.assert_loaded_once("kit:users:7");
    test.assert_loaded_once("get_user");
    test.assert_hit("testkit::get_user", 1);
    test.assert_stored("kit:users:7");
    test.assert_not_invalidated("kit:users:7");

    rename_users("ada").await?;
    test.assert_invalidated("kit:users");
    test.assert_invalidated("kit:users:7");
    get_user(7).await?;
    test.assert_loaded("kit:users:7", 2);
    Ok(())
}

#[tokio::test]
async fn an_error_is_loaded_and_not_stored_and_a_failed_write_invalidates_nothing() {
    let test = testkit::enter();
    get_user(0).await.unwrap_err();
    test.assert_loaded_once("kit:users:0");
    test.assert_not_stored("kit:users:0");
    rename_users("").await.unwrap_err();
    test.assert_not_invalidated("kit:users");
}

#[tokio::test]
async fn each_step_is_written_down_with_its_function_and_key() -> Result<(), String> {
    let test = testkit::enter();
    get_user(7).await?;
    get_user(7).await?;
    let steps: Vec<_> = test.events().iter().map(|event| event.what).collect();
    let expected = [
        What::Missed,
        What::Loaded,
        What::StoredNear,
        What::StoredFar,
        What::HitNear,
    ];
    assert_eq!(steps, expected);
    for event in test.events() {
        assert_eq!(event.name, "kit:users:7");
        assert!(event.function.ends_with("testkit::get_user"), "{event}");
    }
    Ok(())
}

#[tokio::test]
async fn an_assertion_that_fails_prints_what_was_recorded() {
    let test = testkit::enter();
    get_user(7).await.expect("a user");
    let recording = test.recording().clone();
    let failed = std::panic::catch_unwind(move || recording.assert_not_loaded("kit:users:7"));
    let message = *failed.unwrap_err().downcast::<String>().expect("a text");
    let function = format!("{}::get_user", module_path!());
    assert_eq!(
        message,
        format!(
            "`kit:users:7` was loaded once, not 0 times; recorded:\
             \n    1. missed        `kit:users:7` {function}\
             \n    2. loaded        `kit:users:7` {function}\
             \n    3. stored near   `kit:users:7` {function}\
             \n    4. stored far    `kit:users:7` {function}"
        )
    );
}

/// Every assertion can fail.
#[tokio::test]
async fn no_assertion_holds_whatever_happens() -> Result<(), String> {
    let test = testkit::enter();
    get_user(7).await?;
    let fails = |assert: fn(&Recording)| {
        let recording = test.recording().clone();
        std::panic::catch_unwind(move || assert(&recording)).unwrap_err();
    };
    fails(|it| it.assert_loaded_once("kit:users:8"));
    fails(|it| it.assert_loaded("kit:users:7", 2));
    fails(|it| it.assert_not_loaded("get_user"));
    fails(|it| it.assert_hit("kit:users:7", 1));
    fails(|it| it.assert_stored("kit:users:8"));
    fails(|it| it.assert_not_stored("kit:users:7"));
    fails(|it| it.assert_invalidated("kit:users:7"));
    fails(Recording::assert_untouched);
    rename_users("ada").await?;
    fails(|it| it.assert_not_invalidated("kit:users:7"));
    test.assert_not_invalidated("kit:users_of_another_kind");
    test.assert_not_invalidated("kit");
    Ok(())
}

#[tokio::test]
async fn a_named_cache_is_stood_in_for_by_its_name() {
    let (rest, sessions) = (testkit::enter(), TestCache::new().enter_as("kit sessions"));
    get_session(1).await;
    sessions.assert_loaded_once("kit:sessions:1");
    rest.assert_untouched();
}

#[tokio::test]
async fn what_is_left_is_used_no_more() {
    let outer = testkit::enter();
    let inner = testkit::enter();
    plain(1);
    inner.assert_loaded_once("kit:plain:1");
    drop(inner);
    plain(1);
    outer.assert_loaded_once("plain");
    let other = TestCache::new();
    drop((other.enter(), outer));
    other.assert_untouched();
}

/// As a server does that is spawned by a test on the one thread of `#[tokio::test]`.
#[tokio::test]
async fn spawned_tasks_of_the_same_thread_use_it_too() {
    let test = testkit::enter();
    tokio::spawn(get_user(7))
        .await
        .expect("no panic")
        .expect("a user");
    test.assert_loaded_once("kit:users:7");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_side_by_side_do_not_see_each_other() {
    let tests: Vec<_> = (0..8).map(|_| TestCache::near_only()).collect();
    let tasks = tests.iter().map(|test| {
        tokio::spawn(test.scope(async {
            for _ in 0..100 {
                get_user(7).await.expect("a user");
                tokio::task::yield_now().await;
            }
        }))
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    for test in tests {
        test.assert_loaded_once("kit:users:7");
        test.assert_hit("kit:users:7", 99);
    }
}

#[tokio::test]
async fn time_passes_when_the_test_says_so() -> Result<(), String> {
    let test = testkit::enter();
    get_user(7).await?;
    test.advance(Duration::from_secs(59));
    get_user(7).await?;
    test.assert_loaded_once("kit:users:7");
    assert_eq!(
        test.events().last().unwrap().what,
        What::HitNear,
        "the feed beats along"
    );
    test.advance(Duration::from_secs(1));
    get_user(7).await?;
    test.assert_loaded("kit:users:7", 2);
    Ok(())
}

#[tokio::test]
async fn a_sibling_is_another_process_on_the_same_store() -> Result<(), String> {
    let here = TestCache::new();
    let there = here.sibling();
    here.scope(get_user(7)).await?;
    there.scope(get_user(7)).await?;
    there.assert_not_loaded("get_user");
    here.scope(rename_users("ada")).await?;
    there.assert_not_invalidated("kit:users");
    there.scope(get_user(7)).await?;
    there.assert_loaded_once("get_user");
    Ok(())
}

#[tokio::test]
async fn a_batch_is_one_run_of_its_function_and_one_load_of_each_key() {
    let test = testkit::enter();
    get_rows(vec![1, 2, 3]).await;
    test.assert_loaded_once("get_rows");
    for key in ["kit:rows:1", "kit:rows:2", "kit:rows:3"] {
        test.assert_loaded_once(key);
        test.assert_stored(key);
    }
    get_rows(vec![3, 4]).await;
    test.assert_hit("kit:rows:3", 1);
    test.assert_loaded("get_rows", 2);
}

#[tokio::test]
async fn a_write_through_is_stored_and_a_companion_invalidates_its_key() -> larder::Result<()> {
    let test = testkit::enter();
    get_user::put(7, "ada".to_owned()).await?;
    test.assert_stored("kit:users:7");
    test.assert_not_loaded("get_user");
    get_user::invalidate(7).await?;
    test.assert_invalidated("kit:users:7");
    test.assert_not_invalidated("kit:users:8");
    Ok(())
}

#[tokio::test]
async fn a_far_tier_that_is_away_fails_no_call_and_is_written_down() -> Result<(), String> {
    let test = testkit::enter();
    test.far().expect("it has one").set_reachable(false);
    assert_eq!(get_user(7).await?, "user 7");
    assert_eq!(test.events()[0].what, What::FarFailed);
    Ok(())
}

#[tokio::test]
async fn a_cache_of_ones_own_making_is_recorded_as_well() -> larder::Result<()> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let recording = Recording::default();
    let builder = Cache::builder().near(Moka::new(100)?).record(&recording);
    let cache = builder.build()?;
    for _ in 0..2 {
        let load = || async { Ok::<_, String>(RUNS.fetch_add(1, Ordering::Relaxed)) };
        cache
            .get_or_load("kit:hand:1", load)
            .await
            .expect("it loads");
    }
    recording.assert_loaded_once("kit:hand:1");
    assert_eq!(recording.events().last().unwrap().function, "by hand");
    cache.remove_tag("kit tag").await?;
    recording.assert_invalidated("kit tag");
    cache.clear().await?;
    recording.assert_invalidated("kit:hand:1");
    Ok(())
}

#[tokio::test]
async fn a_sweep_is_written_down_by_its_pattern() -> larder::Result<()> {
    let test = testkit::enter();
    test.cache().sweep("kit:users:*").await?;
    test.assert_invalidated("kit:users:7");
    test.assert_not_invalidated("kit:rows:7");
    Ok(())
}
