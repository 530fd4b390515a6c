//! A feed follows the slot of its channel, and never claims to have heard what it has not.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::{Duration, Instant},
};

use cache_backends::Redis;
use cache_core::{Backend, Invalidate, Listener};
use test_support::RedisCluster;
use tokio::time::{sleep, timeout};

use super::outage::{blocking, start};
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

/// A listener that keeps all it was told, and when.
#[derive(Debug, Default)]
struct Ear(Mutex<Vec<(Instant, Told)>>);

impl Ear {
    fn told(&self) -> MutexGuard<'_, Vec<(Instant, Told)>> {
        self.0.lock().unwrap()
    }

    fn add(&self, told: Told) {
        self.told().push((Instant::now(), told));
    }

    fn count(&self, wanted: impl Fn(&Told) -> bool) -> usize {
        self.told().iter().filter(|told| wanted(&told.1)).count()
    }

    async fn hears(&self, times: usize, wanted: impl Fn(&Told) -> bool) {
        let hearing = async {
            while self.count(&wanted) < times {
                sleep(millis(2)).await;
            }
        };
        let heard = timeout(millis(10_000), hearing).await;
        heard.unwrap_or_else(|_| panic!("was only told {:?}", self.told()));
    }
}

impl Listener for Ear {
    fn notice(&self, message: &[u8]) {
        let number = u64::from_be_bytes(message.try_into().unwrap());
        self.add(Told::Notice(number));
    }
    fn flushed(&self) {
        self.add(Told::Flushed);
    }
    fn connected(&self) {
        self.add(Told::Connected);
    }
    fn alive(&self, ago: Duration) {
        let sent = Instant::now().checked_sub(ago).unwrap();
        self.add(Told::Alive { sent });
    }
    fn lost(&self) {
        self.add(Told::Lost);
    }
}

fn listen(redis: &Redis) -> Arc<Ear> {
    let ear = Arc::new(Ear::default());
    let listener: Weak<dyn Listener> = Arc::downgrade(&ear) as _;
    assert!(redis.watch(CHANNEL, listener));
    ear
}

/// A number that was published, and when.
struct Published {
    number: u64,
    began: Instant,
    ended: Instant,
}

/// Publishes one number after the other until it is ended.
async fn publish(redis: Redis, end: Arc<Mutex<bool>>) -> Vec<Published> {
    let mut published = Vec::new();
    for number in 0_u64.. {
        if *end.lock().unwrap() {
            break;
        }
        let change = Invalidate {
            slots: &[],
            stamps: &[],
            stamp_ttl: LONG,
            channel: CHANNEL,
            notice: &number.to_be_bytes(),
        };
        let began = Instant::now();
        if redis.invalidate(change).await.is_ok() {
            let ended = Instant::now();
            published.push(Published {
                number,
                began,
                ended,
            });
        }
        sleep(millis(1)).await;
    }
    published
}

/// Whatever was published between a `connected` and the sending of a heartbeat was heard before
/// that heartbeat's answer was told.
fn assert_honest(told: &[(Instant, Told)], published: &[Published]) {
    let (mut since, mut heard, mut claims) = (None, HashSet::new(), 0);
    for (at, told) in told {
        match told {
            Told::Connected => since = Some(*at),
            Told::Lost => since = None,
            Told::Notice(number) => drop(heard.insert(*number)),
            Told::Flushed => {}
            Told::Alive { sent } => {
                let since = since.expect("only what is connected is alive");
                let due = |one: &&Published| since < one.began && one.ended < *sent;
                for Published { number, ended, .. } in published.iter().filter(due) {
                    let before = *sent - *ended;
                    assert!(heard.contains(number), "{number}, {before:?} before");
                    claims += 1;
                }
            }
        }
    }
    assert!(claims > 0, "nothing was ever claimed");
}

/// Listens and publishes, each by a store of its own, while something happens to the master of
/// the channel.
async fn during(
    cluster: &Arc<RedisCluster>,
    happens: impl FnOnce(&RedisCluster, usize) + Send + 'static,
) {
    let listening = Redis::connect(cluster.url()).unwrap();
    let ear = listen(&listening);
    ear.hears(1, |told| *told == Told::Connected).await;
    let end = Arc::default();
    let speaking = Redis::connect(cluster.url()).unwrap();
    let publishing = tokio::spawn(publish(speaking, Arc::clone(&end)));
    sleep(millis(700)).await;

    let shaken = Arc::clone(cluster);
    blocking(move || happens(&shaken, shaken.master_of(CHANNEL))).await;
    ear.hears(2, |told| *told == Told::Connected).await;
    let sent_later = ear.count(|told| matches!(told, Told::Alive { .. })) + 3;
    ear.hears(sent_later, |told| matches!(told, Told::Alive { .. }))
        .await;
    *end.lock().unwrap() = true;
    let published = publishing.await.unwrap();
    let last = published.last().expect("something was published").number;
    ear.hears(1, |told| *told == Told::Notice(last)).await;
    assert_honest(&ear.told(), &published);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_follows_its_slot() {
    let cluster = start(&[]).await;
    for _ in 0..3 {
        during(&cluster, |cluster, master| {
            let slot = cluster.slot(CHANNEL);
            cluster.migrate(slot, (master + 1) % 3, || std::thread::sleep(millis(200)));
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_follows_the_takeover_of_its_node() {
    let cluster = start(&[]).await;
    during(&cluster, |cluster, master| {
        cluster.stop(master);
        cluster.await_takeover(cluster.slot(CHANNEL));
        cluster.cont(master);
    })
    .await;
    // A takeover that no connection notices.
    during(&cluster, |cluster, master| {
        cluster.take_over(master);
    })
    .await;
    during(&cluster, RedisCluster::kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_of_the_node_of_the_channel_is_heard() {
    let cluster = start(&[]).await;
    let listening = Redis::connect(cluster.url()).unwrap();
    let ear = listen(&listening);
    ear.hears(1, |told| *told == Told::Connected).await;
    cluster.node(cluster.master_of(CHANNEL)).raw(&["FLUSHALL"]);
    ear.hears(1, |told| *told == Told::Flushed).await;
}
