//! What is said of what cannot work: the variable, what is wrong, and what to write.

use larder::{Settings, register};

use super::{refusal, words};

const DURATION: &str =
    "write whole seconds or a duration with units: `600`, `250ms`, `30s`, `10m`, `1h 30m` or `7d`";

#[test]
fn a_ttl_that_is_none_is_named_with_what_to_write() {
    let said = words(&[("CACHE_TTL", "10 minutes")]);
    assert_eq!(said, format!("`CACHE_TTL` is `10 minutes`: {DURATION}"));
    let said = words(&[("CACHE_TTL", "0")]);
    assert_eq!(
        said,
        "`CACHE_TTL` is `0`: nothing is kept for no time at all: write at least `1ms`"
    );
    let said = words(&[("CACHE_TTL", "36501d")]);
    assert_eq!(said, "`CACHE_TTL` is `36501d`: write at most `36500d`");
}

#[test]
fn a_bound_that_is_none_is_named() {
    for value in ["many", "-1", "1.5", "18446744073709551616"] {
        let said = words(&[("CACHE_MAX_ENTRIES", value)]);
        let wanted = "write a whole number from 0 to 18446744073709551615";
        assert_eq!(said, format!("`CACHE_MAX_ENTRIES` is `{value}`: {wanted}"));
    }
}

#[test]
fn a_namespace_that_cannot_be_is_named() {
    for value in ["a b", "shop:e"] {
        let said = words(&[("CACHE_NAMESPACE", value)]);
        let start = format!("`CACHE_NAMESPACE` is `{value}`: write 1 to 40 letters");
        assert!(said.starts_with(&start), "{said}");
    }
    let said = words(&[("CACHE_NAMESPACE", "redis://:hunter2@host")]);
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn an_unknown_type_is_answered_with_those_there_are_and_the_nearest() {
    register("errors-test", Settings::builder).unwrap();
    let said = words(&[("CACHE_TYPE", "redsi")]);
    assert!(
        said.starts_with(
            "`CACHE_TYPE` is `redsi`: there is no such store, did you mean `redis`? there are `"
        ),
        "{said}"
    );
    for name in [
        "memcache",
        "memory",
        "redis",
        "redis-cluster",
        "redis-sentinel",
        "errors-test",
    ] {
        assert!(said.contains(&format!("`{name}`")), "{said}");
    }
    assert!(said.ends_with("by `larder::register`"), "{said}");
    let said = words(&[("CACHE_TYPE", "xyz")]);
    assert!(
        said.contains("there is no such store: write one of `"),
        "{said}"
    );
}

#[test]
fn two_stores_at_once_ask_for_a_choice() {
    let said = words(&[("REDIS_HOST", "a"), ("MEMCACHE_SERVERS", "b")]);
    assert_eq!(
        said,
        "`MEMCACHE_SERVERS` and `REDIS_HOST` are both set: choose by `CACHE_TYPE=memcache` or \
         `CACHE_TYPE=redis`"
    );
    // Which is what an empty one does not ask for.
    super::cache(&[("REDIS_HOST", ""), ("CACHE_MAX_ENTRIES", "1")]);
}

#[test]
fn a_taken_or_an_odd_name_cannot_be_registered() {
    register("errors-taken", Settings::builder).unwrap();
    for name in ["errors-taken", "redis", "memcached", "memory"] {
        let error = register(name, Settings::builder).unwrap_err();
        let said = error.to_string();
        let wanted = format!("a store is registered as `{name}` already: choose another name");
        assert!(said.ends_with(&wanted), "{said}");
    }
    for name in ["", "My Store", "größe"] {
        let said = register(name, Settings::builder).unwrap_err().to_string();
        assert!(said.contains("choose small letters"), "{said}");
    }
}

#[test]
fn what_a_factory_refuses_comes_back() {
    register("errors-refusing", |settings| {
        Err(settings.refuse("ERRORS_SHELF", "write a shelf"))
    })
    .unwrap();
    let said = words(&[("CACHE_TYPE", "errors-refusing"), ("ERRORS_SHELF", "oak")]);
    assert_eq!(said, "`ERRORS_SHELF` is `oak`: write a shelf");
}

#[test]
fn a_value_that_may_be_a_secret_is_not_shown() {
    register("errors-secret", |settings| {
        let name = settings.required("ERRORS_NAME", "write a name")?;
        Err(settings.refuse(name, "write another"))
    })
    .unwrap();
    let named = [
        "A_PASSWORD",
        "MY_SECRET",
        "my_token",
        "DATABASE_URL",
        "API_KEY",
    ];
    for (name, value) in named
        .map(|name| (name, "hunter2"))
        .into_iter()
        .chain([("PLAIN", "redis://hunter2"), ("PLAIN", "me:hunter2@host")])
    {
        let error = refusal(&[
            ("CACHE_TYPE", "errors-secret"),
            ("ERRORS_NAME", name),
            (name, value),
        ]);
        let said = format!("{error} {error:?}");
        assert!(said.contains("not shown: write another"), "{said}");
        assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
    }
}
