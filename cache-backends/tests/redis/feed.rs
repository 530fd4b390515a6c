//! A feed brings everything in order, says when it is alive, and comes back.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, Weak, mpsc},
    thread,
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, Invalidate, Listener};
use test_support::{Fault, FaultProxy, Links, RedisServer, Way};
use tokio::time::sleep;

use crate::probe::LONG;

const CHANNEL: &str = "app:feed";

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Notice(u64),
    Flushed,
    Connected,
    Alive { sent: Instant },
    Lost,
}

/// A listener that keeps all it was told.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<Told>>);

impl Ear {
    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.0.lock().unwrap()
    }

    fn count(&self, wanted: impl Fn(&Told) -> bool) -> usize {
        self.told().iter().filter(|told| wanted(told)).count()
    }

    /// Waits until it was told this so many times; gives how long that took.
    async fn hears(
        &self,
        times: usize,
        wanted: impl Fn(&Told) -> bool,
        within: Duration,
    ) -> Duration {
        let start = Instant::now();
        while self.count(&wanted) < times {
            assert!(start.elapsed() < within, "was only told {:?}", self.told());
            sleep(millis(2)).await;
        }
        start.elapsed()
    }
}

fn connected(told: &Told) -> bool {
    *told == Told::Connected
}

impl Listener for Ear {
    fn notice(&self, message: &[u8]) {
        let number = u64::from_be_bytes(message.try_into().unwrap());
        self.told().push(Told::Notice(number));
    }
    fn flushed(&self) {
        self.told().push(Told::Flushed);
    }
    fn connected(&self) {
        self.told().push(Told::Connected);
    }
    fn alive(&self, ago: Duration) {
        let sent = Instant::now().checked_sub(ago).unwrap();
        self.told().push(Told::Alive { sent });
    }
    fn lost(&self) {
        self.told().push(Told::Lost);
    }
}

fn listen(redis: &Redis) -> Arc<Ear> {
    let ear = Arc::new(Ear::default());
    let listener: Weak<dyn Listener> = Arc::downgrade(&ear) as _;
    assert!(redis.watch(CHANNEL, listener));
    ear
}

async fn publish(redis: &Redis, number: u64) {
    let change = Invalidate {
        slots: &[],
        stamps: &[],
        stamp_ttl: LONG,
        channel: CHANNEL,
        notice: &number.to_be_bytes(),
    };
    redis.invalidate(change).await.unwrap();
}

/// The promise on which near tiers rest: whatever was published before a heartbeat was sent has
/// been delivered when its answer is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_is_answered_after_all_that_was_published_before_it() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let (near, far) = (Redis::connect(server.url()), Redis::connect(proxy.url()));
    let (near, far) = (near.unwrap(), far.unwrap());
    let ear = listen(&far);
    ear.hears(1, connected, millis(2000)).await;
    // What is published is some time on its way, so that there is something to wait for.
    proxy.set(Fault::Delay {
        requests: Duration::ZERO,
        replies: millis(30),
    });

    let alive = |told: &Told| matches!(told, Told::Alive { .. });
    let mut published = Vec::new();
    while ear.count(alive) < 6 {
        publish(&near, published.len() as u64).await;
        published.push(Instant::now());
        sleep(millis(1)).await;
    }

    let (mut heard, mut checked) = (0, 0);
    for told in ear.told().iter() {
        match told {
            Told::Notice(number) => {
                assert_eq!(*number, heard, "in order, each once");
                heard += 1;
            }
            Told::Alive { sent } => {
                let due = published.iter().filter(|at| *at < sent).count() as u64;
                assert!(
                    heard >= due,
                    "{heard} of {due} notices came before the heartbeat"
                );
                checked += u64::from(due > 0);
            }
            _ => {}
        }
    }
    assert!(
        checked >= 4,
        "{checked} heartbeats fell into the stream of {heard}"
    );
}

#[tokio::test]
async fn a_killed_feed_is_lost_and_then_connected_again() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let ear = listen(&redis);
    ear.hears(1, connected, millis(2000)).await;

    server.raw(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    ear.hears(2, connected, millis(1000)).await;
    publish(&redis, 7).await;
    ear.hears(1, |told| *told == Told::Notice(7), millis(1000))
        .await;
    let told = ear.told().clone();
    let story = told
        .iter()
        .filter(|told| !matches!(told, Told::Alive { .. }));
    let expected = [
        Told::Connected,
        Told::Lost,
        Told::Connected,
        Told::Notice(7),
    ];
    assert!(story.eq(&expected), "{told:?}");
}

#[tokio::test]
async fn a_half_open_feed_is_lost_and_then_connected_again() {
    let server = RedisServer::start(&[]);
    let proxy = FaultProxy::start(server.addr());
    let redis = Redis::connect(proxy.url()).unwrap();
    let ear = listen(&redis);
    ear.hears(1, connected, millis(2000)).await;

    let links = Links::Established;
    proxy.set(Fault::Swallow {
        links,
        way: Way::Both,
    });
    ear.hears(1, |told| *told == Told::Lost, millis(2000)).await;
    ear.hears(2, connected, millis(1000)).await;
}

#[tokio::test]
async fn a_feed_outlives_its_server() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let ear = listen(&redis);
    ear.hears(1, connected, millis(2000)).await;

    server.kill();
    ear.hears(1, |told| *told == Told::Lost, millis(1000)).await;
    sleep(millis(1000)).await;
    let restarted = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let _server = restarted.await.unwrap();
    ear.hears(2, connected, millis(1000)).await;
}

#[tokio::test]
async fn flushes_are_heard_of() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let ear = listen(&redis);
    ear.hears(1, connected, millis(2000)).await;

    let flushed = |told: &Told| *told == Told::Flushed;
    server.raw(&["SET", "app:feedback", "a name that starts like the channel"]);
    server.raw(&["FLUSHALL"]);
    ear.hears(1, flushed, millis(1000)).await;
    server.raw(&["FLUSHDB"]);
    ear.hears(2, flushed, millis(1000)).await;
}

#[tokio::test]
async fn a_feed_without_the_right_to_track_still_brings_notices() {
    let server = RedisServer::start(&[]);
    server.raw(&[
        "ACL",
        "SETUSER",
        "some",
        "on",
        ">secret",
        "~*",
        "&*",
        "+@all",
        "-client|tracking",
    ]);
    let redis = Redis::connect(format!("redis://some:secret@{}", server.addr())).unwrap();
    let ear = listen(&redis);
    ear.hears(1, connected, millis(2000)).await;
    publish(&redis, 1).await;
    ear.hears(1, |told| *told == Told::Notice(1), millis(1000))
        .await;
    ear.hears(2, |told| matches!(told, Told::Alive { .. }), millis(2000))
        .await;
}

#[tokio::test]
async fn a_feed_ends_with_its_listener_and_all_ends_with_the_store() {
    let server = RedisServer::start(&[]);
    let redis = Redis::connect(server.url()).unwrap();
    let (ear, other) = (listen(&redis), listen(&redis));
    ear.hears(1, connected, millis(2000)).await;
    other.hears(1, connected, millis(2000)).await;
    publish(&redis, 1).await;

    let clients = |kind: &'static str| {
        let list = server.raw(&["CLIENT", "LIST", "TYPE", kind]);
        list.text().unwrap().lines().count()
    };
    assert_eq!(clients("pubsub"), 2);
    drop(ear);
    let start = Instant::now();
    while clients("pubsub") > 1 {
        assert!(start.elapsed() < millis(2000), "nobody listens any more");
        sleep(millis(10)).await;
    }
    assert_eq!(other.count(|told| *told == Told::Lost), 0);

    drop(redis);
    let start = Instant::now();
    // The line of the test itself stays.
    while clients("pubsub") > 0 || clients("normal") > 1 {
        assert!(start.elapsed() < millis(2500), "everything is closed");
        sleep(millis(10)).await;
    }
    assert_eq!(other.count(|told| *told == Told::Lost), 1);
}

/// Takes every connection, greets whoever comes, and says no more. Tells of each that has ended.
fn greeter() -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let (tell, ended) = mpsc::channel();
    thread::spawn(move || {
        for line in listener.incoming() {
            let (mut line, tell) = (line.unwrap(), tell.clone());
            thread::spawn(move || {
                let mut asked = [0; 4096];
                let length = line.read(&mut asked).unwrap();
                let asked = String::from_utf8_lossy(&asked[..length]);
                let settings = asked.matches("SETINFO").count();
                let answer = format!("%1\r\n+proto\r\n:3\r\n{}", "+OK\r\n".repeat(settings));
                line.write_all(answer.as_bytes()).unwrap();
                while line.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
                let _ = tell.send(());
            });
        }
    });
    (url, ended)
}

#[tokio::test]
async fn a_server_that_greets_and_then_hangs_is_not_given_more_and_more_connections() {
    let (url, ended) = greeter();
    let redis = Redis::connect(url).unwrap();
    let _ear = listen(&redis);
    let waiting = tokio::task::spawn_blocking(move || {
        let patience = Duration::from_secs(10);
        (0..3).all(|_| ended.recv_timeout(patience).is_ok())
    });
    assert!(waiting.await.unwrap(), "none was given up");
}
