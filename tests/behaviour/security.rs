//! What the guide promises about security, row by row: what arguments can do to keys, what can be
//! done with a far tier that others write to, and what stores are asked for. That no secret is
//! said is shown by the binary `secrets`.

mod clocks;
mod escaping;
mod memcached;
mod names;
mod patterns;
mod tampering;
mod tenants;
mod versions;

use bytes::Bytes;
use larder::{Backend, Cache, CacheBuilder, testkit::MemoryFar};

const FINE: &str = "the settings are in order";

/// Values of arguments that a careless spelling would take for marks of its own.
const AWKWARD: [&str; 26] = [
    "",
    "1",
    "2",
    "12",
    "1:2",
    ":",
    "*",
    "1*",
    "?",
    "[1]",
    "[",
    "]",
    "\\",
    "{1}",
    "{",
    "}",
    "%",
    "%3A",
    "%2A",
    " ",
    "\r\n",
    "\0",
    "ü",
    "1:posts",
    "1:posts:2",
    "2:posts:1",
];

/// A cache without a near tier, so that each call is answered by the store.
fn over(far: &MemoryFar) -> CacheBuilder {
    Cache::builder().far(far.clone()).jitter(0.0)
}

/// What stands under a name in the store.
async fn stored(far: &MemoryFar, name: &str) -> Bytes {
    let read = far.read(&[name]).await.expect("it is reachable");
    read[0]
        .clone()
        .unwrap_or_else(|| panic!("there is no `{name}`"))
}
