//! A far tier in which things go wrong.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::sleep;

use super::{
    Chaos, Fault, Plan,
    ear::Ears,
    garbage::{spoil_prepared, spoil_read},
    roll::Roll,
};
use crate::{
    Backend, Error, ErrorKind, Invalidate, Lease, Listener, Prepare, Prepared, Result, Stamp, Write,
};

/// A far tier in which things go wrong, as a [`Plan`] says. Clones share one store.
///
/// Whatever it does, except to lose notices in silence, a store may do: it breaks no promise of a
/// cache. At rest it keeps the contract of [`Backend`] as well as what it wraps.
///
/// ```
/// use std::time::Duration;
/// use cache_core::{Cache, testkit::{Chaos, ChaosFar, MemoryFar, Plan}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let chaos = Chaos::seeded(42);
/// let cache = Cache::builder().far(ChaosFar::new(MemoryFar::default(), &chaos)).build()?;
/// cache.set("users:7", &1_u32).await?;
///
/// chaos.set(Plan::new().garble(1.0));
/// let read = cache.get::<u32>("users:7").await;
/// assert!(!matches!(read, Ok(Some(other)) if other != 1), "never a wrong value");
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ChaosFar<B> {
    store: Arc<B>,
    chaos: Chaos,
    ears: Arc<Ears>,
}

impl<B> Clone for ChaosFar<B> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            chaos: self.chaos.clone(),
            ears: self.ears.clone(),
        }
    }
}

/// What becomes of one call.
enum Fate {
    /// It is made, and takes so much longer before and after.
    Made(Duration, Duration),
    Refused,
    AnswerLost,
    WrittenLate(Duration),
    /// It is made or not, and never returns.
    Hung(bool),
}

/// A call that outlives its caller.
type Owned = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<B: Backend> ChaosFar<B> {
    /// `store`, with the faults of `chaos`.
    ///
    /// ```
    /// # use cache_core::testkit::{Chaos, ChaosFar, MemoryFar};
    /// let far = ChaosFar::new(MemoryFar::default(), &Chaos::seeded(42));
    /// ```
    pub fn new(store: B, chaos: &Chaos) -> Self {
        Self {
            store: Arc::new(store),
            chaos: chaos.clone(),
            ears: Arc::default(),
        }
    }

    /// Decides about a call that concerns `names`, one of which it may lose first.
    async fn begin(&self, names: &[&str], writes: bool) -> (Roll, Plan, Fate) {
        self.ears.prune();
        let (mut roll, plan) = (self.chaos.roll(), self.chaos.plan());
        let fate = self.fate(&mut roll, &plan, writes);
        let evicts = self.chaos.strikes(&mut roll, Fault::Evicted, plan.evict);
        if let Some(name) = names.get(roll.below(names.len())).filter(|_| evicts) {
            let loss = Invalidate {
                slots: &[*name],
                stamps: &[],
                stamp_ttl: Duration::ZERO,
                channel: "",
                notice: &[],
            };
            // It may fail like any other: then nothing is lost.
            let _ = self.store.invalidate(loss).await;
        }
        (roll, plan, fate)
    }

    fn fate(&self, roll: &mut Roll, plan: &Plan, writes: bool) -> Fate {
        // Everything is decided every time, so that one probability says nothing about another.
        let spans = [plan.delay.span, plan.delay.span, plan.write_late.span];
        let [before, after, late] = spans.map(|span| roll.up_to(span));
        let made = roll.hits(0.5);
        let late_writes = if writes {
            plan.write_late.probability
        } else {
            0.0
        };
        let faults = [
            (Fault::Hung, plan.hang, Fate::Hung(made)),
            (Fault::Failed, plan.fail, Fate::Refused),
            (Fault::AnswerLost, plan.lose_answers, Fate::AnswerLost),
            (Fault::WrittenLate, late_writes, Fate::WrittenLate(late)),
            (
                Fault::Delayed,
                plan.delay.probability,
                Fate::Made(before / 2, after / 2),
            ),
        ];
        let mut struck = None;
        for (fault, probability, fate) in faults {
            // What was struck once is not struck again.
            let probability = struck.as_ref().map_or(probability, |_| 0.0);
            if self.chaos.strikes(roll, fault, probability) {
                struck = Some(fate);
            }
        }
        struck.unwrap_or(Fate::Made(Duration::ZERO, Duration::ZERO))
    }

    /// Makes a call, or what is to become of it. `late` makes it again without its caller.
    async fn make<T>(
        &self,
        fate: Fate,
        roll: &mut Roll,
        call: impl Future<Output = Result<T>>,
        late: impl FnOnce(Arc<B>) -> Owned,
    ) -> Result<T> {
        match fate {
            Fate::Made(before, after) => {
                wait(before).await;
                let made = call.await;
                wait(after).await;
                made
            }
            Fate::Refused => Err(error(roll)),
            Fate::AnswerLost => {
                // Only the caller is told of an error, whatever it was.
                let _ = call.await;
                Err(error(roll))
            }
            Fate::WrittenLate(span) => {
                let writing = late(self.store.clone());
                tokio::spawn(async move {
                    wait(span).await;
                    writing.await;
                });
                Err(error(roll))
            }
            Fate::Hung(made) => {
                if made {
                    let _ = call.await;
                }
                pending().await
            }
        }
    }

    fn garbles(&self, roll: &mut Roll, plan: &Plan) -> bool {
        self.chaos.strikes(roll, Fault::Garbled, plan.garble)
    }
}

/// A yield would be a wait as well, which a call at rest has none of.
async fn wait(span: Duration) {
    if !span.is_zero() {
        sleep(span).await;
    }
}

/// Some of the ways in which stores fail.
fn error(roll: &mut Roll) -> Error {
    let kind = match roll.below(4) {
        0 => ErrorKind::Rejected,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, "chaos struck")
}

/// Nothing to do late: it would write nothing.
fn nothing<B>(_: Arc<B>) -> Owned {
    Box::pin(std::future::ready(()))
}

#[deny(
    clippy::missing_trait_methods,
    reason = "a method that is not passed on is not the wrapped store's"
)]
impl<B: Backend> Backend for ChaosFar<B> {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        let (mut roll, plan, fate) = self.begin(names, false).await;
        let call = self.store.read(names);
        let mut read = self.make(fate, &mut roll, call, nothing).await?;
        if self.garbles(&mut roll, &plan) {
            spoil_read(&mut read, &mut roll);
        }
        Ok(read)
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let slot = prepare.lease.map(|lease| lease.slot);
        let stamps = prepare.stamps.iter().map(|(name, _)| *name);
        let names: Vec<&str> = stamps.chain(slot).collect();
        let (mut roll, plan, fate) = self.begin(&names, true).await;
        let call = self.store.prepare(prepare);
        let late = |store| prepare_late(store, prepare);
        let mut prepared = self.make(fate, &mut roll, call, late).await?;
        if self.garbles(&mut roll, &plan) {
            spoil_prepared(&mut prepared, &mut roll);
        }
        Ok(prepared)
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let stamps = write.stamps.iter().copied();
        let names: Vec<&str> = stamps.chain([write.slot]).collect();
        let (mut roll, plan, fate) = self.begin(&names, true).await;
        let call = self.store.store(write.clone());
        let late = |store| store_late(store, &write);
        let stored = self.make(fate, &mut roll, call, late).await?;
        // A store that says to have stored what it has not would be wrong about the fence itself.
        Ok(stored && !self.garbles(&mut roll, &plan))
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        let (mut roll, _, fate) = self.begin(&[], true).await;
        let call = self.store.invalidate(change);
        let late = |store| invalidate_late(store, change);
        self.make(fate, &mut roll, call, late).await
    }

    async fn sweep(&self, prefix: &str, matches: &(dyn Fn(&str) -> bool + Sync)) -> Result<u64> {
        let (mut roll, _, fate) = self.begin(&[], false).await;
        let call = self.store.sweep(prefix, matches);
        self.make(fate, &mut roll, call, nothing).await
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        let ear = self.ears.grow(listener, &self.chaos);
        self.store.watch(channel, ear)
    }

    fn guard(&self, stamp: &str) {
        self.store.guard(stamp);
    }
}

fn prepare_late<B: Backend>(store: Arc<B>, prepare: Prepare<'_>) -> Owned {
    let stamps = owned(prepare.stamps);
    let slot = prepare.lease.map(|lease| lease.slot.to_owned());
    let lease = prepare
        .lease
        .map(|lease| (lease.header, lease.over, lease.ttl));
    let stamp_ttl = prepare.stamp_ttl;
    Box::pin(async move {
        let lease = slot.as_deref().zip(lease);
        let lease = lease.map(|(slot, (header, over, ttl))| Lease {
            slot,
            header,
            over,
            ttl,
        });
        let prepare = Prepare {
            stamps: &borrowed(&stamps),
            stamp_ttl,
            lease,
        };
        let _ = store.prepare(prepare).await;
    })
}

fn store_late<B: Backend>(store: Arc<B>, write: &Write<'_>) -> Owned {
    let slot = write.slot.to_owned();
    let stamps: Vec<String> = write.stamps.iter().map(ToString::to_string).collect();
    let (expected, envelope) = (write.expected, write.envelope.clone());
    let (ttl, stamp_ttl) = (write.ttl, write.stamp_ttl);
    Box::pin(async move {
        let stamps: Vec<&str> = stamps.iter().map(String::as_str).collect();
        let write = Write {
            slot: &slot,
            expected,
            envelope,
            ttl,
            stamps: &stamps,
            stamp_ttl,
        };
        let _ = store.store(write).await;
    })
}

fn invalidate_late<B: Backend>(store: Arc<B>, change: Invalidate<'_>) -> Owned {
    let slots: Vec<String> = change.slots.iter().map(ToString::to_string).collect();
    let stamps = owned(change.stamps);
    let (channel, notice) = (change.channel.to_owned(), change.notice.to_vec());
    let stamp_ttl = change.stamp_ttl;
    Box::pin(async move {
        let slots: Vec<&str> = slots.iter().map(String::as_str).collect();
        let change = Invalidate {
            slots: &slots,
            stamps: &borrowed(&stamps),
            stamp_ttl,
            channel: &channel,
            notice: &notice,
        };
        let _ = store.invalidate(change).await;
    })
}

fn owned(stamps: &[(&str, Stamp)]) -> Vec<(String, Stamp)> {
    let owned = stamps
        .iter()
        .map(|(name, nonce)| ((*name).to_owned(), *nonce));
    owned.collect()
}

fn borrowed(stamps: &[(String, Stamp)]) -> Vec<(&str, Stamp)> {
    let borrowed = stamps.iter().map(|(name, nonce)| (name.as_str(), *nonce));
    borrowed.collect()
}

#[cfg(test)]
mod tests;
