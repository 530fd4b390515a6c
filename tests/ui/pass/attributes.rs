//! What stands on the function and in its signature stays there.
#![deny(warnings, missing_docs)]

use larder::{cached, invalidate_cache};
use tracing::instrument;

/// Documented, public, and instrumented outside.
#[instrument]
#[cached(key = "users:<id>")]
pub async fn outside(id: u64) -> u64 {
    id
}

/// Instrumented inside.
#[cached(key = "users:<id>")]
#[instrument(skip(name))]
#[allow(clippy::unused_async)]
pub async fn inside(id: u64, #[allow(unused_variables)] name: &str) -> u64 {
    #![allow(deprecated, reason = "`name` changes nothing")]
    id
}

#[cached(key = "absent")]
#[cfg(any())]
async fn absent() -> Nothing {}

#[cached(key = "present")]
#[cfg(all())]
#[must_use]
async fn present() -> u64 {
    1
}

/// Reads one cache and empties another.
#[cached(key = "stacked:<id>")]
#[invalidate_cache(prefix = "seen:<id>")]
#[invalidate_cache(all, cache = "other")]
pub async fn stacked(id: u64) -> u64 {
    id
}

/// # Safety
///
/// None is needed.
#[cached(key = "unsafe:<id>")]
pub async unsafe fn danger(id: u64) -> u64 {
    // SAFETY: `id` is what it says.
    unsafe { std::mem::transmute::<u64, u64>(id) }
}

#[allow(dead_code)]
#[cached(key = "dead")]
async fn dead() -> u64 {
    1
}

mod inner {
    #[larder::cached(key = "visible:<id>")]
    pub(in crate::inner) async fn visible(id: u64) -> u64 {
        id
    }

    pub(super) async fn call() -> u64 {
        visible(1).await
    }
}

fn main() {
    #[cached]
    async fn local(id: u64) -> u64 {
        id
    }

    drop((
        outside(1),
        inside(1, ""),
        present(),
        stacked(1),
        local(1),
        inner::call(),
    ));
    // SAFETY: none is needed.
    drop(unsafe { danger(1) });
}
