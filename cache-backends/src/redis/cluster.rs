//! The far tier on a Redis Cluster: which node a call goes to, and what becomes of it when that
//! node is away.
//!
//! A thin router over one [`Node`] per master. Each node has its own connections and its own
//! supervisor, so that one which is away, or hangs, delays nobody who does not need it. The map
//! of slots is read aside, from whichever node answers first, and again whenever there is a sign
//! that it is out of date: a redirection, or a master that does not answer. Callers never wait
//! for it, save the very first.
//!
//! # A shard that is away
//!
//! While other nodes live, what lies on a node that is away reads as absent, and a write to it
//! fails as [`Rejected`](cache_core::ErrorKind::Rejected), at once. That is right for the fence: an entry that
//! is absent is a miss, and so is one whose stamp is; nothing becomes valid by it, and whether
//! somebody may store is decided by the node that has the slot. A read that failed would be as
//! right, but would take with it the names on healthy nodes, and in the end, by the breaker, all
//! of them. With no node left, calls fail as unavailable, and the breaker does its work.
//! What the *servers* refuse because the cluster is down is unavailable too.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use self::{
    address::Address,
    keeper::Keeper,
    map::Map,
    slot::{Slot, slot},
};
use super::{
    feed::Feeds,
    fence::Guards,
    node::{Node, Terms},
    stage::Stage,
    target::Target,
};
use crate::link::{Fault, Post};

#[cfg(feature = "testkit")]
pub use self::redirect::redirects;

mod address;
mod calls;
mod fence;
mod fetch;
mod keeper;
mod map;
mod reads;
mod redirect;
mod route;
mod slot;
mod split;
mod sweep;
pub(super) mod url;

/// A cluster, by some of its nodes.
pub(super) struct Cluster {
    /// Where its map is asked for first; the first of them also tells how nodes are reached.
    seeds: Vec<(Address, Arc<Target>)>,
    terms: Terms,
    /// Where everything is; nothing before the first map has come.
    chart: ArcSwapOption<Chart>,
    /// All nodes that are in use: those of the chart, and those of which one of them has told.
    members: Mutex<HashMap<Address, Arc<Member>>>,
    pub(super) feeds: Arc<Feeds>,
    guards: Guards,
    /// Why there is no map.
    why: Mutex<Arc<str>>,
    /// Whether the first try to read the map has an outcome.
    settled: watch::Sender<bool>,
    /// Somebody has found the map wrong, or a node away.
    wanted: Notify,
    post: Arc<Post>,
}

/// A node and where it is.
struct Member {
    address: Address,
    target: Arc<Target>,
    node: Node,
}

/// A map, and the nodes that it names.
struct Chart {
    map: Map,
    /// In the order of the map's masters.
    members: Vec<Arc<Member>>,
}

impl Chart {
    /// The node of a slot, if it has one.
    fn member(&self, slot: Slot) -> Option<&Arc<Member>> {
        self.members.get(self.map.master(slot)?)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chart = self.chart.load();
        let members = chart.as_ref().map_or(&[][..], |chart| &chart.members);
        f.debug_list()
            .entries(members.iter().map(|member| &member.node))
            .finish()
    }
}

impl Cluster {
    /// The cluster to which these servers belong.
    pub(super) fn new(seeds: Vec<Target>, terms: Terms) -> Arc<Self> {
        let seeds = seeds.into_iter().filter_map(|seed| {
            let (host, port) = seed.endpoint()?;
            Some((Address::new(host, port), Arc::new(seed)))
        });
        let seeds = seeds.collect();
        Arc::new_cyclic(|me: &Weak<Self>| {
            let feeds = Feeds::new(Stage::Cluster(Weak::clone(me)), None);
            Self {
                seeds,
                terms,
                chart: ArcSwapOption::empty(),
                members: Mutex::default(),
                feeds,
                guards: Guards::default(),
                why: Mutex::new("its map was not yet asked for".into()),
                settled: watch::Sender::new(false),
                wanted: Notify::new(),
                post: Arc::default(),
            }
        })
    }

    /// The addresses that were given, for errors.
    pub(super) fn address(&self) -> String {
        let seeds = self.seeds.iter().map(|(address, _)| address.to_string());
        seeds.collect::<Vec<_>>().join(",")
    }

    /// Ends all background work, for good.
    pub(super) fn close(&self) {
        self.post.close();
        self.feeds.close();
        self.chart.store(None);
        lock(&self.members).clear();
    }

    /// Where everything is at the moment. Where that was never asked, waits for the first answer.
    async fn chart(self: &Arc<Self>, until: Instant) -> Result<Arc<Chart>, Fault> {
        if let Some(chart) = self.chart.load_full() {
            return Ok(chart);
        }
        if !self.keep() {
            return Err(Fault::Away("there is no tokio runtime here".into()));
        }
        let mut settled = self.settled.subscribe();
        // The sender lives as long as the cluster, so an error means that time is up.
        let _ = timeout_at(until, settled.wait_for(|settled| *settled)).await;
        let chart = self.chart.load_full();
        chart.ok_or_else(|| Fault::Away(Arc::clone(&lock(&self.why))))
    }

    /// Where to listen to a channel: at the node of its slot.
    pub(super) async fn home(self: &Arc<Self>, channel: &str) -> Result<Arc<Target>, String> {
        let until = Instant::now() + self.terms.deadline;
        let chart = self.chart(until).await.map_err(|fault| fault.to_string())?;
        let member = chart.member(slot(channel));
        let member = member.ok_or("no node has the slot of the channel")?;
        Ok(Arc::clone(&member.target))
    }

    /// Says that the map may be out of date; it is read again aside.
    pub(super) fn doubt(self: &Arc<Self>) {
        self.wanted.notify_one();
        self.keep();
    }

    /// Sees to it that the map is kept; `false` outside of tokio.
    fn keep(self: &Arc<Self>) -> bool {
        self.post.start(|shift| Keeper::new(self, shift).run())
    }

    /// Takes up a new map: the nodes that it names are kept or begun, all others closed.
    fn install(&self, map: Map) {
        let mut members = lock(&self.members);
        let mut kept = HashMap::with_capacity(map.masters().len());
        let of_map = map.masters().iter().map(|address| {
            let member = members.get(address).map(Arc::clone);
            let member = member.unwrap_or_else(|| self.begin(address));
            kept.insert(address.clone(), Arc::clone(&member));
            member
        });
        let chart = Chart {
            members: of_map.collect(),
            map,
        };
        *members = kept;
        let chart = Arc::new(chart);
        // Not before the members, or one that has just left the map might be begun again.
        self.chart.store(Some(Arc::clone(&chart)));
        // Not before the chart, in which a node finds its slots.
        for member in &chart.members {
            member.node.open();
        }
        drop(members);
        self.settled.send_replace(true);
    }

    /// The node of which another has told, as it is or newly begun. The next map decides whether
    /// it stays.
    fn member(&self, address: &Address) -> Arc<Member> {
        let mut members = lock(&self.members);
        let member = members.get(address).map(Arc::clone);
        member.unwrap_or_else(|| {
            let member = self.begin(address);
            members.insert(address.clone(), Arc::clone(&member));
            member
        })
    }

    fn begin(&self, address: &Address) -> Arc<Member> {
        let target = Arc::new(self.target(address));
        Arc::new(Member {
            address: address.clone(),
            node: Node::new(&target, &self.feeds, self.terms),
            target,
        })
    }

    /// How a node is reached: as the first seed is.
    fn target(&self, address: &Address) -> Target {
        self.seeds[0].1.beside(&address.host, address.port)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
