//! What happens on a miss, step by step: join, look far, take the right, load, store, share.
//!
//! Nothing here is generic: it is compiled once, whatever is cached.
#![allow(
    clippy::similar_names,
    reason = "`lead` and `load` are the words of this room"
)]

use std::{
    panic::resume_unwind,
    time::{Duration, Instant},
};

use crate::{
    call::Call,
    entry::Live,
    event,
    far::{Budget, Far, Found, Look, Place, Right, Seen},
    flight::{Driving, Kind, Lead, Load, Orphan, Role, Turn, Waiter},
    outcome::Loaded,
    sync::Arc,
    witness::What,
};

/// Whether a caller can make its result of this.
pub(crate) type Accepts<'c> = &'c (dyn Fn(&Loaded) -> bool + Send + Sync);

/// Finds the value or runs the load. Returns only what the caller accepts.
pub(crate) async fn serve(call: &Call<'_>, accepts: Accepts<'_>, load: Load<'_>) -> Loaded {
    run(Serve::new(call, accepts, Kind::Load), load).await
}

/// Runs the load even if there is a value. Until it has one, others get the old value; if it
/// fails, that stays. Returns only what the caller accepts, and of another's run only one that
/// began after this was called.
pub(crate) async fn refresh(call: &Call<'_>, accepts: Accepts<'_>, load: Load<'_>) -> Loaded {
    run(Serve::new(call, accepts, Kind::Refresh), load).await
}

async fn run(serve: Serve<'_, '_>, load: Load<'_>) -> Loaded {
    let mut step = serve.join().await;
    loop {
        match step {
            Step::Lead(lead) => match serve.look(lead).await {
                Ok((lead, far)) => return Box::pin(serve.load(lead, load, far)).await,
                Err(next) => step = next,
            },
            Step::Adopt(lead, orphan) => step = Box::pin(serve.adopt(lead, orphan)).await,
            Step::Alone => return serve.alone(load).await,
            Step::Done(loaded) => return loaded,
        }
    }
}

/// A call and what its caller accepts.
pub(crate) struct Serve<'s, 'c> {
    call: &'s Call<'c>,
    accepts: Accepts<'s>,
    kind: Kind,
}

/// What comes next for a call.
pub(crate) enum Step {
    /// Bring a flight of one's own to an end.
    Lead(Lead),
    /// Go on with a load that lost its caller.
    Adopt(Lead, Orphan),
    /// Load, and share it with nobody.
    Alone,
    /// Return this.
    Done(Loaded),
}

/// What was loaded, after those who wait have it: what of it the far tier may have, and whether
/// nothing has invalidated it yet.
pub(crate) struct Shared {
    kept: Option<Kept>,
    stands: bool,
    /// Whether what the far tier holds is no longer right.
    replaces: bool,
}

/// What of a result is kept.
struct Kept {
    /// `None` for an absence.
    value: Option<Live>,
    ttl: Duration,
    /// Whether the far tier may have it: errors do not become bytes.
    far: bool,
}

/// The right to store far, and how long that may still take.
pub(crate) type FarRight = (Right, Budget);

impl<'s, 'c> Serve<'s, 'c> {
    pub(crate) fn new(call: &'s Call<'c>, accepts: Accepts<'s>, kind: Kind) -> Self {
        Self {
            call,
            accepts,
            kind,
        }
    }

    /// Joins the key's flight and waits for it, or becomes one.
    async fn join(&self) -> Step {
        match self.enter() {
            Ok(step) => step,
            Err(waiter) => self.wait(&waiter, self.call.cache.wait).await,
        }
    }

    /// Joins the key's flight or becomes one. `Err` if another brings it to its end.
    pub(crate) fn enter(&self) -> Result<Step, Waiter> {
        let call = self.call;
        match call
            .cache
            .flights
            .join(self.kind, call.key, || call.begin())
        {
            Role::Lead(lead) => Ok(Step::Lead(lead)),
            Role::Wait(waiter) => Err(waiter),
            Role::Reentrant => {
                event::reentrant(call.function, call.key.text);
                Ok(Step::Alone)
            }
        }
    }

    /// Waits for who brings the flight to its end.
    pub(crate) async fn wait(&self, waiter: &Waiter, patience: Duration) -> Step {
        let call = self.call;
        match call.patiently(patience, waiter.wait()).await {
            Some(Turn::Done(Some(loaded))) if (self.accepts)(&loaded) => {
                call.counts.misses.one();
                call.counts.coalesced.one();
                call.note(What::Joined);
                event::coalesced(call.function, call.key.text);
                Step::Done(loaded)
            }
            Some(Turn::Done(_)) => Step::Alone,
            // It may have begun before this refresh was asked for.
            Some(Turn::Adopt(lead, _)) if self.kind == Kind::Refresh => Step::Lead(lead),
            // Whoever blocks a thread may be all that another's load is waiting for.
            Some(Turn::Adopt(lead, orphan)) if call.blocks => {
                drop(orphan);
                Step::Lead(lead)
            }
            Some(Turn::Adopt(lead, orphan)) => Step::Adopt(lead, orphan),
            Some(Turn::Start(lead)) => Step::Lead(lead),
            Some(Turn::Panics) => {
                panic!("the load of a cached function panicked, and so did the next")
            }
            None => {
                event::waited_too_long(call.function, call.key.text);
                Step::Alone
            }
        }
    }

    /// Looks near once more, because somebody may have stored it between this call's look and
    /// its flight, and then far. `Err` if that answers the call.
    pub(crate) async fn look(&self, lead: Lead) -> Result<(Lead, Option<FarRight>), Step> {
        let far = self.call.far().filter(|_| !lead.tired);
        if self.kind == Kind::Refresh {
            let right = match far {
                Some(far) => Box::pin(self.replace_far(&lead, far)).await,
                None => None,
            };
            return Ok((lead, right));
        }
        let found = match (self.call.find_near(self.accepts), far) {
            (Some(loaded), _) => Ok(loaded),
            // Boxed, as everything that waits for a server: calls without one stay small.
            (None, Some(far)) => Box::pin(self.look_far(&lead, far)).await,
            (None, None) => {
                self.call.counts.misses.one();
                self.call.note(What::Missed);
                event::miss(self.call.function, self.call.key.text);
                Err(None)
            }
        };
        match found {
            Err(right) => Ok((lead, right)),
            Ok(loaded) => Err(self.answer(&lead, loaded)),
        }
    }

    /// Answers this call, and those who wait, with what a tier held.
    pub(crate) fn answer(&self, lead: &Lead, loaded: Loaded) -> Step {
        let call = self.call;
        if (self.accepts)(&loaded) {
            lead.publish(&loaded, call.shares_with_all());
            return Step::Done(loaded);
        }
        event::other_type(call.function, call.key.text, call.table.type_name());
        Step::Alone
    }

    /// What the far tier holds, or else the right to store there, if it can be had.
    async fn look_far(&self, lead: &Lead, far: &Arc<Far>) -> Result<Loaded, Option<FarRight>> {
        let mut budget = Budget::new(far.outage_budget);
        let place = self.call.place(far);
        lead.ask();
        match self.call.look_far(far, &place, &mut budget).await {
            Ok(Look::Hit(found)) => Ok(self.take(lead, found)),
            Ok(Look::Miss(seen)) => {
                let right = self.prepare(lead, far, place, seen, &mut budget).await;
                Err(right.map(|right| (right, budget)))
            }
            // Not a miss: nothing is known, so nothing may be stored.
            Err(_) => {
                lead.troubled();
                Err(None)
            }
        }
    }

    pub(crate) async fn prepare(
        &self,
        lead: &Lead,
        far: &Far,
        place: Place,
        seen: Seen,
        budget: &mut Budget,
    ) -> Option<Right> {
        if seen.in_flux() {
            lead.in_flux();
        }
        self.granted(lead, far.prepare(place, seen, budget).await)
    }

    /// The right to store, if the far tier gave one.
    fn granted(&self, lead: &Lead, right: crate::Result<Option<Right>>) -> Option<Right> {
        right.unwrap_or_else(|error| {
            lead.troubled();
            self.call.counts.far_errors.one();
            self.call.note(What::FarFailed);
            event::far_failed(self.call.function, &error);
            None
        })
    }

    /// The right to store in place of what the far tier holds, if it can be had.
    async fn replace_far(&self, lead: &Lead, far: &Arc<Far>) -> Option<FarRight> {
        let mut budget = Budget::new(far.outage_budget);
        let place = self.call.place(far);
        let right = match far.look(&place, self.call.typed(), &mut budget).await {
            Ok(Look::Hit(found)) => far.succeed(place, &found, &mut budget).await,
            Ok(Look::Miss(seen)) => {
                return self
                    .prepare(lead, far, place, seen, &mut budget)
                    .await
                    .map(|right| (right, budget));
            }
            Err(error) => Err(error),
        };
        self.granted(lead, right).map(|right| (right, budget))
    }

    /// Puts what was found far into the near tier, if it still may be seen.
    pub(crate) fn take(&self, lead: &Lead, found: Found) -> Loaded {
        let value = found.value;
        if found.known {
            lead.store(|| {
                self.call
                    .cache
                    .keep(&lead.flight, value.clone(), found.left);
            });
        }
        Loaded::found(value)
    }

    /// Runs the load as the flight's leader, with the right to store far if there is one.
    async fn load(&self, lead: Lead, load: Load<'_>, far: Option<FarRight>) -> Loaded {
        let (right, budget) = far.unzip();
        lead.ask();
        let began = Instant::now();
        let (lead, right, ended) = Driving::new(lead, load, right).await;
        match ended {
            Ok(loaded) => {
                self.count_load(began, failed(&loaded));
                let shared = self.share(&lead, &loaded);
                self.keep(lead, shared, right.zip(budget)).await;
                loaded
            }
            Err(panic) => {
                lead.panicked();
                drop(lead);
                resume_unwind(panic)
            }
        }
    }

    /// Goes on with a load that lost its caller. If it cannot live without (its runtime may be
    /// gone as well), one's own is next.
    pub(crate) async fn adopt(&self, lead: Lead, orphan: Orphan) -> Step {
        self.call.counts.misses.one();
        self.call.note(What::Missed);
        let began = Instant::now();
        let orphaned = Load::Owned(orphan.load);
        let (lead, right, ended) = Driving::new(lead, orphaned, orphan.right).await;
        match ended {
            Ok(loaded) if (self.accepts)(&loaded) => {
                self.count_load(began, failed(&loaded));
                let far = self.call.far();
                let budget = far.map(|far| Budget::new(far.outage_budget));
                let shared = self.share(&lead, &loaded);
                self.keep(lead, shared, right.zip(budget)).await;
                Step::Done(loaded)
            }
            Ok(_) => Step::Alone,
            Err(_) => {
                lead.panicked();
                Step::Lead(lead)
            }
        }
    }

    /// Stores what was loaded near, gives it to those who wait, and says what is to be done about
    /// the far tier.
    pub(crate) fn share(&self, lead: &Lead, loaded: &Loaded) -> Shared {
        let call = self.call;
        let kept = self.kept(loaded);
        // A refresh that fails leaves the old value, and otherwise what there was is no longer
        // right, whether or not something takes its place.
        let refreshes = self.kind == Kind::Refresh;
        let replaces = refreshes && !matches!(loaded, Loaded::Failed(_));
        let kept = kept.filter(|_| replaces || !refreshes);
        let stands = match &kept {
            Some(kept) => {
                let stands =
                    lead.store(|| call.cache.keep(&lead.flight, kept.value.clone(), kept.ttl));
                if stands && call.cache.has_near() {
                    call.note(What::StoredNear);
                }
                stands
            }
            None if replaces => lead.store(|| call.cache.unkeep(&lead.flight)),
            None => true,
        };
        let kept = kept.filter(|kept| kept.far);
        lead.publish(loaded, !refreshes && call.shares_with_all());
        Shared {
            kept,
            stands,
            replaces,
        }
    }

    /// Stores far what was shared. The lead stays until the far tier has answered, so that nobody
    /// loads anew before that.
    pub(crate) async fn keep(&self, lead: Lead, shared: Shared, far: Option<FarRight>) {
        let call = self.call;
        let Shared {
            kept,
            stands,
            replaces,
        } = shared;
        let stored = match (kept, far) {
            (Some(kept), Some(far)) if stands => Box::pin(self.store_far(kept, far)).await,
            (_, Some(far)) => Box::pin(self.release(far, replaces)).await.map(|()| stands),
            (_, None) => Ok(stands),
        };
        match stored {
            Ok(true) => {}
            Ok(false) => {
                call.counts.refused.one();
                call.note(What::Refused);
                event::refused(call.function, call.key.text);
            }
            Err(error) => {
                lead.troubled();
                call.counts.far_errors.one();
                call.note(What::FarFailed);
                event::not_stored_far(call.function, &error);
                if replaces {
                    // Or else the old value would come back.
                    call.cache.disbelieve(call.key.text);
                }
            }
        }
    }

    async fn store_far(
        &self,
        Kept { value, ttl, .. }: Kept,
        (right, mut budget): FarRight,
    ) -> crate::Result<bool> {
        let Some(far) = self.call.far() else {
            return Ok(true);
        };
        let typed = self.call.typed();
        let stored = far
            .store(right, typed, value.as_deref(), ttl, &mut budget)
            .await?;
        if stored {
            self.call.note(What::StoredFar);
        }
        if stored && self.kind == Kind::Refresh {
            self.call.cache.announce(self.call.key.text).await?;
        }
        Ok(stored)
    }

    /// Gives back a right that will not be used. With `replaces`, what the right is about to
    /// take the place of goes as well.
    async fn release(&self, (right, mut budget): FarRight, replaces: bool) -> crate::Result<()> {
        let Some(far) = self.call.far() else {
            return Ok(());
        };
        if right.over_entry && !replaces {
            return Ok(());
        }
        far.release(right, &mut budget).await?;
        if replaces {
            self.call.cache.announce(self.call.key.text).await?;
        }
        Ok(())
    }

    /// What of a result is kept, and for how long.
    fn kept(&self, loaded: &Loaded) -> Option<Kept> {
        let call = self.call;
        let (value, ttl) = match loaded {
            Loaded::Value(live, keep) => (Some(live.clone()), keep.ttl(call.ttl())?),
            Loaded::Absent => (None, call.policy.none_ttl?),
            Loaded::Failed(failure) => (Some(failure.to_keep()?), call.policy.err_ttl?),
        };
        Some(Kept {
            value,
            ttl: call.vary(ttl),
            far: !matches!(loaded, Loaded::Failed(_)),
        })
    }

    /// Runs the load for this caller only: nobody joins it, nothing is stored.
    async fn alone(&self, load: Load<'_>) -> Loaded {
        self.call.counts.misses.one();
        self.call.note(What::Missed);
        let began = Instant::now();
        let loaded = load.await;
        self.count_load(began, failed(&loaded));
        loaded
    }

    /// Counts one run of the user's function.
    pub(crate) fn count_load(&self, began: Instant, failed: bool) {
        let call = self.call;
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        call.counts.loads.one();
        call.counts.load_nanos.add(nanos);
        if failed {
            call.counts.load_errors.one();
        }
        call.note(if failed { What::Failed } else { What::Loaded });
        event::loaded(call.function, call.key.text, nanos, failed);
    }
}

fn failed(loaded: &Loaded) -> bool {
    matches!(loaded, Loaded::Failed(_))
}
