//! Which servers make up a Redis, and which of them a call goes to.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use cache_core::{Invalidate, Prepare, Prepared, Result, Write};

use super::{
    cluster::{Cluster, url},
    combine::Manner,
    feed::Feeds,
    node::Node,
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
    /// What a url names.
    pub(super) fn new(text: &str, root: Option<&[u8]>, deadline: Duration) -> Result<Self> {
        let target = |text: &str| Target::new(text, root.map(<[u8]>::to_vec));
        for scheme in ["redis", "rediss"] {
            let rest = text.strip_prefix(scheme);
            if let Some(rest) = rest.and_then(|rest| rest.strip_prefix("+cluster://")) {
                let seeds = url::seeds(scheme, rest, target)?;
                return Ok(Self::Cluster(Cluster::new(seeds, deadline)));
            }
        }
        let target = Arc::new(target(text)?);
        let feeds = Feeds::new(Stage::Server(Arc::clone(&target)));
        let node = Node::new(&target, &feeds, deadline, Manner::Together);
        Ok(Self::Server { node, feeds })
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
            Self::Cluster(cluster) => cluster.read(names).await,
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
