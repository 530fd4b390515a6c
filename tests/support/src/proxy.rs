//! Who may connect through the proxy, and how long its links live.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use tokio::{net::TcpStream, runtime::Builder, sync::watch};

use crate::{
    fault::{Fault, Switch},
    link, port,
};

/// A proxy on a loopback port that breaks the line to one server on command.
///
/// It runs on a thread and a clock of its own, so that neither a busy runtime nor a paused clock
/// of the test changes what it does. On drop it closes all links and frees its port.
///
/// ```no_run
/// use test_support::{Fault, FaultProxy, Links, RedisServer, Way};
///
/// let server = RedisServer::start(&[]);
/// let proxy = FaultProxy::start(server.addr());
/// // … connect to `proxy.url()` …
/// proxy.set(Fault::Swallow { links: Links::Established, way: Way::Both });
/// // … the client has to find out that its link is half-open …
/// proxy.set(Fault::None);
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    shared: Arc<Shared>,
    orders: watch::Sender<Order>,
    addr: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

/// What the proxy and its links share with the test.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) switch: Switch,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    connections: AtomicU64,
    links: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) replies: AtomicU64,
    pub(crate) swallowed: AtomicU64,
}

/// What has passed a [`FaultProxy`] so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted since the start, also those that were reset at once.
    pub connections: u64,
    /// Links that stand now.
    pub links: u64,
    /// Bytes passed on to the server.
    pub requests: u64,
    /// Bytes passed on to clients.
    pub replies: u64,
    /// Bytes that vanished, in both directions.
    pub swallowed: u64,
}

/// What all links are told at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Reset the links that stand; the number makes each such order a new one.
    Reset(u64),
    /// Close everything.
    Stop,
}

impl FaultProxy {
    /// Starts a proxy to `target`, which may be down or come later: connections are then reset.
    ///
    /// # Panics
    ///
    /// If the system has no port or no runtime for it.
    pub fn start(target: SocketAddr) -> Self {
        let listener = port::listen();
        let addr = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        let (orders, obey) = watch::channel(Order::Reset(0));
        let ours = Arc::clone(&shared);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the system lets us have a runtime");
        let thread = thread::spawn(move || {
            runtime
                .block_on(accept(ours, listener, target, obey))
                .expect("a loopback listener goes on accepting");
        });
        let thread = Some(thread);
        Self {
            shared,
            orders,
            addr,
            thread,
        }
    }

    /// Where it listens, as a URL: `redis://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.addr)
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Replaces the fault in force. Whatever the proxy passes on after this call, it passes on
    /// under the new one; only bytes that are already delayed still arrive when they were due.
    pub fn set(&self, fault: Fault) {
        self.shared.switch.set(fault);
    }

    /// Resets (RST) all links that stand; new ones are accepted as the fault in force allows.
    pub fn reset_links(&self) {
        self.orders.send_modify(|order| {
            if let Order::Reset(number) = order {
                *number += 1;
            }
        });
    }

    /// What has passed so far.
    pub fn traffic(&self) -> Traffic {
        let counters = &self.shared.counters;
        Traffic {
            connections: counters.connections.load(Relaxed),
            links: counters.links.load(Relaxed),
            requests: counters.requests.load(Relaxed),
            replies: counters.replies.load(Relaxed),
            swallowed: counters.swallowed.load(Relaxed),
        }
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.orders.send_replace(Order::Stop);
        if let Some(thread) = self.thread.take() {
            // A proxy that panicked has printed why; a second panic here would abort the test.
            let _ = thread.join();
        }
    }
}

async fn accept(
    shared: Arc<Shared>,
    listener: TcpListener,
    target: SocketAddr,
    mut orders: watch::Receiver<Order>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let client = tokio::select! {
            biased;
            stop = orders.wait_for(|order| *order == Order::Stop) => {
                drop(stop);
                return Ok(());
            }
            accepted = listener.accept() => accepted?.0,
        };
        shared.counters.connections.fetch_add(1, Relaxed);
        let setting = shared.switch.get();
        if setting.fault == Fault::Reset {
            client.set_zero_linger()?;
            continue;
        }
        let orders = orders.clone();
        tokio::spawn(live(
            Arc::clone(&shared),
            setting.number,
            client,
            target,
            orders,
        ));
    }
}

/// One link, from its connection to the server until it is closed, broken or reset.
async fn live(
    shared: Arc<Shared>,
    born: u64,
    mut client: TcpStream,
    target: SocketAddr,
    mut orders: watch::Receiver<Order>,
) {
    let Ok(mut server) = TcpStream::connect(target).await else {
        // What a server that is down would do to its client.
        let _ = client.set_zero_linger();
        return;
    };
    // Without Nagle's algorithm the segments are those that the fault asks for.
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    shared.counters.links.fetch_add(1, Relaxed);
    let ordered = tokio::select! {
        () = link::carry(&shared, born, &mut client, &mut server) => false,
        _ = orders.changed() => true,
    };
    if ordered {
        link::reset(&client, &server);
    }
    shared.counters.links.fetch_sub(1, Relaxed);
}
