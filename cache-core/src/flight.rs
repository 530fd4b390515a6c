//! Who loads, who waits, and whether what was loaded may still be stored.
//!
//! A flight is one load of one key. It knows the invalidation sequence at which it began; a
//! caller joins it only if nothing it belongs to was invalidated since, and its result is stored
//! only if that is still so. Invalidating a key takes its flight out of the table first.
//!
//! That fence knows the invalidations of this process, and of others as far as a feed tells. A
//! cache without a near tier promises more: there, a result is given only to those who joined
//! before it was asked for. Whoever comes later waits for it too, but then one of them asks anew
//! for all of them.
//!
//! A refresh is a flight beside that one, so that nobody waits for it who can have the old value:
//! only others that refresh the key join it, and what it brings takes the place of whatever an
//! older load brings.
//!
//! No lock is held over an await, and there is one order of locks: shard, then flight.
#![allow(
    clippy::similar_names,
    reason = "`lead` and `load` are the words of this room"
)]

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::sync::Notify;

use crate::{
    ask,
    far::Right,
    fence::Cell,
    near::KeyRef,
    outcome::Loaded,
    sync::{Arc, Mutex, MutexGuard, lock, thread_local},
};

const SHARDS: usize = 64;
/// How often the load of one flight may panic before those who wait are told so.
const PANICS: u8 = 2;

/// A running load, erased. What lives on its own can be handed to another caller.
pub(crate) enum Load<'a> {
    Owned(Running<'static>),
    Borrowed(Running<'a>),
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Loaded> + Send + 'a>>;

impl Future for Load<'_> {
    type Output = Loaded;

    #[allow(clippy::match_same_arms, reason = "the two differ in their lifetime")]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Loaded> {
        // It may be another's load that is gone on with, and what is asked is not asked of that.
        let _quiet = ask::quiet();
        match &mut *self {
            Self::Owned(load) => load.as_mut().poll(context),
            Self::Borrowed(load) => load.as_mut().poll(context),
        }
    }
}

/// All flights of one cache.
pub(crate) struct Flights {
    shards: Box<[Mutex<Shard>]>,
}

type Table = HashMap<Box<str>, Arc<Flight>, foldhash::fast::RandomState>;

/// The flights of some keys: one of each kind for a key.
#[derive(Default)]
struct Shard {
    loads: Table,
    refreshes: Table,
}

/// Why a key is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Because there is no value.
    Load,
    /// Whether there is one or not.
    Refresh,
}

impl Shard {
    fn table(&mut self, kind: Kind) -> &mut Table {
        match kind {
            Kind::Load => &mut self.loads,
            Kind::Refresh => &mut self.refreshes,
        }
    }

    /// Takes a flight out, so that nobody joins it any more and it stores nothing.
    fn doom(&mut self, kind: Kind, key: &str) {
        if let Some(flight) = self.table(kind).remove(key) {
            lock(&flight.state).doomed = true;
        }
    }

    fn len(&self) -> usize {
        self.loads.len() + self.refreshes.len()
    }
}

/// One load of one key.
pub(crate) struct Flight {
    kind: Kind,
    key: Box<str>,
    hash: u64,
    /// The invalidation sequence when it began, and the groups it belongs to.
    pub(crate) born: u64,
    pub(crate) cells: Box<[Arc<Cell>]>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// What was loaded or found, and the first ticket of those who joined too late for it.
    /// `None` within: an error that cannot be copied.
    done: Option<(Option<Loaded>, u64)>,
    /// The next ticket, and the first of those who joined after the last question was asked.
    tickets: u64,
    late: u64,
    /// The first ticket of those who joined after the far tier last failed the leader.
    troubled: u64,
    /// The key itself was invalidated or set: the result is for those who wait, nobody else.
    doomed: bool,
    /// A writer of the key is between its two phases: the result is not to be kept either, but
    /// whoever comes may still wait for it.
    in_flux: bool,
    waiting: usize,
    panics: u8,
}

#[derive(Default)]
enum Phase {
    /// Somebody leads.
    #[default]
    Running,
    /// The leader was dropped in the middle of its load; who waits goes on with it.
    Orphan(Orphan),
    /// Nobody leads; who waits may.
    Vacant,
}

/// A load in the middle, with the right to store that was taken before it began.
pub(crate) struct Orphan {
    pub(crate) load: Running<'static>,
    pub(crate) right: Option<Right>,
}

/// What a caller does about a key that is not in the near tier.
pub(crate) enum Role {
    /// Load it.
    Lead(Lead),
    /// Wait for who does.
    Wait(Waiter),
    /// Neither: this very caller is inside the load of this key.
    Reentrant,
}

/// How waiting ended.
pub(crate) enum Turn {
    /// The load ended. `None`: in an error that cannot be copied.
    Done(Option<Loaded>),
    /// The load lost its caller in the middle.
    Adopt(Lead, Orphan),
    /// The load is gone.
    Start(Lead),
    /// The load panics, whoever runs it.
    Panics,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Joins the flight of this key and kind, or becomes one: `begin` gives its birth and its
    /// groups.
    pub(crate) fn join(
        self: &Arc<Self>,
        kind: Kind,
        key: KeyRef<'_>,
        begin: impl FnOnce() -> (u64, Box<[Arc<Cell>]>),
    ) -> Role {
        let mut shard = self.shard(key.hash);
        let table = shard.table(kind);
        if let Some(flight) = table.get(key.text).filter(|flight| flight.stands()) {
            if running_here(flight) {
                return Role::Reentrant;
            }
            return Role::Wait(Waiter::of(self, flight));
        }
        let (born, cells) = begin();
        let flight = Arc::new(Flight {
            kind,
            key: key.text.into(),
            hash: key.hash,
            born,
            cells,
            state: Mutex::default(),
            changed: Notify::new(),
        });
        table.insert(key.text.into(), flight.clone());
        Role::Lead(Lead::of(self, flight))
    }

    /// Takes the flights of this key out of the table, so that nobody joins them any more and
    /// they store nothing, then makes `change` before anybody can begin another.
    pub(crate) fn doom<T>(&self, key: KeyRef<'_>, change: impl FnOnce() -> T) -> T {
        let mut shard = self.shard(key.hash);
        shard.doom(Kind::Load, key.text);
        shard.doom(Kind::Refresh, key.text);
        change()
    }

    /// Makes `change` while the key can be neither invalidated nor stored.
    pub(crate) fn hold<T>(&self, key: KeyRef<'_>, change: impl FnOnce() -> T) -> T {
        let _shard = self.shard(key.hash);
        change()
    }

    /// How many keys are being loaded.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        lock(&self.shards[usize::try_from(hash >> 58).expect("six bits")])
    }
}

impl Flight {
    pub(crate) fn key(&self) -> KeyRef<'_> {
        KeyRef {
            text: &self.key,
            hash: self.hash,
        }
    }

    /// Whether nothing it belongs to was invalidated since it began.
    fn stands(&self) -> bool {
        !lock(&self.state).doomed && self.cells.iter().all(|cell| cell.stands(self.born))
    }
}

/// Takes `flight` out of the table, unless a younger one has taken its place.
fn forget(shard: &mut Shard, flight: &Arc<Flight>) {
    let table = shard.table(flight.kind);
    if table
        .get(&flight.key)
        .is_some_and(|there| Arc::ptr_eq(there, flight))
    {
        table.remove(&flight.key);
    }
}

/// The right and the duty to bring one flight to an end. Dropped, it leaves the flight to
/// whoever still waits; without anybody, the flight ends.
pub(crate) struct Lead {
    flights: Arc<Flights>,
    pub(crate) flight: Arc<Flight>,
    /// The far tier failed another leader while this one waited, who thereby has waited for it
    /// long enough.
    pub(crate) tired: bool,
    /// The flight is another's by now, or nobody's.
    left: bool,
}

impl Lead {
    fn of(flights: &Arc<Flights>, flight: Arc<Flight>) -> Self {
        Self {
            flights: flights.clone(),
            flight,
            tired: false,
            left: false,
        }
    }

    /// Runs `store` unless the key or a group of it was invalidated since the flight began.
    /// While it runs, the key can be neither invalidated nor loaded anew. What a refresh stores
    /// is not replaced by what was being loaded before.
    pub(crate) fn store(&self, store: impl FnOnce()) -> bool {
        let mut shard = self.flights.shard(self.flight.hash);
        let stands = self.flight.stands() && !lock(&self.flight.state).in_flux;
        if stands {
            if self.flight.kind == Kind::Refresh {
                shard.doom(Kind::Load, &self.flight.key);
            }
            store();
        }
        stands
    }

    /// Remembers who waits already: what is asked for from now on may be given to them.
    pub(crate) fn ask(&self) {
        let mut state = lock(&self.flight.state);
        state.late = state.tickets;
    }

    /// What this brings is not to be kept, because a writer is between its two phases.
    pub(crate) fn in_flux(&self) {
        lock(&self.flight.state).in_flux = true;
    }

    /// Remembers who waited while the far tier failed.
    pub(crate) fn troubled(&self) {
        let mut state = lock(&self.flight.state);
        state.troubled = state.tickets;
    }

    /// Gives the result to those who wait: to all, or only to those who did before it was asked
    /// for. An error goes to all, and nobody joins any more.
    pub(crate) fn publish(&self, loaded: &Loaded, to_all: bool) {
        let shared = loaded.share();
        let failed = matches!(loaded, Loaded::Failed(_));
        if failed {
            forget(&mut self.flights.shard(self.flight.hash), &self.flight);
        }
        let mut state = lock(&self.flight.state);
        let late = if to_all || failed {
            u64::MAX
        } else {
            state.late
        };
        let before = state.done.replace((shared, late));
        drop(state);
        self.flight.changed.notify_waiters();
        drop(before);
    }

    /// Leaves a load in the middle to whoever waits; without anybody, it ends here.
    fn leave(&mut self, phase: Phase) {
        self.left = true;
        let unused = {
            let mut shard = self.flights.shard(self.flight.hash);
            let mut state = lock(&self.flight.state);
            if state.waiting == 0 || state.panics >= PANICS {
                forget(&mut shard, &self.flight);
            }
            if state.waiting == 0 {
                phase
            } else {
                mem::replace(&mut state.phase, phase)
            }
        };
        self.flight.changed.notify_waiters();
        // Dropping a load runs the user's code: outside the locks.
        drop(unused);
    }

    /// Counts a panic of the load; another caller may try once more.
    pub(crate) fn panicked(&self) {
        lock(&self.flight.state).panics += 1;
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.left {
            self.leave(Phase::Vacant);
        }
    }
}

/// One caller's place among those who wait for a flight.
pub(crate) struct Waiter {
    flights: Arc<Flights>,
    flight: Arc<Flight>,
    ticket: u64,
}

impl Waiter {
    fn of(flights: &Arc<Flights>, flight: &Arc<Flight>) -> Self {
        let mut state = lock(&flight.state);
        let ticket = state.tickets;
        state.tickets += 1;
        state.waiting += 1;
        Self {
            flights: flights.clone(),
            flight: flight.clone(),
            ticket,
        }
    }

    /// Waits until the load has ended, or is this caller's to go on with.
    pub(crate) async fn wait(&self) -> Turn {
        loop {
            let mut changed = pin!(self.flight.changed.notified());
            changed.as_mut().enable();
            if let Some(turn) = self.turn() {
                return turn;
            }
            changed.await;
        }
    }

    fn turn(&self) -> Option<Turn> {
        let mut state = lock(&self.flight.state);
        if let Some((loaded, late)) = &state.done
            && self.ticket < *late
        {
            return Some(Turn::Done(loaded.as_ref().and_then(Loaded::share)));
        }
        let tired = self.ticket < state.troubled;
        match mem::take(&mut state.phase) {
            Phase::Running => None,
            Phase::Orphan(orphan) => Some(Turn::Adopt(self.lead(tired), orphan)),
            Phase::Vacant if state.panics >= PANICS => {
                state.phase = Phase::Vacant;
                Some(Turn::Panics)
            }
            Phase::Vacant => Some(Turn::Start(self.lead(tired))),
        }
    }

    fn lead(&self, tired: bool) -> Lead {
        let mut lead = Lead::of(&self.flights, self.flight.clone());
        lead.tired = tired;
        lead
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let unused = {
            let mut shard = self.flights.shard(self.flight.hash);
            let mut state = lock(&self.flight.state);
            state.waiting -= 1;
            if state.waiting > 0 || matches!(state.phase, Phase::Running) {
                return;
            }
            forget(&mut shard, &self.flight);
            mem::replace(&mut state.phase, Phase::Vacant)
        };
        // Dropping a load runs the user's code: outside the locks.
        drop(unused);
    }
}

/// What a load that panicked threw.
pub(crate) type Panic = Box<dyn Any + Send>;

/// A load on its way, polled by its leader. Dropped in the middle, it is left to who waits.
pub(crate) struct Driving<'a>(Option<Journey<'a>>);

struct Journey<'a> {
    lead: Lead,
    load: Load<'a>,
    right: Option<Right>,
}

impl<'a> Driving<'a> {
    pub(crate) fn new(lead: Lead, load: Load<'a>, right: Option<Right>) -> Self {
        Self(Some(Journey { lead, load, right }))
    }
}

impl Future for Driving<'_> {
    type Output = (Lead, Option<Right>, Result<Loaded, Panic>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let journey = self.0.as_mut().expect("polled after it ended");
        let _inside = Inside::enter([&journey.lead]);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            Pin::new(&mut journey.load).poll(context)
        }));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(loaded)) => Ok(loaded),
            Err(panic) => Err(panic),
        };
        let journey = self.0.take().expect("it is here");
        Poll::Ready((journey.lead, journey.right, ended))
    }
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        let Some(mut journey) = self.0.take() else {
            return;
        };
        let phase = match journey.load {
            Load::Owned(load) => Phase::Orphan(Orphan {
                load,
                right: journey.right,
            }),
            Load::Borrowed(_) => Phase::Vacant,
        };
        journey.lead.leave(phase);
    }
}

thread_local! {
    /// The flights whose loads are being polled or run on this thread, outermost first.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Reads or changes [`RUNNING`]; `None` on a thread that is ending and has lost it.
fn running<T>(with: impl FnOnce(&mut Vec<usize>) -> T) -> Option<T> {
    RUNNING
        .try_with(|running| with(&mut running.borrow_mut()))
        .ok()
}

/// Whether this very code runs inside the load of `flight`, however deep.
fn running_here(flight: &Arc<Flight>) -> bool {
    let flight = Arc::as_ptr(flight).addr();
    running(|running| running.contains(&flight)).unwrap_or(false)
}

/// Marks the load of one or several flights as being polled, or run, on this thread.
pub(crate) struct Inside(usize);

impl Inside {
    pub(crate) fn enter<'l>(leads: impl IntoIterator<Item = &'l Lead>) -> Self {
        let flights = leads.into_iter().map(|lead| &lead.flight);
        Self::of(flights.map(|flight| Arc::as_ptr(flight).addr()))
    }

    /// The load that runs right now, for what belongs to it and runs after this poll.
    pub(crate) fn place() -> Place {
        Place(running(|running| running.last().copied()).flatten())
    }

    fn of(flights: impl IntoIterator<Item = usize>) -> Self {
        let outside = running(|running| {
            let outside = running.len();
            running.extend(flights);
            outside
        });
        Self(outside.unwrap_or_default())
    }
}

/// A load on this thread, or none.
#[derive(Clone, Copy)]
pub(crate) struct Place(Option<usize>);

impl Place {
    /// Marks what follows as a part of that load.
    pub(crate) fn enter(self) -> Option<Inside> {
        self.0.map(|flight| Inside::of([flight]))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        running(|running| running.truncate(self.0));
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").field("len", &self.len()).finish()
    }
}
