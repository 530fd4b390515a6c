//! A far tier without a server: the contract of [`Backend`] in memory, for tests.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use crate::{
    Backend, Clock, Error, ErrorKind, Header, Invalidate, Listener, Moment, Over, Prepare,
    Prepared, Result, Stamp, Write,
};

/// How often a listener hears that the feed is alive.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// A far tier in this process: what Redis does, without a server. Not bounded: for tests only.
///
/// Clones share one store, so that a test can look behind the cache it gave a clone to, and two
/// caches can share it like two processes do.
#[derive(Debug, Clone)]
pub struct MemoryFar(Arc<Shared>);

struct Shared {
    clock: Clock,
    reachable: AtomicBool,
    names: Mutex<HashMap<String, Kept>>,
    watchers: Mutex<Vec<Watcher>>,
}

struct Kept {
    bytes: Bytes,
    expires: Moment,
}

#[derive(Clone)]
struct Watcher {
    channel: Arc<str>,
    listener: Weak<dyn Listener>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryFar")
            .field("names", &lock(&self.names).len())
            .field("reachable", &self.reachable)
            .finish_non_exhaustive()
    }
}

impl Default for MemoryFar {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl MemoryFar {
    /// An empty store in which time passes by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            reachable: AtomicBool::new(true),
            names: Mutex::default(),
            watchers: Mutex::default(),
        }))
    }

    /// Takes the store away (`false`), so that every call is refused at once and the feed is
    /// lost, or gives it back with all that it held.
    pub fn set_reachable(&self, reachable: bool) {
        if self.0.reachable.swap(reachable, Ordering::SeqCst) == reachable {
            return;
        }
        self.0.tell(|listener| {
            if reachable {
                listener.connected();
                listener.alive(Duration::ZERO);
            } else {
                listener.lost();
            }
        });
    }

    /// Tells all listeners that the feed is alive, as happens by itself twice a second inside a
    /// tokio runtime.
    pub fn beat(&self) {
        self.0.beat();
    }

    /// Removes everything, as `FLUSHALL` does, and tells all listeners.
    pub fn flush(&self) {
        lock(&self.0.names).clear();
        self.0.tell(|listener| listener.flushed());
    }

    /// Removes one name, as an eviction does: nobody is told. Whether it was there.
    pub fn evict(&self, name: &str) -> bool {
        self.names([name]).remove(name).is_some()
    }

    /// Puts bytes under a name behind everybody's back, for as long as the store lives.
    pub fn plant(&self, name: &str, bytes: impl Into<Bytes>) {
        let kept = Kept {
            bytes: bytes.into(),
            expires: Moment::NEVER,
        };
        lock(&self.0.names).insert(name.to_owned(), kept);
    }

    /// The names it holds, in no particular order.
    pub fn list(&self) -> Vec<String> {
        let now = self.0.clock.now();
        let names = lock(&self.0.names);
        let living = names.iter().filter(|(_, kept)| now < kept.expires);
        living.map(|(name, _)| name.clone()).collect()
    }

    /// The store, in which none of `concerned` is expired: those that were are gone.
    fn names<'a>(
        &self,
        concerned: impl IntoIterator<Item = &'a str>,
    ) -> MutexGuard<'_, HashMap<String, Kept>> {
        let now = self.0.clock.now();
        let mut names = lock(&self.0.names);
        for name in concerned {
            if names.get(name).is_some_and(|kept| kept.expires <= now) {
                names.remove(name);
            }
        }
        names
    }

    fn reach<'a>(
        &self,
        concerned: impl IntoIterator<Item = &'a str>,
    ) -> Result<MutexGuard<'_, HashMap<String, Kept>>> {
        if self.0.reachable.load(Ordering::SeqCst) {
            Ok(self.names(concerned))
        } else {
            Err(Error::new(
                ErrorKind::Unavailable,
                "the store in memory was taken away by the test",
            ))
        }
    }

    fn keep(&self, bytes: impl Into<Bytes>, ttl: Duration) -> Kept {
        Kept {
            bytes: bytes.into(),
            expires: self.0.clock.now().after(ttl),
        }
    }
}

impl Shared {
    /// Calls `say` for every listener that still lives, outside of all locks.
    fn tell(&self, say: impl Fn(&dyn Listener)) {
        self.tell_some(|_| true, say);
    }

    fn tell_some(&self, whom: impl Fn(&str) -> bool, say: impl Fn(&dyn Listener)) {
        let watchers = {
            let mut watchers = lock(&self.watchers);
            watchers.retain(|watcher| watcher.listener.strong_count() > 0);
            watchers.clone()
        };
        for watcher in watchers.iter().filter(|watcher| whom(&watcher.channel)) {
            if let Some(listener) = watcher.listener.upgrade() {
                say(&*listener);
            }
        }
    }

    fn beat(&self) {
        if self.reachable.load(Ordering::SeqCst) {
            self.tell(|listener| listener.alive(Duration::ZERO));
        }
    }
}

impl Backend for MemoryFar {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        let kept = self.reach(names.iter().copied())?;
        let read = |name: &&str| kept.get(*name).map(|kept| kept.bytes.clone());
        Ok(names.iter().map(read).collect())
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let slot = prepare.lease.as_ref().map(|lease| lease.slot);
        let mut kept = self.reach(prepare.stamps.iter().map(|stamp| stamp.0).chain(slot))?;
        let mut stamps = Vec::with_capacity(prepare.stamps.len());
        for (name, nonce) in prepare.stamps {
            let stamp = kept
                .entry((*name).to_owned())
                .or_insert_with(|| self.keep(nonce.to_be_bytes().to_vec(), prepare.stamp_ttl));
            stamps.push(nonce_of(&stamp.bytes)?);
        }
        let leased = prepare.lease.is_some_and(|lease| {
            let given = match lease.over {
                Over::Anything => true,
                Over::Empty => !kept.contains_key(lease.slot),
                Over::Seen(header) => {
                    let there = kept.get(lease.slot);
                    there.is_none_or(|there| starts_with(&there.bytes, header))
                }
            };
            if given {
                let stub = self.keep(lease.header.to_vec(), lease.ttl);
                kept.insert(lease.slot.to_owned(), stub);
            }
            given
        });
        Ok(Prepared { stamps, leased })
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let mut kept = self.reach(write.stamps.iter().copied().chain([write.slot]))?;
        let stored = kept
            .get(write.slot)
            .is_some_and(|there| starts_with(&there.bytes, write.expected));
        if stored {
            let entry = self.keep(write.envelope, write.ttl);
            kept.insert(write.slot.to_owned(), entry);
        }
        let life = self.0.clock.now().after(write.stamp_ttl);
        for name in write.stamps {
            if let Some(stamp) = kept.get_mut(*name) {
                stamp.expires = stamp.expires.max(life);
            }
        }
        Ok(stored)
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        {
            let mut kept = self.reach([])?;
            for slot in change.slots {
                kept.remove(*slot);
            }
            for (name, nonce) in change.stamps {
                let stamp = self.keep(nonce.to_be_bytes().to_vec(), change.stamp_ttl);
                kept.insert((*name).to_owned(), stamp);
            }
        }
        if !change.notice.is_empty() {
            let on_channel = |channel: &str| channel == change.channel;
            self.0
                .tell_some(on_channel, |listener| listener.notice(change.notice));
        }
        Ok(())
    }

    async fn sweep(&self, prefix: &str, matches: &(dyn Fn(&str) -> bool + Sync)) -> Result<u64> {
        let mut kept = self.reach([])?;
        let now = self.0.clock.now();
        kept.retain(|_, kept| now < kept.expires);
        let before = kept.len();
        kept.retain(|name, _| !(name.starts_with(prefix) && matches(name)));
        Ok((before - kept.len()) as u64)
    }

    fn watch(&self, channel: &str, listener: Weak<dyn Listener>) -> bool {
        let Some(living) = listener.upgrade() else {
            return true;
        };
        lock(&self.0.watchers).push(Watcher {
            channel: channel.into(),
            listener,
        });
        if self.0.reachable.load(Ordering::SeqCst) {
            living.connected();
            living.alive(Duration::ZERO);
        }
        drop(living);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(beat_while_watched(Arc::downgrade(&self.0)));
        }
        true
    }
}

/// Beats for as long as the store has a listener.
async fn beat_while_watched(store: Weak<Shared>) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match store.upgrade() {
            Some(store) if !lock(&store.watchers).is_empty() => store.beat(),
            _ => return,
        }
    }
}

fn starts_with(bytes: &Bytes, header: Header) -> bool {
    bytes.starts_with(&header)
}

fn nonce_of(bytes: &Bytes) -> Result<Stamp> {
    match <[u8; 8]>::try_from(&bytes[..]) {
        Ok(nonce) => Ok(Stamp::from_be_bytes(nonce)),
        Err(_) => Err(Error::new(
            ErrorKind::Rejected,
            "a stamp holds something else than eight bytes: give the cache a namespace of its own",
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::conformance!(MemoryFar::default());

    #[tokio::test]
    async fn a_store_that_was_taken_away_refuses_and_keeps_what_it_held() {
        let far = MemoryFar::default();
        far.plant("name", &b"bytes"[..]);
        far.set_reachable(false);
        let error = far.read(&["name"]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        far.set_reachable(true);
        let read = far.read(&["name"]).await.unwrap();
        assert_eq!(read, [Some(Bytes::from_static(b"bytes"))]);
    }

    #[tokio::test]
    async fn time_passes_by_the_clock_it_was_given() {
        let clock = Clock::manual();
        let far = MemoryFar::new(clock.clone());
        let stamp = Prepare {
            stamps: &[("group", 7)],
            stamp_ttl: Duration::from_secs(10),
            lease: None,
        };
        far.prepare(stamp).await.unwrap();
        clock.advance(Duration::from_secs(9));
        assert!(far.read(&["group"]).await.unwrap()[0].is_some());
        clock.advance(Duration::from_secs(1));
        assert!(far.read(&["group"]).await.unwrap()[0].is_none());
    }
}
