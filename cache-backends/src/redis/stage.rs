//! Where a channel is heard, and what shows that nothing published on it was missed.

use std::sync::{Arc, Weak};

use redis::{Pipeline, Value};

use super::{
    cluster::Cluster,
    fault::{explain, refused},
    line::Line,
    target::Target,
};

const UNUSED: &str = "nobody uses the cluster any more";

/// Where channels are heard, and what the servers are parts of.
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
            Self::Cluster(cluster) => {
                let cluster = cluster.upgrade().ok_or(UNUSED)?;
                cluster.home(channel).await
            }
        }
    }

    pub(super) async fn subscribe(&self, line: &mut Line, channel: &str) -> Result<(), String> {
        match self {
            Self::Server(_) => {
                let subscribed = line.connection.subscribe(channel).await;
                subscribed.map_err(|error| explain(&error))
            }
            Self::Cluster(_) => {
                let mut subscribe = Pipeline::with_capacity(1);
                subscribe.cmd("SSUBSCRIBE").arg(channel);
                match &line.send(&subscribe).await?[..] {
                    [Value::ServerError(error)] => Err(refused(error).to_string()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Asks for a sign of life: in a cluster, for something of the channel's own slot. Only the
    /// node that has it answers, and only there all that is published on it is heard. Others
    /// that still have subscribers, a master that lost the slot or was replaced, say so.
    pub(super) async fn sign(
        &self,
        target: &Target,
        line: &mut Line,
        channel: &str,
    ) -> Result<Sign, String> {
        match self {
            // An error of the server is an answer like any other.
            Self::Server(_) => target.beat(line).await.map(|_| Sign::Alive),
            Self::Cluster(_) => {
                let mut question = Pipeline::with_capacity(1);
                question.cmd("GET").arg(channel);
                let answers = line.send(&question).await?;
                Ok(answers.first().map_or(Sign::Gone, owner))
            }
        }
    }

    /// The cluster, unless it is a server by itself; an error once it is not used any more.
    pub(super) fn cluster(&self) -> Option<Result<Arc<Cluster>, String>> {
        match self {
            Self::Server(_) => None,
            Self::Cluster(cluster) => Some(cluster.upgrade().ok_or_else(|| UNUSED.to_owned())),
        }
    }

    /// Says that a feed was lost.
    pub(super) fn doubt(&self) {
        if let Some(Ok(cluster)) = self.cluster() {
            cluster.doubt();
        }
    }
}

/// What the answer to a question about the channel's slot says of who gave it.
fn owner(answer: &Value) -> Sign {
    match answer {
        Value::Nil | Value::BulkString(_) => Sign::Alive,
        Value::ServerError(error) => match error.code() {
            "WRONGTYPE" => Sign::Alive,
            "MOVED" => Sign::Gone,
            // It is being moved, or the cluster is down.
            _ => Sign::Unsure,
        },
        // The end of a subscription is taken for an answer.
        _ => Sign::Gone,
    }
}
