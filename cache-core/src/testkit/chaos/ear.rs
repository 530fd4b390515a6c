//! A feed in which things go wrong: it stands between a store and who listens to it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until},
};

use super::{Chaos, Fault};
use crate::Listener;

/// The ears of one store. They live for as long as who listens: the stores hold them weakly.
#[derive(Debug, Default)]
pub(super) struct Ears(Mutex<Vec<Arc<Ear>>>);

impl Ears {
    /// Something that passes on to `listener` what it hears.
    pub(super) fn grow(&self, listener: Weak<dyn Listener>, chaos: &Chaos) -> Weak<dyn Listener> {
        let ear = Arc::new_cyclic(|me| Ear {
            listener,
            chaos: chaos.clone(),
            state: Mutex::default(),
            me: me.clone(),
        });
        let weak = Arc::downgrade(&ear);
        self.prune();
        lock(&self.0).push(ear);
        weak
    }

    /// Lets those go who have nobody to tell.
    pub(super) fn prune(&self) {
        lock(&self.0).retain(|ear| ear.listener.strong_count() > 0);
    }
}

pub(super) struct Ear {
    listener: Weak<dyn Listener>,
    chaos: Chaos,
    state: Mutex<State>,
    /// For the task that passes on what is late.
    me: Weak<Self>,
}

#[derive(Default)]
struct State {
    late: VecDeque<(Instant, Said)>,
    /// Whether a task is passing on what is late, so that nothing may overtake it.
    passing: bool,
    /// Until when nothing arrives.
    broken: Option<Instant>,
}

enum Said {
    Notice(Vec<u8>),
    Flushed,
    Connected,
    /// A heartbeat that was sent then.
    Alive(Option<Instant>, Duration),
    Lost,
}

impl Ear {
    /// Passes on, at once or in turn.
    fn say(&self, said: Said, late: Duration) {
        let Ok(runtime) = Handle::try_current() else {
            return self.pass(&said);
        };
        let mut state = lock(&self.state);
        if late.is_zero() && !state.passing {
            drop(state);
            return self.pass(&said);
        }
        let due = Instant::now() + late;
        let last = state.late.back().map(|(due, _)| *due);
        state
            .late
            .push_back((last.map_or(due, |last| last.max(due)), said));
        if !std::mem::replace(&mut state.passing, true) {
            runtime.spawn(pass_late(self.me.clone()));
        }
    }

    fn pass(&self, said: &Said) {
        let Some(listener) = self.listener.upgrade() else {
            return;
        };
        match said {
            Said::Notice(message) => listener.notice(message),
            Said::Flushed => listener.flushed(),
            Said::Connected => listener.connected(),
            Said::Alive(heard, ago) => {
                listener.alive(*ago + heard.map_or(Duration::ZERO, |heard| heard.elapsed()));
            }
            Said::Lost => listener.lost(),
        }
    }

    /// Whether the line is cut. If it no longer is, the listener hears of that first.
    fn is_cut(&self) -> bool {
        let mut state = lock(&self.state);
        match state.broken {
            None => false,
            Some(until) if Instant::now() < until => true,
            Some(_) => {
                state.broken = None;
                drop(state);
                self.say(Said::Connected, Duration::ZERO);
                false
            }
        }
    }

    fn hear(&self, said: Said) {
        if !self.is_cut() {
            self.say(said, Duration::ZERO);
        }
    }
}

impl Listener for Ear {
    fn notice(&self, message: &[u8]) {
        if self.is_cut() {
            return;
        }
        // Of heartbeats nothing is decided by dice: how many there are is a matter of time.
        let (mut roll, plan) = (self.chaos.roll(), self.chaos.plan());
        let mut strikes = |fault, probability| self.chaos.strikes(&mut roll, fault, probability);
        let lost = strikes(Fault::NoticeLost, plan.lose_notices);
        let breaks = strikes(Fault::FeedBroken, plan.break_feed.probability);
        let repeats = strikes(Fault::NoticeRepeated, plan.repeat_notices);
        let late = strikes(Fault::NoticeLate, plan.late_notices.probability);
        let (broken, late_by) = (
            roll.up_to(plan.break_feed.span),
            roll.up_to(plan.late_notices.span),
        );
        if breaks {
            self.say(Said::Lost, Duration::ZERO);
            lock(&self.state).broken = Some(Instant::now() + broken);
        } else if !lost {
            for _ in 0..=u8::from(repeats) {
                let late = if late { late_by } else { Duration::ZERO };
                self.say(Said::Notice(message.to_vec()), late);
            }
        }
    }

    fn flushed(&self) {
        self.hear(Said::Flushed);
    }

    fn connected(&self) {
        self.hear(Said::Connected);
    }

    fn alive(&self, ago: Duration) {
        let heard = Handle::try_current().is_ok().then(Instant::now);
        self.hear(Said::Alive(heard, ago));
    }

    fn lost(&self) {
        self.hear(Said::Lost);
    }
}

/// Passes on in order what is late, until nothing is.
async fn pass_late(ear: Weak<Ear>) {
    loop {
        let Some(next) = ear.upgrade().and_then(|ear| {
            let mut state = lock(&ear.state);
            let next = state.late.pop_front();
            state.passing = next.is_some();
            next
        }) else {
            return;
        };
        sleep_until(next.0).await;
        if let Some(ear) = ear.upgrade() {
            ear.pass(&next.1);
        }
    }
}

impl fmt::Debug for Ear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ear").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
