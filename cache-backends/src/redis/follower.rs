//! Which replica of a master is read: one that the master itself names, and that still follows.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{Value, aio::AsyncPushSender};

use super::{
    lag::Lag,
    line::{Line, Server},
    role::Role,
    sentinel::Address,
    target::{Target, open_line},
};
use crate::link::Link;

/// A replica that has shown nothing new for this long is left for another.
const FAR_BEHIND: Duration = Duration::from_secs(5);

/// A place that leads to a replica.
pub(super) struct Follower {
    home: Arc<Target>,
    master: Arc<Link<Server>>,
    lag: Arc<Lag>,
    /// How long it may show nothing new.
    patience: Duration,
    /// When the present connection was made.
    since: AtomicU64,
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower")
            .field("of", &self.home.address())
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// A replica of the master of these connections, which may be so far behind.
    pub(super) fn new(
        home: &Arc<Target>,
        master: &Arc<Link<Server>>,
        lag: &Arc<Lag>,
        bound: Duration,
    ) -> Self {
        Self {
            home: Arc::clone(home),
            master: Arc::clone(master),
            lag: Arc::clone(lag),
            patience: FAR_BEHIND.max(2 * bound),
            since: AtomicU64::new(0),
        }
    }

    /// Where the master is.
    pub(super) fn home(&self) -> &Target {
        &self.home
    }

    /// A connection to one of the replicas, any of them: so many processes spread over all.
    pub(super) async fn connect(&self, hear: impl AsyncPushSender) -> Result<Line, String> {
        let asked = self.master.one(&redis::cmd("ROLE")).await;
        let list = replicas(&asked.map_err(|fault| fault.to_string())?);
        let draw = RandomState::new().hash_one(0);
        let Some(at) = draw.checked_rem(u64::try_from(list.len()).unwrap_or(0)) else {
            return Err("the master has no replica".to_owned());
        };
        let (host, port) = &list[usize::try_from(at).unwrap_or(0)];
        let client = self.home.client_beside(host, *port);
        let client = client.map_err(|error| error.to_string())?;
        let mut line = Line::new(open_line(&client, self.home.access(), hear).await?);
        follows(line.role().await?)?;
        self.lag.show(None);
        self.since.store(self.lag.now(), Relaxed);
        Ok(line)
    }

    /// Whether the server of a connection still follows, and brings anything new.
    pub(super) fn still(&self, role: Role) -> Result<Role, String> {
        follows(role)?;
        let last = self.lag.seen().max(self.since.load(Relaxed));
        let silent = Duration::from_micros(self.lag.now().saturating_sub(last));
        if silent > self.patience {
            return Err(format!(
                "the replica has nothing newer than of {silent:?} ago"
            ));
        }
        Ok(role)
    }
}

fn follows(role: Role) -> Result<(), String> {
    match role {
        Role::Replica => Ok(()),
        Role::Master { .. } | Role::Untold => Err("it is no replica, or does not say".to_owned()),
    }
}

/// The replicas that a master names in answer to `ROLE`.
fn replicas(answer: &Value) -> Vec<Address> {
    let Value::Array(parts) = answer else {
        return Vec::new();
    };
    let Some(Value::Array(list)) = parts.get(2) else {
        return Vec::new();
    };
    let address = |replica: &Value| {
        let Value::Array(parts) = replica else {
            return None;
        };
        let [Value::BulkString(host), Value::BulkString(port), ..] = &parts[..] else {
            return None;
        };
        let host = String::from_utf8(host.clone()).ok()?;
        let port = std::str::from_utf8(port).ok()?.parse().ok()?;
        Some((host, port))
    };
    list.iter().filter_map(address).collect()
}
