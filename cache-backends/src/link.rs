//! Which connection carries a call, and when it is replaced: one supervisor for every store.

use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, error::Elapsed, timeout, timeout_at},
};

use self::task::Shift;
pub(crate) use self::{
    fault::{Fault, Refusal},
    pace::Pace,
    task::Post,
};

mod fault;
mod pace;
pub(crate) mod task;
#[cfg(test)]
mod tests;

/// How often a connection is asked whether it lives. Unanswered twice as long, it is replaced.
pub(crate) const HEARTBEAT: Duration = Duration::from_millis(500);
/// A caller who gives up after at least this long raises doubt: the connection is asked at once.
const DOUBT: Duration = Duration::from_millis(20);
/// So many calls without an answer in a row, and a connection is replaced.
const FAILURES: u32 = 3;

/// How a connection to a server is made, and what it is asked to show that it lives.
///
/// Reasons are words for the log and for errors, without secrets.
pub(crate) trait Dial: fmt::Debug + Send + Sync + Sized + 'static {
    /// A handle of a connection, cheap to clone.
    type Line: Clone + Send + Sync + 'static;

    /// What servers of this kind are called.
    const SERVER: &'static str;

    /// Where the server is.
    fn address(&self) -> String;

    /// Makes a connection, in a time of its own bound. `ended` is told when it is closed.
    fn dial(&self, ended: Ended) -> impl Future<Output = Result<Self::Line, String>> + Send;

    /// Asks the server for a sign of life; an error tells why the connection is of no use.
    fn beat(&self, line: Self::Line) -> impl Future<Output = Result<(), String>> + Send;

    /// Is called about twice a second from the background.
    fn tend(&self) {}
}

/// Tells a link that one of its connections is closed.
#[derive(Clone)]
pub(crate) struct Ended(Arc<dyn Fn(&str) + Send + Sync>);

impl Ended {
    pub(crate) fn tell(&self, why: &str) {
        (self.0)(why);
    }
}

/// A connection that is kept up: replaced when it is dead or in doubt, for as long as this lives.
///
/// A call is sent at most once, on the connection of the moment, and never queued for one
/// that is still to come: while there is none, it fails at once. Only the very first call
/// waits for the outcome of the first try.
pub(crate) struct Link<D: Dial> {
    name: &'static str,
    dial: D,
    deadline: Duration,
    current: ArcSwapOption<Current<D::Line>>,
    /// Of the current connection, in a row.
    failures: AtomicU32,
    serials: AtomicU64,
    /// The first serial whose connection may be used.
    oldest: AtomicU64,
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
struct Current<L> {
    line: L,
    serial: u64,
}

impl<D: Dial> fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("name", &self.name)
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl<D: Dial> Link<D> {
    pub(crate) fn new(name: &'static str, dial: D, deadline: Duration) -> Arc<Self> {
        Arc::new(Self {
            name,
            dial,
            deadline,
            current: ArcSwapOption::empty(),
            failures: AtomicU32::new(0),
            serials: AtomicU64::new(0),
            oldest: AtomicU64::new(0),
            why: Mutex::new("not yet tried".into()),
            ended: Notify::new(),
            doubt: Notify::new(),
            settled: watch::Sender::new(false),
            post: Arc::default(),
        })
    }

    /// Makes a call on the connection of the moment. `send` fails if the connection does;
    /// `dead` tells of an answer why the connection is of no use, if it is not.
    pub(crate) async fn ask<T, F>(
        self: &Arc<Self>,
        until: Instant,
        send: impl FnOnce(D::Line) -> F,
        dead: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, String>>,
    {
        let Current { line, serial } = self.current(until).await?;
        let wait = Wait::new(self, until);
        let answer = timeout_at(until, send(line)).await;
        wait.end();
        let answer = self.judge(serial, answer)?;
        if let Some(why) = dead(&answer) {
            self.give_up(serial, &why);
        }
        Ok(answer)
    }

    /// Waits until there is a connection, as a call does.
    pub(crate) async fn reached(self: &Arc<Self>, until: Instant) -> Result<(), Fault> {
        self.current(until).await.map(drop)
    }

    /// Gives up the connection that brought an answer which is none to its command.
    pub(crate) fn garbled(&self) -> Fault {
        if let Some(current) = self.current.load_full() {
            self.give_up(current.serial, "an answer made no sense");
        }
        Fault::Garbled
    }

    /// Has the connection made anew before it carries another call, which waits for that as the
    /// very first does.
    pub(crate) fn renew(&self) {
        let next = self.serials.load(Ordering::SeqCst);
        self.oldest.fetch_max(next, Ordering::SeqCst);
        self.drop_old();
    }

    /// Takes a connection away whose making began before it was last to be made anew.
    fn drop_old(&self) {
        let current = self.current.load();
        if current
            .as_ref()
            .is_none_or(|one| !self.outlives(one.serial))
        {
            self.settled.send_replace(false);
            self.current.compare_and_swap(&current, None);
            self.ended.notify_one();
        }
    }

    /// How long a call may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Whether there is a connection.
    pub(crate) fn is_up(&self) -> bool {
        let current = self.current.load();
        current
            .as_ref()
            .is_some_and(|current| self.outlives(current.serial))
    }

    /// Whether it was tried to connect, and there is no connection.
    pub(crate) fn is_away(&self) -> bool {
        *self.settled.borrow() && !self.is_up()
    }

    /// Begins to connect, unless that was done; `false` outside of tokio.
    pub(crate) fn open(self: &Arc<Self>) -> bool {
        self.post.start(|shift| Keeper::new(self, shift).run())
    }

    /// Ends the background work, for good.
    pub(crate) fn close(&self) {
        self.post.close();
    }

    fn judge<T>(
        &self,
        serial: u64,
        answer: Result<Result<T, String>, Elapsed>,
    ) -> Result<T, Fault> {
        match answer {
            Ok(Ok(value)) => {
                if self.failures.load(Ordering::Relaxed) != 0 {
                    self.failures.store(0, Ordering::Relaxed);
                }
                Ok(value)
            }
            Ok(Err(how)) => {
                let fault = Fault::Broken(how.into());
                self.give_up(serial, &fault.to_string());
                Err(fault)
            }
            Err(_) => {
                let fault = Fault::Silent(self.deadline);
                if self.has(serial) && self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES
                {
                    self.give_up(serial, &fault.to_string());
                }
                Err(fault)
            }
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
            let (kind, link, server) = (D::SERVER, self.name, self.dial.address());
            tracing::warn!(kind, link, server, why, "connection lost");
            self.ended.notify_one();
        }
    }

    /// Notes why there is no connection.
    fn missed(&self, why: &str) {
        let mut last = lock(&self.why);
        if **last != *why {
            let (kind, link, server) = (D::SERVER, self.name, self.dial.address());
            tracing::warn!(kind, link, server, why, "server cannot be reached");
            *last = why.into();
        }
    }

    /// The connection of the moment. Where none was ever tried, waits for the first try.
    async fn current(self: &Arc<Self>, until: Instant) -> Result<Current<D::Line>, Fault> {
        if let Some(current) = self.usable() {
            return Ok(current);
        }
        if !self.open() {
            return Err(Fault::Away("there is no tokio runtime here".into()));
        }
        let mut settled = self.settled.subscribe();
        // The sender lives as long as the link, so an error means that time is up.
        let _ = timeout_at(until, settled.wait_for(|settled| *settled)).await;
        self.usable()
            .ok_or_else(|| Fault::Away(Arc::clone(&lock(&self.why))))
    }

    /// The connection of the moment, unless it is to be made anew: one that was being made when
    /// that was said may stand here for a moment.
    fn usable(&self) -> Option<Current<D::Line>> {
        let current = self.current.load();
        let current = current.as_deref()?;
        self.outlives(current.serial).then(|| current.clone())
    }

    /// Whether a connection's making began after it was last to be made anew.
    fn outlives(&self, serial: u64) -> bool {
        serial >= self.oldest.load(Ordering::SeqCst)
    }

    async fn connect(self: Arc<Self>) -> Result<Current<D::Line>, String> {
        let serial = self.serials.fetch_add(1, Ordering::SeqCst);
        let me = Arc::downgrade(&self);
        let ended = Ended(Arc::new(move |why: &str| {
            if let Some(link) = me.upgrade() {
                link.give_up(serial, why);
            }
        }));
        let line = self.dial.dial(ended).await?;
        Ok(Current { line, serial })
    }
}

/// The background work of a link.
struct Keeper<D: Dial> {
    link: Arc<Link<D>>,
    shift: Shift,
}

impl<D: Dial> Keeper<D> {
    fn new(link: &Arc<Link<D>>, shift: Shift) -> Self {
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
            if self.link.outlives(current.serial) {
                self.install(&current);
                self.stand_by(current).await;
            }
        }
    }

    async fn reach(&self, pace: &mut Pace) -> Option<Current<D::Line>> {
        let attempt = || Arc::clone(&self.link).connect();
        let failed = |why: &str| {
            self.link.missed(why);
            self.link.settled.send_replace(true);
        };
        pace.reach(attempt, failed, || self.beat()).await
    }

    fn install(&self, current: &Current<D::Line>) {
        let (kind, link, server) = (D::SERVER, self.link.name, self.link.dial.address());
        tracing::info!(kind, link, server, "connected");
        self.link.failures.store(0, Ordering::Relaxed);
        self.link.current.store(Some(Arc::new(current.clone())));
        self.link.settled.send_replace(true);
        self.link.drop_old();
    }

    /// Waits until the connection is given up, by callers or by a heartbeat.
    async fn stand_by(&self, current: Current<D::Line>) {
        let serial = current.serial;
        tokio::spawn(heart(Arc::clone(&self.link), current));
        while self.link.has(serial) && self.beat() {
            // Whether it is given up, the condition of the loop knows better.
            let _ = timeout(HEARTBEAT, self.link.ended.notified()).await;
        }
    }

    /// Gives a sign of life; `false` if the work is over, or somebody else's.
    fn beat(&self) -> bool {
        self.link.dial.tend();
        self.shift.beat()
    }
}

impl<D: Dial> Drop for Keeper<D> {
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
pub(crate) struct Wait<'a, D: Dial> {
    link: &'a Link<D>,
    until: Instant,
}

impl<'a, D: Dial> Wait<'a, D> {
    pub(crate) fn new(link: &'a Link<D>, until: Instant) -> Self {
        Self { link, until }
    }

    /// The caller has stayed to the end.
    pub(crate) fn end(self) {
        std::mem::forget(self);
    }
}

impl<D: Dial> Drop for Wait<'_, D> {
    fn drop(&mut self) {
        if Instant::now() + self.link.deadline >= self.until + DOUBT {
            self.link.doubt.notify_one();
        }
    }
}

/// Asks a connection again and again whether it lives, at once if there is doubt, and gives it
/// up when it does not answer.
async fn heart<D: Dial>(link: Arc<Link<D>>, current: Current<D::Line>) {
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
        let asking = link.dial.beat(current.line.clone());
        let fault = match answered(patience, asking).await {
            Some(Ok(())) => continue,
            Some(Err(why)) => why,
            None => "heartbeats are not answered".to_owned(),
        };
        link.give_up(current.serial, &fault);
        return;
    }
}

/// The outcome of `asking` if it comes in time. Two waits and not one: on a runtime that was not
/// driven for a while, the second still leaves time to read what is there.
pub(crate) async fn answered<F: Future>(patience: Duration, asking: F) -> Option<F::Output> {
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
