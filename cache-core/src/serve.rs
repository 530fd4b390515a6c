//! What happens on a miss, step by step: join, look far, take the right, load, store, share.
//!
//! Nothing here is generic: it is compiled once, whatever is cached.

use std::{
    panic::resume_unwind,
    time::{Duration, Instant},
};

use crate::{
    cache::Inner,
    codec::Table,
    entry::Live,
    event,
    far::{Budget, Far, Found, Look, Place, Right, Typed},
    flight::{Driving, Lead, Load, Orphan, Role, Turn},
    near::KeyRef,
    outcome::Loaded,
    policy::{Policy, vary},
    stats::Counts,
    sync::Arc,
};

/// Whether a caller can make its result of this.
pub(crate) type Accepts<'c> = &'c (dyn Fn(&Loaded) -> bool + Send + Sync);

/// One call that the near tier could not answer.
pub(crate) struct Call<'c> {
    pub(crate) cache: &'c Inner,
    pub(crate) function: &'c str,
    pub(crate) key: KeyRef<'c>,
    /// Without the namespace.
    pub(crate) groups: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) table: &'static Table,
    pub(crate) version: u32,
    /// Whether the far tier may know of it.
    pub(crate) far: bool,
    pub(crate) counts: Arc<Counts>,
    pub(crate) accepts: Accepts<'c>,
}

/// Finds the value or runs the load. Returns only what the caller accepts.
pub(crate) async fn serve(call: &Call<'_>, load: Load<'_>) -> Loaded {
    let begin = || call.cache.fence.begin(call.groups.iter().map(String::as_str));
    let waiter = match call.cache.flights.join(call.key, begin) {
        Role::Lead(lead) => return call.lead(lead, load).await,
        Role::Reentrant => {
            event::reentrant(call.function, call.key.text);
            return call.alone(load).await;
        }
        Role::Wait(waiter) => waiter,
    };
    match tokio::time::timeout(call.cache.wait, waiter.wait()).await {
        Ok(Turn::Done(Some(loaded))) if (call.accepts)(&loaded) => {
            call.counts.misses.one();
            call.counts.coalesced.one();
            event::coalesced(call.function, call.key.text);
            loaded
        }
        Ok(Turn::Done(_)) => call.alone(load).await,
        Ok(Turn::Adopt(lead, orphan)) => call.adopt(lead, orphan, load).await,
        Ok(Turn::Start(lead)) => call.lead(lead, load).await,
        Ok(Turn::Panics) => panic!("the load of a cached function panicked, and so did the next"),
        Err(_) => {
            event::waited_too_long(call.function, call.key.text);
            call.alone(load).await
        }
    }
}

impl Call<'_> {
    /// Brings a flight of one's own to an end.
    async fn lead(&self, lead: Lead, load: Load<'_>) -> Loaded {
        // Somebody may have stored it between this call's look and its flight.
        if let Some(loaded) = self.look_near() {
            return self.found(lead, loaded, load).await;
        }
        let Some(far) = self.far() else {
            self.counts.misses.one();
            return self.load(lead, load, None).await;
        };
        let mut budget = Budget::new(far.outage_budget);
        let place = far.place(self.key.text, &self.groups);
        match self.look_far(far, &place, &mut budget).await {
            Some(Look::Hit(found)) => {
                let loaded = self.take(&lead, found);
                self.found(lead, loaded, load).await
            }
            Some(Look::Miss(seen)) => {
                let right = far.prepare(place, seen, &mut budget).await;
                let right = self.unless_failed(right).flatten();
                self.load(lead, load, right.map(|right| (right, budget))).await
            }
            None => self.load(lead, load, None).await,
        }
    }

    /// Ends a flight with what was found instead of loaded.
    async fn found(&self, lead: Lead, loaded: Loaded, load: Load<'_>) -> Loaded {
        if (self.accepts)(&loaded) {
            lead.publish(&loaded);
            return loaded;
        }
        drop(lead);
        event::other_type(self.function, self.key.text, self.table.type_name());
        self.alone(load).await
    }

    fn look_near(&self) -> Option<Loaded> {
        let mut found = None;
        self.cache.look_near(self.key, &mut |value| {
            found = Some(value.map_or(Loaded::Absent, |live| Loaded::Value(live.clone())));
        });
        if found.is_some() {
            self.counts.near_hit();
        }
        found
    }

    /// The far tier, if there is one and it can hold these values.
    fn far(&self) -> Option<&Arc<Far>> {
        let far = self.cache.far.as_ref().filter(|_| self.far)?;
        if !self.table.is_far() {
            self.cache.warn_once(self.function, || {
                event::near_only(self.function, self.table.type_name());
            });
            return None;
        }
        Some(far)
    }

    async fn look_far(&self, far: &Arc<Far>, place: &Place, budget: &mut Budget) -> Option<Look> {
        let looked = self.unless_failed(far.look(place, self.typed(), budget).await);
        if let Some(Look::Hit(_)) = looked {
            self.counts.far_hits.one();
            event::hit_far(self.function, self.key.text);
        } else {
            self.counts.misses.one();
            event::miss(self.function, self.key.text);
        }
        looked
    }

    /// Puts what was found far into the near tier, if it still may be seen.
    fn take(&self, lead: &Lead, found: Found) -> Loaded {
        let value = found.value;
        lead.store(|| self.cache.keep(&lead.flight, value.clone(), found.left));
        value.map_or(Loaded::Absent, Loaded::Value)
    }

    /// Runs the load as the flight's leader, with the right to store far if there is one.
    async fn load(&self, lead: Lead, load: Load<'_>, right: Option<(Right, Budget)>) -> Loaded {
        let (right, budget) = right.unzip();
        let began = Instant::now();
        let (lead, right, ended) = Driving::new(lead, load, right).await;
        match ended {
            Ok(loaded) => {
                self.count_load(began, &loaded);
                self.keep(lead, &loaded, right, budget).await;
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
    /// gone as well), one's own is run instead.
    async fn adopt(&self, lead: Lead, orphan: Orphan, own: Load<'_>) -> Loaded {
        self.counts.misses.one();
        let began = Instant::now();
        let orphaned = Load::Owned(orphan.load);
        let (lead, right, ended) = Driving::new(lead, orphaned, orphan.right).await;
        match ended {
            Ok(loaded) if (self.accepts)(&loaded) => {
                self.count_load(began, &loaded);
                self.keep(lead, &loaded, right, None).await;
                loaded
            }
            Ok(_) => {
                drop(lead);
                self.alone(own).await
            }
            Err(_) => {
                lead.panicked();
                self.lead(lead, own).await
            }
        }
    }

    /// Stores what was loaded and gives it to those who wait, before the far tier is asked.
    async fn keep(&self, lead: Lead, loaded: &Loaded, right: Option<Right>, budget: Option<Budget>) {
        let Some((value, ttl)) = self.kept(loaded) else {
            lead.publish(loaded);
            return;
        };
        let stands = lead.store(|| self.cache.keep(&lead.flight, value.cloned(), ttl));
        lead.publish(loaded);
        let stored = match (self.far(), right) {
            (Some(far), Some(right)) if stands => {
                let mut budget = budget.unwrap_or_else(|| Budget::new(far.outage_budget));
                let value = value.map(|live| &**live);
                match far.store(right, self.typed(), value, ttl, &mut budget).await {
                    Ok(stored) => stored,
                    Err(error) => {
                        self.counts.far_errors.one();
                        event::not_stored_far(self.function, &error);
                        return;
                    }
                }
            }
            _ => stands,
        };
        if !stored {
            self.counts.refused.one();
            event::refused(self.function, self.key.text);
        }
    }

    /// What of a result is kept, and for how long.
    fn kept<'l>(&self, loaded: &'l Loaded) -> Option<(Option<&'l Live>, Duration)> {
        let (value, ttl) = match loaded {
            Loaded::Value(live) => (Some(live), self.policy.ttl.unwrap_or(self.cache.ttl)),
            Loaded::Absent => (None, self.policy.none_ttl?),
            Loaded::Failed(_) => return None,
        };
        Some((value, vary(ttl, self.cache.jitter, &self.cache.dice)))
    }

    /// Runs the load for this caller only: nobody joins it, nothing is stored.
    async fn alone(&self, load: Load<'_>) -> Loaded {
        self.counts.misses.one();
        let began = Instant::now();
        let loaded = load.await;
        self.count_load(began, &loaded);
        loaded
    }

    fn count_load(&self, began: Instant, loaded: &Loaded) {
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let failed = matches!(loaded, Loaded::Failed(_));
        self.counts.loads.one();
        self.counts.load_nanos.add(nanos);
        if failed {
            self.counts.load_errors.one();
        }
        event::loaded(self.function, self.key.text, nanos, failed);
    }

    fn unless_failed<T>(&self, result: crate::Result<T>) -> Option<T> {
        result
            .inspect_err(|error| {
                self.counts.far_errors.one();
                event::far_failed(self.function, error);
            })
            .ok()
    }

    fn typed(&self) -> Typed<'_> {
        Typed {
            key: self.key.text,
            table: self.table,
            fingerprint: versioned(self.table.fingerprint(), self.version),
            counts: &self.counts,
        }
    }
}

/// The fingerprint of a type under a version that its function states by hand.
fn versioned(fingerprint: u64, version: u32) -> u64 {
    match version {
        0 => fingerprint,
        _ => xxhash_rust::xxh3::xxh3_64_with_seed(&version.to_le_bytes(), fingerprint),
    }
}
