//! The cases of memcached, one server and three.

use std::{fmt::Write as _, net::SocketAddr};

use test_support::{Fault, FaultProxy, Links, MemcachedServer, Mix, Random, Way};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use self::naive::Naive;
use crate::{
    driver::{Far, PROMISE, RACE, Race, Trial, millis, often},
    single::{self, Server},
    suite::{Case, Row},
};

mod naive;

pub(crate) fn cases() -> Vec<Case> {
    let three = "one of three servers stopped, back with old data";
    let mut cases = single::cases::<MemcachedServer>();
    cases.extend([
        case(3, "entries and stamps evicted at random", "P1", evicted),
        case(4, "full, evicting", "P1, no error", full),
        case(13, "lines to three servers broken in turns", "P1", broken),
        case(
            52,
            "restarted every 500 ms, CAS from 1 again",
            "P1",
            restarted,
        ),
        case(53, three, "P1", one_of_three),
        case(
            53,
            "one of three servers killed, back after 2 s",
            PROMISE,
            killed_of_three,
        ),
    ]);
    cases
}

fn case<F: Future<Output = Row> + 'static>(
    number: u8,
    fault: &'static str,
    promise: &'static str,
    run: impl Fn() -> F + Send + Sync + 'static,
) -> Case {
    Case::new(number, MemcachedServer::STORE, fault, promise, run)
}

impl Server for MemcachedServer {
    const STORE: &'static str = "memcached";
    const FED: bool = false;
    type Naive = Naive;

    fn start() -> Self {
        Self::start(&[])
    }

    fn addr(&self) -> SocketAddr {
        self.addr()
    }

    fn far(addr: SocketAddr) -> Far {
        Far::Memcached(addr.to_string())
    }

    fn naive(&self) -> Naive {
        Naive::new(self.addr(), Mix::default().keys)
    }

    fn kill(&self) {
        self.kill();
    }

    fn restart(&self) {
        self.restart();
    }

    fn stop(&self) {
        self.stop();
    }

    fn cont(&self) {
        self.cont();
    }

    /// What befalls a server or its line has one number for memcached.
    fn number(number: u8) -> u8 {
        match number {
            8 | 9 | 10 | 12 => 51,
            number => number,
        }
    }
}

/// Every name of the cache under test.
fn names() -> [String; 5] {
    let entry = |at| format!("larder:e:rows:{at}");
    let stamps = ["larder:g:n", "larder:g:p:rows"].map(str::to_owned);
    let [all, rows] = stamps;
    [entry(0), entry(1), entry(2), all, rows]
}

async fn evicted() -> Row {
    let (servers, far) = three();
    let (names, mut random, mut gone) = (names(), Random::new(3), 0);
    let evict = often(millis(3), || {
        let command = format!("md {}", names[random.below(names.len())]);
        let removed = |server: &&MemcachedServer| server.ask(&command, 1) == ["HD"];
        gone += servers.iter().filter(removed).count();
    });
    let mut row = Race::far_only(&far).run(RACE, evict).await.fresh();
    row.must(gone > 50, || format!("only {gone} names were there"));
    row
}

/// The fillers are of the size of stamps, because the server evicts by size.
async fn full() -> Row {
    let server = MemcachedServer::start(&["-m", "2", "-I", "512k"]);
    let race = Race::far_only(&MemcachedServer::far(server.addr()));
    let filler = "x".repeat(60);
    let mut next = 0;
    let fill = often(millis(2), || {
        let mut burst = String::new();
        for _ in 0..500 {
            next += 1;
            let _ = write!(burst, "ms filler:{next} 60 T600 q\r\n{filler}\r\n");
        }
        server.ask(&format!("{burst}mn"), 1);
    });
    let raced = race.run(RACE, fill).await;
    let mut row = raced.fresh();
    raced.confirmed(&mut row);
    let evicted = server.stat("evictions").unwrap_or_default();
    row.must(evicted != "0", || format!("{evicted} evicted"));
    row
}

async fn restarted() -> Row {
    let server = MemcachedServer::start(&[]);
    let race = Race::hasty(&MemcachedServer::far(server.addr()));
    let restart = often(millis(500), || server.restart());
    let raced = race.run(RACE, restart).await;
    let mut row = raced.fresh();
    raced.in_time(&mut row);
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "nothing was hit".to_owned());
    row
}

fn three() -> ([MemcachedServer; 3], Far) {
    let servers = [(); 3].map(|()| MemcachedServer::start(&[]));
    let list = servers.each_ref().map(MemcachedServer::address).join(",");
    (servers, Far::Memcached(list))
}

async fn one_of_three() -> Row {
    let (servers, far) = three();
    let race = Race::hasty(&far);
    let stop = async {
        // Each in turn: names lie on all of them.
        for server in servers.iter().cycle() {
            sleep(millis(300)).await;
            block_in_place(|| server.stop());
            sleep(millis(700)).await;
            block_in_place(|| server.cont());
        }
    };
    let raced = race.run(RACE, stop).await;
    let mut row = raced.fresh();
    raced.in_time(&mut row);
    row.must(raced.run.failed > 0, || "nothing was hit".to_owned());
    row
}

async fn killed_of_three() -> Row {
    let (servers, far) = three();
    let trial = Trial::healthy(&far).await;
    let outage = trial.begin();
    block_in_place(|| servers[1].kill());
    sleep(millis(2_000)).await;
    block_in_place(|| servers[1].restart());
    let used = async {
        // Names lie on all of them, so once a second goes without a failure all are used.
        let mut since = (Instant::now(), trial.errors());
        while since.0.elapsed() < millis(1_000) {
            if trial.errors() != since.1 {
                since = (Instant::now(), trial.errors());
            }
            sleep(millis(1)).await;
        }
    };
    outage.over_since(std::time::Instant::now(), used).await
}

async fn broken() -> Row {
    let servers = [(); 3].map(|()| MemcachedServer::start(&[]));
    let proxies = servers
        .each_ref()
        .map(|server| FaultProxy::start(server.addr()));
    let list = proxies.each_ref().map(|proxy| proxy.addr().to_string());
    let race = Race::hasty(&Far::Memcached(list.join(",")));
    let mut random = Random::new(7);
    let strike = often(millis(100), || {
        let proxy = &proxies[random.below(proxies.len())];
        match random.below(4) {
            0 => proxy.set(Fault::Swallow {
                links: Links::Established,
                way: [Way::Requests, Way::Replies, Way::Both][random.below(3)],
            }),
            1 => proxy.set(Fault::CutReplies(random.below(200))),
            2 => proxy.set(Fault::None),
            _ => proxy.reset_links(),
        }
    });
    let raced = race.run(RACE, strike).await;
    let mut row = raced.fresh();
    raced.in_time(&mut row);
    let errors = race.sum(|stats| stats.far_errors);
    row.must(errors > 0, || "nothing was hit".to_owned());
    row
}
