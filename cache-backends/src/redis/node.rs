//! What a call does on one server: commands there and what their answers mean.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use cache_core::{Invalidate, Lease, Prepare, Prepared, Write};
use redis::Value;

use super::{
    combine::Combine,
    commands::{self, By},
    feed::Feeds,
    line::Server,
    target::Target,
};
use crate::link::{Fault, Link};

/// One server and the connections to it.
pub(super) struct Node {
    target: Arc<Target>,
    /// Carries what waits for an answer most: reads, and nothing that could hold them up.
    reads: Arc<Combine>,
    writes: Arc<Link<Server>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("address", &self.target.address())
            .field("reads", self.reads.link())
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.reads.link().close();
        self.writes.close();
    }
}

impl Node {
    /// The server of this target, whose links keep these feeds going.
    pub(super) fn new(target: &Arc<Target>, feeds: &Arc<Feeds>, deadline: Duration) -> Self {
        let link = |name| {
            let (target, feeds) = (Arc::clone(target), Arc::clone(feeds));
            Link::new(name, Server { target, feeds }, deadline)
        };
        let (reads, writes) = (Combine::new(link("reads")), link("writes"));
        Self {
            target: Arc::clone(target),
            reads,
            writes,
        }
    }

    pub(super) fn address(&self) -> &str {
        self.target.address()
    }

    pub(super) async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>, Fault> {
        self.reads.read(names).await
    }

    pub(super) async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared, Fault> {
        let pipeline = commands::prepare(&prepare);
        if pipeline.is_empty() {
            return Ok(Prepared {
                stamps: Vec::new(),
                leased: false,
            });
        }
        let answers = self.writes.all(&pipeline).await?;
        let (made, leased) = answers.split_at(prepare.stamps.len());
        commands::refused(made)?;
        let stamps = made
            .iter()
            .zip(prepare.stamps)
            .map(|(answer, (_, nonce))| commands::stamp(answer, *nonce))
            .collect::<Option<Vec<_>>>()
            .ok_or(Fault::Foreign)?;
        let leased = match (leased.first(), prepare.lease) {
            (Some(answer), Some(lease)) => self.leased(answer, lease).await?,
            _ => false,
        };
        Ok(Prepared { stamps, leased })
    }

    async fn leased(&self, answer: &Value, lease: Lease<'_>) -> Result<bool, Fault> {
        let again = || commands::acquire(&lease, By::Text);
        self.scripted(answer, again).await
    }

    /// What a script has done; one that the server does not know is sent again as text.
    async fn scripted(
        &self,
        answer: &Value,
        again: impl FnOnce() -> redis::Cmd,
    ) -> Result<bool, Fault> {
        let written = if commands::is_refusal(answer, "NOSCRIPT") {
            commands::written(&self.writes.one(&again()).await?)
        } else {
            commands::refused([answer])?;
            commands::written(answer)
        };
        written.ok_or_else(|| self.writes.garbled())
    }

    pub(super) async fn store(&self, write: Write<'_>) -> Result<bool, Fault> {
        let answers = self.writes.all(&commands::store(&write)).await?;
        let again = || commands::commit(&write, By::Text);
        let stored = self.scripted(&answers[0], again).await?;
        commands::refused(&answers[1..])?;
        Ok(stored)
    }

    pub(super) async fn invalidate(&self, change: Invalidate<'_>) -> Result<(), Fault> {
        let pipeline = commands::invalidate(&change);
        if pipeline.is_empty() {
            return Ok(());
        }
        let answers = self.writes.all(&pipeline).await?;
        let full = |answer: &Value| commands::is_refusal(answer, "OOM");
        commands::refused(answers.iter().filter(|answer| !full(answer)))?;
        if answers.iter().any(full) {
            let pipeline = commands::invalidate_full(&change);
            commands::refused(&self.writes.all(&pipeline).await?)?;
        }
        Ok(())
    }

    pub(super) async fn sweep(
        &self,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<u64, Fault> {
        let writes = &self.writes;
        let (mut cursor, mut removed) = (b"0".to_vec(), 0);
        loop {
            let answer = writes.one(&commands::scan(&cursor, prefix)).await?;
            let (next, names) = commands::page(answer).ok_or_else(|| writes.garbled())?;
            let doomed = |name: &&str| name.starts_with(prefix) && matches(name);
            let names: Vec<&str> = names.iter().map(String::as_str).filter(doomed).collect();
            if !names.is_empty() {
                match writes.one(&commands::unlink(&names)).await? {
                    Value::Int(count) => removed += u64::try_from(count).unwrap_or(0),
                    _ => return Err(writes.garbled()),
                }
            }
            if next == b"0" {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}
