//! What a handler's call tells the layer about its response.

use http::{HeaderValue, StatusCode, header::CONTENT_ENCODING};

use crate::{
    ask::Ask,
    handler::Handler,
    stored::{Origin, StoredResponse, Times},
};

/// An extension of a response that a cached handler returned.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) how: How,
    pub(crate) handler: &'static Handler,
    /// Of a response that is kept.
    pub(crate) kept: Option<Kept>,
}

/// What is known of a response that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) etag: HeaderValue,
    /// The `Content-Encoding` that the handler chose.
    pub(crate) encoding: Option<HeaderValue>,
    pub(crate) times: Times,
    /// What time it is: in milliseconds since 1970, by the clock of the cache.
    pub(crate) now: u64,
}

/// Where a response came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// From a tier.
    Hit,
    /// From the handler, because nothing that would do was there.
    Loaded,
    /// From the handler, because the request asked for that.
    Asked,
    /// From the handler, because its author wants this call to.
    Bypassed,
    /// From another request's run of the handler.
    Collapsed,
    /// From nowhere: nothing was there, and the handler was not to be asked.
    Absent,
}

/// A call whose response goes through the layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) ask: Ask,
    /// The number of this call in the order of all calls and ends of calls.
    pub(crate) call: u64,
    pub(crate) now: u64,
    /// How a response got here that this call's own run gave.
    pub(crate) own: How,
}

impl Asked {
    /// How a response of this origin came to this call.
    pub(crate) fn how(&self, origin: Origin) -> How {
        if origin.call == self.call {
            self.own
        } else if origin.ended > self.call {
            How::Collapsed
        } else {
            How::Hit
        }
    }

    /// What to tell of a response that is kept.
    pub(crate) fn kept(&self, stored: &StoredResponse, handler: &'static Handler) -> Served {
        Served {
            how: self.how(stored.origin),
            handler,
            kept: Some(Kept {
                etag: stored.etag().clone(),
                encoding: stored.headers.get(CONTENT_ENCODING).cloned(),
                times: stored.times,
                // What was loaded meanwhile is not from the future.
                now: self.now.max(stored.times.made),
            }),
        }
    }

    /// What to tell of one that is not.
    pub(crate) fn passed(how: How, handler: &'static Handler) -> Served {
        Served {
            how,
            handler,
            kept: None,
        }
    }

    /// Whether a stored response is as fresh as the request wants it.
    pub(crate) fn wants(&self, times: Times) -> bool {
        let young = |max_age| times.age(self.now) <= max_age;
        self.ask.max_age.is_none_or(young) && times.left(self.now) >= self.ask.min_fresh
    }
}

impl How {
    /// As `Cache-Status` puts it, without the parameters that depend on more.
    pub(crate) const fn status(self) -> &'static str {
        match self {
            Self::Hit => "larder; hit",
            Self::Loaded => "larder; fwd=miss",
            Self::Asked => "larder; fwd=request",
            Self::Bypassed => "larder; fwd=bypass",
            Self::Collapsed => "larder; fwd=miss; collapsed",
            Self::Absent => "larder",
        }
    }

    /// Whether the handler ran for this very request.
    pub(crate) const fn ran(self) -> bool {
        matches!(self, Self::Loaded | Self::Asked)
    }
}

/// What is answered where only a stored response would do and there is none.
pub(crate) const ABSENT: StatusCode = StatusCode::GATEWAY_TIMEOUT;
