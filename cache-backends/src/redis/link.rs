//! Which connection carries a command, and when it is replaced.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use redis::{
    Cmd, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value, aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, error::Elapsed, timeout, timeout_at},
};

use super::{
    fault::{Fault, Verdict, explain, verdict},
    feed::Feeds,
    pace::Pace,
    target::Target,
    task::{Post, Shift},
};

/// How often a connection is asked whether it lives. Unanswered twice as long, it is replaced.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(500);
/// A caller who gives up after at least this long raises doubt: the connection is asked at once.
const DOUBT: Duration = Duration::from_millis(20);
/// So many failures in a row, of whatever kind, and a connection is replaced.
const FAILURES: u32 = 3;

/// A connection that is kept up: replaced when it is dead or in doubt, for as long as this lives.
///
/// A command is sent at most once, on the connection of the moment, and never queued for one
/// that is still to come: while there is none, it fails at once. Only the very first command
/// waits for the outcome of the first try.
pub(super) struct Link {
    name: &'static str,
    target: Arc<Target>,
    feeds: Arc<Feeds>,
    deadline: Duration,
    current: ArcSwapOption<Current>,
    /// Of the current connection, in a row.
    failures: AtomicU32,
    serials: AtomicU64,
    /// Why there is no connection.
    why: Mutex<Arc<str>>,
    /// The current connection was given up.
    ended: Notify,
    /// A caller did not wait for the end of the deadline.
    doubt: Notify,
    /// Whether the first try has an outcome.
    settled: watch::Sender<bool>,
    post: Arc<Post>,
}

#[derive(Clone)]
struct Current {
    connection: MultiplexedConnection,
    serial: u64,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("name", &self.name)
            .field("up", &self.current.load().is_some())
            .finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(
        name: &'static str,
        target: Arc<Target>,
        feeds: Arc<Feeds>,
        deadline: Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            target,
            feeds,
            deadline,
            current: ArcSwapOption::empty(),
            failures: AtomicU32::new(0),
            serials: AtomicU64::new(0),
            why: Mutex::new("not yet tried".into()),
            ended: Notify::new(),
            doubt: Notify::new(),
            settled: watch::Sender::new(false),
            post: Arc::default(),
        })
    }

    /// Sends one command. An error that the server answers is a [`Fault::Refused`].
    pub(super) async fn one(self: &Arc<Self>, command: &Cmd) -> Result<Value, Fault> {
        self.one_until(command, Instant::now() + self.deadline)
            .await
    }

    /// The same for a caller who has waited already, and has less than a deadline left.
    pub(super) async fn one_until(
        self: &Arc<Self>,
        command: &Cmd,
        until: Instant,
    ) -> Result<Value, Fault> {
        let mut current = self.current(until).await?;
        let wait = Wait::new(self, until);
        let sending = current.connection.send_packed_command(command);
        let answer = timeout_at(until, sending).await;
        wait.end();
        match self.judge(current.serial, answer)? {
            Value::ServerError(error) => {
                self.weigh(current.serial, verdict(&error), || error.code().into());
                Err(Fault::Refused(error))
            }
            value => Ok(value),
        }
    }

    /// Sends several commands in one go: a value for each, errors of the server among them.
    pub(super) async fn all(self: &Arc<Self>, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        let until = Instant::now() + self.deadline;
        let mut current = self.current(until).await?;
        let wait = Wait::new(self, until);
        let sending = current
            .connection
            .send_packed_commands(pipeline, 0, pipeline.len());
        let answer = timeout_at(until, sending).await;
        wait.end();
        let values = self.judge(current.serial, answer)?;
        if values.len() != pipeline.len() {
            return Err(self.garbled());
        }
        for value in &values {
            if let Value::ServerError(error) = value {
                self.weigh(current.serial, verdict(error), || error.code().into());
            }
        }
        Ok(values)
    }

    /// Gives up the connection that brought an answer which is none to its command.
    pub(super) fn garbled(&self) -> Fault {
        if let Some(current) = self.current.load_full() {
            self.give_up(current.serial, "an answer made no sense");
        }
        Fault::Garbled
    }

    /// How long a call may take.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Ends the background work, for good.
    pub(super) fn close(&self) {
        self.post.close();
    }

    fn judge<T>(&self, serial: u64, answer: Result<RedisResult<T>, Elapsed>) -> Result<T, Fault> {
        let fault = match answer {
            Ok(Ok(value)) => {
                if self.failures.load(Ordering::Relaxed) != 0 {
                    self.failures.store(0, Ordering::Relaxed);
                }
                return Ok(value);
            }
            Ok(Err(error)) => Fault::broken(&error),
            Err(_) => Fault::Silent(self.deadline),
        };
        self.weigh(serial, fault.verdict(), || fault.to_string());
        Err(fault)
    }

    fn weigh(&self, serial: u64, verdict: Verdict, why: impl Fn() -> String) {
        let dead = match verdict {
            Verdict::Sound => false,
            Verdict::Doubtful => {
                self.has(serial) && self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
            }
            Verdict::Dead => true,
        };
        if dead {
            self.give_up(serial, &why());
        }
    }

    fn has(&self, serial: u64) -> bool {
        let current = self.current.load();
        current
            .as_ref()
            .is_some_and(|current| current.serial == serial)
    }

    /// Takes the connection away from all callers, unless it has been replaced already.
    fn give_up(&self, serial: u64, why: &str) {
        let current = self.current.load();
        if current
            .as_ref()
            .is_none_or(|current| current.serial != serial)
        {
            return;
        }
        *lock(&self.why) = why.into();
        let before = self.current.compare_and_swap(&current, None);
        if before
            .as_ref()
            .is_some_and(|before| before.serial == serial)
        {
            let (link, server) = (self.name, self.target.address());
            tracing::warn!(link, server, why, "redis connection lost");
            self.ended.notify_one();
        }
    }

    /// Notes why there is no connection.
    fn missed(&self, why: &str) {
        let mut last = lock(&self.why);
        if **last != *why {
            let (link, server) = (self.name, self.target.address());
            tracing::warn!(link, server, why, "redis cannot be reached");
            *last = why.into();
        }
    }

    /// The connection of the moment. Where none was ever tried, waits for the first try.
    async fn current(self: &Arc<Self>, until: Instant) -> Result<Current, Fault> {
        if let Some(current) = &*self.current.load() {
            return Ok(Current::clone(current));
        }
        if !self.post.start(|shift| Keeper::new(self, shift).run()) {
            return Err(Fault::Away("there is no tokio runtime here".into()));
        }
        let mut settled = self.settled.subscribe();
        // The sender lives as long as the link, so an error means that time is up.
        let _ = timeout_at(until, settled.wait_for(|settled| *settled)).await;
        match &*self.current.load() {
            Some(current) => Ok(Current::clone(current)),
            None => Err(Fault::Away(Arc::clone(&lock(&self.why)))),
        }
    }

    async fn connect(self: Arc<Self>) -> RedisResult<Current> {
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let link = Arc::downgrade(&self);
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection
                && let Some(link) = link.upgrade()
            {
                link.give_up(serial, "closed by the server");
            }
            Ok::<(), Infallible>(())
        };
        let connection = self.target.connect(hear).await?;
        Ok(Current { connection, serial })
    }
}

/// The background work of a link.
struct Keeper {
    link: Arc<Link>,
    shift: Shift,
}

impl Keeper {
    fn new(link: &Arc<Link>, shift: Shift) -> Self {
        Self {
            link: Arc::clone(link),
            shift,
        }
    }

    async fn run(self) {
        let mut pace = Pace::new();
        while let Some(current) = self.reach(&mut pace).await {
            if !self.beat() {
                return;
            }
            self.install(&current);
            self.stand_by(current).await;
        }
    }

    async fn reach(&self, pace: &mut Pace) -> Option<Current> {
        let attempt = || Arc::clone(&self.link).connect();
        let failed = |error: &RedisError| {
            self.link.missed(&explain(error));
            self.link.settled.send_replace(true);
        };
        pace.reach(attempt, failed, || self.beat()).await
    }

    fn install(&self, current: &Current) {
        let (link, server) = (self.link.name, self.link.target.address());
        tracing::info!(link, server, "redis connected");
        self.link.failures.store(0, Ordering::Relaxed);
        self.link.current.store(Some(Arc::new(current.clone())));
        self.link.settled.send_replace(true);
    }

    /// Waits until the connection is given up, by callers or by a heartbeat.
    async fn stand_by(&self, current: Current) {
        let serial = current.serial;
        tokio::spawn(heart(Arc::clone(&self.link), current));
        while self.link.has(serial) && self.beat() {
            // Whether it is given up, the condition of the loop knows better.
            let _ = timeout(HEARTBEAT, self.link.ended.notified()).await;
        }
    }

    /// Gives a sign of life; `false` if the work is over, or somebody else's.
    fn beat(&self) -> bool {
        self.link.feeds.keep();
        self.shift.beat()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // The connection dies with the runtime on which it was made; the next one is tried for.
        if self.shift.lasts() {
            self.link.current.store(None);
            self.link.settled.send_replace(false);
        }
    }
}

/// A caller who waits for an answer. Callers may have less patience than the deadline, and when
/// all of them go away before it, no failure is ever seen: so one who has gone leaves a doubt.
pub(super) struct Wait<'a> {
    link: &'a Link,
    until: Instant,
}

impl<'a> Wait<'a> {
    pub(super) fn new(link: &'a Link, until: Instant) -> Self {
        Self { link, until }
    }

    /// The caller has stayed to the end.
    pub(super) fn end(self) {
        std::mem::forget(self);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if Instant::now() + self.link.deadline >= self.until + DOUBT {
            self.link.doubt.notify_one();
        }
    }
}

/// Asks a connection again and again whether it lives, at once if there is doubt, and gives it
/// up when it does not answer.
async fn heart(link: Arc<Link>, mut current: Current) {
    let ping = redis::cmd("PING");
    loop {
        let doubted = timeout(HEARTBEAT, link.doubt.notified()).await.is_ok();
        if !link.has(current.serial) {
            return;
        }
        let patience = if doubted {
            link.deadline
        } else {
            2 * HEARTBEAT
        };
        let asking = current.connection.send_packed_command(&ping);
        let fault = match answered(patience, asking).await {
            Some(Ok(_)) => continue,
            Some(Err(error)) => explain(&error),
            None => "heartbeats are not answered".to_owned(),
        };
        link.give_up(current.serial, &fault);
        return;
    }
}

/// The outcome of `asking` if it comes in time. Two waits and not one: on a runtime that was not
/// driven for a while, the second still leaves time to read what is there.
pub(super) async fn answered<F: Future>(patience: Duration, asking: F) -> Option<F::Output> {
    let mut asking = std::pin::pin!(asking);
    for _ in 0..2 {
        if let Ok(answer) = timeout(patience / 2, &mut asking).await {
            return Some(answer);
        }
    }
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
