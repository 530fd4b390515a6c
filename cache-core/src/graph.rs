//! What is cached and what is invalidated by whom: every annotated function of the program, found
//! when the program is linked.
//!
//! [`graph`](graph()) lists them, [`Graph::check`] fails a test if something is wrong with them, and
//! [`Graph::to_mermaid`] draws them.
//!
//! ```
//! let graph = cache_core::graph();
//! println!("{graph}");
//! assert!(graph.functions().is_empty(), "this program has none");
//! ```

// Everything in this module is `#[inline]`, so that it is compiled only in a program that asks for
// its graph, which is a test: it would be a seventh of the code of this crate.

mod check;
mod node;
mod pattern;
mod picture;
#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

#[doc(hidden)]
pub use self::node::Node;
use self::{
    node::{Label, Role},
    pattern::Pattern,
};

inventory::collect!(Node);

/// All annotated functions that are linked into this program.
///
/// A crate that nothing in the program names is not linked: a test that uses nothing else of its
/// crate says `use my_crate as _;`.
#[inline]
pub fn graph() -> Graph {
    Graph::of(inventory::iter::<Node>)
}

/// The cached functions of a program, and the functions that write: see [`graph`](graph()).
#[derive(Debug, Clone)]
pub struct Graph {
    functions: Vec<Function>,
    writes: Vec<Write>,
}

/// One function with `#[cached]`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Function {
    /// Its module and name: `my_crate::users::get_user`.
    pub path: &'static str,
    /// The file of its attribute.
    pub file: &'static str,
    /// The line of its attribute.
    pub line: u32,
    /// The template of its keys as it was written; `None` for the default key, which begins with
    /// the path (`my_crate.users.get_user`).
    pub key: Option<&'static str>,
    /// The templates of its tags as they were written.
    pub tags: &'static [&'static str],
    /// Its own `ttl`; `None` if it has the one of its cache.
    pub ttl: Option<Duration>,
    /// Whether its attribute says how long values live: with `ttl`, or by computing it.
    pub states_ttl: bool,
    cache: Label,
}

/// One function that invalidates or stores what cached functions read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Write {
    /// Its module and name.
    pub path: &'static str,
    /// The file of its attribute.
    pub file: &'static str,
    /// The line of its attribute.
    pub line: u32,
    /// What it invalidates and stores, in the order of the attribute.
    pub targets: Vec<Target>,
    cache: Label,
}

/// What a write names, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// All keys under a prefix.
    Prefix(&'static str),
    /// One key.
    Key(&'static str),
    /// All entries with a tag.
    Tag(&'static str),
    /// The entry of a call of this function.
    Of(&'static str),
    /// The key under which it stores what it returned.
    Put(&'static str),
    /// Everything in its cache.
    All,
}

impl Graph {
    /// The graph of these functions, in an order that does not depend on the linker's.
    #[inline]
    fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let mut graph = Self {
            functions: Vec::new(),
            writes: Vec::new(),
        };
        for node in nodes {
            match node.role {
                Role::Reads(site) => graph.functions.push(node.function(site)),
                Role::Writes => graph.writes.push(node.writes()),
            }
        }
        graph
            .functions
            .sort_by_key(|it| (it.path, it.file, it.line));
        graph.writes.sort_by_key(|it| (it.path, it.file, it.line));
        graph
    }

    /// The cached functions, by path.
    #[inline]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// The functions that write, by path.
    #[inline]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// The cached functions whose entries `write` can change by naming `target`.
    ///
    /// A placeholder stands for any value, so this is what can be reached, not what is. Two caches
    /// that are given by expressions may be the same.
    #[inline]
    pub fn reached(&self, write: &Write, target: Target) -> impl Iterator<Item = &Function> {
        self.functions
            .iter()
            .filter(move |it| it.is_reached(write, target))
    }
}

impl Function {
    /// How its keys can look. A default key has a segment for its owner if it is no plain function.
    #[inline]
    fn keys(&self) -> Vec<Pattern> {
        match self.key {
            Some(key) => vec![Pattern::of(key)],
            None => vec![
                Pattern::of(&format!("{}:<arguments>", self.dotted())),
                Pattern::of(&format!("{}:<owner>:<arguments>", self.dotted())),
            ],
        }
    }

    /// How a default key begins.
    #[inline]
    fn dotted(&self) -> String {
        self.path.replace("::", ".")
    }

    /// Whether one of its entries can be what `write` names as `target`.
    #[inline]
    fn is_reached(&self, write: &Write, target: Target) -> bool {
        // A call is looked up in its function's cache, unless the write names another.
        let there = matches!((target, write.cache), (Target::Of(_), Label::Default));
        (there || self.cache.may_be(write.cache)) && self.is_named_by(target)
    }

    /// The same in whatever cache.
    #[inline]
    fn is_named_by(&self, target: Target) -> bool {
        match target {
            Target::All => true,
            Target::Prefix(prefix) => {
                let prefix = Pattern::of(prefix);
                self.keys().iter().any(|key| prefix.covers(key))
            }
            Target::Key(key) | Target::Put(key) => {
                let key = Pattern::of(key);
                self.keys().iter().any(|own| own.meets(&key))
            }
            Target::Tag(tag) => {
                let tag = Pattern::of(tag);
                self.tags.iter().any(|own| Pattern::of(own).meets(&tag))
            }
            Target::Of(function) => is_called(self.path, function),
        }
    }

    /// What it calls its cache.
    #[inline]
    pub fn cache(&self) -> impl fmt::Display {
        self.cache
    }
}

impl Write {
    /// What it calls its cache.
    #[inline]
    pub fn cache(&self) -> impl fmt::Display {
        self.cache
    }
}

/// Whether the function at `path` can be the one that is called `name`, from wherever.
#[inline]
fn is_called(path: &str, name: &str) -> bool {
    let relative = |segment: &&str| !matches!(*segment, "crate" | "self" | "super");
    let mut names = name.rsplit("::").filter(relative);
    let mut path = path.rsplit("::");
    names.all(|name| path.next() == Some(name))
}

/// As it was written in the attribute, less the brackets of a list.
impl fmt::Display for Target {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix(text) => write!(f, "prefix = \"{text}\""),
            Self::Key(text) => write!(f, "keys = \"{text}\""),
            Self::Tag(text) => write!(f, "tags = \"{text}\""),
            Self::Of(text) => write!(f, "of = {text}"),
            Self::Put(text) => write!(f, "key = \"{text}\""),
            Self::All => f.write_str("all"),
        }
    }
}

/// A list for people: each function, where it is, and what it has to do with the others.
impl fmt::Display for Graph {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.functions {
            writeln!(f, "{} ({}:{})", it.path, it.file, it.line)?;
            match it.key {
                Some(key) => write!(f, "    reads `{key}`")?,
                None => write!(f, "    reads `{}:…`", it.dotted())?,
            }
            for tag in it.tags {
                write!(f, ", tag `{tag}`")?;
            }
            match it.ttl {
                Some(ttl) => write!(f, ", ttl {ttl:?}")?,
                None if it.states_ttl => f.write_str(", computed ttl")?,
                None => {}
            }
            writeln!(f, ", {}", it.cache)?;
        }
        for it in &self.writes {
            writeln!(f, "{} ({}:{})", it.path, it.file, it.line)?;
            for &target in &it.targets {
                let reached: Vec<_> = self.reached(it, target).map(|it| it.path).collect();
                let reached = match reached[..] {
                    [] => "nothing".to_owned(),
                    _ => reached.join(", "),
                };
                writeln!(f, "    {target} → {reached}, {}", it.cache)?;
            }
        }
        Ok(())
    }
}
