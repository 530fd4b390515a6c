//! What a request asks of caches, on its way from the layer to the handler.
//!
//! A handler is a function of its extractors and does not see the request. So the layer offers
//! what the request asks for while it polls the service inside it, and the first cached handler
//! that is met takes it. What runs elsewhere, on a task of its own, is not offered anything, and
//! behaves as without the layer.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
};

use http::{
    HeaderMap,
    header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA},
};

use crate::control::Control;

/// What one request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) way: Way,
    /// In milliseconds; a stored response that is older is not wanted.
    pub(crate) max_age: Option<u64>,
    /// In milliseconds; one that is good for less is not wanted.
    pub(crate) min_fresh: u64,
    /// The request says who asks.
    pub(crate) authorized: bool,
}

/// Where the response may come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// From wherever it is.
    #[default]
    Any,
    /// From the handler, and the next may have it from here.
    Refresh,
    /// From the handler, and nobody else may have it.
    Bypass,
    /// From here.
    Stored,
    /// From here, but nothing that is stored will do.
    Nowhere,
}

impl Ask {
    /// What a request with these headers asks for; with `deaf`, its directives are not heard.
    pub(crate) fn of(headers: &HeaderMap, deaf: bool) -> Self {
        let authorized = headers.contains_key(AUTHORIZATION);
        if deaf {
            return Self {
                authorized,
                ..Self::default()
            };
        }
        let mut control = Control::of(headers);
        // What clients said before there was a `Cache-Control`.
        if !headers.contains_key(CACHE_CONTROL) {
            let pragma = headers.get_all(PRAGMA).into_iter();
            control.no_cache |= pragma
                .filter_map(|value| value.to_str().ok())
                .any(|value| value.eq_ignore_ascii_case("no-cache"));
        }
        let way = match control {
            Control {
                no_store: true,
                only_if_cached: false,
                ..
            } => Way::Bypass,
            Control {
                only_if_cached: true,
                no_cache: true,
                ..
            }
            | Control {
                only_if_cached: true,
                no_store: true,
                ..
            } => Way::Nowhere,
            Control {
                only_if_cached: true,
                ..
            } => Way::Stored,
            Control { no_cache: true, .. } => Way::Refresh,
            _ => Way::Any,
        };
        Self {
            way,
            max_age: control.max_age.map(|seconds| seconds * 1000),
            min_fresh: control.min_fresh.unwrap_or(0) * 1000,
            authorized,
        }
    }

    /// Whether stored responses of some age are not wanted.
    pub(crate) fn is_limited(self) -> bool {
        self.max_age.is_some() || self.min_fresh > 0
    }
}

thread_local! {
    static OFFERED: Cell<Option<Ask>> = const { Cell::new(None) };
}

/// What is offered to whoever is polled now. Nobody else gets it.
pub(crate) fn take() -> Option<Ask> {
    OFFERED.take()
}

/// Polls `future` with `ask` on offer until somebody takes it.
pub(crate) async fn offering<F: Future>(ask: Ask, future: F) -> F::Output {
    let mut future = pin!(future);
    let mut ask = Some(ask);
    poll_fn(|context| {
        let offer = Offer(OFFERED.replace(ask.take()));
        let poll = future.as_mut().poll(context);
        ask = OFFERED.take();
        drop(offer);
        poll
    })
    .await
}

/// Puts back what was offered outside, also if the future panics.
struct Offer(Option<Ask>);

impl Drop for Offer {
    fn drop(&mut self) {
        OFFERED.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use tokio::task::yield_now;

    use super::{Ask, Way, offering, take};

    fn ask(lines: &[(&'static str, &'static str)], deaf: bool) -> Ask {
        let lines = lines.iter().map(|&(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        Ask::of(&lines.collect::<HeaderMap>(), deaf)
    }

    #[test]
    fn each_directive_means_one_thing() {
        for (value, way) in [
            ("", Way::Any),
            ("max-stale=5", Way::Any),
            ("no-cache", Way::Refresh),
            ("no-store", Way::Bypass),
            ("no-cache, no-store", Way::Bypass),
            ("only-if-cached", Way::Stored),
            ("only-if-cached, no-cache", Way::Nowhere),
            ("only-if-cached, no-store", Way::Nowhere),
        ] {
            assert_eq!(ask(&[("cache-control", value)], false).way, way, "{value}");
            assert_eq!(ask(&[("cache-control", value)], true).way, Way::Any);
        }
        let limited = ask(&[("cache-control", "max-age=5, min-fresh=2")], false);
        assert_eq!((limited.max_age, limited.min_fresh), (Some(5000), 2000));
        assert!(limited.is_limited() && !ask(&[], false).is_limited());
    }

    #[test]
    fn pragma_counts_only_where_nothing_newer_is_said() {
        let pragma = ("pragma", "No-Cache");
        assert_eq!(ask(&[pragma], false).way, Way::Refresh);
        let both = [pragma, ("cache-control", "max-stale")];
        assert_eq!(ask(&both, false).way, Way::Any);
    }

    #[test]
    fn who_asks_is_seen_whatever_is_heard() {
        assert!(ask(&[("authorization", "Basic x")], true).authorized);
        assert!(!ask(&[("cookie", "a=b")], false).authorized);
    }

    #[tokio::test]
    async fn an_offer_stands_until_it_is_taken_and_for_nobody_else() {
        let ask = ask(&[("cache-control", "no-cache")], false);
        let inner = async {
            yield_now().await;
            let first = take();
            let second = take();
            yield_now().await;
            (first, second, take())
        };
        assert_eq!(offering(ask, inner).await, (Some(ask), None, None));
        assert_eq!(take(), None);
        // Nobody took it: it is gone with the future.
        offering(ask, yield_now()).await;
        assert_eq!(take(), None);
    }

    #[tokio::test]
    async fn offers_nest() {
        let outer = ask(&[("cache-control", "no-cache")], false);
        let inner = ask(&[("cache-control", "no-store")], false);
        let taken = offering(outer, async {
            let first = offering(inner, async { take() }).await;
            (first, take())
        });
        assert_eq!(taken.await, (Some(inner), Some(outer)));
    }

    #[test]
    fn a_panic_leaves_no_offer_behind() {
        let ask = ask(&[], false);
        let panics = std::panic::catch_unwind(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime
                .unwrap()
                .block_on(offering(ask, async { panic!("on purpose") }))
        });
        assert!(panics.is_err());
        assert_eq!(take(), None);
    }
}
