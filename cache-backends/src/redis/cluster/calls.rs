//! What [`Backend`](cache_core::Backend) asks for beside reading, over all nodes of a cluster.
//!
//! Every command is about one name, so that no call needs two slots to be on one node. Nothing
//! but a single slot is ever compared and written at once.

use std::sync::Arc;

use cache_core::{Invalidate, Lease, Prepare, Prepared, Write};
use redis::{Cmd, ServerError, Value};
use tokio::time::Instant;

use super::{
    Chart, Cluster,
    reads::absent,
    route::{Order, Terms, unserved},
};
use crate::{
    link::Fault,
    redis::{
        commands::{self, By},
        fault::refused,
    },
};

impl Cluster {
    pub(in crate::redis) async fn prepare(
        self: &Arc<Self>,
        prepare: Prepare<'_>,
    ) -> Result<Prepared, Fault> {
        let until = self.until();
        let chart = self.chart(until).await?;
        let pipeline = commands::prepare(&prepare);
        let names = prepare.stamps.iter().map(|(stamp, _)| *stamp);
        let names = names.chain(prepare.lease.map(|lease| lease.slot));
        let orders = names.zip(pipeline.cmd_iter().cloned());
        let mut answers = self
            .send(&chart, orders, Terms::until(until))
            .await
            .into_iter();
        // The stamps first: what a shorter side of `zip` finds too much would be lost.
        let stamps = prepare.stamps.iter().zip(answers.by_ref());
        let stamps = stamps.map(|((_, nonce), answer)| {
            commands::stamp(&answered(answer)?, *nonce).ok_or(Fault::Foreign)
        });
        let stamps = stamps.collect::<Result<_, _>>()?;
        let leased = match (answers.next(), prepare.lease) {
            (Some(answer), Some(lease)) => self.leased(&chart, answer?, lease, until).await?,
            _ => false,
        };
        Ok(Prepared { stamps, leased })
    }

    async fn leased(
        self: &Arc<Self>,
        chart: &Chart,
        answer: Value,
        lease: Lease<'_>,
        until: Instant,
    ) -> Result<bool, Fault> {
        let again = || (lease.slot, commands::acquire(&lease, By::Text));
        self.scripted(chart, answer, again, until).await
    }

    /// What a script has done; one that the node does not know is sent again as text.
    async fn scripted<'a>(
        self: &Arc<Self>,
        chart: &Chart,
        answer: Value,
        again: impl FnOnce() -> (&'a str, Cmd),
        until: Instant,
    ) -> Result<bool, Fault> {
        let answer = if commands::is_refusal(&answer, "NOSCRIPT") {
            self.one(chart, again(), until).await?
        } else {
            answered(Ok(answer))?
        };
        commands::written(&answer).ok_or(Fault::Garbled)
    }

    /// The life of a stamp that is out of reach is not raised: what is stored then dies with it.
    pub(in crate::redis) async fn store(self: &Arc<Self>, write: Write<'_>) -> Result<bool, Fault> {
        let until = self.until();
        let chart = self.chart(until).await?;
        let pipeline = commands::store(&write);
        let names = std::iter::once(write.slot).chain(write.stamps.iter().copied());
        let orders = names.zip(pipeline.cmd_iter().cloned());
        let mut answers = self
            .send(&chart, orders, Terms::until(until))
            .await
            .into_iter();
        let stored = answers.next().unwrap_or(Err(Fault::Garbled))?;
        let again = || (write.slot, commands::commit(&write, By::Text));
        let stored = self.scripted(&chart, stored, again, until).await?;
        for raised in answers {
            match raised {
                Ok(answer) => drop(answered(Ok(answer))?),
                Err(fault) => absent(fault)?,
            }
        }
        Ok(stored)
    }

    /// Tells the channel when all is done. What fails is told as well, as far as there is time:
    /// it will be told again, and until then near tiers forget what they can.
    pub(in crate::redis) async fn invalidate(
        self: &Arc<Self>,
        change: Invalidate<'_>,
    ) -> Result<(), Fault> {
        if change.slots.is_empty() && change.stamps.is_empty() && change.notice.is_empty() {
            return Ok(());
        }
        let until = self.until();
        let chart = self.chart(until).await?;
        let changed = self.change(&chart, &change, until).await;
        let told = match change.notice {
            [] => Ok(()),
            _ => self.tell(&chart, &change, until).await,
        };
        changed.and(told)
    }

    async fn change(
        self: &Arc<Self>,
        chart: &Chart,
        change: &Invalidate<'_>,
        until: Instant,
    ) -> Result<(), Fault> {
        let terms = Terms {
            until,
            replicated: true,
        };
        let slots = change.slots.iter();
        let slots = slots.map(|slot| (*slot, commands::unlink(&[slot])));
        let stamps = change.stamps.iter();
        let stamps = stamps.map(|(stamp, nonce)| {
            let set = commands::set(stamp, *nonce, change.stamp_ttl);
            (*stamp, set)
        });
        let answers = self.send(chart, slots.chain(stamps), terms).await;
        let mut full = Vec::new();
        for (at, answer) in answers.into_iter().enumerate() {
            let answer = answer?;
            match at.checked_sub(change.slots.len()) {
                // A stamp that is missing never agrees with an entry either.
                Some(stamp) if commands::is_refusal(&answer, "OOM") => {
                    full.push(change.stamps[stamp].0);
                }
                _ => drop(answered(Ok(answer))?),
            }
        }
        let gone = full
            .iter()
            .map(|stamp| (*stamp, commands::unlink(&[stamp])));
        for answer in self.send(chart, gone, terms).await {
            answered(answer)?;
        }
        Ok(())
    }

    /// Publishes at the node of the channel's slot, where the feeds listen. Any node of its shard
    /// would take the message, also a master that has become a replica, and pass it on later, when
    /// feeds may have had the answer to a later heartbeat already. So it is followed by a question
    /// that only the right node answers; where that sends us, it is published as well.
    async fn tell(
        self: &Arc<Self>,
        chart: &Chart,
        change: &Invalidate<'_>,
        until: Instant,
    ) -> Result<(), Fault> {
        let mut publish = redis::cmd("SPUBLISH");
        publish.arg(change.channel).arg(change.notice);
        let order = Order {
            ahead: Some(publish),
            command: commands::read(&[change.channel]),
            goal: chart.goal(change.channel),
        };
        match self
            .follow(vec![order], Terms::until(until))
            .await
            .remove(0)?
        {
            Value::ServerError(error) if error.code() == "WRONGTYPE" => Ok(()),
            answer => answered(Ok(answer)).map(drop),
        }
    }

    pub(super) async fn one(
        self: &Arc<Self>,
        chart: &Chart,
        order: (&str, Cmd),
        until: Instant,
    ) -> Result<Value, Fault> {
        let answer = self.send(chart, [order], Terms::until(until)).await.pop();
        answered(answer.unwrap_or(Err(Fault::Garbled)))
    }

    pub(super) fn until(&self) -> Instant {
        Instant::now() + self.terms.deadline
    }
}

/// An answer that is no refusal.
pub(super) fn answered(answer: Result<Value, Fault>) -> Result<Value, Fault> {
    match answer? {
        Value::ServerError(error) if is_unserved(&error) => Err(unserved()),
        Value::ServerError(error) => Err(refused(&error)),
        value => Ok(value),
    }
}

/// Whether the slot has no node, and not the whole cluster is down.
pub(super) fn is_unserved(error: &ServerError) -> bool {
    let unserved = |details: &str| details.contains("slot not served");
    error.code() == "CLUSTERDOWN" && error.details().is_some_and(unserved)
}
