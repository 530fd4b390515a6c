//! What the options of other libraries are called here, and what there is instead of them.

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
    ("if", &["cond", "condition", "onlyif", "when"]),
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
    (
        "sensitive",
        &["hidden", "mask", "private", "redact", "secret"],
    ),
    (
        "codec",
        &["encoding", "format", "serde", "serialize", "serializer"],
    ),
    ("local", &["inmemory", "inprocess", "memory", "near"]),
    ("shared", &["public"]),
    ("all", &["allentries", "clear", "everything", "flush"]),
    ("when", &["after", "if", "on"]),
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
        &["before", "beforeinvocation"],
        "is written `when = before`",
    ),
    (&["always"], "is written `when = always`"),
    (
        &[
            "capacity",
            "limit",
            "maxcapacity",
            "maxentries",
            "maxsize",
            "size",
            "unbound",
        ],
        "is a bound of the cache and not of a function: give it to the store that the cache is \
         built with, such as `Moka::new(10_000)`",
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
        &["vary"],
        "is what the key says: `key = \"pages:<headers[accept-language]>\"`",
    ),
];

/// What to write instead of `wrong`, where the options are `known`.
pub(super) fn answer(wrong: &str, known: &[&str]) -> Option<String> {
    let plain = wrong.replace('_', "").to_lowercase();
    let written = WRITTEN
        .iter()
        .find(|(option, names)| known.contains(option) && names.contains(&&*plain))
        .map(|(option, _)| format!("`{wrong}` is written `{option}`"));
    let otherwise = OTHERWISE.iter().find(|(names, _)| names.contains(&&*plain));
    written.or_else(|| otherwise.map(|(_, instead)| format!("`{wrong}` {instead}")))
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
        assert!(answer_in("prefix", &["key"]).contains("begins with its prefix"));
        assert_eq!(
            answer_in("key_prefix", &["prefix"]),
            "`key_prefix` is written `prefix`"
        );
        assert_eq!(answer_in("whatever", &["ttl"]), "");
    }
}
