//! What is wrong in a graph: a write that reaches nothing, a value that nothing ever corrects.

use super::{Function, Graph, Target, Write, is_called};
use crate::spelling::nearest;

impl Graph {
    /// Fails a test if something is wrong: an invalidation or a stored key that no cached function
    /// has, or a cached function that nothing invalidates and whose attribute states no `ttl`.
    ///
    /// It is one line in a test: `larder::graph().check();`.
    ///
    /// An invalidation by hand, as with `Cache::remove`, is not in the graph: what it alone
    /// invalidates states its `ttl`, too.
    ///
    /// # Panics
    ///
    /// With all problems, each with its place and what to write; also if the graph is empty,
    /// because then the crate that was meant is not linked.
    #[track_caller]
    #[inline]
    pub fn check(&self) {
        assert!(
            !self.functions.is_empty() || !self.writes.is_empty(),
            "no annotated function is linked into this program: name the crate that has them, as \
             in `use my_crate as _;`",
        );
        let problems = self.problems();
        assert!(
            problems.is_empty(),
            "the cache's graph has {} problem{}:\n\n{}\n",
            problems.len(),
            if problems.len() == 1 { "" } else { "s" },
            problems.join("\n\n"),
        );
    }

    /// What [`check`](Self::check) reports: a sentence each, which begins with `file:line`.
    #[inline]
    pub fn problems(&self) -> Vec<String> {
        let lost = self.writes.iter().flat_map(|write| {
            // What `of` names is a function that the compiler has found.
            let targets = write.targets.iter().copied();
            let named = targets.filter(|target| !matches!(target, Target::Of(_)));
            let lost = named.filter(|target| self.reached(write, *target).next().is_none());
            lost.map(|target| self.lost(write, target))
        });
        let left = self.functions.iter().filter(|it| self.is_left_alone(it));
        lost.chain(left.map(left_alone)).collect()
    }

    #[inline]
    fn is_left_alone(&self, function: &Function) -> bool {
        let is_reached = |write: &Write| {
            let mut targets = write.targets.iter();
            targets.any(|target| function.is_reached(write, *target))
        };
        !function.states_ttl && !self.writes.iter().any(is_reached)
    }

    /// A write of `target` that reaches nothing.
    #[inline]
    fn lost(&self, write: &Write, target: Target) -> String {
        let Write {
            path, file, line, ..
        } = write;
        let does = match target {
            Target::Put(_) => "stores what no cached function reads",
            _ => "invalidates what no cached function keeps",
        };
        let hint = self.hint(write, target);
        format!("{file}:{line}: `{target}` of `{path}` {does}{hint}")
    }

    /// What was meant, as far as another cache, another option or another spelling tells.
    #[inline]
    fn hint(&self, write: &Write, target: Target) -> String {
        let in_any_cache = |target| self.functions.iter().find(move |it| it.is_named_by(target));
        if let Some(other) = in_any_cache(target) {
            let Function {
                path, file, line, ..
            } = other;
            return format!(
                ": `{path}` ({file}:{line}) keeps it in {}, and this looks in {}: give both the \
                 same `cache`",
                other.cache, write.cache,
            );
        }
        let (text, others): (_, [fn(_) -> _; 2]) = match target {
            Target::Prefix(text) => (text, [Target::Key, Target::Tag]),
            Target::Key(text) => (text, [Target::Prefix, Target::Tag]),
            Target::Tag(text) => (text, [Target::Prefix, Target::Key]),
            Target::Put(text) => (text, [Target::Put, Target::Put]),
            Target::Of(_) | Target::All => return String::new(),
        };
        let meant = others.map(|other| other(text)).into_iter();
        if let Some(meant) = meant.into_iter().find(|it| in_any_cache(*it).is_some()) {
            return format!(": did you mean `{meant}`?");
        }
        let here = self.functions.iter();
        let here: Vec<_> = here.filter(|it| it.cache.may_be(write.cache)).collect();
        let called = here
            .iter()
            .find(|it| it.key.is_none() && is_called(it.path, text));
        let meant = called.map(|it| it.dotted());
        let near = || nearest(text, here.iter().flat_map(|it| texts(it, target)));
        match meant.or_else(near) {
            Some(text) => format!(": did you mean `{text}`?"),
            None => String::new(),
        }
    }
}

/// The texts by which `function` can be named in an option like `target`.
#[inline]
fn texts(function: &Function, target: Target) -> Vec<String> {
    let key = function
        .key
        .map_or_else(|| function.dotted(), str::to_owned);
    match target {
        Target::Tag(_) => function.tags.iter().map(|&it| it.to_owned()).collect(),
        Target::Prefix(_) => {
            let ends = separators(&key).chain([key.len()]);
            ends.map(|end| key[..end].to_owned()).collect()
        }
        _ => vec![key],
    }
}

/// Where the segments of a template end, but for the last.
#[inline]
fn separators(template: &str) -> impl Iterator<Item = usize> {
    let mut inside = false;
    // Two angles are a literal one and begin nothing.
    let template = template.replace("<<", "  ");
    let chars: Vec<_> = template.char_indices().collect();
    chars.into_iter().filter_map(move |(at, c)| {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ => {}
        }
        (c == ':' && !inside).then_some(at)
    })
}

#[inline]
fn left_alone(function: &Function) -> String {
    let Function {
        path, file, line, ..
    } = function;
    let name = match function.key {
        Some(key) => format!("its key `{key}`"),
        None => format!("its prefix `{}`", function.dotted()),
    };
    format!(
        "{file}:{line}: nothing invalidates `{path}`, and it states no `ttl`: name {name} where \
         the values change, or say how long they may be old, such as `ttl = \"5m\"`"
    )
}
