//! What is moved before a node that was not the last one with its slots answers: after a
//! takeover, or a restart from a snapshot, it may hold entries that were invalidated, and the
//! stamps of groups whose entries lie on any node.
//!
//! Which run of which server was last seen with the slots of a node is noted down under a name
//! that lies in one of these slots, so that it goes wherever they go. If another run is found
//! there, or nothing, the stamp that stands over all is removed first, on whichever node it lies.
//! So slots that were moved may cost a cache its entries, once.

use std::{convert::Infallible, sync::Arc};

use redis::{Pipeline, PushInfo, Value};

use super::{Chart, Cluster, address::Address, lock, redirect::Redirect, slot::slot};
use crate::redis::{
    fault::refused,
    fence::{FLUX, bytes, run_id},
    line::Line,
    target::Target,
};

/// So many names are tried to find one in a node's slots: enough for a node with very few.
const TRIES: usize = 1 << 20;

impl Cluster {
    /// Sees to it that this stamp is moved before another server, or the same with old data,
    /// answers anything.
    pub(in crate::redis) fn guard(&self, stamp: &str) {
        if self.guards.add(stamp) {
            for member in lock(&self.members).values() {
                member.node.renew();
            }
        }
    }

    /// Removes each stamp if the server is not the one that was last seen with its slots. An
    /// error tells why the connection must not be used.
    pub(in crate::redis) async fn keep_at(
        self: &Arc<Self>,
        target: &Target,
        line: &mut Line,
    ) -> Result<(), String> {
        let stamps = self.guards.stamps();
        if stamps.is_empty() {
            return Ok(());
        }
        let (host, port) = target.endpoint().ok_or("it is no server of a cluster")?;
        let here = Address::new(host, port);
        let chart = self.chart.load_full().ok_or("there is no map yet")?;
        let marks = stamps.iter().map(|stamp| mark(&chart, &here, stamp));
        let marks: Vec<String> = marks.collect::<Option<_>>().ok_or_else(|| {
            self.doubt();
            "the map of the cluster gives it no slots yet"
        })?;
        let mut asking = Pipeline::with_capacity(1 + marks.len());
        asking.cmd("INFO").arg("server");
        for mark in &marks {
            asking.cmd("GET").arg(mark);
        }
        let answers = line.send(&asking).await?;
        if !self.may(&answers, &here)? {
            return Ok(());
        }
        let Some(run) = answers.first().and_then(run_id) else {
            self.guards.say("it does not tell its `run_id`");
            return Ok(());
        };
        for ((stamp, mark), last) in stamps.iter().zip(&marks).zip(&answers[1..]) {
            if bytes(last) == Some(run.as_bytes()) {
                continue;
            }
            // First the stamp: if no more than that is done, it is done again next time.
            self.remove(&chart, stamp).await?;
            let mut noting = Pipeline::with_capacity(1);
            noting.cmd("SET").arg(mark).arg(run);
            self.may(&line.send(&noting).await?, &here)?;
        }
        Ok(())
    }

    /// Removes a stamp where it lies, on a connection that nothing else may use.
    async fn remove(self: &Arc<Self>, chart: &Chart, stamp: &str) -> Result<(), String> {
        let member = chart.member(slot(stamp));
        let member = member.ok_or("no node has the slot of the stamp that guards it")?;
        let deaf = |_: PushInfo| Ok::<(), Infallible>(());
        let mut line = member.target.connect(deaf).await?;
        let mut reading = Pipeline::with_capacity(1);
        reading.cmd("GET").arg(stamp);
        let standing = line.send(&reading).await?;
        self.may(&standing, &member.address)?;
        if standing.first().and_then(bytes).is_none_or(|it| it == FLUX) {
            return Ok(());
        }
        let mut removing = Pipeline::with_capacity(1);
        removing.cmd("UNLINK").arg(stamp);
        self.may(&line.send(&removing).await?, &member.address)?;
        tracing::info!(
            stamp,
            "another redis server: nothing in the cluster is trusted"
        );
        Ok(())
    }

    /// Whether a node has let all this be done; an error if it may do so later, or another may.
    fn may(self: &Arc<Self>, answers: &[Value], asked: &Address) -> Result<bool, String> {
        for answer in answers {
            if let Value::ServerError(error) = answer
                && Redirect::of(error, asked).is_some()
            {
                self.doubt();
                return Err(refused(error).to_string());
            }
        }
        self.guards.may(answers)
    }
}

/// Under which name stands which run was last seen with the slots of the node at `here`; `None`
/// if the chart gives it none.
fn mark(chart: &Chart, here: &Address, stamp: &str) -> Option<String> {
    let at = chart.map.masters().iter().position(|node| node == here)?;
    let mut names = (0..TRIES).map(|number| format!("{stamp}:run:{number}"));
    names.find(|name| chart.map.master(slot(name)) == Some(at))
}
