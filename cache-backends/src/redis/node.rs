//! What a call does on one server: commands there and what their answers mean.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use cache_core::{Invalidate, Lease, Prepare, Prepared, Write};
use redis::{Pipeline, Value};
use tokio::time::Instant;

use super::{
    combine::{Combine, Manner, Piece},
    commands::{self, By},
    fault,
    feed::Feeds,
    fence::{Guards, Run},
    follower::Follower,
    lag::Lag,
    line::Server,
    replica::Replica,
    stage::Stage,
    target::Target,
    wait::Wait,
};
use crate::link::{Fault, Link};

/// How a node is spoken to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How long a call may take.
    pub(super) deadline: Duration,
    /// How long an invalidation waits for a replica.
    pub(super) patience: Duration,
    pub(super) manner: Manner,
}

/// One server and the connections to it.
pub(super) struct Node {
    target: Arc<Target>,
    /// Carries what waits for an answer most: reads, and nothing that could hold them up.
    reads: Arc<Combine>,
    writes: Arc<Link<Server>>,
    /// Carries invalidations that wait for a replica, so that nothing else waits behind them.
    replicated: Arc<Link<Server>>,
    guards: Arc<Guards>,
    /// Read in place of the server, while it is close behind.
    replica: Option<Arc<Replica>>,
    /// How many replicas the server of `writes` has.
    replicas: Arc<AtomicUsize>,
    wait: Wait,
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
        if let Some(replica) = &self.replica {
            replica.close();
        }
        self.reads.link().close();
        self.writes.close();
        self.replicated.close();
    }
}

impl Node {
    /// The server of this target, whose links keep these feeds going.
    pub(super) fn new(target: &Arc<Target>, feeds: &Arc<Feeds>, terms: Terms) -> Self {
        let Terms {
            deadline,
            patience,
            manner,
        } = terms;
        let (guards, replicas) = <(Arc<Guards>, Arc<AtomicUsize>)>::default();
        let link = |name, replicas| {
            let (target, feeds) = (Arc::clone(target), Arc::clone(feeds));
            let guards = Arc::clone(&guards);
            let server = Server {
                target,
                feeds,
                guards,
                run: Run::default(),
                replicas,
            };
            Link::new(name, server, deadline)
        };
        Self {
            target: Arc::clone(target),
            reads: Combine::new(link("reads", Arc::default()), manner),
            writes: link("writes", Arc::clone(&replicas)),
            replicated: link("replicated writes", Arc::default()),
            wait: Wait::new(patience, deadline),
            guards,
            replica: None,
            replicas,
        }
    }

    /// Reads a replica while that is less than `bound` behind.
    pub(super) fn read_replicas(&mut self, lag: Arc<Lag>, bound: Duration) {
        let follower = Follower::new(&self.target, &self.writes, &lag, bound);
        let server = Server {
            target: Arc::new(Target::following(follower, &self.target)),
            // What the others keep going.
            feeds: Feeds::new(Stage::Server(Arc::clone(&self.target)), None),
            guards: Arc::default(),
            run: Run::default(),
            replicas: Arc::default(),
        };
        let link = Link::new("replica reads", server, self.writes.deadline());
        self.replica = Some(Replica::new(
            Combine::new(link, Manner::Together),
            &self.writes,
            lag,
            bound,
        ));
    }

    /// Sees to it that this stamp is moved before another server, or the same with old data,
    /// answers anything.
    pub(super) fn guard(&self, stamp: &str) {
        if let Some(replica) = &self.replica {
            // Where a user who is held to the names of one cache may write.
            replica.lag().rename(stamp);
        }
        if self.guards.add(stamp) {
            self.renew();
        }
    }

    /// Has all connections made anew before they carry anything else.
    pub(super) fn renew(&self) {
        for link in [self.reads.link(), &self.writes, &self.replicated] {
            link.renew();
        }
    }

    pub(super) fn address(&self) -> &str {
        self.target.address()
    }

    /// Begins to connect, so that the first call finds it done.
    pub(super) fn open(&self) {
        self.reads.link().open();
        self.writes.open();
    }

    /// Whether it was tried to connect and there is no connection.
    pub(super) fn is_away(&self) -> bool {
        self.reads.link().is_away() || self.writes.is_away()
    }

    /// Whether there is a connection.
    pub(super) fn is_up(&self) -> bool {
        self.reads.link().is_up() || self.writes.is_up()
    }

    pub(super) fn reads(&self) -> &Arc<Link<Server>> {
        self.reads.link()
    }

    pub(super) fn writes(&self) -> &Arc<Link<Server>> {
        &self.writes
    }

    pub(super) async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>, Fault> {
        let until = Instant::now() + self.reads.link().deadline();
        if let Some(replica) = &self.replica
            && let Some(values) = Box::pin(replica.read(names, until)).await
        {
            return Ok(values);
        }
        let pieces = self.reads.read(names, until).await?;
        let values: Result<_, _> = pieces.into_iter().collect();
        values.map_err(|error| fault::refused(&error))
    }

    /// What stands under each name, or why the server does not tell.
    pub(super) async fn pieces(&self, names: &[&str]) -> Result<Vec<Piece>, Fault> {
        let until = Instant::now() + self.reads.link().deadline();
        self.reads.read(names, until).await
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
        let answers = self.change(pipeline).await?;
        let full = |answer: &Value| commands::is_refusal(answer, "OOM");
        commands::refused(answers.iter().filter(|answer| !full(answer)))?;
        if answers.iter().any(full) {
            let answers = self.change(commands::invalidate_full(&change)).await?;
            commands::refused(&answers)?;
        }
        self.changed();
        Ok(())
    }

    /// Notes a change that no replica may undo for this process.
    fn changed(&self) {
        if let Some(replica) = &self.replica {
            replica.lag().raise();
        }
    }

    /// Sends changes, and waits for a replica to have them where there is one.
    async fn change(&self, pipeline: Pipeline) -> Result<Vec<Value>, Fault> {
        let until = Instant::now() + self.writes.deadline();
        let (answers, replicated) = self.change_until(pipeline, until).await?;
        if commands::refused(&answers).is_ok() {
            replicated?;
        }
        Ok(answers)
    }

    /// The answers, and whether a replica has what was done: all goes in one, so that it is this
    /// connection's changes that are waited for.
    pub(super) async fn change_until(
        &self,
        mut pipeline: Pipeline,
        until: Instant,
    ) -> Result<(Vec<Value>, Result<(), Fault>), Fault> {
        // How many replicas there are is known once there is a connection.
        self.writes.reached(until).await?;
        if !self.wait.is_on() || self.replicas.load(Ordering::Relaxed) == 0 {
            return Ok((self.writes.all_until(&pipeline, until).await?, Ok(())));
        }
        self.wait.end(&mut pipeline);
        let mut answers = self.replicated.all_until(&pipeline, until).await?;
        let waited = answers.pop().expect("an answer for each command");
        Ok((answers, self.wait.outcome(&waited)))
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
                self.changed();
                return Ok(removed);
            }
            cursor = next;
        }
    }
}
