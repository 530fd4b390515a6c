//! The far tier as the step machine sees it: the protocol "stamp and lease" over any
//! [`Backend`](crate::Backend), its deadlines and its breaker.
//!
//! An entry carries the stamps that its groups had before its load began, and is valid only
//! while each group still has that very stamp; a missing stamp matches nothing. A load may store
//! only into the slot in which its own lease still stands. So whatever moves a stamp or touches
//! the slot, be it an invalidation or an eviction, makes what was loaded before it unreadable or
//! unstorable.

mod look;
mod place;

use std::{
    any::Any,
    borrow::Cow,
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use self::look::stamp;
pub(crate) use self::place::Place;
use crate::{
    backend::{AnyBackend, Header, Invalidate, Lease, Over, Prepare, Stamp, Write},
    breaker::{Admission, Breaker},
    clock::{Clock, millis},
    codec::Table,
    entry::Live,
    envelope::{self, Kind, Meta, Stamps},
    error::{Error, ErrorKind, Result},
    event,
    flux::Flux,
    key::slot_text,
    names::{ALL, Namespace},
    packing::{Owner, Packing},
    policy::{LEASE_TTL, MAX_FAR_VALUE, MAX_GROUPS, STAMP_LIVES},
    rng::Dice,
    stats::Counts,
    sync::{Arc, keeps_time, together},
};

/// The stamp of a group whose writer is between its two phases: nothing is valid under it.
const FLUX: Stamp = Stamp::MAX;

/// The part of a lease's id that tells it from others of the same cache.
const LEASE_BITS: u64 = 0xffff_ffff;

/// The id of a lease that was given back: nobody's, so that everybody may replace it.
const NOBODY: u64 = 0;

/// The owner of the lease that stands for a key whose writer is between its two phases: no cache,
/// so that nobody replaces it to store a load.
const WRITER: u64 = !LEASE_BITS;

/// Between the tags in an envelope; no tag holds a control character.
const TAG_END: &str = "\n";

/// One far tier of one cache.
#[derive(Debug)]
pub(crate) struct Far {
    pub(crate) backend: AnyBackend,
    pub(crate) names: Namespace,
    pub(crate) flux: Flux,
    pub(crate) outage_budget: Duration,
    packing: Packing,
    breaker: Arc<Breaker>,
    clock: Clock,
    dice: Dice,
    /// The upper half of the ids of all leases of this cache. A lease of one's own that still
    /// stands when its key is loaded anew is of a load that failed, was dropped or was doomed.
    owner: u64,
    /// The longest ttl of any entry so far, in milliseconds: stamps outlive it.
    longest: AtomicU64,
}

/// How much longer one call may wait for the far tier.
#[derive(Debug)]
pub(crate) struct Budget(Duration);

impl Budget {
    pub(crate) fn new(span: Duration) -> Self {
        Self(span)
    }

    /// The same, for one of several calls that are made at the same time.
    pub(crate) fn share(&self) -> Self {
        Self(self.0)
    }

    /// What is left when such a call has ended as well.
    pub(crate) fn join(&mut self, share: &Self) {
        self.0 = self.0.min(share.0);
    }

    /// What is left of it.
    pub(crate) fn left(&self) -> Duration {
        self.0
    }

    async fn spend<T>(&mut self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let began = Instant::now();
        let result = tokio::time::timeout(self.0, call).await;
        self.0 = self.0.saturating_sub(began.elapsed());
        result.unwrap_or_else(|_| Err(unanswered()))
    }
}

/// What stands in the far tier under one key.
pub(crate) enum Look {
    /// A valid entry, and how long it still lives.
    Hit(Found),
    /// Nothing valid.
    Miss(Seen),
}

/// A valid entry.
pub(crate) struct Found {
    /// `None` for a remembered absence.
    pub(crate) value: Option<Live>,
    pub(crate) left: Duration,
    /// Whether all its groups are groups of the caller's, so that the caller's fence guards it.
    pub(crate) known: bool,
    header: Header,
    entry: Bytes,
}

/// What a miss saw, for the load that follows.
pub(crate) struct Seen {
    stamps: Vec<Option<Stamp>>,
    /// What a lease may replace; `None` if another process holds the lease.
    over: Option<Over>,
    /// Whether a writer of the key itself is between its two phases.
    marked: bool,
}

impl Seen {
    /// Whether a writer of the key, or of a group of it, is between its two phases: what is loaded
    /// now may be from before it.
    pub(crate) fn in_flux(&self) -> bool {
        self.marked || self.stamps.contains(&Some(FLUX))
    }
}

/// The right to store one load: its lease, and the stamps from before it began.
#[derive(Debug)]
pub(crate) struct Right {
    place: Place,
    /// What must stand in the slot: one's own lease, or the entry that is to be replaced.
    lease: Header,
    stamps: Vec<Stamp>,
    /// Whether an entry that others may see stands there instead of a lease.
    pub(crate) over_entry: bool,
}

/// A key and the type of its values, as the far tier knows them.
#[derive(Clone, Copy)]
pub(crate) struct Typed<'a> {
    pub(crate) key: &'a str,
    pub(crate) table: &'a Table,
    /// Of the type, the codec and the function's version; `None` for a caller that takes all
    /// types and does not ask for the value.
    pub(crate) fingerprint: Option<u64>,
    pub(crate) counts: &'a Counts,
}

impl Far {
    pub(crate) fn new(
        backend: AnyBackend,
        names: Namespace,
        packing: Packing,
        outage_budget: Duration,
        clock: Clock,
        dice: Dice,
    ) -> Self {
        let owner = (dice.draw() | (LEASE_BITS + 1)) & !LEASE_BITS;
        backend.guard_dyn(&names.stamp(ALL));
        Self {
            backend,
            names,
            flux: Flux::default(),
            outage_budget,
            packing,
            breaker: Arc::new(Breaker::new(clock.clone())),
            clock,
            dice,
            longest: AtomicU64::new(0),
            owner,
        }
    }

    pub(crate) fn breaker_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Takes the right to store what is about to be loaded; `None` if another process has it or
    /// a writer is in the middle.
    pub(crate) async fn prepare(
        &self,
        place: Place,
        seen: Seen,
        budget: &mut Budget,
    ) -> Result<Option<Right>> {
        let Some(over) = seen.over.filter(|_| !seen.in_flux()) else {
            return Ok(None);
        };
        let lease = envelope::lease(self.owner | (self.dice.draw() & LEASE_BITS));
        let missing: Vec<(&str, Stamp)> = place
            .stamps()
            .zip(&seen.stamps)
            .filter(|(_, stamp)| stamp.is_none())
            .map(|(name, _)| (name, self.nonce()))
            .collect();
        let prepare = Prepare {
            stamps: &missing,
            stamp_ttl: self.stamp_ttl(LEASE_TTL),
            lease: Some(Lease {
                slot: place.slot(),
                header: lease,
                over,
                ttl: LEASE_TTL,
            }),
        };
        let prepared = self
            .guarded(budget, self.backend.prepare_dyn(prepare))
            .await?;
        let mut made = prepared.stamps.into_iter();
        let stamps: Vec<Stamp> = seen
            .stamps
            .into_iter()
            .filter_map(|stamp| stamp.or_else(|| made.next()))
            .collect();
        let whole = stamps.len() == place.len() - 1 && !stamps.contains(&FLUX);
        Ok((prepared.leased && whole).then_some(Right {
            place,
            lease,
            stamps,
            over_entry: false,
        }))
    }

    /// Takes the right to store in place of a valid entry, which may be seen until then.
    pub(crate) async fn succeed(
        self: &Arc<Self>,
        place: Place,
        found: &Found,
        budget: &mut Budget,
    ) -> Result<Option<Right>> {
        if !found.known {
            // The stamps of the groups in which it differs from the entry have not been read.
            return self.seize(place, budget).await;
        }
        let entry = envelope::decode(&found.entry).expect("it was decoded when it was found");
        Ok(Some(Right {
            place,
            lease: found.header,
            stamps: entry.meta.stamps.iter().copied().collect(),
            over_entry: true,
        }))
    }

    /// Takes the right to replace what stands there by what is about to be written. An entry
    /// stays where it is until then, for others to read; anything else makes way for a lease.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        place: Place,
        budget: &mut Budget,
    ) -> Result<Option<Right>> {
        let (standing, stamps) = self.standing(&place, budget).await?;
        let whole: Option<Vec<Stamp>> = stamps.iter().copied().collect();
        let whole = whole.filter(|stamps| !stamps.contains(&FLUX));
        if let (Some(lease), Some(stamps)) = (standing, whole) {
            return Ok(Some(Right {
                place,
                lease,
                stamps,
                over_entry: true,
            }));
        }
        let over = Some(Over::Anything);
        let seen = Seen {
            stamps,
            over,
            marked: false,
        };
        self.prepare(place, seen, budget).await
    }

    /// Takes the right to store whatever stands there.
    pub(crate) async fn seize(
        self: &Arc<Self>,
        place: Place,
        budget: &mut Budget,
    ) -> Result<Option<Right>> {
        let names: Vec<&str> = place.stamps().collect();
        let read = self.ask(&names, budget).await?;
        let seen = Seen {
            stamps: read.iter().map(|bytes| stamp(bytes.as_ref())).collect(),
            over: Some(Over::Anything),
            marked: false,
        };
        self.prepare(place, seen, budget).await
    }

    /// Stores a value, or an absence, under its right; `false` if the right was lost meanwhile.
    pub(crate) async fn store(
        &self,
        right: Right,
        typed: Typed<'_>,
        value: Option<&(dyn Any + Send + Sync)>,
        ttl: Duration,
        budget: &mut Budget,
    ) -> Result<bool> {
        let Right {
            place,
            lease,
            stamps,
            over_entry: _,
        } = right;
        let meta = Meta {
            kind: match value {
                Some(_) => Kind::Value,
                None => Kind::Absent,
            },
            id: self.dice.draw(),
            fingerprint: typed.fingerprint.unwrap_or_default(),
            created: self.clock.wall_millis(),
            soft: short(ttl),
            hard: short(ttl),
            stamps: Stamps::new(&stamps).ok_or_else(too_many_groups)?,
            key: matches!(slot_text(typed.key), Cow::Owned(_)).then_some(typed.key),
            tags: &place.tags,
        };
        let owner = self.owner_of(typed.key);
        let envelope = envelope::encode(&meta, &self.packing, owner, |out| match value {
            Some(value) => typed.table.encode(value, out),
            None => Ok(0),
        })?;
        if envelope.len() > MAX_FAR_VALUE {
            return Err(too_large(typed.table.type_name(), envelope.len()));
        }
        self.put(&place, lease, envelope, ttl, budget).await
    }

    /// Gives a right back that will not be used, so that others may load and store at once.
    pub(crate) async fn release(&self, right: Right, budget: &mut Budget) -> Result<()> {
        let free = Bytes::copy_from_slice(&envelope::lease(NOBODY));
        let soon = Duration::from_millis(1);
        self.put(&right.place, right.lease, free, soon, budget)
            .await
            .map(drop)
    }

    /// Gives a valid entry a new life; `false` if something else stands there by now.
    pub(crate) async fn renew(
        &self,
        place: &Place,
        key: &str,
        found: &Found,
        ttl: Duration,
        budget: &mut Budget,
    ) -> Result<bool> {
        let owner = self.owner_of(key);
        let old = envelope::decode(&found.entry).expect("it was decoded when it was found");
        let meta = Meta {
            id: self.dice.draw(),
            created: self.clock.wall_millis(),
            soft: short(ttl),
            hard: short(ttl),
            ..old.meta
        };
        let body = self.packing.unseal(owner, &old);
        let body = body.expect("it was unsealed when it was found");
        let envelope = envelope::renew(&meta, &old, &body, &self.packing, owner)?;
        self.put(place, found.header, envelope, ttl, budget).await
    }

    async fn put(
        &self,
        place: &Place,
        expected: Header,
        envelope: Bytes,
        ttl: Duration,
        budget: &mut Budget,
    ) -> Result<bool> {
        let stamps: Vec<&str> = place.stamps().collect();
        let write = Write {
            slot: place.slot(),
            expected,
            envelope,
            ttl,
            stamps: &stamps,
            stamp_ttl: self.stamp_ttl(ttl),
        };
        self.guarded(budget, self.backend.store_dyn(write)).await
    }

    /// Tells the far tier, and through it all near tiers, that slots and groups are invalid. What
    /// fails is tried again in the background, and counts as invalid here meanwhile. Waits no
    /// longer than the outage budget, or `patience` if that is longer.
    pub(crate) async fn invalidate(
        self: &Arc<Self>,
        slots: Vec<String>,
        stamps: Vec<String>,
        notice: &[u8],
        patience: Duration,
    ) -> Result<()> {
        let result = if self.breaker.is_open() {
            Err(Error::new(
                ErrorKind::Unavailable,
                "the far tier is down: the invalidation is tried again in the background",
            ))
        } else {
            let mut budget = Budget::new(self.outage_budget.max(patience));
            let change = self.tell(&slots, &stamps, notice);
            self.guarded(&mut budget, change).await
        };
        if result.is_err() {
            self.disbelieve(slots, stamps);
        }
        result
    }

    /// The first of two phases of an invalidation: for `ttl`, or until it is invalidated, nothing
    /// is found in these slots and groups and nothing is stored there. Should the writer die
    /// meanwhile, the marks expire, and what is missing agrees with no entry of before.
    pub(crate) async fn mark(
        self: &Arc<Self>,
        slots: &[String],
        stamps: &[String],
        notice: &[u8],
        patience: Duration,
    ) -> Result<()> {
        let mut budget = Budget::new(self.outage_budget.max(patience));
        let leases = slots.iter().map(|slot| {
            let mut share = budget.share();
            async move { (self.mark_slot(slot, &mut share).await, share) }
        });
        for (marked, share) in together(leases).await {
            budget.join(&share);
            marked?;
        }
        let stamps: Vec<(&str, Stamp)> = stamps.iter().map(|name| (&**name, FLUX)).collect();
        let change = Invalidate {
            slots: &[],
            stamps: &stamps,
            stamp_ttl: LEASE_TTL,
            channel: &self.names.channel(),
            notice,
        };
        self.guarded(&mut budget, self.backend.invalidate_dyn(change))
            .await
    }

    async fn mark_slot(&self, slot: &str, budget: &mut Budget) -> Result<()> {
        let lease = Lease {
            slot,
            header: envelope::lease(WRITER | (self.dice.draw() & LEASE_BITS)),
            over: Over::Anything,
            ttl: LEASE_TTL,
        };
        let prepare = Prepare {
            stamps: &[],
            stamp_ttl: LEASE_TTL,
            lease: Some(lease),
        };
        self.guarded(budget, self.backend.prepare_dyn(prepare))
            .await
            .map(drop)
    }

    /// Tells all near tiers that a key has another value now.
    pub(crate) async fn announce(&self, notice: &[u8], budget: &mut Budget) -> Result<()> {
        self.guarded(budget, self.tell(&[], &[], notice)).await
    }

    /// Invalidates slots and stamps in the background, and believes nothing of them meanwhile.
    pub(crate) fn disbelieve(self: &Arc<Self>, slots: Vec<String>, stamps: Vec<String>) {
        self.flux.add(slots, stamps, &self.names.stamp(ALL));
        self.flux.kick(self);
    }

    /// The invalidation itself, with new stamps, once.
    pub(crate) async fn tell(
        &self,
        slots: &[String],
        stamps: &[String],
        notice: &[u8],
    ) -> Result<()> {
        let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
        let stamps: Vec<(&str, Stamp)> = stamps
            .iter()
            .map(|name| (name.as_str(), self.nonce()))
            .collect();
        let change = Invalidate {
            slots: &slots,
            stamps: &stamps,
            stamp_ttl: self.stamp_ttl(LEASE_TTL),
            channel: &self.names.channel(),
            notice,
        };
        self.backend.invalidate_dyn(change).await
    }

    /// Makes one call within the budget, if the breaker lets it, and tells the breaker.
    async fn guarded<T>(
        &self,
        budget: &mut Budget,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if !keeps_time() {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "there is no tokio runtime with timers here, and without one nobody can wait for \
                 the far tier",
            ));
        }
        match self.breaker.admit() {
            Admission::Go => {}
            Admission::Refuse => return Err(given_up()),
            Admission::Probe => {
                self.probe();
                return Err(given_up());
            }
        }
        let result = budget.spend(call).await;
        self.heard(!matches!(&result, Err(error) if error.kind() == ErrorKind::Unavailable));
        result
    }

    /// Tells the breaker how a call went.
    pub(crate) fn heard(&self, ok: bool) {
        event::breaker(self.names.as_str(), self.breaker.record(ok));
    }

    /// Asks the far tier something in the background, so that no caller pays for the probe.
    fn probe(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (backend, breaker) = (self.backend.clone(), self.breaker.clone());
        let names = self.names.clone();
        // What is too slow for callers is not back.
        let patience = self.outage_budget;
        runtime.spawn(async move {
            let name = names.stamp(ALL);
            let asked = tokio::time::timeout(patience, backend.read_dyn(&[&name])).await;
            event::breaker(names.as_str(), breaker.record(matches!(asked, Ok(Ok(_)))));
        });
    }

    /// Whose entry the entry of a key is.
    fn owner_of<'a>(&'a self, key: &'a str) -> Owner<'a> {
        Owner {
            namespace: self.names.as_str(),
            key,
        }
    }

    /// A new nonce for a stamp.
    fn nonce(&self) -> Stamp {
        match self.dice.draw() {
            FLUX => 0,
            nonce => nonce,
        }
    }

    /// How long a stamp must live that an entry with this ttl carries.
    fn stamp_ttl(&self, ttl: Duration) -> Duration {
        let longest = self.longest.fetch_max(millis(ttl), Ordering::Relaxed);
        let longest = ttl.max(Duration::from_millis(longest));
        longest.saturating_mul(STAMP_LIVES)
    }
}

fn short(ttl: Duration) -> u32 {
    u32::try_from(millis(ttl)).unwrap_or(u32::MAX)
}

/// Why there is no right to store.
pub(crate) fn in_the_middle() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "a writer is in the middle of invalidating a group of this key: try again",
    )
}

fn too_many_groups() -> Error {
    Error::new(
        ErrorKind::Config,
        format!("a key belongs to more than {MAX_GROUPS} groups: give it fewer segments or tags"),
    )
}

fn too_large(type_name: &str, size: usize) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!(
            "a value of `{type_name}` takes {size} bytes, over the {MAX_FAR_VALUE} that the far \
             tier is given: cache less of it, or say `local`"
        ),
    )
}

/// Why nobody waited any longer.
pub(crate) fn unanswered() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the far tier did not answer in time",
    )
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the far tier failed too often and is left alone for a moment",
    )
}
