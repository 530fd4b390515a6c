//! What an expanded `#[cache_put]` calls: whether what a function wrote may be stored, and what
//! happens to the key otherwise.
//!
//! What is stored must be the newest that was written. Where a second function may have written
//! the same key while this one ran, or somebody invalidated it, nobody knows whose value is newer:
//! then nothing is stored and the key is invalidated, so that the next call loads. In this process
//! the journal tells. Between processes the far tier does, if the key is known before the function
//! runs: then the right to store is taken before, and lost to whatever touches the slot or a group
//! meanwhile.

use std::{fmt, future::Future, mem, time::Duration};

use crate::{
    cache::{Cache, Change},
    call::Call,
    codec::Table,
    deferred::holds,
    entry::Live,
    error::Result,
    event,
    far::{Budget, Right, in_the_middle},
    journal::{Open, Writer},
    key::{self, KeyWriter},
    names::{self, ALL},
    near::KeyRef,
    outcome::Outcome,
    purge::{Purge, PurgeGuard},
    site::{Site, Tags},
    sync::{Arc, within},
    witness::What,
};

/// One call of a function whose result is stored. Dropped, it invalidates its key, if that is
/// known by then: a function that was cancelled or panicked may have written all the same.
#[must_use = "dropping it invalidates at once"]
pub struct Put(Box<Putting>);

struct Putting {
    site: &'static Site,
    cache: Cache,
    open: Open,
    /// What is to be stored.
    live: Option<Live>,
    /// Once it is known.
    key: Option<Box<str>>,
    tags: Tags,
    /// Invalidated in place of being stored.
    refused: bool,
    /// The right to store is taken when there is something to store.
    late: bool,
    /// The right to store far, or why it could not be had; `None` if it is to be taken when there
    /// is something to store.
    right: Option<Result<Right>>,
    /// How much longer the far tier may be waited for.
    budget: Budget,
    guard: Option<PurgeGuard>,
}

impl Put {
    /// The function begins, and what others change from now on counts.
    pub fn new(site: &'static Site, cache: &Cache, writer: Writer) -> Self {
        let far = cache.0.far.as_ref();
        Self(Box::new(Putting {
            site,
            cache: cache.clone(),
            open: cache.0.journal.open(writer),
            live: None,
            key: None,
            tags: Tags::default(),
            refused: false,
            late: false,
            right: None,
            budget: Budget::new(far.map_or(Duration::ZERO, |far| far.outage_budget)),
            guard: None,
        }))
    }

    /// The key that `write` writes, from now on invalidated whatever happens, unless
    /// [`nothing`](Self::nothing) or [`run`](Self::run) come first.
    pub fn key(mut self, write: impl FnOnce(&mut KeyWriter)) -> Self {
        let mut key = KeyWriter::new();
        write(&mut key);
        self.0.guard = Some(self.0.purge(key.key()).on_exit());
        self.0.key = Some(key.as_str().into());
        self
    }

    /// Adds tags.
    pub fn tags(mut self, add: impl FnOnce(&mut Tags)) -> Self {
        add(&mut self.0.tags);
        self
    }

    /// Unless `wanted`, what was there is invalidated, and nothing is stored in its place.
    pub fn only_if(mut self, wanted: bool) -> Self {
        self.0.refused |= !wanted;
        self
    }

    /// The same function also invalidates, before it stores. What takes this very key needs no
    /// right to store from before: it would lose it.
    pub fn beside(mut self, purge: &PurgeGuard) -> Self {
        let hashes = hashes(self.0.key.as_deref().unwrap_or_default(), &self.0.tags.0);
        self.0.late |= purge.touches(&hashes);
        self
    }

    /// Takes the right to store far; the key and all tags are known.
    pub fn reserve(self, table: &'static Table) -> impl Future<Output = Self> + Send {
        Box::pin(async move {
            let mut this = self;
            this.0.reserve(table).await;
            this
        })
    }

    /// What the function returned, which is to be stored.
    pub fn value<S: Outcome>(mut self, _: S, value: &S::Value) -> Self {
        self.0.live = Some(Arc::new(value.clone()));
        self
    }

    /// Nothing was written.
    pub fn nothing(mut self) -> Self {
        if let Some(guard) = self.0.guard.take() {
            guard.disarm();
        }
        self
    }

    /// Stores the value, if there is one, or invalidates the key where that would not be right. It
    /// never fails: what goes wrong is logged.
    pub fn run(self, table: &'static Table) -> impl Future<Output = ()> + Send {
        Box::pin(self.0.run(table))
    }

    /// The same from a plain `fn`, in the near tier alone: what a far tier holds is invalidated.
    pub fn run_blocking(self) {
        self.0.run_blocking();
    }
}

impl Putting {
    async fn reserve(&mut self, table: &'static Table) {
        if self.refused || self.late {
            return;
        }
        let (key, tags) = (self.key.as_deref(), self.tags.0.clone());
        let call = call(&self.cache, self.site, key, tags, table);
        let Some(far) = call.far() else { return };
        let right = far.reserve(call.place(far), &mut self.budget).await;
        self.right = Some(right.and_then(|right| right.ok_or_else(in_the_middle)));
    }

    async fn run(mut self: Box<Self>, table: &'static Table) {
        match self.live.take() {
            Some(live) if !holds() => self.store(table, live).await,
            written => {
                if written.is_some() {
                    // It may yet be rolled back: the guard invalidates when it is committed.
                    drop(self.guard.take());
                }
                self.release().await;
            }
        }
    }

    async fn release(mut self: Box<Self>) {
        if let (Some(Ok(right)), Some(far)) = (self.right, &self.cache.0.far)
            && !right.over_entry
            && let Err(error) = far.release(right, &mut self.budget).await
        {
            event::far_failed(self.site.path, &error);
        }
    }

    /// Far first, then near, where it dooms what is in flight, as [`Call::set`] does.
    async fn store(mut self: Box<Self>, table: &'static Table, live: Live) {
        let (key, tags) = (self.key.as_deref(), mem::take(&mut self.tags.0));
        let call = call(&self.cache, self.site, key, tags, table);
        let hashes = hashes(call.key.text, &call.tags);
        let (born, cells) = call.begin();
        let ttl = call.vary(call.ttl());
        let stored = if self.refused || self.open.overtaken(&hashes) {
            Ok(false)
        } else {
            put_far(&call, self.right.take(), &live, ttl, &mut self.budget).await
        };
        if let Err(error) = &stored {
            call.counts.far_errors.one();
            call.note(What::FarFailed);
            event::not_stored_far(call.function, error);
            call.cache.disbelieve(call.key.text);
        }
        let newest = !matches!(stored, Ok(false));
        let entry = call.cache.entry(call.key, Some(live), ttl);
        let entry = entry.map(|entry| entry.born(born, cells));
        let entry = entry.filter(|_| newest);
        let stands = call
            .cache
            .replace_unless_overtaken(call.key, entry, &self.open, &hashes);
        let stored = stored.is_ok();
        call.note_stored(
            newest && stands && call.cache.has_near(),
            newest && stands && stored,
        );
        if !(newest && stands) {
            if !self.refused {
                call.counts.refused.one();
                call.note(What::Refused);
                event::overtaken(call.function, call.key.text);
            }
            invalidate(&self.cache, call.key, self.open.writer, &self.budget).await;
        }
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
    }

    /// The far tier and other processes get no value of a plain `fn`, so for them the key is
    /// invalid.
    fn run_blocking(mut self: Box<Self>) {
        let Some(live) = self.live.take() else { return };
        if holds() {
            return;
        }
        let (key, tags) = (self.key.as_deref(), mem::take(&mut self.tags.0));
        let mut call = call(&self.cache, self.site, key, tags, &Table::ANY);
        call.far = false;
        let hashes = hashes(call.key.text, &call.tags);
        let overtaken = self.refused || self.open.overtaken(&hashes);
        if overtaken || self.cache.0.far.is_some() {
            self.purge(call.key).run_blocking();
        }
        if !overtaken {
            let (born, cells) = call.begin();
            let ttl = call.vary(call.ttl());
            let entry = call.cache.entry(call.key, Some(live), ttl);
            let entry = entry.map(|entry| entry.born(born, cells));
            let (cache, open) = (call.cache, &self.open);
            if cache.replace_unless_overtaken(call.key, entry, open, &hashes) {
                call.note_stored(cache.has_near(), false);
            } else {
                self.purge(call.key).run_blocking();
            }
        }
        if let Some(guard) = self.guard.take() {
            guard.disarm();
        }
    }

    fn purge(&self, key: KeyRef<'_>) -> Purge {
        let purge = Purge::new(&self.cache).by(self.open.writer);
        purge.key(|text| text.literal(key.text))
    }
}

/// The call of a key that is known by now.
fn call<'c>(
    cache: &'c Cache,
    site: &'static Site,
    key: Option<&'c str>,
    tags: Vec<String>,
    table: &'static Table,
) -> Call<'c> {
    Call {
        cache: &cache.0,
        function: site.path,
        key: KeyRef::of(key.expect("an expansion names the key before it is needed")),
        tags,
        policy: site.policy,
        table,
        version: site.version,
        far: !site.local,
        blocks: false,
        counts: &cache.0.by_hand,
    }
}

/// What stands for a key and all its groups in the journal.
fn hashes(key: &str, tags: &[String]) -> Vec<u64> {
    let groups = names::groups(key, tags);
    let names = groups.iter().map(String::as_str).chain([key, ALL]);
    names.map(key::hash).collect()
}

/// Stores far, and tells other processes; `false` if somebody else changed the key meanwhile.
async fn put_far(
    call: &Call<'_>,
    right: Option<Result<Right>>,
    live: &Live,
    ttl: Duration,
    budget: &mut Budget,
) -> Result<bool> {
    let Some(shared) = &call.cache.far else {
        return Ok(true);
    };
    if let Some(far) = call.far() {
        let right = if let Some(right) = right {
            right?
        } else {
            let right = far.seize(call.place(far), budget).await?;
            right.ok_or_else(in_the_middle)?
        };
        let typed = call.typed();
        if !far.store(right, typed, Some(&**live), ttl, budget).await? {
            return Ok(false);
        }
    }
    // The near tiers of others may hold what a function that stays in its process stored there.
    let notice = call.cache.notice_of(call.key.text);
    shared.announce(&notice, budget).await.map(|()| true)
}

/// Invalidates the key, in the time that is left.
async fn invalidate(cache: &Cache, key: KeyRef<'_>, writer: Writer, budget: &Budget) {
    let change = Change {
        writer,
        ..Change::default()
    };
    let change = change.key(key.text);
    let told = cache.0.invalidate_within(&change, Duration::ZERO);
    match within(budget.left(), told).await {
        Some(Ok(())) => {}
        Some(Err(error)) => event::not_invalidated(cache.namespace(), &error),
        None => cache.0.invalidate_later(&change),
    }
}

impl fmt::Debug for Put {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put")
            .field("template", &self.0.site.template)
            .finish_non_exhaustive()
    }
}
