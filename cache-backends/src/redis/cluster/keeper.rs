//! When the map of a cluster is read again.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};

use super::{Cluster, fetch::fetch, lock, map::Map};
use crate::link::{HEARTBEAT, Pace, task::Shift};

/// Between two maps, at least, however many callers doubt.
const REST: Duration = Duration::from_millis(100);

/// The background work of a cluster.
pub(super) struct Keeper {
    cluster: Arc<Cluster>,
    shift: Shift,
}

impl Keeper {
    pub(super) fn new(cluster: &Arc<Cluster>, shift: Shift) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            shift,
        }
    }

    pub(super) async fn run(self) {
        let mut pace = Pace::new();
        while let Some(map) = self.reach(&mut pace).await {
            if !self.beat() {
                return;
            }
            self.cluster.install(map);
            if !self.stand_by().await {
                return;
            }
        }
    }

    async fn reach(&self, pace: &mut Pace) -> Option<Map> {
        let attempt = || fetch(Arc::clone(&self.cluster));
        let failed = |why: &str| self.cluster.missed(why);
        pace.reach(attempt, failed, || self.beat()).await
    }

    /// Waits until the map is doubted, by callers or because a node is away; `false` if the work
    /// is over.
    async fn stand_by(&self) -> bool {
        let rested = Instant::now() + REST;
        loop {
            let doubted = timeout(HEARTBEAT, self.cluster.wanted.notified()).await;
            if !self.beat() {
                return false;
            }
            if doubted.is_ok() || self.cluster.misses_somebody() {
                sleep_until(rested).await;
                return true;
            }
        }
    }

    /// Gives a sign of life; `false` if the work is over, or somebody else's.
    fn beat(&self) -> bool {
        self.cluster.feeds.keep();
        self.shift.beat()
    }
}

impl Cluster {
    /// Notes why there is no newer map.
    fn missed(&self, why: &str) {
        let mut last = lock(&self.why);
        if **last != *why {
            let cluster = self.address();
            tracing::warn!(cluster, why, "the map of the redis cluster cannot be read");
            *last = why.into();
        }
        drop(last);
        self.settled.send_replace(true);
    }

    /// Whether a node of the map is known to be away.
    fn misses_somebody(&self) -> bool {
        let chart = self.chart.load();
        let members = chart.as_ref().map_or(&[][..], |chart| &chart.members);
        members.iter().any(|member| member.node.is_away())
    }
}
