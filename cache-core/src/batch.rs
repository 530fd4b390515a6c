//! What happens when several keys are asked for together: each has a flight of its own, but they
//! are looked up, loaded and stored side by side.
//!
//! A batch brings the flights that it leads to their ends before it waits for those of others, so
//! two batches never wait for each other.
#![allow(
    clippy::similar_names,
    reason = "`lead` and `load` are the words of this room"
)]

mod answer;
mod driving;
mod edge;
mod far;
mod list;

use std::{
    collections::{HashMap, VecDeque},
    mem,
    panic::resume_unwind,
    time::{Duration, Instant},
};

use tokio::time::Instant as Moment;

use self::driving::{Driving, Run};
pub use self::{
    answer::{Answer, Many, StepA, StepB, StepC, Tried, Whole, answering, element},
    edge::{Batch, ask, bypass, finish, lend, near, run, tags},
    list::{Again, List, Named, again, list},
};
use crate::{
    call::Call,
    codec::Table,
    event,
    far::Budget,
    flight::{Kind, Lead, Waiter},
    near::KeyRef,
    outcome::{Failure, Loaded},
    policy::{FAR_BATCH, MAX_TTL},
    serve::{Accepts, FarRight, Serve, Shared, Step},
    site::Miss,
    sync::{together, together_until},
    witness::What,
};

/// The different keys of one batch that the near tier could not answer.
struct Keys {
    table: &'static Table,
    misses: Vec<Miss>,
    /// Where in `misses` each key stands.
    places: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            table: &Table::ANY,
            misses: Vec::new(),
            places: HashMap::default(),
        }
    }
}

impl Keys {
    /// Where a key stands, and whether it is new.
    fn add(&mut self, key: KeyRef<'_>, miss: impl FnOnce() -> Miss) -> (usize, bool) {
        if let Some(at) = self.places.get(key.text) {
            return (*at, false);
        }
        let at = self.misses.len();
        self.places.insert(key.text.into(), at);
        self.misses.push(miss());
        (at, true)
    }

    fn call(&self, at: usize) -> Call<'_> {
        self.misses[at].call(self.table)
    }
}

/// What a caller wants of its keys.
#[derive(Clone, Copy)]
struct Wants<'w> {
    /// Whether what there is will do.
    kind: Kind,
    /// What can be a part of its answer, or all of it.
    accepts: Accepts<'w>,
    /// An error that is all of its answer.
    fails: Accepts<'w>,
}

impl<'w> Wants<'w> {
    fn serve<'c>(self, call: &'w Call<'c>) -> Serve<'w, 'c> {
        Serve::new(call, self.accepts, self.kind)
    }
}

/// The flights of a batch, by where their keys stand.
#[derive(Default)]
struct Flights {
    entered: bool,
    found: HashMap<usize, Loaded, foldhash::fast::RandomState>,
    /// The keys that others load.
    waits: Vec<(usize, Waiter)>,
    /// The keys that the user's function is to be run for.
    turns: Vec<Turn>,
    /// The error of the whole batch.
    failed: Option<Failure>,
    /// How much longer the far tier may be waited for, once it is.
    budget: Option<Budget>,
    /// Until when others are waited for, once they are.
    patience: Option<Moment>,
}

/// A key that is to be loaded: without a lead, for this caller only.
struct Turn {
    at: usize,
    lead: Option<Lead>,
    far: Option<FarRight>,
}

impl Turn {
    fn alone(at: usize) -> Self {
        Self {
            at,
            lead: None,
            far: None,
        }
    }
}

impl Flights {
    /// The keys that the user's function is to be run for now, in the order of the batch; none
    /// if the answer is complete.
    async fn next(&mut self, keys: &Keys, wants: Wants<'_>) -> Vec<usize> {
        if !mem::replace(&mut self.entered, true) {
            let leads = self.enter(keys, wants);
            self.look(keys, leads, wants).await;
        }
        // What nobody else waits for can wait itself, until it is known what else is to be loaded.
        let leads = |turns: &[Turn]| turns.iter().any(|turn| turn.lead.is_some());
        while self.failed.is_none() && !self.waits.is_empty() && !leads(&self.turns) {
            let leads = self.wait(keys, wants).await;
            self.look(keys, leads, wants).await;
        }
        if self.failed.is_some() {
            self.waits.clear();
            self.turns.clear();
        }
        self.turns.sort_unstable_by_key(|turn| turn.at);
        self.turns.iter().map(|turn| turn.at).collect()
    }

    /// Joins the flights of all keys, and leads those that there are not yet.
    fn enter(&mut self, keys: &Keys, wants: Wants<'_>) -> Vec<(usize, Lead)> {
        let mut leads = Vec::new();
        for at in 0..keys.misses.len() {
            match wants.serve(&keys.call(at)).enter() {
                Ok(Step::Lead(lead)) => leads.push((at, lead)),
                Ok(step) => self.take(at, step, wants),
                Err(waiter) => self.waits.push((at, waiter)),
            }
        }
        leads
    }

    /// Takes what a flight has come to.
    fn take(&mut self, at: usize, step: Step, wants: Wants<'_>) {
        match step {
            Step::Done(loaded) if !(wants.fails)(&loaded) => {
                self.found.insert(at, loaded);
            }
            Step::Done(Loaded::Failed(failure)) => self.failed = Some(failure),
            _ => self.turns.push(Turn::alone(at)),
        }
    }

    /// Waits for the flights of others until all have ended, or until one has failed or is left to
    /// this batch, which has to bring it to its end before it waits again.
    async fn wait(&mut self, keys: &Keys, wants: Wants<'_>) -> Vec<(usize, Lead)> {
        let waits = mem::take(&mut self.waits);
        let calls: Vec<_> = waits.iter().map(|(at, _)| keys.call(*at)).collect();
        let now = Moment::now();
        let wait = calls.first().map_or(Duration::ZERO, |call| call.cache.wait);
        let until = *self.patience.get_or_insert(now + wait.min(MAX_TTL));
        let patience = until.saturating_duration_since(now);
        let waiting = calls.iter().zip(&waits).map(async |(call, (_, waiter))| {
            let serve = wants.serve(call);
            match serve.wait(waiter, patience).await {
                Step::Adopt(lead, orphan) => serve.adopt(lead, orphan).await,
                step => step,
            }
        });
        let ended = together_until(waiting, |step| match step {
            Step::Lead(_) => true,
            Step::Done(loaded) => (wants.fails)(loaded),
            Step::Adopt(..) | Step::Alone => false,
        });
        let ended = ended.await;
        let mut leads = Vec::new();
        for ((at, waiter), step) in waits.into_iter().zip(ended) {
            match step {
                None => self.waits.push((at, waiter)),
                Some(Step::Lead(lead)) => leads.push((at, lead)),
                Some(step) => self.take(at, step, wants),
            }
        }
        leads
    }

    /// Looks for the values of these keys near once more, and then far. What is not found has its
    /// turn.
    async fn look(&mut self, keys: &Keys, leads: Vec<(usize, Lead)>, wants: Wants<'_>) {
        if wants.kind == Kind::Refresh {
            return self.replace(keys, leads, wants).await;
        }
        let mut cold = VecDeque::new();
        for (at, lead) in leads {
            let call = keys.call(at);
            match call.find_near(wants.accepts) {
                Some(loaded) => self.take(at, wants.serve(&call).answer(&lead, loaded), wants),
                None => cold.push_back((at, lead)),
            }
        }
        let call = cold.front().map(|(at, _)| keys.call(*at));
        let far = call.as_ref().and_then(Call::far);
        while !cold.is_empty() {
            let some: Vec<_> = cold.drain(..cold.len().min(FAR_BATCH)).collect();
            match far {
                Some(far) => Box::pin(self.look_far(keys, some, far, wants)).await,
                None => some
                    .into_iter()
                    .for_each(|(at, lead)| self.miss(keys, at, lead)),
            }
        }
    }

    /// Gives all keys their turn, each with the right to store in place of what there is.
    async fn replace(&mut self, keys: &Keys, leads: Vec<(usize, Lead)>, wants: Wants<'_>) {
        let looking = leads.into_iter().map(async |(at, lead)| {
            let call = keys.call(at);
            (at, wants.serve(&call).look(lead).await)
        });
        for (at, looked) in together(looking).await {
            match looked {
                Ok((lead, far)) => self.turns.push(Turn {
                    at,
                    lead: Some(lead),
                    far,
                }),
                Err(step) => self.take(at, step, wants),
            }
        }
    }

    /// Gives a key that the far tier is not asked for its turn.
    fn miss(&mut self, keys: &Keys, at: usize, lead: Lead) {
        let call = keys.call(at);
        call.counts.misses.one();
        call.note(What::Missed);
        event::miss(call.function, call.key.text);
        self.turns.push(Turn {
            lead: Some(lead),
            ..Turn::alone(at)
        });
    }

    /// Runs the user's function for the keys whose turn it is, stores what it gives, and shares it
    /// with those who wait.
    async fn run(&mut self, keys: &Keys, kind: Kind, load: Run<'_>) {
        let turns = mem::take(&mut self.turns);
        for turn in &turns {
            match &turn.lead {
                Some(lead) => lead.ask(),
                None => keys.call(turn.at).counts.misses.one(),
            }
        }
        let began = Instant::now();
        let (turns, ended) = Driving::new(turns, load).await;
        let ended = match ended {
            Ok(ended) => ended,
            Err(panic) => {
                let leads = turns.iter().filter_map(|turn| turn.lead.as_ref());
                leads.for_each(Lead::panicked);
                drop(turns);
                resume_unwind(panic)
            }
        };
        let calls: Vec<_> = turns.iter().map(|turn| keys.call(turn.at)).collect();
        let serves = calls.iter().map(|call| Serve::new(call, &|_| true, kind));
        let serves: Vec<_> = serves.collect();
        serves[0].count_load(began, ended.is_err());
        let others = calls.iter().skip(1);
        others.for_each(|call| call.note(What::LoadedAlong));
        let shared = self.share(&turns, &serves, ended);
        let keeping = turns.into_iter().zip(&serves).zip(shared);
        let keeping = keeping
            .filter_map(|((turn, serve), shared)| Some(serve.keep(turn.lead?, shared?, turn.far)));
        together(keeping).await;
    }

    fn share(
        &mut self,
        turns: &[Turn],
        serves: &[Serve<'_, '_>],
        ended: Result<Vec<Loaded>, Failure>,
    ) -> Vec<Option<Shared>> {
        let share = |(turn, serve): (&Turn, &Serve<'_, '_>), loaded: &Loaded| {
            let lead = turn.lead.as_ref()?;
            Some(serve.share(lead, loaded))
        };
        let turns = turns.iter().zip(serves);
        match ended {
            Ok(loaded) => turns
                .zip(loaded)
                .map(|(turn, loaded)| {
                    let shared = share(turn, &loaded);
                    self.found.insert(turn.0.at, loaded);
                    shared
                })
                .collect(),
            Err(failure) => {
                let loaded = Loaded::Failed(failure);
                let shared = turns.map(|turn| share(turn, &loaded)).collect();
                if let Loaded::Failed(failure) = loaded {
                    self.failed = Some(failure);
                }
                shared
            }
        }
    }
}
