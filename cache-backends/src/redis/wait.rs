//! How long an invalidation waits until a replica has it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use redis::{Pipeline, Value};

use super::{commands, fault::refused};
use crate::link::Fault;

/// The server looks only this often for clients that have waited long enough, if nothing else
/// happens to it.
const TICK: Duration = Duration::from_millis(100);

/// The `WAIT` at the end of an invalidation.
#[derive(Debug)]
pub(super) struct Wait {
    millis: u64,
    /// The user has no right to wait.
    refused: AtomicBool,
}

impl Wait {
    /// Waits as long as `patience` allows, and so that the answer comes within the deadline if
    /// the server is not too busy to look at the time; not at all if `patience` is zero.
    pub(super) fn new(patience: Duration, deadline: Duration) -> Self {
        let most = deadline.saturating_sub(TICK).max(deadline / 4);
        let millis = patience.min(most).as_nanos().div_ceil(1_000_000);
        Self {
            millis: u64::try_from(millis).unwrap_or(u64::MAX),
            refused: AtomicBool::new(false),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.millis > 0 && !self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self, pipeline: &mut Pipeline) {
        pipeline.cmd("WAIT").arg(1).arg(self.millis);
    }

    /// Whether a replica has what was sent.
    pub(super) fn outcome(&self, answer: &Value) -> Result<(), Fault> {
        match answer {
            Value::Int(0) => Err(Fault::Unreplicated),
            Value::Int(_) => Ok(()),
            answer if commands::is_refusal(answer, "NOPERM") => {
                if !self.refused.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "invalidations do not wait for a replica, because the user may not: give \
                         it `+wait`"
                    );
                }
                Ok(())
            }
            Value::ServerError(error) => Err(refused(error)),
            _ => Err(Fault::Garbled),
        }
    }
}
