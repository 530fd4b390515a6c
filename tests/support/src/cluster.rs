//! How a real Redis Cluster lives in a test: three masters, a replica for each, and what is done
//! to them.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    resp::Reply,
    server::{RedisServer, free_port},
};

/// How many masters there are; the node behind a master by this many is its replica at the start.
const MASTERS: usize = 3;
const NODES: usize = 2 * MASTERS;
const SLOTS: usize = 16_384;
/// How long the nodes may take to agree on something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Six `redis-server`s that form one cluster: nodes 0, 1 and 2 start as masters of a third of the
/// slots each, nodes 3, 4 and 5 as their replicas. Each is a [`RedisServer`] of its own and ends
/// as such.
///
/// The methods block, for some milliseconds if they do not say otherwise.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    server: RedisServer,
    id: String,
    /// Neither killed nor stopped.
    up: AtomicBool,
}

impl Node {
    fn start(args: &[&str]) -> Self {
        let server = RedisServer::start_by(|| {
            // The nodes' own line to each other would else be 10,000 ports further up.
            let bus = free_port().to_string();
            let own = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            // A second without a sign of life, and a node is held dead.
            let times = ["--cluster-node-timeout", "1000"];
            // A replica may take over however long it was cut off, and is in step at once.
            let replica = ["--cluster-replica-validity-factor", "0"];
            let sync = ["--repl-diskless-sync-delay", "0"];
            let all = own.iter().chain(&times).chain(&replica).chain(&sync);
            all.chain(args).map(|&arg| arg.to_owned()).collect()
        });
        let id = server.raw(&["CLUSTER", "MYID"]);
        let id = id.text().expect("a node has a name").to_owned();
        let up = AtomicBool::new(true);
        Self { server, id, up }
    }

    fn cluster(&self, args: &[&str]) -> Reply {
        self.server.raw(&[&["CLUSTER"], args].concat())
    }

    /// The flags of all nodes that this one knows of, by their names.
    fn known(&self) -> Vec<(String, String)> {
        let nodes = self.cluster(&["NODES"]);
        let nodes = nodes.text().expect("CLUSTER NODES answers with a text");
        nodes
            .lines()
            .filter_map(|line| {
                let mut fields = line.split(' ');
                Some((fields.next()?.to_owned(), fields.nth(1)?.to_owned()))
            })
            .collect()
    }

    fn info(&self, line: &str) -> bool {
        let info = self.cluster(&["INFO"]);
        let info = info.text().unwrap_or_default();
        info.lines().any(|own| own == line)
    }
}

impl RedisCluster {
    /// Starts a cluster and waits until all its nodes say that it works, which takes two to four
    /// seconds. `args` go to each node.
    ///
    /// # Panics
    ///
    /// If `redis-server` is missing or refuses to start, or the nodes come to no agreement.
    pub fn start(args: &[&str]) -> Self {
        let nodes = thread::scope(|scope| {
            let starts = [(); NODES].map(|()| scope.spawn(|| Node::start(args)));
            let nodes = starts.map(|start| start.join().expect("a node starts"));
            Vec::from(nodes)
        });
        let cluster = Self { nodes };
        cluster.form();
        cluster
    }

    fn form(&self) {
        for (at, node) in self.nodes.iter().enumerate() {
            node.cluster(&["SET-CONFIG-EPOCH", &(at + 1).to_string()]);
            if at < MASTERS {
                let (first, last) = (at * SLOTS / MASTERS, (at + 1) * SLOTS / MASTERS - 1);
                node.cluster(&["ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for other in &self.nodes[at + 1..] {
                let (port, bus) = (other.server.port(), other.bus());
                node.cluster(&["MEET", "127.0.0.1", &port.to_string(), &bus.to_string()]);
            }
        }
        await_that("all nodes know each other", || {
            let named = |node: &Node| {
                let known = node.known();
                let met = |other: &Node| {
                    known
                        .iter()
                        .any(|(id, flags)| *id == other.id && !flags.contains("handshake"))
                };
                self.nodes.iter().all(met)
            };
            self.nodes.iter().all(named)
        });
        for (master, replica) in self.nodes.iter().zip(&self.nodes[MASTERS..]) {
            replica.cluster(&["REPLICATE", &master.id]);
        }
        await_that("the cluster works", || {
            let in_step = |replica: &Node| {
                let up = replica.server.info("master_link_status");
                up.as_deref() == Some("up")
            };
            let replicas = &self.nodes[MASTERS..];
            let told = |node: &Node| {
                let slaves = node
                    .known()
                    .iter()
                    .filter(|node| is(&node.1, "slave"))
                    .count();
                slaves == NODES - MASTERS && node.info("cluster_state:ok")
            };
            self.nodes.iter().all(told) && replicas.iter().all(in_step)
        });
    }

    /// Where all nodes listen, as one URL: `redis+cluster://127.0.0.1:<port>,127.0.0.1:<port>,…`.
    pub fn url(&self) -> String {
        let addrs: Vec<String> = self.addrs().iter().map(SocketAddr::to_string).collect();
        format!("redis+cluster://{}", addrs.join(","))
    }

    /// Where the nodes listen, in order.
    pub fn addrs(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.server.addr()).collect()
    }

    /// One node's server. To kill or stop it, ask the cluster, which then asks the others.
    ///
    /// # Panics
    ///
    /// If `at` is not below 6, as with all methods that take a node's number.
    pub fn node(&self, at: usize) -> &RedisServer {
        &self.nodes[at].server
    }

    /// The slot of a key, by a node's own word.
    ///
    /// # Panics
    ///
    /// If no node runs, as with all methods that ask one.
    pub fn slot(&self, key: &str) -> u16 {
        let slot = self.running().cluster(&["KEYSLOT", key]).int();
        let slot = slot.and_then(|slot| u16::try_from(slot).ok());
        slot.expect("a slot is a number below 16,384")
    }

    /// Which node is the master of a slot, by the word of a node that runs.
    ///
    /// # Panics
    ///
    /// If the slot has none.
    pub fn master_of_slot(&self, slot: u16) -> usize {
        self.find_master(slot).expect("a slot has a master")
    }

    /// Which node is the master of a key's slot.
    ///
    /// # Panics
    ///
    /// If the slot has none.
    pub fn master_of(&self, key: &str) -> usize {
        self.master_of_slot(self.slot(key))
    }

    /// A key whose slot has this master: `prefix` and a number.
    ///
    /// # Panics
    ///
    /// If the node has so few slots that there is none among many.
    pub fn key_on(&self, master: usize, prefix: &str) -> String {
        (0..1_000)
            .map(|number| format!("{prefix}{number}"))
            .find(|key| self.master_of(key) == master)
            .expect("a master has one of a thousand keys")
    }

    fn find_master(&self, slot: u16) -> Option<usize> {
        self.seen_master(self.running(), slot)
    }

    fn seen_master(&self, witness: &Node, slot: u16) -> Option<usize> {
        let Reply::Array(ranges) = witness.cluster(&["SLOTS"]) else {
            panic!("CLUSTER SLOTS answers with a list");
        };
        let port = ranges.iter().find_map(|range| {
            let Reply::Array(range) = range else {
                return None;
            };
            let within = range[0].int()? <= slot.into() && i64::from(slot) <= range[1].int()?;
            let Reply::Array(master) = &range[2] else {
                return None;
            };
            within.then(|| master[1].int()).flatten()
        })?;
        self.nodes
            .iter()
            .position(|node| i64::from(node.server.port()) == port)
    }

    /// A node that answers.
    fn running(&self) -> &Node {
        let running = |node: &&Node| node.up.load(Ordering::SeqCst);
        self.nodes.iter().find(running).expect("some node runs")
    }

    /// Kills a node at once (SIGKILL).
    pub fn kill(&self, at: usize) {
        self.nodes[at].up.store(false, Ordering::SeqCst);
        self.node(at).kill();
    }

    /// Freezes a node (SIGSTOP) until [`cont`](Self::cont).
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn stop(&self, at: usize) {
        self.nodes[at].up.store(false, Ordering::SeqCst);
        self.node(at).stop();
    }

    /// Lets a node go on after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn cont(&self, at: usize) {
        self.node(at).cont();
        self.nodes[at].up.store(true, Ordering::SeqCst);
    }

    /// Starts a killed node again: empty, with what it knew of the cluster.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&self, at: usize) {
        self.node(at).restart();
        self.nodes[at].up.store(true, Ordering::SeqCst);
    }

    /// Waits until all nodes that run agree that this slot has a master that runs, and returns
    /// it. After a master's death that takes two to four seconds.
    ///
    /// # Panics
    ///
    /// If there is none in 20 s.
    pub fn await_takeover(&self, slot: u16) -> usize {
        let mut master = None;
        await_that("the slot has a new master", || {
            let mut running = self
                .nodes
                .iter()
                .filter(|node| node.up.load(Ordering::SeqCst));
            master = self.find_master(slot);
            let agreed = |at: usize| {
                self.nodes[at].up.load(Ordering::SeqCst)
                    && running.all(|node| {
                        node.info("cluster_state:ok") && self.seen_master(node, slot) == Some(at)
                    })
            };
            master.is_some_and(agreed)
        });
        master.expect("it was just found")
    }

    /// Has the replica of a master take its place while both run (`CLUSTER FAILOVER`), and
    /// returns which node that is.
    ///
    /// # Panics
    ///
    /// If the master has no replica that runs, or the takeover fails.
    pub fn take_over(&self, master: usize) -> usize {
        let of_master = |(_, node): &(usize, &Node)| {
            node.up.load(Ordering::SeqCst)
                && node.server.info("role").as_deref() == Some("slave")
                && node.server.info("master_port") == Some(self.node(master).port().to_string())
        };
        let replica = self.nodes.iter().enumerate().find(of_master);
        let (at, replica) = replica.expect("a replica of the master runs");
        await_that("the replica is in step", || {
            replica.server.info("master_link_status").as_deref() == Some("up")
        });
        replica.cluster(&["FAILOVER"]);
        await_that("the replica is the master", || {
            replica.server.info("role").as_deref() == Some("master")
        });
        at
    }

    /// Moves a slot to another master while both serve it. `pause` runs when half the way is
    /// done: between the announcement and the move of the keys, after each hundred of them, and
    /// before the nodes are told that the slot has moved.
    ///
    /// # Panics
    ///
    /// If a node refuses.
    pub fn migrate(&self, slot: u16, to: usize, mut pause: impl FnMut()) {
        let from = self.master_of_slot(slot);
        let (source, target) = (&self.nodes[from], &self.nodes[to]);
        let number = slot.to_string();
        target.cluster(&["SETSLOT", &number, "IMPORTING", &source.id]);
        source.cluster(&["SETSLOT", &number, "MIGRATING", &target.id]);
        pause();
        let port = target.server.port().to_string();
        loop {
            let Reply::Array(keys) = source.cluster(&["GETKEYSINSLOT", &number, "100"]) else {
                panic!("CLUSTER GETKEYSINSLOT answers with a list");
            };
            if keys.is_empty() {
                break;
            }
            let mut command = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            command.extend(keys.iter().map(|key| key.text().expect("keys are texts")));
            source.server.raw(&command);
            pause();
        }
        // The target first: a slot without a master would be refused by all.
        target.cluster(&["SETSLOT", &number, "NODE", &target.id]);
        pause();
        for node in &self.nodes {
            let master = node.server.info("role").as_deref() == Some("master");
            if node.up.load(Ordering::SeqCst) && master && node.id != target.id {
                node.cluster(&["SETSLOT", &number, "NODE", &target.id]);
            }
        }
    }
}

impl Node {
    fn bus(&self) -> u16 {
        let Reply::Array(setting) = self.server.raw(&["CONFIG", "GET", "cluster-port"]) else {
            panic!("CONFIG GET answers with a list");
        };
        let bus = setting[1].int().and_then(|port| u16::try_from(port).ok());
        bus.expect("a port is a number of 16 bits")
    }
}

fn is(flags: &str, flag: &str) -> bool {
    flags.split(',').any(|own| own == flag)
}

fn await_that(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "not so in {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
