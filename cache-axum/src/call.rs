//! One call of a cached handler: what is looked up, run and told, as its request wants it.

use std::{
    fmt,
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::response::Response;
use cache_core::{
    __private::{self as core, KeyWriter, Loaded, Outcome, Site, Table, Tags},
    Cache, Clock, Live,
};

use crate::{
    MAX_BODY,
    ask::{self, Way},
    gather::{Gathered, gather},
    handler::Handler,
    outcome::{Judged, Responses},
    served::{ABSENT, Asked, How},
    stored::{Origin, StoredResponse, Times},
    verdict::{Verdict, limit, verdict},
};

/// Numbers the calls, and the ends of their loads, in one order.
static ORDER: AtomicU64 = AtomicU64::new(1);

fn next() -> u64 {
    ORDER.fetch_add(1, Ordering::Relaxed)
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// Begins a call: takes what the request asks for, if there is a layer that says so. A call whose
/// caller asks something of its own, such as for its key, is not the request's.
pub fn begin(handler: &'static Handler) -> Responses {
    let ask = if core::is_asked() { None } else { ask::take() };
    let asked = ask.map(|ask| Asked {
        ask,
        call: next(),
        now: 0,
        own: match ask.way {
            Way::Refresh | Way::Bypass => How::Asked,
            Way::Any | Way::Stored | Way::Nowhere => How::Loaded,
        },
    });
    Responses { handler, asked }
}

/// Looks the key up in the near tier, if the request may have what is stored.
///
/// # Errors
///
/// What is needed to go on without.
pub fn near(
    site: &'static Site,
    cache: &Cache,
    key: &KeyWriter,
    mut shape: Responses,
) -> Result<Response, Missed> {
    let clock = core::clock_of(cache);
    if let Some(asked) = &mut shape.asked {
        asked.now = core::now(&clock);
    }
    let (way, limited) = shape.asked.map_or((Way::Any, false), |asked| {
        (asked.ask.way, asked.ask.is_limited())
    });
    let looked = match way {
        Way::Bypass | Way::Nowhere => Err(core::Missed::bypass()),
        Way::Refresh => Err(core::refreshing(site, cache, key)),
        Way::Any if limited => core::near(site, cache, key, Limited(shape))
            .map_err(|_| core::refreshing(site, cache, key)),
        Way::Stored => core::near(site, cache, key, Limited(shape)),
        Way::Any => core::near(site, cache, key, shape),
    };
    looked.map_err(|inner| {
        Missed(Some(Miss {
            inner,
            shape,
            way,
            clock,
            ttl: core::ttl_of(site, cache),
            jitter: core::jitter_of(site, cache),
        }))
    })
}

/// A call that the near tier could not answer, or that was not to be looked up.
#[derive(Debug)]
pub struct Missed(Option<Miss>);

struct Miss {
    inner: core::Missed,
    shape: Responses,
    way: Way,
    clock: Clock,
    ttl: Duration,
    jitter: f64,
}

impl Missed {
    /// A call that has nothing to do with the cache: its body runs.
    pub fn bypass() -> Self {
        drop(core::Missed::bypass());
        Self(None)
    }

    /// Adds tags.
    #[must_use]
    pub fn tags(self, add: impl FnOnce(&mut Tags)) -> Self {
        Self(self.0.map(|miss| Miss {
            inner: miss.inner.tags(add),
            ..miss
        }))
    }

    /// Finds the response, or gets it from `body`, which may borrow from its caller.
    pub fn load<'a>(
        self,
        shape: Responses,
        table: &'static Table,
        body: impl Future<Output = Response> + Send + 'a,
    ) -> Boxed<'a> {
        match self.0 {
            None => bypass(shape, How::Bypassed, body),
            Some(miss) => match miss.way {
                Way::Bypass => bypass(miss.shape, How::Asked, body),
                Way::Stored | Way::Nowhere => Box::pin(miss.stored(table)),
                Way::Any | Way::Refresh => {
                    let run = miss.run();
                    let body = Box::pin(async move { run.judged(body.await).await });
                    miss.inner.load(miss.shape, table, body)
                }
            },
        }
    }

    /// The same, with a body that another caller may finish if this one goes.
    pub fn load_owned(
        self,
        shape: Responses,
        table: &'static Table,
        body: impl Future<Output = Response> + Send + 'static,
    ) -> Boxed<'static> {
        match self.0 {
            Some(miss) if matches!(miss.way, Way::Any | Way::Refresh) => {
                let run = miss.run();
                let body = Box::pin(async move { run.judged(body.await).await });
                miss.inner.load_owned(miss.shape, table, body)
            }
            other => Self(other).load(shape, table, body),
        }
    }
}

/// The handler's own response, of which the cache knows nothing.
fn bypass<'a>(
    shape: Responses,
    how: How,
    body: impl Future<Output = Response> + Send + 'a,
) -> Boxed<'a> {
    Box::pin(async move { shape.telling(how, body.await) })
}

impl Miss {
    fn run(&self) -> Run {
        Run {
            shape: self.shape,
            clock: self.clock.clone(),
            ttl: self.ttl,
            jitter: self.jitter,
        }
    }

    /// What is stored, or the answer that it is not.
    async fn stored(self, table: &'static Table) -> Response {
        let found = match self.way {
            Way::Nowhere => None,
            _ => core::stored(self.inner, table).await,
        };
        let found = found.and_then(|live| Limited(self.shape).of_live(&live));
        found.unwrap_or_else(|| {
            let mut absent = Response::default();
            *absent.status_mut() = ABSENT;
            self.shape.telling(How::Absent, absent)
        })
    }
}

impl fmt::Debug for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// One run of a handler.
struct Run {
    shape: Responses,
    clock: Clock,
    ttl: Duration,
    jitter: f64,
}

impl Run {
    /// The handler's response; if it was read whole and others may have it, that goes along.
    async fn judged(self, response: Response) -> Response {
        let (parts, body) = response.into_parts();
        let asked = self.shape.asked;
        let authorized = asked.is_some_and(|asked| asked.ask.authorized);
        let told = (parts.status, &parts.headers);
        let limit = limit(&parts.headers, core::now(&self.clock));
        let lifetime = limit.map_or(self.ttl, |limit| limit.min(self.ttl));
        let mut verdict = verdict(told, self.shape.handler, authorized, lifetime);
        let lifetime = match verdict {
            Verdict::Pass => return Response::from_parts(parts, body),
            Verdict::Keep(lifetime) => {
                // Nobody may get it after the handler's limit, however its life varies.
                let latest = limit.map(|limit| limit.div_f64(1.0 + self.jitter));
                verdict = Verdict::Keep(latest.map_or(lifetime, |latest| latest.min(lifetime)));
                lifetime
            }
            Verdict::Share => Duration::ZERO,
        };
        let body = match gather(body, MAX_BODY).await {
            Gathered::Passing(body) => return Response::from_parts(parts, body),
            Gathered::Whole(body) => body,
        };
        let times = Times {
            made: core::now(&self.clock),
            lifetime: u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX),
        };
        let origin = Origin {
            call: asked.map_or(0, |asked| asked.call),
            ended: next(),
        };
        let stored = StoredResponse::new((parts.status, parts.headers, body), times, origin);
        let mut response = stored.response();
        response.extensions_mut().insert(Judged { stored, verdict });
        response
    }
}

/// The shape of a call that wants a response no older than it says.
#[derive(Debug, Clone, Copy)]
struct Limited(Responses);

impl Outcome for Limited {
    type Return = Response;
    type Value = StoredResponse;

    fn split(self, output: Response) -> Loaded {
        self.0.split(output)
    }
    fn of_value(self, value: &StoredResponse) -> Response {
        self.0.of_value(value)
    }
    fn of_absent(self) -> Option<Response> {
        None
    }
    fn of_failure(self, failure: core::Failure) -> Option<Response> {
        self.0.of_failure(failure)
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        self.0.accepts(loaded)
    }
    fn of_live(self, live: &Live) -> Option<Response> {
        let stored: &StoredResponse = (**live).downcast_ref()?;
        let wanted = self.0.asked.is_none_or(|asked| asked.wants(stored.times));
        wanted.then(|| self.0.of_value(stored))
    }
}
