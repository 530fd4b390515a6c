//! How fast connections are tried: soon, then more slowly, for ever.

use std::{
    future::Future,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until, timeout_at},
};

/// Between the first try and the second, at most.
const FIRST: Duration = Duration::from_millis(50);
/// Between any two tries, at most: what a server's return may go unnoticed.
const LAST: Duration = Duration::from_millis(500);

/// When to try next.
#[derive(Debug)]
pub(crate) struct Pace {
    delay: Duration,
    next: Instant,
}

impl Pace {
    /// Tries at once, the first time.
    pub(crate) fn new() -> Self {
        Self {
            delay: FIRST,
            next: Instant::now(),
        }
    }

    fn step(&mut self) {
        // Between half and all of the delay, so that many processes do not come back as one.
        let half = self.delay / 2;
        let [draw, ..] = RandomState::new().hash_one(0).to_ne_bytes();
        self.next = Instant::now() + half + half * u32::from(draw) / 256;
        self.delay = (self.delay * 2).min(LAST);
    }

    /// Tries until a try succeeds, and gives that one's result. Tries overlap, for one that
    /// hangs must not keep the next from finding that the server is back. `failed` hears why
    /// each of the others failed; the whole ends with `None` once `go_on` says no.
    pub(crate) async fn reach<T, F>(
        &mut self,
        attempt: impl Fn() -> F,
        failed: impl Fn(&str),
        go_on: impl Fn() -> bool,
    ) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, String>> + Send + 'static,
    {
        let mut attempts = JoinSet::new();
        loop {
            loop {
                match timeout_at(self.next, attempts.join_next()).await {
                    Ok(Some(outcome)) => match flat(outcome) {
                        Ok(reached) => {
                            self.delay = FIRST;
                            return Some(reached);
                        }
                        Err(error) => failed(&error),
                    },
                    Ok(None) => {
                        sleep_until(self.next).await;
                        break;
                    }
                    Err(_) => break,
                }
            }
            if !go_on() {
                return None;
            }
            self.step();
            attempts.spawn(attempt());
        }
    }
}

fn flat<T>(outcome: Result<Result<T, String>, JoinError>) -> Result<T, String> {
    outcome.unwrap_or_else(|error| Err(error.to_string()))
}
