//! The methods by hand, on one untyped call: read, write, renew.

use std::time::Duration;

use crate::{
    call::Call,
    entry::Live,
    error::Result,
    far::{Budget, Found, Look, in_the_middle},
    flight::{Kind, Lead, Role},
    outcome::{KeptError, Loaded},
    serve::Accepts,
    sync::together,
    witness::What,
};

impl Call<'_> {
    /// The value of this key, of whichever tier; never a load's.
    pub(crate) async fn get(&self) -> Result<Option<Live>> {
        if let Some(live) = self.hit(value) {
            return Ok(Some(live));
        }
        Ok(match self.find_far().await? {
            Some(Loaded::Value(live, _)) => Some(live),
            _ => None,
        })
    }

    /// The value of this key, or the knowledge that there is none, of whichever tier; never a
    /// load's.
    pub(crate) async fn find(&self, accepts: Accepts<'_>) -> Result<Option<Loaded>> {
        match self.find_near(accepts) {
            Some(loaded) => Ok(Some(loaded)),
            None => self.find_far().await,
        }
    }

    /// What the near tier knows of this key.
    pub(crate) fn find_near(&self, accepts: Accepts<'_>) -> Option<Loaded> {
        let mut found = None;
        self.cache.look_near(self.key, &mut |value| {
            let loaded = Loaded::found(value.cloned());
            // To who does not keep such errors, there is nothing.
            if !loaded.is_kept_error() || accepts(&loaded) {
                found = Some(loaded);
            }
        });
        if found.as_ref().is_some_and(accepts) {
            self.counts.near_hit();
            self.note(What::HitNear);
        }
        found
    }

    async fn find_far(&self) -> Result<Option<Loaded>> {
        let Some(far) = self.far() else {
            self.counts.misses.one();
            self.note(What::Missed);
            return Ok(None);
        };
        // As a flight it may fill the near tier, fenced; whoever is in flight already has the
        // better claim to.
        let lead = self.lead();
        let mut budget = Budget::new(far.outage_budget);
        if let Some(lead) = &lead {
            lead.ask();
        }
        match self.look_far(far, &self.place(far), &mut budget).await? {
            Look::Hit(found) => Ok(Some(self.take(lead, found))),
            Look::Miss(_) => Ok(None),
        }
    }

    /// A flight of this key, unless there is one.
    fn lead(&self) -> Option<Lead> {
        let begin = || self.begin();
        match self.cache.flights.join(Kind::Load, self.key, begin) {
            Role::Lead(lead) => Some(lead),
            Role::Wait(_) | Role::Reentrant => None,
        }
    }

    fn take(&self, lead: Option<Lead>, found: Found) -> Loaded {
        let value = found.value;
        let loaded = Loaded::found(value.clone());
        if let Some(lead) = lead {
            if found.known {
                lead.store(|| self.cache.keep(&lead.flight, value, found.left));
            }
            lead.publish(&loaded, self.shares_with_all());
        }
        loaded
    }

    /// How much longer the value of this key lives, of whatever type.
    pub(crate) async fn left(&self) -> Result<Option<Duration>> {
        let Some(far) = self.cache.far.as_ref() else {
            return Ok(self.cache.near_left(self.key));
        };
        let mut budget = Budget::new(far.outage_budget);
        match far
            .look(&self.place(far), self.typed(), &mut budget)
            .await?
        {
            Look::Hit(found) => Ok(Some(found.left)),
            // A `local` function's values are near only.
            Look::Miss(_) => Ok(self.cache.near_left(self.key)),
        }
    }

    /// Gives the value of this key a new life; `false` if there is none.
    pub(crate) async fn touch(&self, ttl: Duration) -> Result<bool> {
        let mut there = false;
        if let Some(far) = self.cache.far.as_ref() {
            let mut budget = Budget::new(far.outage_budget);
            let place = self.place(far);
            if let Look::Hit(found) = far.look(&place, self.typed(), &mut budget).await? {
                there = far
                    .renew(&place, self.key.text, &found, ttl, &mut budget)
                    .await?;
            }
        }
        Ok(self.cache.renew_near(self.key, ttl) || there)
    }

    /// Stores a value, or an absence, in all tiers: far first, then near, where it dooms what is
    /// in flight, so that nothing which was loaded from before it outlives it.
    pub(crate) async fn set(&self, value: Option<Live>, ttl: Duration) -> Result<()> {
        let (born, cells) = self.begin();
        let stored = self.set_far(value.as_ref(), ttl).await;
        let told = match &stored {
            // Nobody else has anything of what stays in this process.
            Ok(_) if !self.far => Ok(()),
            Ok(_) => self.cache.announce(self.key.text).await,
            Err(error) => Err(error.clone()),
        };
        if told.is_err() {
            self.cache.disbelieve(self.key.text);
        }
        // Not stored: somebody wrote or invalidated the key in the middle of this, and came
        // later.
        let stands = !matches!(stored, Ok(false));
        let near = self.cache.entry(self.key, value, ttl);
        let near = near.map(|entry| entry.born(born, cells));
        self.cache.replace(self.key, near.filter(|_| stands));
        self.note_stored(stands && self.cache.has_near(), stands && told.is_ok());
        told
    }

    /// Tells the witness in which tiers a value was stored.
    pub(crate) fn note_stored(&self, near: bool, far: bool) {
        if near {
            self.note(What::StoredNear);
        }
        if far && self.far().is_some() {
            self.note(What::StoredFar);
        }
    }

    async fn set_far(&self, value: Option<&Live>, ttl: Duration) -> Result<bool> {
        let Some(far) = self.far() else {
            return Ok(true);
        };
        let mut budget = Budget::new(far.outage_budget);
        let place = self.place(far);
        match far.seize(place, &mut budget).await? {
            Some(right) => {
                let value = value.map(|live| &**live);
                far.store(right, self.typed(), value, ttl, &mut budget)
                    .await
            }
            None => Err(in_the_middle()),
        }
    }
}

/// What is a value to those who ask by hand: a remembered error is none.
fn value(live: &Live) -> Option<Live> {
    KeptError::of(live).is_none().then(|| live.clone())
}

/// The values of several keys, in one round trip to the far tier.
pub(crate) async fn get_many(calls: &[Call<'_>]) -> Result<Vec<Option<Live>>> {
    let mut values: Vec<Option<Live>> = calls.iter().map(|call| call.hit(value)).collect();
    let missed: Vec<usize> = (0..calls.len())
        .filter(|&at| values[at].is_none())
        .collect();
    let Some(far) = calls.first().and_then(Call::far) else {
        for at in missed {
            calls[at].counts.misses.one();
            calls[at].note(What::Missed);
        }
        return Ok(values);
    };
    let leads: Vec<_> = missed.iter().map(|&at| calls[at].lead()).collect();
    leads.iter().flatten().for_each(Lead::ask);
    let places: Vec<_> = missed.iter().map(|&at| calls[at].place(far)).collect();
    let typed: Vec<_> = missed.iter().map(|&at| calls[at].typed()).collect();
    let mut budget = Budget::new(far.outage_budget);
    let looks = far.look_many(&places, &typed, &mut budget).await?;
    for ((at, lead), look) in missed.into_iter().zip(leads).zip(looks) {
        calls[at].count_look(&look);
        if let Look::Hit(found) = look
            && let Loaded::Value(live, _) = calls[at].take(lead, found)
        {
            values[at] = Some(live);
        }
    }
    Ok(values)
}

/// Stores several values side by side; the first error, once all have ended.
pub(crate) async fn set_many(values: Vec<(Call<'_>, Live)>) -> Result<()> {
    let sets = values
        .iter()
        .map(|(call, live)| call.set(Some(live.clone()), call.ttl()));
    together(sets).await.into_iter().collect()
}
