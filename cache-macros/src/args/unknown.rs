//! What to write instead of a name that is none: the nearest one, or what the option of another
//! library is called here.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{
    Error, Lit,
    ext::IdentExt,
    parse::{Lookahead1, ParseStream},
};

use crate::nearest::did_you_mean;

/// Options, each with the names that other libraries give to it, in lower case without `_`.
const WRITTEN: &[(&str, &[&str])] = &[
    (
        "ttl",
        &[
            "cachefor",
            "duration",
            "expiration",
            "expire",
            "expirein",
            "expires",
            "expiresin",
            "expiry",
            "lifespan",
            "lifetime",
            "maxage",
            "time",
            "timetolive",
            "ttlmillis",
            "ttlms",
            "ttlsecs",
            "ttlseconds",
        ],
    ),
    ("none_ttl", &["cachenone", "cachenull"]),
    ("err_ttl", &["cacheerr", "cacheerrors"]),
    ("if", &["cond", "condition", "onlyif"]),
    (
        "key",
        &[
            "cachekey",
            "keyfn",
            "keygenerator",
            "keytemplate",
            "template",
        ],
    ),
    ("keys", &["key", "cachekey"]),
    (
        "prefix",
        &["glob", "keyprefix", "pattern", "patterns", "startswith"],
    ),
    ("tags", &["group", "groups", "surrogatekey"]),
    (
        "skip",
        &["exclude", "ignore", "ignoreargs", "skipargs", "without"],
    ),
    ("sensitive", &["hidden", "mask", "redact", "secret"]),
    (
        "codec",
        &["encoding", "format", "serde", "serialize", "serializer"],
    ),
    ("local", &["inmemory", "inprocess", "memory", "near"]),
    ("shared", &["public"]),
    ("when = before", &["before", "beforeinvocation"]),
    ("when = always", &["always"]),
    ("all", &["allentries", "clear", "everything", "flush"]),
    (
        "cache",
        &[
            "backend",
            "cachemanager",
            "cachename",
            "cachenames",
            "cacheresolver",
            "store",
            "value",
        ],
    ),
];

/// Names of other libraries for what is no option of a function here, with what there is instead.
const OTHERWISE: &[(&[&str], &str)] = &[
    (
        &[
            "capacity",
            "limit",
            "maxcapacity",
            "maxentries",
            "maxsize",
            "maxweight",
            "shards",
            "size",
            "unbound",
        ],
        "is a bound of the cache and not of a function: give it to the store that the cache is \
         built with, such as `Moka::new(10_000)?`",
    ),
    (
        &["convert", "keyby", "typed"],
        "is not needed: `key` is a template of the arguments, such as `key = \"users:<id>\"`",
    ),
    (
        &[
            "cacheprefix",
            "cacheprefixblock",
            "keyprefix",
            "namespace",
            "prefix",
        ],
        "is not given apart: a key begins with its prefix, as in `key = \"users:<id>\"`",
    ),
    (
        &["name"],
        "is not needed: `key` names the entries of a function, and `cache = \"…\"` the cache",
    ),
    (
        &["option", "result"],
        "is not needed: only `Some` and `Ok` are kept, unless `none_ttl` or `err_ttl` is given",
    ),
    (
        &[
            "coalesce",
            "singleflight",
            "sync",
            "synclock",
            "syncwrites",
            "syncwritesbuckets",
            "unsyncreads",
        ],
        "is not needed: calls with one key always wait for one load",
    ),
    (
        &[
            "idle",
            "refresh",
            "sliding",
            "timerefresh",
            "timetoidle",
            "tti",
        ],
        "has no counterpart: a hit does not prolong the life of a value, which ends `ttl` after \
         its load",
    ),
    (
        &["create", "disk", "memcached", "moka", "redis", "ty", "type"],
        "is a matter of the cache and not of a function: build the cache with its store, and name \
         it by `cache = …`",
    ),
    (
        &["maperror", "maperr"],
        "is not needed: a cache that fails never fails the call",
    ),
    (
        &["inimpl"],
        "is not needed: a method is annotated like any function",
    ),
    (
        &["evict", "invalidate", "invalidates"],
        "is an attribute of its own: write `#[invalidate_cache(…)]` on the function that changes \
         the data",
    ),
    (
        &["forcerefresh"],
        "is a call of its own: `get_user::refresh(id)` loads anew what `get_user(id)` returns",
    ),
    (
        &["withcachedflag"],
        "is asked for apart: `get_user::peek(id)` returns what is cached, and never loads",
    ),
    (
        &["all", "of", "when"],
        "is an option of `#[invalidate_cache]`, on the function that changes the data",
    ),
    (
        &[
            "batch",
            "codec",
            "companion",
            "errttl",
            "jitter",
            "local",
            "nonettl",
            "response",
            "sensitive",
            "shared",
            "skip",
            "ttl",
            "ttlfrom",
            "unless",
            "version",
        ],
        "is an option of `#[cached]`, on the function that reads the data",
    ),
    (
        &["vary"],
        "is what the key says: `key = \"pages:<headers[accept-language]>\"`",
    ),
];

/// What to write instead of the token that comes next, which is none that `lookahead` has asked
/// for.
pub(super) fn unknown(input: ParseStream<'_>, lookahead: Lookahead1<'_>) -> Error {
    let list = lookahead.error();
    let text = list.to_string();
    let known: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let Ok(wrong) = input.fork().call(Ident::parse_any) else {
        return nameless(input, &known).unwrap_or(list);
    };
    let name = wrong.unraw().to_string();
    let message = match did_you_mean(&name, known.iter().copied()) {
        hint if hint.is_empty() => {
            answer(&name, &known).unwrap_or_else(|| format!("`{name}` is unknown, {text}"))
        }
        hint => format!("`{name}` is unknown{hint}"),
    };
    Error::new(wrong.span(), message)
}

/// A value whose option is not named.
fn nameless(input: ParseStream<'_>, known: &[&str]) -> Option<Error> {
    let literal: Lit = input.fork().parse().ok()?;
    let likely = match literal {
        Lit::Str(_) => ["key", "prefix"].as_slice(),
        Lit::Int(_) => &["ttl"],
        _ => &[],
    };
    let name = likely.iter().find(|name| known.contains(name))?;
    let message = format!(
        "every option has a name: write `{name} = {}`",
        literal.to_token_stream()
    );
    Some(Error::new(literal.span(), message))
}

/// What to write instead of `wrong`, where the options are `known`.
fn answer(wrong: &str, known: &[&str]) -> Option<String> {
    let plain = wrong.replace('_', "").to_lowercase();
    let written = WRITTEN
        .iter()
        .find(|(text, names)| is_known(text, known) && names.contains(&&*plain))
        .map(|(option, _)| format!("`{wrong}` is written `{option}`"));
    let otherwise = OTHERWISE.iter().find(|(names, _)| names.contains(&&*plain));
    written.or_else(|| otherwise.map(|(_, instead)| format!("`{wrong}` {instead}")))
}

/// Whether an option is one of the `known`, whatever value it is given.
fn is_known(text: &str, known: &[&str]) -> bool {
    text.split(' ')
        .next()
        .is_some_and(|option| known.contains(&option))
}

#[cfg(test)]
mod tests {
    use super::{OTHERWISE, WRITTEN, answer};

    #[test]
    fn names_are_in_the_form_in_which_they_are_compared() {
        let written = WRITTEN.iter().flat_map(|(_, names)| *names);
        let otherwise = OTHERWISE.iter().flat_map(|(names, _)| *names);
        for name in written.chain(otherwise) {
            assert!(name.bytes().all(|c| c.is_ascii_lowercase()), "{name}");
        }
    }

    #[test]
    fn an_answer_names_what_the_attribute_has() {
        let answer_in = |wrong, known: &[&str]| answer(wrong, known).unwrap_or_default();
        assert_eq!(
            answer_in("ttl_secs", &["ttl"]),
            "`ttl_secs` is written `ttl`"
        );
        assert_eq!(
            answer_in("allEntries", &["all"]),
            "`allEntries` is written `all`"
        );
        assert_eq!(answer_in("ttl_secs", &["prefix"]), "");
        assert!(answer_in("none_ttl", &["prefix"]).contains("of `#[cached]`"));
        assert!(answer_in("prefix", &["key"]).contains("begins with its prefix"));
        assert_eq!(
            answer_in("key_prefix", &["prefix"]),
            "`key_prefix` is written `prefix`"
        );
        let before = answer_in("beforeInvocation", &["when"]);
        assert_eq!(before, "`beforeInvocation` is written `when = before`");
        assert_eq!(answer_in("before", &["ttl"]), "");
        assert_eq!(answer_in("whatever", &["ttl"]), "");
    }
}
