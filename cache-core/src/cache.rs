//! A cache: its tiers, its fence, and what every room needs of them.

mod builder;

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    sync::{
        RwLock,
        atomic::{AtomicBool, AtomicU64 as Plain, Ordering},
    },
    time::Duration,
};

pub use self::builder::CacheBuilder;
use crate::{
    backend::Listener,
    clock::{Clock, Moment},
    entry::{Entry, Live},
    error::Result,
    event,
    far::Far,
    feed,
    fence::Fence,
    flight::{Flight, Flights},
    glob,
    journal::{Journal, Open, Writer},
    key,
    names::{ALL, Namespace, prefix_group, tag_group},
    near::{KeyRef, NearStore},
    policy::{FEED_LEASE, INVALIDATE_DEADLINE, NEAR_CAP, NEAR_CAP_UNFED},
    rng::Dice,
    site::Site,
    stats::{Counts, Stats},
    sync::{Arc, Weak},
    witness::{What, Witness},
};

/// A cache with a near tier, a far tier, both or none. Cheap to clone; clones are one cache.
///
/// Its methods are the same whatever is behind it. They never run a load while they hold a
/// lock (but may drop a value: a `Drop` must not use the cache), and never wait longer for the far tier than the outage budget; those that invalidate,
/// whose outcome matters more than their time, up to 250 ms.
///
/// ```
/// # use cache_core::Cache;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let cache = Cache::builder().build()?; // no tiers: every call loads
/// assert_eq!(cache.get::<u32>("answer").await?, None);
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Cache(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// Tells one cache of this process from another, for as long as the process lives.
    pub(crate) id: u64,
    names: Namespace,
    near: Option<Arc<dyn NearStore>>,
    pub(crate) far: Option<Arc<Far>>,
    pub(crate) fence: Fence,
    pub(crate) flights: Arc<Flights>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) ttl: Duration,
    pub(crate) jitter: f64,
    pub(crate) wait: Duration,
    /// Who this cache is on the feed.
    sender: u64,
    /// The ear of the feed, which must not keep the cache alive.
    me: Weak<Inner>,
    feed: Feed,
    pub(crate) by_hand: Arc<Counts>,
    pub(crate) witness: Witness,
    sites: RwLock<BTreeMap<&'static str, Arc<Counts>>>,
    warned: std::sync::Mutex<HashSet<Box<str>>>,
}

/// What is known of the invalidations of other processes.
#[derive(Debug, Default)]
struct Feed {
    started: AtomicBool,
    /// Until when everything published is known to have been heard, in clock milliseconds.
    until: Plain,
}

impl Cache {
    /// A cache yet to be described.
    pub fn builder() -> CacheBuilder {
        CacheBuilder::default()
    }

    /// The namespace before all its keys, groups and channels.
    pub fn namespace(&self) -> &str {
        self.0.names.as_str()
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        let inner = &*self.0;
        let sites = inner
            .sites
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut stats = Stats {
            namespace: inner.names.as_str().to_owned(),
            functions: sites
                .iter()
                .map(|(path, counts)| (*path, counts.snapshot()))
                .collect(),
            near_entries: inner.near.as_ref().map_or(0, |near| near.len()),
            flights: inner.flights.len(),
            groups: inner.fence.len(),
            retries: inner.far.as_ref().map_or(0, |far| far.flux.len()),
            feed_alive: inner.hears(inner.clock.now()),
            breaker_open: inner.far.as_ref().is_some_and(|far| far.breaker_open()),
            ..Stats::default()
        };
        stats.sum(inner.by_hand.snapshot());
        stats
    }
}

impl Inner {
    pub(crate) fn has_near(&self) -> bool {
        self.near.is_some()
    }

    /// Calls `seen` with the value in the near tier, if there is a valid one: `None` for a
    /// remembered absence.
    pub(crate) fn look_near(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(Option<&Live>)) {
        if let Some(near) = &self.near {
            near.read(key, &mut |entry| {
                if self.valid(entry) {
                    seen(entry.value.as_ref());
                }
            });
        }
    }

    /// Whether a near entry may be seen. Nothing else decides it.
    fn valid(&self, entry: &Entry) -> bool {
        let now = self.clock.now();
        !entry.expired(now) && entry.stands(self.fence.newest()) && self.is_fed(entry, now)
    }

    /// Whether another process's invalidation of this entry would have been heard.
    fn is_fed(&self, entry: &Entry, now: Moment) -> bool {
        self.far.is_none() || self.hears(now) || now < entry.stored.after(NEAR_CAP_UNFED)
    }

    fn hears(&self, now: Moment) -> bool {
        now < Moment::from_millis(self.feed.until.load(Ordering::Acquire))
    }

    /// Puts what a flight brought into the near tier. The caller holds the key's shard and has
    /// seen that the flight still stands.
    pub(crate) fn keep(&self, flight: &Flight, value: Option<Live>, ttl: Duration) {
        let Some(near) = &self.near else { return };
        if let Some(entry) = self.entry(flight.key(), value, ttl) {
            near.insert(Arc::new(entry.born(flight.born, flight.cells.clone())));
        }
    }

    /// Takes out of the near tier what a flight found to be no longer right, under the same lock.
    pub(crate) fn unkeep(&self, flight: &Flight) {
        if let Some(near) = &self.near {
            near.remove(flight.key());
        }
    }

    /// A near entry that lives from now on, if the near tier may hold one so short-lived.
    pub(crate) fn entry(
        &self,
        key: KeyRef<'_>,
        value: Option<Live>,
        ttl: Duration,
    ) -> Option<Entry> {
        let ttl = match self.far {
            Some(_) => ttl.min(NEAR_CAP),
            None => ttl,
        };
        (!ttl.is_zero()).then(|| Entry::new(key, value, self.clock.now(), ttl))
    }

    /// Puts an entry in place of what is there and of what is in flight; without an entry, or
    /// if a group of it was invalidated since it was born, nothing takes that place.
    pub(crate) fn replace(&self, key: KeyRef<'_>, entry: Option<Entry>) {
        self.flights.doom(key, || {
            self.journal.note(key.hash, Writer::NOBODY);
            self.put_near(key, entry);
        });
    }

    /// The same, unless the key or one of its groups was changed by others since the write began;
    /// `hashes` are theirs. Then nothing takes that place, and the answer is `false`.
    pub(crate) fn replace_unless_overtaken(
        &self,
        key: KeyRef<'_>,
        entry: Option<Entry>,
        open: &Open,
        hashes: &[u64],
    ) -> bool {
        self.flights.doom(key, || {
            let stands = !open.overtaken(hashes);
            self.journal.note(key.hash, open.writer);
            self.put_near(key, entry.filter(|_| stands));
            stands
        })
    }

    fn put_near(&self, key: KeyRef<'_>, entry: Option<Entry>) {
        let Some(near) = &self.near else { return };
        match entry.filter(Entry::groups_stand) {
            Some(entry) => near.insert(Arc::new(entry)),
            None => near.remove(key),
        }
    }

    /// How much longer the near entry of a key lives, if it is valid.
    pub(crate) fn near_left(&self, key: KeyRef<'_>) -> Option<Duration> {
        let mut left = None;
        if let Some(near) = &self.near {
            near.read(key, &mut |entry| {
                if self.valid(entry) && !entry.is_kept_error() {
                    left = Some(entry.expires.since(self.clock.now()));
                }
            });
        }
        left
    }

    /// Gives the near entry of a key a new life, if it is valid. It still counts as stored when it
    /// was: without a feed it must be asked for anew in time, however often it is renewed.
    pub(crate) fn renew_near(&self, key: KeyRef<'_>, ttl: Duration) -> bool {
        let Some(near) = &self.near else { return false };
        self.flights.hold(key, || {
            let mut renewed = None;
            near.read(key, &mut |old| {
                if self.valid(old) && !old.is_kept_error() {
                    let entry = self.entry(key, old.value.clone(), ttl);
                    renewed = entry.map(|entry| Entry {
                        stored: old.stored,
                        ..entry.born(old.born, old.groups.clone())
                    });
                }
            });
            renewed.map(|entry| near.insert(Arc::new(entry))).is_some()
        })
    }

    /// Makes keys and groups invalid in this process. When it returns, no call that begins later
    /// sees in the near tier, or joins, what was loaded before.
    pub(crate) fn forget<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a str>,
        groups: impl IntoIterator<Item = &'a str>,
        writer: Writer,
    ) {
        for text in keys {
            let key = KeyRef::of(text);
            self.flights.doom(key, || {
                self.journal.note(key.hash, writer);
                if let Some(near) = &self.near {
                    near.remove(key);
                }
            });
        }
        for group in groups {
            if group == ALL {
                self.forget_all_by(writer);
            } else {
                self.journal.note(key::hash(group), writer);
                self.fence.invalidate(group);
            }
        }
    }

    pub(crate) fn forget_all(&self) {
        self.forget_all_by(Writer::NOBODY);
    }

    fn forget_all_by(&self, writer: Writer) {
        self.journal.note_all(writer);
        self.fence.invalidate_all();
        // The fence alone makes everything invalid; this gives the memory back.
        if let Some(near) = &self.near {
            near.clear();
        }
    }

    /// Makes keys and groups invalid, here and in the far tier, for all who share it.
    ///
    /// Here twice: before, so that it holds at once, also if this call is dropped; and after,
    /// because until the far tier knows, a load that begins here may still find there what is
    /// about to be invalid.
    pub(crate) async fn invalidate(&self, change: &Change) -> Result<()> {
        self.invalidate_within(change, INVALIDATE_DEADLINE).await
    }

    /// The same, with another patience than a caller has who wants to know the outcome.
    pub(crate) async fn invalidate_within(
        &self,
        change: &Change,
        patience: Duration,
    ) -> Result<()> {
        self.forget_change(change);
        event::invalidated(self.names.as_str(), change);
        self.witness.note_change(change);
        let Some(far) = &self.far else { return Ok(()) };
        self.listen();
        far.flux.settle();
        let (slots, stamps) = self.names_of(change);
        let notice = feed::notice(self.sender, change.keys(), change.groups());
        let told = far.invalidate(slots, stamps, &notice, patience).await;
        self.forget_change(change);
        told
    }

    /// The first of two phases of an invalidation: until the second, or until the far tier has
    /// forgotten it, nobody finds or stores there what is about to be invalid.
    pub(crate) async fn mark(&self, change: &Change) -> Result<()> {
        let Some(far) = &self.far else { return Ok(()) };
        self.listen();
        far.flux.settle();
        let (slots, stamps) = self.names_of(change);
        let notice = feed::notice(self.sender, change.keys(), change.groups());
        let marked = far
            .mark(&slots, &stamps, &notice, INVALIDATE_DEADLINE)
            .await;
        if marked.is_err() {
            // What was marked all the same would be of no use for a while.
            far.disbelieve(slots, stamps);
        }
        // Loads that began before they could see the mark are not kept here either.
        self.forget_change(change);
        marked
    }

    /// Makes keys and groups invalid here, and in the far tier as soon as somebody can tell it.
    pub(crate) fn invalidate_later(&self, change: &Change) {
        self.witness.note_change(change);
        if let Some(far) = &self.far {
            let (slots, stamps) = self.names_of(change);
            far.disbelieve(slots, stamps);
        }
        // After that, so that no load of before may still store what it found there.
        self.forget_change(change);
    }

    /// The slots and the stamps that a change is about, as the far tier names them.
    fn names_of(&self, change: &Change) -> (Vec<String>, Vec<String>) {
        let slots = change.keys().map(|key| self.names.slot(key));
        let stamps = change.groups().map(|group| self.names.stamp(group));
        (slots.collect(), stamps.collect())
    }

    /// What tells other processes that a key has another value now.
    pub(crate) fn notice_of(&self, key: &str) -> Vec<u8> {
        feed::notice(self.sender, [key], [])
    }

    /// Tells other processes that a key has another value now.
    pub(crate) async fn announce(&self, key: &str) -> Result<()> {
        let Some(far) = &self.far else { return Ok(()) };
        let notice = self.notice_of(key);
        far.invalidate(Vec::new(), Vec::new(), &notice, INVALIDATE_DEADLINE)
            .await
    }

    /// Sees to it that what the far tier holds of a key goes, and is not believed until then.
    pub(crate) fn disbelieve(&self, key: &str) {
        if let Some(far) = &self.far {
            far.disbelieve(vec![self.names.slot(key)], Vec::new());
        }
    }

    /// The part of an invalidation that needs no far tier, so cannot fail or wait.
    pub(crate) fn forget_change(&self, change: &Change) {
        self.forget(change.keys(), change.groups(), change.writer);
    }

    /// Removes what matches a pattern, and empties the near tiers.
    pub(crate) async fn sweep(&self, pattern: &str) -> Result<u64> {
        self.witness.note(What::Swept, "", pattern);
        self.forget_all();
        let Some(far) = &self.far else { return Ok(0) };
        let slots = self.names.slots();
        let prefix = format!("{slots}{}", glob::literal(pattern));
        let matching = |name: &str| {
            name.strip_prefix(&*slots)
                .is_some_and(|key| glob::matches(pattern, key))
        };
        let removed = far.backend.sweep_dyn(&prefix, &matching).await?;
        let everything = feed::everything();
        far.invalidate(Vec::new(), Vec::new(), &everything, INVALIDATE_DEADLINE)
            .await?;
        self.forget_all();
        Ok(removed)
    }

    /// Starts to hear of other processes' invalidations, once.
    pub(crate) fn listen(&self) {
        if let (Some(far), Some(_)) = (&self.far, &self.near)
            && !self.feed.started.swap(true, Ordering::AcqRel)
        {
            far.flux.settle();
            far.backend
                .watch_dyn(&self.names.channel(), self.me.clone());
        }
    }

    /// Where the calls of one function are counted.
    pub(crate) fn site_counts(&self, site: &'static Site) -> Arc<Counts> {
        let sites = self
            .sites
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(counts) = sites.get(site.path) {
            return counts.clone();
        }
        drop(sites);
        let mut sites = self
            .sites
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        sites.entry(site.path).or_default().clone()
    }

    /// Runs `warn` the first time that this function is the reason.
    pub(crate) fn warn_once(&self, function: &str, warn: impl FnOnce()) {
        let mut warned = self
            .warned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !warned.contains(function) {
            warned.insert(function.into());
            drop(warned);
            warn();
        }
    }
}

/// What is to be invalidated: keys, and groups by their names.
#[derive(Debug, Default, Clone)]
pub(crate) struct Change {
    pub(crate) keys: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// Whose doing it is.
    pub(crate) writer: Writer,
}

impl Change {
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.groups.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    /// All keys below the prefix, and the key that is spelt like it.
    pub(crate) fn prefix(mut self, prefix: &str) -> Self {
        self.groups.push(prefix_group(prefix));
        self.key(prefix)
    }

    pub(crate) fn tag(mut self, tag: &str) -> Self {
        self.groups.push(tag_group(tag));
        self
    }

    pub(crate) fn all(mut self) -> Self {
        self.groups.push(ALL.to_owned());
        self
    }
}

impl Listener for Inner {
    fn notice(&self, message: &[u8]) {
        match feed::read(message) {
            Some(notice) if notice.sender == self.sender => {}
            Some(notice) => self.forget(notice.keys, notice.groups, Writer::NOBODY),
            None => self.forget_all(),
        }
    }

    fn flushed(&self) {
        self.forget_all();
    }

    fn connected(&self) {
        event::feed(self.names.as_str(), "connected");
        self.forget_all();
    }

    fn alive(&self, ago: Duration) {
        let until = self.clock.now().after(FEED_LEASE.saturating_sub(ago));
        self.feed
            .until
            .fetch_max(until.as_millis(), Ordering::AcqRel);
    }

    fn lost(&self) {
        event::feed(self.names.as_str(), "lost");
        self.feed.until.store(0, Ordering::Release);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("namespace", &self.namespace())
            .field("near", &self.0.near)
            .field("far", &self.0.far)
            .finish_non_exhaustive()
    }
}
