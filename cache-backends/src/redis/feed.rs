//! What the server pushes: the notices of a channel and its own flushes, in its order, with
//! heartbeats between them.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use cache_core::Listener;
use redis::{PushInfo, PushKind, RedisResult, Value, aio::MultiplexedConnection};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{
    fault::explain,
    lag::Lag,
    line::Line,
    stage::{Sign, Stage},
    target::{CONNECT, Target},
};
use crate::link::{HEARTBEAT, Pace, Post, answered, task::Shift};

/// All feeds of a store, each on a connection of its own.
#[derive(Debug)]
pub(super) struct Feeds {
    stage: Stage,
    /// Who else has to know that something was told, if there is one.
    told: Option<Arc<Lag>>,
    list: Mutex<Vec<Arc<Feed>>>,
}

struct Feed {
    stage: Stage,
    told: Option<Arc<Lag>>,
    channel: String,
    listener: Weak<dyn Listener>,
    post: Arc<Post>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed")
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Feeds {
    /// `told` is raised before any listener hears of anything.
    pub(super) fn new(stage: Stage, told: Option<Arc<Lag>>) -> Arc<Self> {
        Arc::new(Self {
            stage,
            told,
            list: Mutex::default(),
        })
    }

    pub(super) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Adds a feed and starts it, now or as soon as there is a runtime.
    pub(super) fn add(&self, channel: &str, listener: Weak<dyn Listener>) {
        self.lock().push(Arc::new(Feed {
            stage: self.stage.clone(),
            told: self.told.clone(),
            channel: channel.to_owned(),
            listener,
            post: Arc::default(),
        }));
        self.keep();
    }

    /// Starts those that do not run, and forgets those to which nobody listens.
    pub(super) fn keep(&self) {
        let mut list = self.lock();
        if list.is_empty() {
            return;
        }
        list.retain(|feed| feed.listener.strong_count() > 0);
        let feeds = list.clone();
        drop(list);
        for feed in feeds {
            let post = Arc::clone(&feed.post);
            post.start(|shift| feed.run(shift));
        }
    }

    /// Ends all feeds, for good.
    pub(super) fn close(&self) {
        for feed in self.lock().drain(..) {
            feed.post.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Feed>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subscribed connection, and how it says that it was closed.
struct Session {
    target: Arc<Target>,
    line: Line,
    closed: Arc<Notify>,
}

impl Feed {
    async fn run(self: Arc<Self>, shift: Shift) {
        let mut pace = Pace::new();
        let wanted = || self.listener.strong_count() > 0 && shift.beat();
        let attempt = || Arc::clone(&self).subscribe();
        let last = Mutex::new(String::new());
        let failed = |why: &str| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if *last != why {
                let channel = &*self.channel;
                tracing::warn!(channel, why, "redis feed cannot be made");
                why.clone_into(&mut last);
            }
        };
        while let Some(session) = pace.reach(attempt, failed, wanted).await {
            self.follow(session, wanted).await;
            self.stage.doubt();
        }
    }

    async fn subscribe(self: Arc<Self>) -> Result<Session, String> {
        let closed = Arc::new(Notify::new());
        let (feed, ended) = (Arc::clone(&self), Arc::clone(&closed));
        let hear = move |push: PushInfo| {
            feed.hear(&push, &ended);
            Ok::<(), Infallible>(())
        };
        let target = self.stage.target(&self.channel).await?;
        let mut line = target.connect(hear).await?;
        let subscribed = timeout(CONNECT, self.tune_in(&mut line)).await;
        subscribed.unwrap_or_else(|_| Err("no answer".to_owned()))?;
        Ok(Session {
            target,
            line,
            closed,
        })
    }

    async fn tune_in(&self, line: &mut Line) -> Result<(), String> {
        let subscribed = self.stage.subscribe(line, &self.channel).await;
        subscribed.inspect_err(|_| self.stage.doubt())?;
        let tracked = self.track(&mut line.connection).await;
        tracked.map_err(|error| explain(&error))
    }

    /// Asks to be told of flushes. The server tells them to whoever tracks keys, whichever; a
    /// name never holds a control character, so there is no key in what is tracked here.
    async fn track(&self, connection: &mut MultiplexedConnection) -> RedisResult<()> {
        let mut tracking = redis::cmd("CLIENT");
        tracking
            .arg("TRACKING")
            .arg("ON")
            .arg("BCAST")
            .arg("PREFIX")
            .arg(format!("{}\0", self.channel));
        if let Value::ServerError(error) = connection.send_packed_command(&tracking).await? {
            let (channel, code) = (&*self.channel, error.code());
            tracing::info!(
                channel,
                code,
                "flushes of the redis server will not be heard of"
            );
        }
        Ok(())
    }

    /// Takes a push, on the task that reads the socket: whoever is later given a reply of this
    /// connection knows that all pushes before it have been delivered.
    fn hear(&self, push: &PushInfo, closed: &Notify) {
        let Some(listener) = self.listener.upgrade() else {
            closed.notify_one();
            return;
        };
        match (&push.kind, &*push.data) {
            (
                PushKind::Message | PushKind::SMessage,
                [Value::BulkString(channel), Value::BulkString(notice)],
            ) if *channel == self.channel.as_bytes() => {
                self.tell();
                listener.notice(notice);
            }
            (PushKind::Invalidate, [Value::Nil]) => {
                self.tell();
                listener.flushed();
            }
            // A node ends a subscription when the channel's slot is no longer its own.
            (PushKind::Disconnection | PushKind::SUnsubscribe, _) => closed.notify_one(),
            _ => {}
        }
    }

    fn tell(&self) {
        if let Some(told) = &self.told {
            told.raise();
        }
    }

    /// Asks for signs of life and passes them on, until there are none or nobody wants them.
    async fn follow(&self, mut session: Session, wanted: impl Fn() -> bool) {
        // Whatever was missed until now.
        self.tell();
        let Some(connected) = Connected::tell(&self.listener) else {
            return;
        };
        while wanted() {
            let sent = Instant::now();
            let asking = self
                .stage
                .sign(&session.target, &mut session.line, &self.channel);
            let Some(Ok(sign)) = answered(2 * HEARTBEAT, asking).await else {
                return;
            };
            match sign {
                Sign::Alive => connected.alive(sent),
                Sign::Unsure => {}
                Sign::Gone => return,
            }
            let left = HEARTBEAT.saturating_sub(sent.elapsed());
            if timeout(left, session.closed.notified()).await.is_ok() {
                return;
            }
        }
    }
}

/// A listener that was told that the feed is connected, and is told when it no longer is,
/// however that comes about.
struct Connected<'a>(&'a Weak<dyn Listener>);

impl<'a> Connected<'a> {
    fn tell(listener: &'a Weak<dyn Listener>) -> Option<Self> {
        listener.upgrade()?.connected();
        Some(Self(listener))
    }

    fn alive(&self, sent: Instant) {
        if let Some(listener) = self.0.upgrade() {
            listener.alive(sent.elapsed());
        }
    }
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        if let Some(listener) = self.0.upgrade() {
            listener.lost();
        }
    }
}
