//! P3 over a real Redis: whatever is wrong with the far tier, annotated functions return their
//! own results, hardly later, and the far tier is used again soon after it is back.
//!
//! Each case prints a row of this table, where times are what the cache added to a call, as
//! median, p99 and worst, and a stall is the longest time for which the machine kept a thread
//! waiting:
//!
//! | fault | calls | failed | added | breaker open | added | used again after | stall |
//! | --- | --- | --- | --- | --- | --- | --- | --- |

use std::{
    future::pending,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use larder::{Cache, Moka, Redis, SetOptions, invalidate_cache};
use test_support::{Client, Fault, FaultProxy, Links, RedisServer, Way};
use tokio::{
    runtime::Builder,
    task::block_in_place,
    time::{sleep, timeout},
};

use self::{
    impostor::{Impostor, panics},
    rows::{first_use, processes},
    trial::Trial,
};
use crate::world::{Source, near_cache};

mod cluster;
mod hung;
mod impostor;
mod outage;
mod rows;
mod sentinel;
mod trial;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A script that keeps the server busy for so many milliseconds.
const BUSY: &str = "
    local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
    local stop = now() + ARGV[1]
    while now() < stop do end";

/// Case 8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_costs_little_and_is_found_again() {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&server.url()).await;
    let outage = trial.begin("killed, back after 2 s");
    block_in_place(|| server.kill());
    sleep(millis(2_000)).await;
    block_in_place(|| server.restart());
    outage.over().await;
}

/// Case 9.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stays_away_costs_next_to_nothing() {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&server.url()).await;
    let outage = trial.begin("killed, away for 6 s");
    block_in_place(|| server.kill());
    sleep(millis(6_000)).await;
    assert!(outage.is_given_up(), "the breaker is open");
    block_in_place(|| server.restart());
    outage.over().await;
}

/// Case 10.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_costs_the_budget_and_then_nothing() {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&server.url()).await;
    let outage = trial.begin("stopped (SIGSTOP) for 4 s");
    block_in_place(|| server.stop());
    sleep(millis(4_000)).await;
    assert!(outage.is_given_up(), "the breaker is open");
    block_in_place(|| server.cont());
    outage.over().await;
}

/// Case 12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_links_are_replaced() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let trial = Trial::healthy(&proxy.url()).await;
    let before = proxy.traffic().connections;
    let outage = trial.begin("established links swallow bytes");
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    outage.over().await;
    assert!(proxy.traffic().connections > before);
}

/// Case 13.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_swallows_everything_is_used_again_once_it_works() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let trial = Trial::healthy(&proxy.url()).await;
    let outage = trial.begin("all links swallow bytes for 3 s");
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    sleep(millis(3_000)).await;
    proxy.set(Fault::None);
    outage.over().await;
}

/// Case 14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_resets_connections_is_not_stormed() {
    let server = RedisServer::start(&[]);
    let proxies = [(); 2].map(|()| FaultProxy::start(server.addr()));
    let urls = proxies.each_ref().map(FaultProxy::url);
    let trial = Trial::over([&urls[0], &urls[1]]).await;
    let connections = || proxies.each_ref().map(|proxy| proxy.traffic().connections);
    let before = connections();
    let outage = trial.begin("each connection reset for 3 s");
    for proxy in &proxies {
        proxy.set(Fault::Reset);
        proxy.reset_links();
    }
    sleep(millis(3_000)).await;
    let tried = connections();
    for proxy in &proxies {
        proxy.set(Fault::None);
    }
    outage.over().await;
    for (before, tried) in before.into_iter().zip(tried) {
        let tried = tried - before;
        assert!((2..=40).contains(&tried), "{tried} connections in 3 s");
    }
}

/// Case 15.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_line_costs_the_budget_at_most() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let trial = Trial::healthy(&proxy.url()).await;
    for (fault, late) in [
        ("replies 20 ms later, 2 s", 20),
        ("replies 100 ms later, 2 s", 100),
        ("replies 300 ms later, 2 s", 300),
    ] {
        let outage = trial.begin(fault);
        proxy.set(Fault::Delay {
            requests: Duration::ZERO,
            replies: millis(late),
        });
        sleep(millis(2_000)).await;
        proxy.set(Fault::None);
        outage.over().await;
    }
}

/// Case 20.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_at_the_start_is_said_without_it() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    server.raw(&["AUTH", "right"]);
    let trial = Trial::broken(&format!("redis://:hunter2@{}", server.addr()));
    let outage = trial.began("wrong password from the start, 2 s");
    sleep(millis(500)).await;
    let [cache, _] = processes(
        &format!("redis://:hunter2@{}", server.addr()),
        &server.url(),
    );
    let error = cache.get::<u64>("rows:1").await.expect_err("is refused");
    let text = format!("{error} {error:?} {cache:?}");
    assert!(text.contains("password"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    sleep(millis(1_500)).await;
    server.raw(&["CONFIG", "SET", "requirepass", "hunter2"]);
    outage.over().await;
}

/// Case 21.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_wrong_for_a_while_does_not_stick() {
    let server = RedisServer::start(&["--requirepass", "right"]);
    server.raw(&["AUTH", "right"]);
    let trial = Trial::healthy(&format!("redis://:right@{}", server.addr())).await;
    let outage = trial.begin("wrong password at reconnection, 2 s");
    server.raw(&["CONFIG", "SET", "requirepass", "other"]);
    for kind in ["normal", "pubsub"] {
        server.raw(&["CLIENT", "KILL", "TYPE", kind]);
    }
    sleep(millis(2_000)).await;
    server.raw(&["CONFIG", "SET", "requirepass", "right"]);
    outage.over().await;
}

/// Case 23.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_loads_its_data_is_waited_for_by_nobody() {
    let server = RedisServer::start(&["--enable-debug-command", "yes"]);
    let trial = Trial::healthy(&server.url()).await;
    server.raw(&["DEBUG", "POPULATE", "3000"]);
    server.raw(&["SAVE"]);
    let addr = server.addr();
    let outage = trial.begin("restarted, LOADING for 2 s");
    let restarting = tokio::task::spawn_blocking(move || {
        let slowly = [
            "--loading-process-events-interval-bytes",
            "1024",
            "--key-load-delay",
            "700",
        ];
        server.restart_with(&slowly);
        server
    });
    let mut loads = false;
    while !restarting.is_finished() {
        let asked = block_in_place(|| Client::connect(addr)?.command(&["GET", "any"]));
        loads |= asked.is_ok_and(|answer| {
            answer
                .text()
                .is_some_and(|text| text.starts_with("LOADING"))
        });
        sleep(millis(20)).await;
    }
    let _server = restarting.await.expect("it starts");
    outage.over().await;
    assert!(loads, "nobody was told that it loads");
}

/// Case 24.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_script_keeps_nobody() {
    let server = RedisServer::start(&["--busy-reply-threshold", "300"]);
    let trial = Trial::healthy(&server.url()).await;
    let mut client = server.client();
    let outage = trial.begin("busy with a script for 2 s");
    let busy = tokio::task::spawn_blocking(move || client.command(&["EVAL", BUSY, "0", "2000"]));
    let ended = busy.await.expect("does not panic").expect("is answered");
    assert!(!ended.is_error(), "{ended:?}");
    outage.over().await;
}

/// Commands, each as its words.
type Commands = &'static [&'static [&'static str]];

/// Cases 6 and 22, and a server that has become a replica.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_costs_a_round_trip_or_two() {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&server.url()).await;
    let refusals: [(_, Commands, Commands); 6] = [
        (
            "full (noeviction)",
            &[&["CONFIG", "SET", "maxmemory", "1"]],
            &[&["CONFIG", "SET", "maxmemory", "0"]],
        ),
        (
            "a read-only replica",
            &[&["REPLICAOF", "127.0.0.1", "1"]],
            &[&["REPLICAOF", "NO", "ONE"]],
        ),
        (
            "a replica without its master",
            &[
                &["CONFIG", "SET", "replica-serve-stale-data", "no"],
                &["REPLICAOF", "127.0.0.1", "1"],
            ],
            &[&["REPLICAOF", "NO", "ONE"]],
        ),
        (
            "no right to EVAL",
            &[&["ACL", "SETUSER", "default", "-eval", "-evalsha"]],
            &[&["ACL", "SETUSER", "default", "+@all"]],
        ),
        (
            "no right to UNLINK",
            &[&["ACL", "SETUSER", "default", "-unlink"]],
            &[&["ACL", "SETUSER", "default", "+@all"]],
        ),
        (
            "no right to read",
            &[&["ACL", "SETUSER", "default", "-get", "-mget"]],
            &[&["ACL", "SETUSER", "default", "+@all"]],
        ),
    ];
    for (fault, begin, end) in refusals {
        let outage = trial.begin(fault);
        for command in begin {
            server.raw(command);
        }
        sleep(millis(800)).await;
        for command in end {
            server.raw(command);
        }
        outage.over().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_no_answer() {
    let server = RedisServer::start(&[]);
    let trial = Trial::healthy(&server.url()).await;
    let before = panics();
    let outage = trial.begin("answers garbage for 4 s");
    block_in_place(|| server.kill());
    let impostor = Impostor::start(server.addr());
    sleep(millis(4_000)).await;
    block_in_place(|| drop(impostor));
    block_in_place(|| server.restart());
    outage.over().await;
    assert_eq!(panics(), before, "in the background");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_use_may_come_before_the_server() {
    let server = RedisServer::start(&[]);
    block_in_place(|| server.kill());
    let trial = Trial::broken(&server.url());
    let outage = trial.began("away at the first use, 1 s");
    sleep(millis(1_000)).await;
    block_in_place(|| server.restart());
    outage.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_use_may_meet_silence() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    let trial = Trial::broken(&proxy.url());
    let outage = trial.began("silent from the first use, 3 s");
    sleep(millis(3_000)).await;
    proxy.set(Fault::None);
    outage.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_exist_costs_no_result() {
    let trial = Trial::broken("redis://no-such-host.invalid:6379");
    let outage = trial.began("no such host");
    sleep(millis(1_500)).await;
    outage.goes_on();
}

/// Not even where nothing can run in the background.
#[test]
fn the_first_use_outside_of_a_runtime_panics_not() {
    for cache in processes("redis://127.0.0.1:1", "redis://127.0.0.1:1") {
        let mut using = pin!(first_use(&cache));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(using.as_mut().poll(&mut context), Poll::Ready(()));
    }
}

/// Nor where one caller waits for another, on whatever else runs futures.
#[test]
fn waiting_outside_of_a_runtime_panics_not() {
    let (cache, source) = (near_cache(), Source::closed());
    let call = async || {
        let load = async || Ok::<_, String>(source.load().await);
        cache.get_or_load("row", load).await
    };
    let mut context = Context::from_waker(Waker::noop());
    let (mut first, mut second) = (Box::pin(call()), Box::pin(call()));
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(second.as_mut().poll(&mut context).is_pending());
    source.let_one();
    for call in [first, second] {
        assert_eq!(pin!(call).poll(&mut context), Poll::Ready(Ok(1)));
    }
    assert_eq!(source.loads(), 1);
}

/// A write may be given up where nothing can be told to the far tier any more.
#[test]
fn a_write_that_ends_outside_of_a_runtime_is_told_later() {
    #[invalidate_cache(keys = ["rows:1"], cache = cache)]
    async fn write_for_ever(cache: &Cache) {
        pending().await
    }
    let server = RedisServer::start(&[]);
    let [writer, _] = processes(&server.url(), &server.url());
    let [reader, _] = processes(&server.url(), &server.url());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut writing = Box::pin(write_for_ever(&writer));
    runtime.block_on(async {
        writer.set("rows:1", &1_u64).await.unwrap();
        let ended = timeout(millis(10), &mut writing).await;
        assert!(ended.is_err(), "it never ends");
    });
    drop(writing);
    assert_eq!(writer.stats().retries, 1);
    runtime.block_on(async {
        assert!(writer.get::<u64>("rows:1").await.is_err(), "nobody knows");
        while writer.stats().retries > 0 {
            sleep(millis(1)).await;
        }
        assert_eq!(reader.get::<u64>("rows:1").await.unwrap(), None);
    });
}

/// Settings that are meant as "for ever" are no reason to fail either.
#[tokio::test]
async fn no_duration_is_too_long() {
    let server = RedisServer::start(&[]);
    let ever = Duration::MAX;
    let redis = Redis::builder(server.url()).deadline(ever).build().unwrap();
    let cache = Cache::builder()
        .far(redis)
        .near(Moka::default())
        .ttl(ever)
        .wait(ever)
        .outage_budget(ever)
        .build()
        .unwrap();
    first_use(&cache).await;
    let options = SetOptions::new().ttl(ever);
    cache.set_with("row", &1_u64, options).await.unwrap();
    assert!(cache.touch("row", ever).await.unwrap());
    cache.remove_prefix("row").await.unwrap();
    assert_eq!(cache.get::<u64>("row").await.unwrap(), None);
    assert_eq!(cache.stats().total.far_errors, 0);
}
