//! How commands go over a connection to one server.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use redis::{Cmd, Pipeline, PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tokio::time::{Instant, timeout};

use super::{
    course::Bearing,
    fault::{explain, misled, refused},
    feed::Feeds,
    fence::{Guards, Run},
    role::Role,
    target::{CONNECT, Target},
};
use crate::link::{Dial, Ended, Fault, Link};

/// A connection, and where it leads if that was found out when it was made.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    pub(super) bearing: Option<Bearing>,
}

impl Line {
    pub(super) fn new(connection: MultiplexedConnection) -> Self {
        Self {
            connection,
            bearing: None,
        }
    }

    /// The answers to several commands, errors of the server among them; it fails only if the
    /// connection does.
    pub(super) async fn send(&mut self, pipeline: &Pipeline) -> Result<Vec<Value>, String> {
        let sending = self
            .connection
            .send_packed_commands(pipeline, 0, pipeline.len());
        sending.await.map_err(|error| explain(&error))
    }

    /// An answer counts if no other connection of this process has been led elsewhere before it
    /// came.
    fn holds<T>(&self, answer: T) -> Result<T, String> {
        match &self.bearing {
            Some(bearing) if bearing.is_left() => Err("another master was found".to_owned()),
            _ => Ok(answer),
        }
    }

    /// Which part the server plays now.
    pub(super) async fn role(&mut self) -> Result<Role, String> {
        let asking = redis::cmd("ROLE");
        let answer = self.connection.send_packed_command(&asking).await;
        answer
            .map(|answer| Role::of(&answer))
            .map_err(|error| explain(&error))
    }
}

/// One server, as a link dials it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) target: Arc<Target>,
    pub(super) feeds: Arc<Feeds>,
    pub(super) guards: Arc<Guards>,
    pub(super) run: Run,
    /// How many replicas the server had when it was last asked.
    pub(super) replicas: Arc<AtomicUsize>,
}

impl Server {
    fn note(&self, role: Role) {
        let replicas = match role {
            Role::Master { replicas } => replicas,
            Role::Replica | Role::Untold => 0,
        };
        self.replicas.store(replicas, Ordering::Relaxed);
    }
}

impl Dial for Server {
    type Line = Line;

    const SERVER: &'static str = "redis";

    fn address(&self) -> String {
        self.target.address().to_owned()
    }

    async fn dial(&self, ended: Ended) -> Result<Line, String> {
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                ended.tell("closed by the server");
            }
            Ok::<(), Infallible>(())
        };
        let mut line = self.target.connect(hear).await?;
        let greeting = async {
            self.note(line.role().await?);
            match self.feeds.stage().cluster() {
                None => self.guards.keep(&mut line, &self.run).await,
                Some(cluster) => cluster?.keep_at(&self.target, &mut line).await,
            }
        };
        let greeted = timeout(CONNECT, greeting).await;
        greeted.unwrap_or_else(|_| Err("no answer".to_owned()))?;
        Ok(line)
    }

    async fn beat(&self, mut line: Line) -> Result<(), String> {
        self.note(self.target.beat(&mut line).await?);
        Ok(())
    }

    fn tend(&self) {
        self.feeds.keep();
    }
}

impl Link<Server> {
    /// Sends one command. An error that the server answers is a [`Fault::Refused`].
    pub(super) async fn one(self: &Arc<Self>, command: &Cmd) -> Result<Value, Fault> {
        self.one_until(command, Instant::now() + self.deadline())
            .await
    }

    /// The same for a caller who has waited already, and has less than a deadline left.
    pub(super) async fn one_until(
        self: &Arc<Self>,
        command: &Cmd,
        until: Instant,
    ) -> Result<Value, Fault> {
        let send = |mut line: Line| async move {
            let answer = line.connection.send_packed_command(command).await;
            line.holds(answer.map_err(|error| explain(&error))?)
        };
        match self.ask(until, send, dead).await? {
            Value::ServerError(error) => Err(refused(&error)),
            value => Ok(value),
        }
    }

    /// Sends several commands in one go: a value for each, errors of the server among them.
    pub(super) async fn all(self: &Arc<Self>, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        self.all_until(pipeline, Instant::now() + self.deadline())
            .await
    }

    /// The same for a caller who has waited already.
    pub(super) async fn all_until(
        self: &Arc<Self>,
        pipeline: &Pipeline,
        until: Instant,
    ) -> Result<Vec<Value>, Fault> {
        let send = |mut line: Line| async move {
            let answers = line.send(pipeline).await?;
            line.holds(answers)
        };
        let any_dead = |answers: &Vec<Value>| answers.iter().find_map(dead);
        let values = self.ask(until, send, any_dead).await?;
        if values.len() != pipeline.len() {
            return Err(self.garbled());
        }
        Ok(values)
    }
}

fn dead(answer: &Value) -> Option<String> {
    match answer {
        Value::ServerError(error) => misled(error),
        _ => None,
    }
}
