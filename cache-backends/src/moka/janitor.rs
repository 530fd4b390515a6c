//! When expired entries leave memory: one thread for all stores of the process sweeps them once
//! a second, sleeps while all are empty, and ends with the last store.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering, fence},
    },
    thread,
    time::Duration,
};

/// How often a store that holds something is swept.
const ROUND: Duration = Duration::from_secs(1);

/// A store whose expired entries have to be driven out.
pub(super) trait Swept: Send + Sync {
    /// Drives out what has expired. `false` if nothing is left.
    fn sweep(&self) -> bool;
}

/// The stores to sweep, and whether somebody does.
struct Rota {
    stores: Vec<Weak<dyn Swept>>,
    staffed: bool,
}

static ROTA: Mutex<Rota> = Mutex::new(Rota {
    stores: Vec::new(),
    staffed: false,
});
static CHANGED: Condvar = Condvar::new();

/// Whether the janitor sleeps, or is about to, until something is stored.
static ASLEEP: AtomicBool = AtomicBool::new(false);

/// Has a store swept from now on, as long as it lives.
pub(super) fn employ(store: Weak<dyn Swept>) {
    let mut rota = rota();
    rota.stores.push(store);
    if !rota.staffed {
        let thread = thread::Builder::new().name("larder-janitor".into());
        // Without a thread entries leave later, whenever the store is written to.
        rota.staffed = thread.spawn(work).is_ok();
    }
}

/// Says that something was stored.
pub(super) fn wake() {
    // Pairs with the fence in `work`: either we see that it sleeps, or it sees what was stored.
    fence(Ordering::SeqCst);
    if ASLEEP.load(Ordering::Relaxed) {
        rouse();
    }
}

/// Says that a store is gone.
pub(super) fn dismiss() {
    rouse();
}

fn rouse() {
    let _rota = rota();
    ASLEEP.store(false, Ordering::Relaxed);
    CHANGED.notify_one();
}

fn rota() -> MutexGuard<'static, Rota> {
    ROTA.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work() {
    while let Some(stores) = stores() {
        ASLEEP.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let busy = stores
            .iter()
            .fold(false, |busy, store| store.sweep() | busy);
        // Perhaps the last owner of a store, whose drop asks for the rota.
        drop(stores);
        if busy {
            ASLEEP.store(false, Ordering::Relaxed);
            drop(CHANGED.wait_timeout(rota(), ROUND));
        } else {
            drop(CHANGED.wait_while(rota(), |_| ASLEEP.load(Ordering::Relaxed)));
        }
    }
}

/// The stores that are left; `None` if there is nothing to do any more.
fn stores() -> Option<Vec<Arc<dyn Swept>>> {
    let mut rota = rota();
    rota.stores.retain(|store| store.strong_count() > 0);
    rota.staffed = !rota.stores.is_empty();
    rota.staffed
        .then(|| rota.stores.iter().filter_map(Weak::upgrade).collect())
}
