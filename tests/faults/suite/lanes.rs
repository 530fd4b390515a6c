//! How cases run side by side, and how one that panics, or takes too long, ends.

use std::{
    any::Any,
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Builder, time::timeout};

use super::{Case, LIMIT, Row};

/// How long what a case has left running may take to notice that it is over.
const LEFTOVERS: Duration = Duration::from_secs(5);

/// A case that was run.
pub(crate) struct Ended<'c> {
    pub(crate) case: &'c Case,
    /// What it measured; an error if it could not be tried.
    pub(crate) row: Result<Row, String>,
    /// What panicked in its background.
    panics: Vec<String>,
}

impl Ended<'_> {
    pub(crate) fn is_ok(&self) -> bool {
        self.panics.is_empty() && self.row.as_ref().is_ok_and(|row| row.broken.is_empty())
    }

    /// What is wrong, a line for each thing.
    pub(crate) fn broken(&self) -> String {
        let wrong = match &self.row {
            Ok(row) => row.broken.clone(),
            Err(error) => vec![error.clone()],
        };
        let panics = self.panics.iter().map(|text| format!("panicked: {text}"));
        wrong
            .into_iter()
            .chain(panics)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// Runs the cases, so many side by side, and returns them in their own order.
pub(crate) fn in_lanes(cases: &[Case], lanes: usize) -> Vec<Ended<'_>> {
    listen_for_panics();
    let next = AtomicUsize::new(0);
    let ended = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..lanes.min(cases.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { return };
                    let began = Instant::now();
                    let one = run(case);
                    let word = if one.is_ok() { "ok" } else { "FAILED" };
                    let took = began.elapsed().as_secs_f64();
                    println!("test {} ... {word} ({took:.1} s)", case.name());
                    lock(&ended).push((at, one));
                }
            });
        }
    });
    let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    ended.sort_by_key(|(at, _)| *at);
    ended.into_iter().map(|(_, one)| one).collect()
}

/// Runs one case on threads that bear its name.
fn run(case: &Case) -> Ended<'_> {
    let name = case.name();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(&name)
        .enable_all()
        .build()
        .expect("the system lets us have a runtime");
    let trying =
        AssertUnwindSafe(|| runtime.block_on(async { timeout(LIMIT, (case.run)()).await }));
    let row = match panic::catch_unwind(trying) {
        Ok(Ok(row)) => Ok(row),
        Ok(Err(_)) => Err(format!("not over after {LIMIT:?}")),
        Err(panic) => Err(text(&*panic).to_owned()),
    };
    runtime.shutdown_timeout(LEFTOVERS);
    let panics = lock(&PANICS).get_or_insert_default().remove(&name);
    Ended {
        case,
        row,
        panics: panics.unwrap_or_default(),
    }
}

/// What panicked in the background, where nobody may see it, by the name of its thread.
static PANICS: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);

fn listen_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let name = thread::current().name().unwrap_or_default().to_owned();
            let all = &mut *lock(&PANICS);
            let texts = all.get_or_insert_default().entry(name).or_default();
            texts.push(info.to_string());
            before(info);
        }));
    });
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("panicked without words")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
