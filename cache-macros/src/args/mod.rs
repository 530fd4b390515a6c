//! The grammar of the attributes' options: one file for each attribute; here, what they share.

mod cached;
mod calls;
mod choices;
mod invalidate;
mod key_part;
mod put;
mod values;

pub(crate) use self::{
    cached::CachedArgs,
    calls::{CallArg, CallsArg},
    choices::{DurationArg, QuestionArg},
    invalidate::{InvalidateArgs, When},
    key_part::{FieldOptions, KeyOptions, TypeOptions},
    put::PutArgs,
    values::{CacheArg, Many, Names, yes_or_no},
};

use proc_macro2::Ident;
use syn::{
    Error, Result, Token,
    ext::IdentExt,
    parse::{Lookahead1, ParseStream},
};

use crate::nearest::did_you_mean;

mod kw {
    use syn::custom_keyword;

    custom_keyword!(all);
    custom_keyword!(cache);
    custom_keyword!(codec);
    custom_keyword!(companion);
    custom_keyword!(err_ttl);
    custom_keyword!(key);
    custom_keyword!(keys);
    custom_keyword!(local);
    custom_keyword!(none_ttl);
    custom_keyword!(of);
    custom_keyword!(prefix);
    custom_keyword!(response);
    custom_keyword!(sensitive);
    custom_keyword!(shared);
    custom_keyword!(skip);
    custom_keyword!(tags);
    custom_keyword!(ttl);
    custom_keyword!(ttl_from);
    custom_keyword!(unless);
    custom_keyword!(version);
    custom_keyword!(when);

    custom_keyword!(ok);
    custom_keyword!(always);
    custom_keyword!(before);
}

/// Parses `option = value` into `slot`, which must be empty.
fn assign<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    input.parse::<Token![=]>().map_err(|_| {
        let message = format!("`{option}` needs a value: write `{option} = …`");
        Error::new(option.span(), message)
    })?;
    fill(&option, slot, value(input)?)
}

/// Parses `option(…)` into `slot`, which must be empty.
fn set<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    fill(&option, slot, value(input)?)
}

/// Parses `option` into `slot`, which must be empty.
fn flag(input: ParseStream<'_>, slot: &mut Option<Ident>) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    fill(&option, slot, option.clone())
}

fn fill<T>(option: &Ident, slot: &mut Option<T>, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::new(
            option.span(),
            format!("`{option}` is given twice"),
        ));
    }
    Ok(())
}

fn comma(input: ParseStream<'_>) -> Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

/// The list that `lookahead` has collected, and the name in it that was meant.
fn unknown(input: ParseStream<'_>, lookahead: Lookahead1<'_>) -> Error {
    let mut error = lookahead.error();
    if let Ok(wrong) = input.fork().call(Ident::parse_any) {
        let list = error.to_string();
        let known: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        // Where there is only one, the list is the hint.
        let hint = match known[..] {
            [_] => String::new(),
            _ => did_you_mean(&wrong.to_string(), known),
        };
        error = Error::new(wrong.span(), format!("{list}{hint}"));
    }
    error
}
