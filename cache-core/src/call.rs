//! One call of one key: what the step machine and the methods by hand both need to know of it.

use std::{future::Future, time::Duration};

use crate::{
    block,
    cache::Inner,
    codec::Table,
    entry::Live,
    error::Result,
    event,
    far::{Budget, Far, Look, Place, Typed},
    fence::Cell,
    names,
    near::KeyRef,
    policy::{Policy, vary},
    stats::Counts,
    sync::{Arc, within},
    witness::What,
};

/// One call.
pub(crate) struct Call<'c> {
    pub(crate) cache: &'c Inner,
    /// Who calls, for logs.
    pub(crate) function: &'c str,
    pub(crate) key: KeyRef<'c>,
    pub(crate) tags: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) table: &'static Table,
    pub(crate) version: u32,
    /// Whether the far tier may know of it.
    pub(crate) far: bool,
    /// Whether it waits by holding a thread up, which no runtime then wakes.
    pub(crate) blocks: bool,
    pub(crate) counts: &'c Counts,
}

impl Call<'_> {
    /// The birth of what begins now, and the cells of its groups: none where nobody gets what
    /// was asked for before.
    pub(crate) fn begin(&self) -> (u64, Box<[Arc<Cell>]>) {
        if !self.shares_with_all() {
            return (self.cache.fence.birth(), Box::default());
        }
        let groups = names::groups(self.key.text, &self.tags);
        self.cache.fence.begin(groups.iter().map(String::as_str))
    }

    /// What `waited` gives within `wait`.
    pub(crate) async fn patiently<F: Future>(
        &self,
        wait: Duration,
        waited: F,
    ) -> Option<F::Output> {
        if self.blocks {
            block::within(wait, waited).await
        } else {
            within(wait, waited).await
        }
    }

    /// Tells the witness, if there is one.
    #[inline]
    pub(crate) fn note(&self, what: What) {
        self.cache.witness.note(what, self.function, self.key.text);
    }

    /// How long a value is to live.
    pub(crate) fn ttl(&self) -> Duration {
        self.policy.ttl.unwrap_or(self.cache.ttl)
    }

    /// `ttl` varied as this function says, or else its cache.
    pub(crate) fn vary(&self, ttl: Duration) -> Duration {
        let jitter = self.policy.jitter(self.cache.jitter);
        vary(ttl, jitter, &self.cache.dice)
    }

    /// What `read` makes of the value in the near tier, if there is a valid one.
    pub(crate) fn hit<T>(&self, read: impl FnOnce(&Live) -> Option<T>) -> Option<T> {
        let mut read = Some(read);
        let mut hit = None;
        self.cache.look_near(self.key, &mut |value| {
            hit = value.zip(read.take()).and_then(|(live, read)| read(live));
        });
        if hit.is_some() {
            self.counts.near_hit();
            self.note(What::HitNear);
        }
        hit
    }

    /// The far tier, if there is one and it can hold these values.
    pub(crate) fn far(&self) -> Option<&Arc<Far>> {
        let far = self.cache.far.as_ref()?;
        // Also for values that stay near: others invalidate them, too.
        self.cache.listen();
        if !self.far {
            return None;
        }
        if !self.table.is_far() {
            self.cache.warn_once(self.function, || {
                event::near_only(self.function, self.table.type_name());
            });
            return None;
        }
        Some(far)
    }

    /// Whether a result may go to whoever waits for it when it comes. With a near tier it may: it
    /// would be found there. Without, other processes' invalidations count from the moment they
    /// return, and only the far tier knows of them, also of those of values that it never holds.
    pub(crate) fn shares_with_all(&self) -> bool {
        self.cache.has_near() || self.cache.far.is_none()
    }

    /// Where it lies in the far tier.
    pub(crate) fn place(&self, far: &Far) -> Place {
        far.place(self.key.text, &self.tags)
    }

    /// Looks into the far tier, and counts what it finds.
    pub(crate) async fn look_far(
        &self,
        far: &Arc<Far>,
        place: &Place,
        budget: &mut Budget,
    ) -> Result<Look> {
        let looked = far.look(place, self.typed(), budget).await;
        match &looked {
            Ok(look) => self.count_look(look),
            Err(error) => {
                self.counts.far_errors.one();
                self.counts.misses.one();
                self.note(What::FarFailed);
                self.note(What::Missed);
                event::far_failed(self.function, error);
            }
        }
        looked
    }

    pub(crate) fn count_look(&self, look: &Look) {
        if let Look::Hit(_) = look {
            self.counts.far_hits.one();
            self.note(What::HitFar);
            event::hit_far(self.function, self.key.text);
        } else {
            self.counts.misses.one();
            self.note(What::Missed);
            event::miss(self.function, self.key.text);
        }
    }

    pub(crate) fn typed(&self) -> Typed<'_> {
        Typed {
            key: self.key.text,
            table: self.table,
            fingerprint: (!self.table.is_any())
                .then(|| versioned(self.table.fingerprint(), self.version)),
            counts: self.counts,
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
