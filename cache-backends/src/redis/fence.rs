//! What is moved before a server that was not the last one answers: after a failover, or a
//! restart from a snapshot, it may hold entries that were invalidated, together with the very
//! stamps that they agree with.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use redis::{Pipeline, Value};

use super::{fault::refused, line::Line};

/// A stamp under which nothing is valid already, and which must not be taken from its writer.
pub(super) const FLUX: [u8; 8] = [0xff; 8];

/// Which run of a server a link has last led to.
pub(super) type Run = Mutex<Option<String>>;

/// The stamps that are looked after on every new connection.
#[derive(Debug, Default)]
pub(super) struct Guards {
    stamps: Mutex<Vec<String>>,
    /// It has been said that the server does not let this be done.
    said: AtomicBool,
}

/// Under which name stands which run of the server has last been seen. In a cluster it lies
/// where the stamp does: what stands in braces alone decides that.
fn run_of(stamp: &str) -> String {
    format!("{stamp}:run{{{stamp}}}")
}

impl Guards {
    /// Adds a stamp; `false` if it was there.
    pub(super) fn add(&self, stamp: &str) -> bool {
        let mut stamps = lock(&self.stamps);
        let new = !stamps.iter().any(|one| one == stamp);
        if new {
            stamps.push(stamp.to_owned());
        }
        new
    }

    /// All stamps.
    pub(super) fn stamps(&self) -> Vec<String> {
        lock(&self.stamps).clone()
    }

    /// Removes each stamp if the server is not the one that was last seen with it, by anybody or
    /// by this link: others may have come here before, while this link still invalidated what is
    /// here on the server that was replaced. An error tells why the connection must not be used.
    pub(super) async fn keep(&self, line: &mut Line, last: &Run) -> Result<(), String> {
        let stamps = self.stamps();
        if stamps.is_empty() {
            return Ok(());
        }
        let mut asking = Pipeline::with_capacity(1 + 2 * stamps.len());
        asking.cmd("INFO").arg("server");
        for stamp in &stamps {
            asking.cmd("GET").arg(run_of(stamp)).cmd("GET").arg(stamp);
        }
        let answers = line.send(&asking).await?;
        if !self.may(&answers)? {
            return Ok(());
        }
        let Some(run) = answers.first().and_then(run_id) else {
            self.say("it does not tell its `run_id`");
            return Ok(());
        };
        let left_another = lock(last).as_ref().is_some_and(|last| last != run);
        let mut moving = Pipeline::new();
        for (stamp, found) in stamps.iter().zip(answers[1..].chunks_exact(2)) {
            let (known, standing) = (bytes(&found[0]), bytes(&found[1]));
            if known == Some(run.as_bytes()) && !left_another {
                continue;
            }
            // First the stamp: if no more than that is done, it is done again next time.
            if standing.is_some_and(|stamp| stamp != FLUX) {
                moving.cmd("UNLINK").arg(stamp);
                tracing::info!(stamp, "another redis server: nothing in it is trusted");
            }
            moving.cmd("SET").arg(run_of(stamp)).arg(run);
        }
        if !moving.is_empty() {
            let done = line.send(&moving).await?;
            self.may(&done)?;
        }
        *lock(last) = Some(run.to_owned());
        Ok(())
    }

    /// Whether the server has let all this be done; an error if it may do so later.
    pub(super) fn may(&self, answers: &[Value]) -> Result<bool, String> {
        for answer in answers {
            if let Value::ServerError(error) = answer {
                match error.code() {
                    "NOPERM" => {
                        self.say("the user may not: it needs `+info +get +set +unlink`");
                        return Ok(false);
                    }
                    // A run that is not noted down costs entries, once more, the next time.
                    "OOM" => {}
                    _ => return Err(refused(error).to_string()),
                }
            }
        }
        Ok(true)
    }

    pub(super) fn say(&self, why: &str) {
        if !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                why,
                "a failover or restart of redis with old data will not be noticed"
            );
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn bytes(answer: &Value) -> Option<&[u8]> {
    match answer {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// By what a server tells its runs apart: made anew whenever it starts.
pub(super) fn run_id(info: &Value) -> Option<&str> {
    let text = match info {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?,
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => text,
        _ => return None,
    };
    text.lines().find_map(|line| line.strip_prefix("run_id:"))
}
