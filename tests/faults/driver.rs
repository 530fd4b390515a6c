//! What every case is made of: caches as if in several processes, calls that are timed and
//! checked, and a look at the machine beneath.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::{
    far::{Far, build},
    functions::{Answer, Item, item, rewrite, version, write},
    outage::{Outage, PROMISE},
    race::{NOT_REPEATED, RACE, Race},
    trial::Trial,
    watch::Watch,
};

mod far;
mod functions;
mod outage;
mod race;
mod trial;
mod watch;

/// What takes this long counts as never.
pub(crate) const NEVER: Duration = Duration::from_secs(10);
/// What a busy machine may add to the times of all but one call in a hundred, and to that one.
/// The longest time for which it was seen to let a thread wait comes on top, twice: the server
/// has to wait like the caller.
pub(crate) const SLACK: Duration = Duration::from_millis(50);
pub(crate) const WORST_SLACK: Duration = Duration::from_millis(150);

pub(crate) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Waits until something is so, and returns how long that took; `None` for never.
pub(crate) async fn until(mut is: impl FnMut() -> bool) -> Option<Duration> {
    let began = Instant::now();
    let wait = async {
        while !is() {
            sleep(millis(1)).await;
        }
    };
    let ended = timeout(NEVER, wait).await;
    ended.ok().map(|()| began.elapsed())
}

/// Does something over and over, until this future is dropped.
pub(crate) async fn often(pause: Duration, mut act: impl FnMut()) {
    loop {
        sleep(pause).await;
        tokio::task::block_in_place(&mut act);
    }
}
