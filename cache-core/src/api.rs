//! The typed methods of a cache, for keys that are written by hand.

use std::{future::Future, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cache::{Cache, Change},
    codec::{Auto, Table},
    entry::Live,
    error::{Error, ErrorKind, Result},
    event,
    far::{Budget, Far, Look, Typed},
    flight::Load,
    key,
    names,
    near::KeyRef,
    outcome::{Cacheable, Carried, Fallible, Loaded, Outcome, Shared},
    policy::Policy,
    serve::{self, Call},
    sync::Arc,
};

/// What a cache stores by hand: a value that can be cloned in this process and written as bytes
/// for others.
pub trait Storable: Cacheable + Serialize + DeserializeOwned {}
impl<T: Cacheable + Serialize + DeserializeOwned> Storable for T {}

/// How a value is stored by hand.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SetOptions {
    ttl: Option<Duration>,
    tags: Vec<String>,
}

impl SetOptions {
    /// The cache's own ttl, no tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the value lives: exactly, without jitter.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Adds a tag, by which it can be invalidated.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }
}
