//! Everything that the process says: each event and span of every crate, each panic.

use std::{
    fmt::{Debug, Write as _},
    panic,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

/// One thing that was said. Panics are errors.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) level: Level,
    pub(crate) text: String,
}

static SAID: Mutex<Vec<Said>> = Mutex::new(Vec::new());

fn said() -> MutexGuard<'static, Vec<Said>> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens from now on, to every thread of this process.
pub(crate) fn listen() {
    tracing::subscriber::set_global_default(Ear).expect("nobody else listens here");
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        said().push(Said {
            level: Level::ERROR,
            text: info.to_string(),
        });
        before(info);
    }));
}

/// All that was said so far.
pub(crate) fn heard() -> Vec<Said> {
    said().clone()
}

struct Ear;

impl Ear {
    fn note(metadata: &Metadata<'_>, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(format!("{} {}", metadata.target(), metadata.name()));
        record(&mut fields);
        let (level, text) = (*metadata.level(), fields.0);
        said().push(Said { level, text });
    }
}

impl Subscriber for Ear {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn event(&self, event: &Event<'_>) {
        Self::note(event.metadata(), |fields| event.record(fields));
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self::note(span.metadata(), |fields| span.record(fields));
        Id::from_u64(NEXT.fetch_add(1, Ordering::Relaxed))
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        said().push(Said {
            level: Level::ERROR,
            text: fields.0,
        });
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("a string takes any text");
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {field}={value}").expect("a string takes any text");
    }
}
