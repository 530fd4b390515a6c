//! The grammar of the attributes' options: one file for each attribute; here, what they share, and
//! how the grammar goes on after a mistake.

mod cached;
mod calls;
mod choices;
mod invalidate;
mod key_part;
mod put;
mod unknown;
mod values;

pub(crate) use self::{
    cached::CachedArgs,
    calls::{CallArg, CallsArg},
    choices::{DurationArg, QuestionArg},
    invalidate::{InvalidateArgs, When},
    key_part::{FieldOptions, KeyOptions, TypeOptions},
    put::PutArgs,
    values::{CacheArg, Many, Names},
};

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use syn::{
    Error, LitBool, Result, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
    token::Paren,
};

use self::{
    unknown::unknown,
    values::{
        condition, name, number, path, percentage, quoted, template, without_parentheses, yes_or_no,
    },
};
use crate::errors::Errors;

mod kw {
    use syn::custom_keyword;

    custom_keyword!(all);
    custom_keyword!(batch);
    custom_keyword!(cache);
    custom_keyword!(codec);
    custom_keyword!(companion);
    custom_keyword!(err_ttl);
    custom_keyword!(jitter);
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
    custom_keyword!(strict);
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

/// The options of one attribute.
pub(crate) trait Options: Default {
    /// Parses one option.
    fn option(&mut self, input: ParseStream<'_>) -> Result<()>;

    /// Parses options up to the end of `tokens`. One that is wrong is reported and left out.
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut options = Self::default();
        options.add(tokens, errors);
        options
    }

    /// Adds the options in `tokens`.
    fn add(&mut self, tokens: TokenStream, errors: &mut Errors) {
        let list = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Some(mistake) = self.option(input).err() {
                    errors.unread(mistake);
                    find_next(input);
                } else if !input.is_empty() && input.parse::<Option<Token![,]>>()?.is_none() {
                    let next = Self::default().option(&input.fork());
                    let begins = next.is_ok() || begins_option(input, false);
                    errors.unread(no_comma(input, begins)?);
                    if !begins {
                        find_next(input);
                    }
                }
            }
            Ok(())
        };
        // What a mistake leaves behind in brackets would be a second error about it.
        drop(list.parse2(tokens));
    }
}

/// Goes on behind the next comma that an option follows.
fn find_next(input: ParseStream<'_>) {
    while !input.is_empty() {
        let separated = match input.parse::<Option<Token![;]>>() {
            Ok(Some(_)) => true,
            _ => input.parse::<Token![,]>().is_ok(),
        };
        if separated && begins_option(input, true) {
            return;
        }
        if !separated {
            drop(input.parse::<TokenTree>());
        }
    }
}

/// Whether a name follows that is given something or, where it `may_be_alone`, nothing.
fn begins_option(input: ParseStream<'_>, may_be_alone: bool) -> bool {
    let ahead = input.fork();
    let named = ahead.call(Ident::parse_any).is_ok();
    let alone = ahead.is_empty() || ahead.peek(Token![,]);
    let given = ahead.peek(Token![=]) || ahead.peek(Token![:]) || ahead.peek(Paren);
    named && (alone && may_be_alone || given && !ahead.peek(Token![::]))
}

/// Parses `option = value` into `slot`, which must be empty.
fn assign<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    equals(input, &option)?;
    fill(&option, slot, value(input)?)
}

/// Parses `=`, behind which there is something.
fn equals(input: ParseStream<'_>, option: &Ident) -> Result<()> {
    let wrong = input.peek(Token![==]) || input.peek(Token![=>]) || input.peek(Token![:]);
    if wrong {
        let sign = input.parse::<TokenTree>()?;
        let message = format!("a value is given with `=`: write `{option} = …`");
        return Err(Error::new(sign.span(), message));
    }
    if input.peek(Paren) {
        let group = input.parse::<Group>()?;
        let message = match group.stream() {
            value if value.is_empty() => format!("a value is given with `=`: write `{option} = …`"),
            value => format!("a value is given with `=`: write `{option} = {value}`"),
        };
        return Err(Error::new(group.span(), message));
    }
    let assigned = input.parse::<Token![=]>().is_ok();
    if !assigned || input.is_empty() || input.peek(Token![,]) {
        let message = format!("`{option}` needs a value: write `{option} = …`");
        return Err(Error::new(option.span(), message));
    }
    Ok(())
}

/// Parses `option(…)` into `slot`, which must be empty.
fn set<T>(
    input: ParseStream<'_>,
    slot: &mut Option<T>,
    value: fn(ParseStream<'_>) -> Result<T>,
) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    if !input.peek(Paren) {
        return Err(without_parentheses(input, &option));
    }
    fill(&option, slot, value(input)?)
}

/// Parses `option` into `slot`, which must be empty.
fn flag(input: ParseStream<'_>, slot: &mut Option<Ident>) -> Result<()> {
    let option = input.call(Ident::parse_any)?;
    fill(&option, slot, option.clone())?;
    if input.is_empty()
        || input.peek(Token![,])
        || !(input.peek(Token![=]) || input.peek(Token![:]) || input.peek(Paren))
    {
        return Ok(());
    }
    let message = match input.parse::<Token![=]>().and_then(|_| input.parse()) {
        Ok(LitBool { value: false, .. }) => {
            format!("`{option}` stands alone, or not at all: remove it")
        }
        _ => format!("`{option}` stands alone: write `{option}`, without a value"),
    };
    Err(Error::new(option.span(), message))
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

/// What stands where a comma should: a sign that is taken, or something else, which perhaps
/// `begins` an option.
fn no_comma(input: ParseStream<'_>, begins: bool) -> Result<Error> {
    let next = input.fork().parse::<TokenTree>()?;
    let message = if begins {
        format!("a comma is missing before `{next}`")
    } else {
        format!("expected a comma, not `{next}`: options are separated by commas")
    };
    Ok(Error::new(next.span(), message))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// The mistakes in `options` of `#[cached]`, and the version that was read.
    fn read(options: TokenStream) -> (Vec<String>, Option<String>) {
        let mut errors = Errors::default();
        let args = CachedArgs::read(options, &mut errors);
        let mistakes = errors.finish(()).err().into_iter().flatten();
        let version = args.version.map(|version| version.to_string());
        (mistakes.map(|it| it.to_string()).collect(), version)
    }

    #[test]
    fn every_mistake_costs_one_message_and_one_option() {
        for (wrong, message) in [
            (quote!(ttl_secs = 60), "`ttl_secs` is written `ttl`"),
            (
                quote!(verison),
                "`verison` is unknown: did you mean `version`?",
            ),
            (quote!(ttl), "`ttl` needs a value: write `ttl = …`"),
            (quote!(ttl =), "`ttl` needs a value: write `ttl = …`"),
            (
                quote!(ttl(60)),
                "a value is given with `=`: write `ttl = 60`",
            ),
            (
                quote!(ttl: 60),
                "a value is given with `=`: write `ttl = …`",
            ),
            (
                quote!(ttl == 60),
                "a value is given with `=`: write `ttl = …`",
            ),
            (
                quote!(ttl => 60),
                "a value is given with `=`: write `ttl = …`",
            ),
            (
                quote!(skip = a),
                "names of arguments stand in parentheses: write `skip(a)`",
            ),
            (
                quote!(skip = a, b, c),
                "names of arguments stand in parentheses: write `skip(a, b, c)`",
            ),
            (
                quote!(skip = ["a", "b"]),
                "names of arguments stand in parentheses: write `skip(a, b)`",
            ),
            (
                quote!(skip),
                "names of arguments stand in parentheses: write `skip(…)`",
            ),
            (
                quote!(if = "a > 1"),
                "an expression stands without quotes: write `if = a > 1`",
            ),
            (
                quote!(skip("a", "b")),
                "a name stands without quotes: write `a`",
            ),
            (
                quote!(skip(a.b, c)),
                "expected names of arguments and no parts of them: write `a`",
            ),
            (
                quote!(tags = "a", "b", "c"),
                "several stand in brackets: write `[\"a\", \"b\"]`",
            ),
            (
                quote!(tags = ["a", b]),
                "expected a string: write \"b\", or \"<b>\" for the argument `b`",
            ),
            (
                quote!(key = |a, b| a),
                "arguments stand in the string itself: write \"users:<id>\"",
            ),
            (
                quote!(key = format!("{}", id)),
                "arguments stand in the string itself: write \"users:<id>\"",
            ),
            (
                quote!(codec = "json"),
                "a name stands without quotes: write `json`",
            ),
            (
                quote!(local = true),
                "`local` stands alone: write `local`, without a value",
            ),
            (
                quote!(local = false),
                "`local` stands alone, or not at all: remove it",
            ),
            (
                quote!("users:<id>"),
                "every option has a name: write `key = \"users:<id>\"`",
            ),
            (quote!(60), "every option has a name: write `ttl = 60`"),
        ] {
            let text = wrong.to_string();
            let first = read(quote!(#wrong, version = 2));
            assert_eq!(
                first,
                (vec![message.to_owned()], Some("2".to_owned())),
                "{text}"
            );
            let last = read(quote!(version = 2, #wrong));
            assert_eq!(last, first, "{text}");
        }
    }

    #[test]
    fn a_missing_comma_costs_no_option() {
        let (mistakes, version) = read(quote!(ttl = 60 version = 2, verison = 3));
        assert_eq!(
            mistakes,
            [
                "a comma is missing before `version`",
                "`verison` is unknown: did you mean `version`?"
            ]
        );
        assert_eq!(version.as_deref(), Some("2"));
        let (mistakes, version) = read(quote!(local version = 2));
        assert_eq!(mistakes, ["a comma is missing before `version`"]);
        assert_eq!(version.as_deref(), Some("2"));
        let (mistakes, version) = read(quote!(version = 2 local));
        assert_eq!(mistakes, ["a comma is missing before `local`"]);
        assert_eq!(version.as_deref(), Some("2"));
        let semicolon = "expected a comma, not `;`: options are separated by commas";
        let (mistakes, version) = read(quote!(ttl = 60; version = 2));
        assert_eq!(mistakes, [semicolon]);
        assert_eq!(version.as_deref(), Some("2"));
    }
}
