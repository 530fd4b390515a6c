//! Which servers make up a Redis, and which of them a call goes to.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use cache_core::{Error, ErrorKind, Invalidate, Prepare, Prepared, Result, Write};

use super::{
    LONGEST_DEADLINE, RedisBuilder,
    cluster::{Cluster, url},
    combine::Manner,
    feed::Feeds,
    lag::Lag,
    node::{Node, Terms},
    stage::Stage,
    target::Target,
};
use crate::link::Fault;

/// The servers behind one [`Redis`](super::Redis).
pub(super) enum Topology {
    Server { node: Node, feeds: Arc<Feeds> },
    Cluster(Arc<Cluster>),
}

impl fmt::Debug for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server { node, .. } => node.fmt(f),
            Self::Cluster(cluster) => cluster.fmt(f),
        }
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        match self {
            Self::Server { feeds, .. } => feeds.close(),
            Self::Cluster(cluster) => cluster.close(),
        }
    }
}

impl Topology {
    /// What the settings name.
    pub(super) fn new(settings: &RedisBuilder) -> Result<Self> {
        let target = |url: &str| Target::new(url, &settings.access);
        let terms = |manner| Terms {
            deadline: settings.deadline.min(LONGEST_DEADLINE),
            patience: settings.replica_patience,
            manner,
        };
        for scheme in ["redis", "rediss"] {
            let rest = settings.url.strip_prefix(scheme);
            if let Some(rest) = rest.and_then(|rest| rest.strip_prefix("+cluster://")) {
                if settings.replica_reads.is_some() {
                    return Err(Error::new(
                        ErrorKind::Config,
                        "replicas of a cluster are not read: leave `replica_reads` out",
                    ));
                }
                let seeds = url::seeds(scheme, rest, target)?;
                return Ok(Self::Cluster(Cluster::new(seeds, terms(Manner::Each))));
            }
        }
        let target = Arc::new(target(&settings.url)?);
        let followed = settings.replica_reads;
        let followed = followed.map(|bound| (Arc::new(Lag::new()), bound));
        let told = followed.as_ref().map(|(lag, _)| Arc::clone(lag));
        let feeds = Feeds::new(Stage::Server(Arc::clone(&target)), told);
        let mut node = Node::new(&target, &feeds, terms(Manner::Together));
        if let Some((lag, bound)) = followed {
            node.read_replicas(lag, bound);
        }
        Ok(Self::Server { node, feeds })
    }

    /// Sees to it that this stamp is moved before a server answers that may have old data.
    pub(super) fn guard(&self, stamp: &str) {
        match self {
            Self::Server { node, .. } => node.guard(stamp),
            Self::Cluster(cluster) => cluster.guard(stamp),
        }
    }

    pub(super) fn address(&self) -> String {
        match self {
            Self::Server { node, .. } => node.address().to_owned(),
            Self::Cluster(cluster) => cluster.address(),
        }
    }

    pub(super) fn feeds(&self) -> &Feeds {
        match self {
            Self::Server { feeds, .. } => feeds,
            Self::Cluster(cluster) => &cluster.feeds,
        }
    }

    pub(super) async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>, Fault> {
        match self {
            Self::Server { node, .. } => node.read(names).await,
            // Boxed, so that a read of one server stays small.
            Self::Cluster(cluster) => Box::pin(cluster.read(names)).await,
        }
    }

    pub(super) async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared, Fault> {
        match self {
            Self::Server { node, .. } => node.prepare(prepare).await,
            Self::Cluster(cluster) => cluster.prepare(prepare).await,
        }
    }

    pub(super) async fn store(&self, write: Write<'_>) -> Result<bool, Fault> {
        match self {
            Self::Server { node, .. } => node.store(write).await,
            Self::Cluster(cluster) => cluster.store(write).await,
        }
    }

    pub(super) async fn invalidate(&self, change: Invalidate<'_>) -> Result<(), Fault> {
        match self {
            Self::Server { node, .. } => node.invalidate(change).await,
            Self::Cluster(cluster) => cluster.invalidate(change).await,
        }
    }

    pub(super) async fn sweep(
        &self,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<u64, Fault> {
        match self {
            Self::Server { node, .. } => node.sweep(prefix, matches).await,
            Self::Cluster(cluster) => cluster.sweep(prefix, matches).await,
        }
    }
}
