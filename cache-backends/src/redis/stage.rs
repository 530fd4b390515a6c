//! Where a channel is heard, and what shows that nothing published on it was missed.

use std::sync::{Arc, Weak};

use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection};

use super::{cluster::Cluster, fault::refused, target::Target};

/// Where channels are heard.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// All on one server.
    Server(Arc<Target>),
    /// Each on the node of a cluster that has its slot.
    Cluster(Weak<Cluster>),
}

/// What the answer to a heartbeat says of all that was published before it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It was heard.
    Alive,
    /// It may be heard elsewhere.
    Unsure,
    /// It is heard elsewhere.
    Gone,
}

impl Stage {
    /// The server to connect to.
    pub(super) async fn target(&self, channel: &str) -> Result<Arc<Target>, String> {
        match self {
            Self::Server(target) => Ok(Arc::clone(target)),
            Self::Cluster(cluster) => match cluster.upgrade() {
                Some(cluster) => cluster.home(channel).await,
                None => Err("nobody uses the cluster any more".to_owned()),
            },
        }
    }

    /// Why the server will not, if it will not.
    pub(super) async fn subscribe(
        &self,
        connection: &mut MultiplexedConnection,
        channel: &str,
    ) -> RedisResult<Option<String>> {
        match self {
            Self::Server(_) => connection.subscribe(channel).await.map(|()| None),
            Self::Cluster(_) => {
                let mut subscribe = redis::cmd("SSUBSCRIBE");
                subscribe.arg(channel);
                let answer = connection.send_packed_command(&subscribe).await?;
                Ok(match answer {
                    Value::ServerError(error) => Some(refused(&error).to_string()),
                    _ => None,
                })
            }
        }
    }

    /// What is asked for a sign of life: in a cluster, something of the channel's own slot. Only
    /// the node that has it answers, and only there all that is published on it is heard. Others
    /// that still have subscribers, a master that lost the slot or was replaced, say so.
    pub(super) fn question(&self, channel: &str) -> Cmd {
        match self {
            Self::Server(_) => redis::cmd("PING"),
            Self::Cluster(_) => {
                let mut get = redis::cmd("GET");
                get.arg(channel);
                get
            }
        }
    }

    pub(super) fn sign(&self, answer: &Value) -> Sign {
        match (self, answer) {
            // An error of the server is an answer like any other.
            (Self::Server(_), _) | (Self::Cluster(_), Value::Nil | Value::BulkString(_)) => {
                Sign::Alive
            }
            (Self::Cluster(_), Value::ServerError(error)) => match error.code() {
                "WRONGTYPE" => Sign::Alive,
                "MOVED" => Sign::Gone,
                // It is being moved, or the cluster is down.
                _ => Sign::Unsure,
            },
            // The end of a subscription is taken for an answer.
            (Self::Cluster(_), _) => Sign::Gone,
        }
    }

    /// Says that a feed was lost.
    pub(super) fn doubt(&self) {
        if let Self::Cluster(cluster) = self
            && let Some(cluster) = cluster.upgrade()
        {
            cluster.doubt();
        }
    }
}
