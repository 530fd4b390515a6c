//! A function that writes, with all that larder's attributes say of it.
//!
//! The attribute that stands first takes those below it along, so that one expansion sees to all
//! of them: what the function itself invalidates must not make it doubt what it stores.

use proc_macro2::TokenStream;
use syn::{Attribute, Meta, Path, Result, Type};

use super::{Invalidate, Put, parse_both};
use crate::{args::Options, errors::Errors, function::Function};

/// A function that writes, free of mistakes.
pub(crate) struct Write {
    pub(crate) krate: Option<Path>,
    pub(crate) function: Function,
    pub(crate) output: Type,
    pub(crate) invalidates: Vec<Invalidate>,
    pub(crate) puts: Vec<Put>,
    /// The paths of the attributes that were taken along.
    pub(crate) taken: Vec<Path>,
}

/// What one attribute says of a function that writes.
pub(crate) trait Part: Sized {
    /// Its options.
    type Args: Options;

    /// Checks the options against the function; `errors` holds the mistakes found so far.
    fn check(args: Self::Args, function: &Function, errors: Errors) -> Result<Self>;
}

impl Write {
    /// Checks `#[invalidate_cache(args)] item`. The error holds every mistake there is.
    pub(crate) fn invalidate(args: TokenStream, item: &TokenStream) -> Result<Self> {
        let (invalidate, function) = part::<Invalidate>(args, item)?;
        let mut write = Self::of(invalidate.krate.clone(), function);
        write.invalidates.push(invalidate);
        Ok(write.with_those_below())
    }

    /// Checks `#[cache_put(args)] item`. The error holds every mistake there is.
    pub(crate) fn put(args: TokenStream, item: &TokenStream) -> Result<Self> {
        let (put, function) = part::<Put>(args, item)?;
        let mut write = Self::of(put.krate.clone(), function);
        write.puts.push(put);
        Ok(write.with_those_below())
    }

    fn of(krate: Option<Path>, function: Function) -> Self {
        Self {
            krate,
            output: function.output(),
            function,
            invalidates: Vec::new(),
            puts: Vec::new(),
            taken: Vec::new(),
        }
    }

    /// Takes the attributes below along, if they are free of mistakes: one that is not stays
    /// where it is and reports them when its turn comes.
    fn with_those_below(mut self) -> Self {
        let outer = std::mem::take(&mut self.function.outer);
        for attribute in outer {
            if self.take(&attribute) {
                self.taken.push(attribute.path().clone());
            } else {
                self.function.outer.push(attribute);
            }
        }
        self
    }

    fn take(&mut self, attribute: &Attribute) -> bool {
        let Some((name, args)) = ours(attribute) else {
            return false;
        };
        if name == "cache_put" {
            below(args, &self.function, &mut self.puts)
        } else {
            below(args, &self.function, &mut self.invalidates)
        }
    }
}

fn part<P: Part>(args: TokenStream, item: &TokenStream) -> Result<(P, Function)> {
    let (args, function, errors) = parse_both::<P::Args>(args, item)?;
    let part = P::check(args, &function, errors)?;
    Ok((part, function))
}

/// The name and the options of one of larder's attributes on functions that write. One that was
/// imported under another name is not recognised; it works on its own, inside of those above it.
fn ours(attribute: &Attribute) -> Option<(&'static str, TokenStream)> {
    let path = &attribute.path().segments.last()?.ident;
    let name = ["cache_put", "invalidate_cache"]
        .into_iter()
        .find(|name| path == name)?;
    match &attribute.meta {
        Meta::Path(_) => Some((name, TokenStream::new())),
        Meta::List(list) => Some((name, list.tokens.clone())),
        Meta::NameValue(_) => None,
    }
}

fn below<P: Part>(args: TokenStream, function: &Function, parts: &mut Vec<P>) -> bool {
    let mut errors = Errors::default();
    let args = P::Args::read(args, &mut errors);
    let part = P::check(args, function, errors);
    let free = part.is_ok();
    parts.extend(part);
    free
}
