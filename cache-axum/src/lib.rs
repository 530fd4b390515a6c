//! HTTP responses in a cache: use it through the facade, as `larder::axum`.
//!
//! # The way of one request
//!
//! ```text
//!   request ──► layer: what the request asks of caches ──► ask (a poll-scoped thread-local)
//!                                                              │
//!                     axum: extractors, then the handler ◄─────┘ taken by the handler
//!                                │
//!                                ▼
//!   call::near ── stored and fresh enough ──► Response + Served (an extension)
//!        │ not there, or not wanted
//!        ▼
//!   the runtime of larder: join, look far, load ──► gather: the body, up to the bound
//!                                                     │
//!                                                     ▼
//!                                   verdict: keep, share with those who wait, or neither
//!                                                     │
//!   response ◄── layer: ETag, 304, Age, Cache-Control, Vary, Cache-Status ◄── Served
//! ```
//!
//! | decides | modules |
//! | --- | --- |
//! | what the attribute knows of a handler | `handler` |
//! | what is stored of a response, and as which bytes | `stored`, `codec` |
//! | how much of a body is waited for | `gather` |
//! | whether a response may be kept, and how long | `verdict`, on `control`, `date` |
//! | what a call does with what the request asks for | `call`, `ask` |
//! | what a call's result means to larder | `outcome` |
//! | what clients and proxies are told | `layer`, `served`, `etag` |
//! | how header fields and cookies are spelt in a key | `key` |

mod ask;
mod call;
mod codec;
mod control;
mod date;
mod etag;
mod gather;
mod handler;
mod key;
mod layer;
mod outcome;
#[doc(hidden)]
pub mod private;
mod served;
mod stored;
mod verdict;

pub use self::{
    codec::AsIs,
    layer::{CacheHeaders, CacheHeadersLayer, layer},
    stored::StoredResponse,
};

/// The most bytes of a body that are waited for and kept: 1 MiB, as for every value in a far
/// tier. A response with a larger body, or with one of unknown length, streams through uncached.
pub const MAX_BODY: usize = 1 << 20;
