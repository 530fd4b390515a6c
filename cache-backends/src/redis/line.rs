//! How commands go over a connection to one server.

use std::{convert::Infallible, sync::Arc};

use redis::{Cmd, Pipeline, PushInfo, PushKind, Value, aio::MultiplexedConnection};
use tokio::time::Instant;

use super::{
    fault::{explain, misled, refused},
    feed::Feeds,
    target::Target,
};
use crate::link::{Dial, Ended, Fault, Link};

/// One server, as a link dials it.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) target: Arc<Target>,
    pub(super) feeds: Arc<Feeds>,
}

impl Dial for Server {
    type Line = MultiplexedConnection;

    const SERVER: &'static str = "redis";

    fn address(&self) -> String {
        self.target.address().to_owned()
    }

    async fn dial(&self, ended: Ended) -> Result<Self::Line, String> {
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                ended.tell("closed by the server");
            }
            Ok::<(), Infallible>(())
        };
        let connected = self.target.connect(hear).await;
        connected.map_err(|error| explain(&error))
    }

    async fn beat(&self, mut line: Self::Line) -> Result<(), String> {
        // An error of the server is an answer like any other.
        match line.send_packed_command(&redis::cmd("PING")).await {
            Ok(_) => Ok(()),
            Err(error) => Err(explain(&error)),
        }
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
        let send = |mut line: MultiplexedConnection| async move {
            let answer = line.send_packed_command(command).await;
            answer.map_err(|error| explain(&error))
        };
        match self.ask(until, send, dead).await? {
            Value::ServerError(error) => Err(refused(&error)),
            value => Ok(value),
        }
    }

    /// Sends several commands in one go: a value for each, errors of the server among them.
    pub(super) async fn all(self: &Arc<Self>, pipeline: &Pipeline) -> Result<Vec<Value>, Fault> {
        let until = Instant::now() + self.deadline();
        let send = |mut line: MultiplexedConnection| async move {
            let answers = line.send_packed_commands(pipeline, 0, pipeline.len()).await;
            answers.map_err(|error| explain(&error))
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
