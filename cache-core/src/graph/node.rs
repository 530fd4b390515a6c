//! How an annotated function is registered: built by macro expansions, when the program is compiled.

use std::fmt;

use super::{Function, Target, Write};
use crate::site::Site;

/// One annotated function.
#[derive(Debug)]
pub struct Node {
    path: &'static str,
    file: &'static str,
    line: u32,
    cache: Label,
    pub(super) role: Role,
    computes_ttl: bool,
    prefixes: &'static [&'static str],
    keys: &'static [&'static str],
    tags: &'static [&'static str],
    of: &'static [&'static str],
    put: Option<&'static str>,
    all: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Reads(&'static Site),
    Writes,
}

/// What an attribute calls its cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    Default,
    Named(&'static str),
    Expression(&'static str),
}

impl Label {
    /// Whether both may be one cache. Which cache an expression gives is not known before it runs.
    #[inline]
    pub(super) fn may_be(self, other: Self) -> bool {
        match (self, other) {
            (Self::Expression(_), Self::Expression(_)) => true,
            _ => self == other,
        }
    }
}

impl fmt::Display for Label {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default cache"),
            Self::Named(name) => write!(f, "`cache = \"{name}\"`"),
            Self::Expression(text) => write!(f, "`cache = {text}`"),
        }
    }
}

impl Node {
    const fn new(path: &'static str, file: &'static str, line: u32, role: Role) -> Self {
        Self {
            path,
            file,
            line,
            cache: Label::Default,
            role,
            computes_ttl: false,
            prefixes: &[],
            keys: &[],
            tags: &[],
            of: &[],
            put: None,
            all: false,
        }
    }

    /// The cached function of `site`, whose attribute stands here.
    pub const fn cached(site: &'static Site, file: &'static str, line: u32) -> Self {
        // Its path is in the site, which cannot be read before the program runs.
        Self::new("", file, line, Role::Reads(site))
    }

    /// The function at `path`, which writes, and whose attribute stands here.
    pub const fn write(path: &'static str, file: &'static str, line: u32) -> Self {
        Self::new(path, file, line, Role::Writes)
    }

    /// In the cache of this name.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.cache = Label::Named(name);
        self
    }

    /// In the cache that this expression gives.
    #[must_use]
    pub const fn by(mut self, expression: &'static str) -> Self {
        self.cache = Label::Expression(expression);
        self
    }

    /// Its values say how long they live.
    #[must_use]
    pub const fn computes_ttl(mut self) -> Self {
        self.computes_ttl = true;
        self
    }

    /// The tags that it puts on entries, or invalidates.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    /// The prefixes that it invalidates.
    #[must_use]
    pub const fn prefixes(mut self, prefixes: &'static [&'static str]) -> Self {
        self.prefixes = prefixes;
        self
    }

    /// The keys that it invalidates.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// The functions of whose calls it invalidates the entries.
    #[must_use]
    pub const fn of(mut self, functions: &'static [&'static str]) -> Self {
        self.of = functions;
        self
    }

    /// The key under which it stores what it returned.
    #[must_use]
    pub const fn put(mut self, key: &'static str) -> Self {
        self.put = Some(key);
        self
    }

    /// It invalidates everything in its cache.
    #[must_use]
    pub const fn all(mut self) -> Self {
        self.all = true;
        self
    }

    #[inline]
    pub(super) fn function(&self, site: &Site) -> Function {
        Function {
            path: site.path,
            file: self.file,
            line: self.line,
            // A template has no empty segment, so it is never like a path.
            key: (site.template != site.path).then_some(site.template),
            tags: self.tags,
            ttl: site.policy.ttl,
            states_ttl: self.computes_ttl || site.policy.ttl.is_some(),
            cache: self.cache,
        }
    }

    #[inline]
    pub(super) fn writes(&self) -> Write {
        let prefixes = self.prefixes.iter().copied().map(Target::Prefix);
        let keys = self.keys.iter().copied().map(Target::Key);
        let tags = self.tags.iter().copied().map(Target::Tag);
        let of = self.of.iter().copied().map(Target::Of);
        let put = self.put.map(Target::Put);
        let all = self.all.then_some(Target::All);
        let targets = prefixes.chain(keys).chain(tags).chain(of);
        Write {
            path: self.path,
            file: self.file,
            line: self.line,
            targets: targets.chain(put).chain(all).collect(),
            cache: self.cache,
        }
    }
}
