//! The master that the sentinels name is followed, and no other server is ever written to.

use std::{
    net::TcpListener,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use cache_backends::{Redis, RedisBuilder};
use cache_core::ErrorKind;
use test_support::{Client, RedisServer, SentinelGroup};
use tokio::{task::block_in_place, time::sleep};

use crate::probe::{LONG, call, invalidate, prepare, read};

/// For all that breaks nothing. Ended by its watchdog, as nobody drops it.
static SHARED: LazyLock<SentinelGroup> = LazyLock::new(|| {
    let user = "user asker on >secret ~* &* +@all";
    SentinelGroup::start_with(1, &[], &[user])
});

/// With times that a busy machine keeps.
fn patient(url: String) -> RedisBuilder {
    let long = Duration::from_secs(5);
    Redis::builder(url)
        .deadline(long)
        .replica_patience(long / 2)
}

fn shared() -> Redis {
    patient(SHARED.url()).build().unwrap()
}

cache_core::conformance!(shared());

/// Ports on which nobody listens, and on which somebody listens and never answers.
struct Holes {
    dead: String,
    _hung: TcpListener,
    hung: String,
}

fn holes() -> Holes {
    let bound = || TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let (dead, hung) = (bound(), bound());
    Holes {
        dead: at(&dead),
        hung: at(&hung),
        _hung: hung,
    }
}

#[tokio::test]
async fn sentinels_that_are_dead_or_hang_keep_nobody_waiting() {
    let holes = holes();
    let mut list = vec![holes.dead.clone(), holes.hung.clone()];
    for sentinel in SHARED.addrs() {
        list.push(sentinel);
        let redis = Redis::sentinel(&list, SentinelGroup::NAME);
        let redis = redis.deadline(Duration::from_secs(5)).build().unwrap();
        let call = call(&redis).await;
        assert!(call.error.is_none(), "{:?} of {list:?}", call.error);
        // Twice it is asked, and each time the others have a tenth of a second.
        assert!(call.took < Duration::from_millis(700), "{:?}", call.took);
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_without_passwords() {
    let holes = holes();
    let [first, ..] = &SHARED.addrs()[..] else {
        panic!("there are sentinels");
    };
    let failing = async |builder: RedisBuilder| {
        let redis = builder.deadline(Duration::from_secs(5)).build().unwrap();
        let error = call(&redis).await.error.expect("is refused");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = format!("{error} {error:?} {redis:?}");
        assert!(!text.contains("hunter2"), "{text}");
        text
    };
    let nobody = failing(Redis::sentinel([&holes.dead], "main")).await;
    assert!(nobody.contains("no sentinel"), "{nobody}");
    let unknown = failing(Redis::sentinel([first], "other")).await;
    assert!(unknown.contains("none called `other`"), "{unknown}");
    let name = SentinelGroup::NAME;
    let wrong = Redis::sentinel([first], name).sentinel_credentials("asker", "hunter2");
    let wrong = failing(wrong).await;
    assert!(wrong.contains("refuses the user name"), "{wrong}");
    let url = format!("redis+sentinel://user:hunter2@{first}/{name}");
    let wrong = failing(Redis::builder(url)).await;
    assert!(wrong.contains("refuses the user name"), "{wrong}");

    let right = Redis::sentinel([first], name).sentinel_credentials("asker", "secret");
    let right = right.deadline(Duration::from_secs(5)).build().unwrap();
    assert!(call(&right).await.error.is_none());
}

/// Sentinels name what they were told to watch, and may be behind.
#[tokio::test]
async fn a_replica_is_never_taken_for_the_master() {
    let replica = SHARED.replicas()[0].port().to_string();
    for sentinel in SHARED.sentinels() {
        let mut sentinel = Client::connect(sentinel.addr()).unwrap();
        let watch = ["SENTINEL", "MONITOR", "wrong", "127.0.0.1", &replica, "3"];
        let told = sentinel.command(&watch).unwrap();
        assert!(!told.is_error(), "{told:?}");
    }
    let redis = Redis::sentinel(SHARED.addrs(), "wrong");
    let redis = redis.deadline(Duration::from_secs(5)).build().unwrap();
    let error = call(&redis).await.error.expect("it cannot be written to");
    assert!(error.to_string().contains("is a replica"), "{error}");
}

#[test]
fn a_wrong_url_is_refused_in_words_without_its_password() {
    let urls = [
        ("redis+sentinel://:hunter2@localhost:26379", "no master"),
        ("redis+sentinel://:hunter2@localhost:26379/", "no master"),
        ("redis+sentinel://:hunter2@localhost/a b", "no master"),
        ("redis+sentinel://:hunter2@localhost,/main", "host"),
        ("redis+sentinel://:hunter2@localhost:port/main", "port"),
        (
            "redis+sentinel://:hunter2/x@localhost/main",
            "redis+sentinel",
        ),
        ("redis+sentinel://:hunter2@localhost/main/one", "number"),
        ("http+sentinel://:hunter2@localhost/main", "scheme"),
    ];
    for (url, what) in urls {
        let error = Redis::connect(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        let text = error.to_string();
        assert!(text.contains(what), "{url} gives {text}");
        assert!(!text.contains("hunter2"), "{url} gives {text}");
    }
    let fine = "redis+sentinel://a,b:1,[::1],[::1]:2/main/3";
    Redis::builder(fine).insecure().build().expect(fine);
    let error = Redis::connect(fine).expect_err(fine);
    assert!(error.to_string().contains("insecure"), "{error}");
}

#[tokio::test]
async fn the_database_of_the_url_is_used() {
    let redis = patient(format!("{}/3", SHARED.url())).build().unwrap();
    prepare(&redis, "third", &[]).await.unwrap();
    let elsewhere = read(&shared(), "third").await.unwrap();
    assert!(elsewhere.is_none());
    assert!(read(&redis, "third").await.unwrap().is_some());
}

/// How many connections the sentinels of a group were ever given.
fn received(group: &SentinelGroup) -> u64 {
    let of = |sentinel: &test_support::Sentinel| {
        let mut asking = Client::connect(sentinel.addr()).unwrap();
        let stats = asking.command(&["INFO", "stats"]).unwrap();
        let stats = stats.text().expect("a text").to_owned();
        let mut lines = stats.lines();
        let count = lines.find_map(|line| line.strip_prefix("total_connections_received:"));
        count
            .and_then(|count| count.parse::<u64>().ok())
            .expect("it is counted")
    };
    group.sentinels().iter().map(of).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_are_asked_again_over_the_same_connections() {
    let group = SentinelGroup::start(1);
    let redis = patient(group.url()).build().unwrap();
    // All of its connections are up, and each asks on its own.
    invalidate(&redis, &["slot"], &[("stamp", 1)])
        .await
        .unwrap();
    read(&redis, "stamp").await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let before = block_in_place(|| received(&group));
    sleep(Duration::from_secs(4)).await;
    let more = block_in_place(|| received(&group)) - before;
    // Three are those that ask for the number.
    assert!(more <= 3 + 3, "{more} connections");
}

/// How long it takes after the switch until the far tier is read and written again.
async fn back_after(group: &Arc<SentinelGroup>, old: &Arc<RedisServer>, redis: &Redis) -> Duration {
    let watching = {
        let (group, old) = (Arc::clone(group), Arc::clone(old));
        tokio::task::spawn_blocking(move || group.await_switch(&old))
    };
    let begun = Instant::now();
    let mut back = None;
    while back.is_none() || !watching.is_finished() {
        assert!(begun.elapsed() < LONG, "never");
        sleep(Duration::from_millis(5)).await;
        let written = invalidate(redis, &["slot"], &[("stamp", 2)]).await;
        let works = written.is_ok() && read(redis, "stamp").await.is_ok();
        back = if works {
            back.or(Some(Instant::now()))
        } else {
            None
        };
    }
    let switched = watching.await.expect("a switch");
    back.expect("it is").saturating_duration_since(switched)
}

/// Case 27.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_left_for_the_one_that_took_over() {
    let group = Arc::new(SentinelGroup::start(2));
    let redis = Redis::connect(group.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    let old = Arc::clone(group.master());
    block_in_place(|| old.kill());
    let back = back_after(&group, &old, &redis).await;
    assert!(
        back < Duration::from_secs(1),
        "back {back:?} after the switch"
    );
    let on_master = group.master().raw(&["EXISTS", "stamp"]);
    assert_eq!(on_master.int(), Some(1));
}

/// How often a server has done what caches ask for.
fn commands(server: &RedisServer) -> u64 {
    let ours = ["get", "mget", "set", "unlink", "evalsha", "eval", "pexpire"];
    let calls = |name: &&str| {
        let stats = server.info(&format!("cmdstat_{name}"))?;
        let calls = stats.strip_prefix("calls=")?.split(',').next()?;
        calls.parse::<u64>().ok()
    };
    ours.iter().filter_map(calls).sum()
}

/// Uses the store until the server is a replica, or for some seconds, and gives how often it
/// was asked for something as a master.
async fn asked_as_master(server: &RedisServer, redis: &Redis) -> u64 {
    let begun = Instant::now();
    let mut asked = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        for _ in 0..10 {
            // One may fail while the old connections are found dead.
            let _ = invalidate(redis, &["slot"], &[("stamp", 3)]).await;
            let _ = read(redis, "stamp").await;
        }
        let count = block_in_place(|| commands(server));
        if block_in_place(|| server.info("role")).as_deref() != Some("master") {
            break;
        }
        asked = count;
        sleep(Duration::from_millis(20)).await;
    }
    asked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_master_that_starts_again_is_never_asked() {
    let group = Arc::new(SentinelGroup::start(1));
    let redis = patient(group.url()).build().unwrap();
    assert!(call(&redis).await.error.is_none());
    let old = Arc::clone(group.master());
    block_in_place(|| old.kill());
    block_in_place(|| group.await_switch(&old));
    // A second switch would be the old one's right to be asked.
    block_in_place(|| group.believe_in(Duration::from_secs(60)));
    block_in_place(|| old.restart());
    // Also by connections that are made now.
    let other = patient(group.url()).build().unwrap();
    assert_eq!(asked_as_master(&old, &redis).await, 0);
    block_in_place(|| old.restart());
    assert_eq!(asked_as_master(&old, &other).await, 0);
}

/// Of case 28: what was sent to the master before it stopped is done by it when it goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_hangs_is_left_and_stays_left_when_it_goes_on() {
    let group = Arc::new(SentinelGroup::start(2));
    let redis = Redis::connect(group.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    let old = Arc::clone(group.master());
    block_in_place(|| old.stop());
    let back = back_after(&group, &old, &redis).await;
    assert!(
        back < Duration::from_secs(1),
        "back {back:?} after the switch"
    );
    block_in_place(|| old.cont());
    // It does now what it was asked while it stood still.
    block_in_place(|| old.raw(&["PING"]));
    sleep(Duration::from_millis(100)).await;
    let pending = block_in_place(|| commands(&old));
    let asked = asked_as_master(&old, &redis).await;
    assert!(asked <= pending, "{asked} commands, {pending} of them late");
}

/// One that is told to step back goes on as a master for some seconds, and nobody tells its
/// clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_lives_is_left_when_the_sentinels_name_another() {
    let group = Arc::new(SentinelGroup::start(1));
    let redis = patient(group.url()).build().unwrap();
    assert!(call(&redis).await.error.is_none());
    let old = Arc::clone(group.master());
    block_in_place(|| group.fail_over());
    let switched = block_in_place(|| group.await_switch(&old));
    group.master().raw(&["SET", "marker", "new"]);
    while read(&redis, "marker").await.ok().flatten().is_none() {
        let late = switched.elapsed();
        assert!(late < Duration::from_secs(2), "{late:?} on the old one");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Case 29.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_replica_that_takes_over_has_failed() {
    let group = Arc::new(SentinelGroup::start(1));
    let redis = patient(group.url()).build().unwrap();
    let old = Arc::clone(group.master());
    let begun = Instant::now();
    // Until it is known that there is a replica.
    while block_in_place(|| old.info("cmdstat_wait")).is_none() {
        assert!(begun.elapsed() < LONG, "there is a replica");
        let _ = invalidate(&redis, &[], &[("stamp", 1)]).await;
    }
    let replica = Arc::clone(group.replicas()[0]);
    block_in_place(|| replica.stop());
    let waiting = {
        let redis = redis.clone();
        tokio::spawn(async move { invalidate(&redis, &[], &[("stamp", 2)]).await })
    };
    while block_in_place(|| old.info("blocked_clients")).as_deref() != Some("1") {
        assert!(begun.elapsed() < LONG, "nobody waits");
    }
    block_in_place(|| old.stop());
    block_in_place(|| replica.cont());
    let waited = waiting.await.unwrap();
    let error = waited.expect_err("nobody has confirmed it");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    block_in_place(|| group.await_switch(&old));
    let begun = Instant::now();
    while let Err(error) = invalidate(&redis, &[], &[("stamp", 2)]).await {
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
        sleep(Duration::from_millis(5)).await;
    }
    let there = group.master().raw(&["GET", "stamp"]);
    assert_eq!(there.text(), Some("\0\0\0\0\0\0\0\u{2}"), "repeated");
}
