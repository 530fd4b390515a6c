//! Where an entry lies is decided by templates, never by values.

use std::collections::HashSet;

use larder::{Cache, ErrorKind, cached, testkit::MemoryFar};
use test_support::{Client, RedisServer, Reply};

use super::{FINE, over};

#[cached(key = "carts:<user>", cache = cache, skip(cache))]
async fn cart(cache: &Cache, user: &str) -> u8 {
    1
}

/// A real cluster node is asked: values with the same text in braces do not share a slot, as they
/// would if the braces reached the server.
#[tokio::test]
async fn no_value_chooses_the_slot_of_a_cluster() {
    let far = MemoryFar::default();
    let cache = over(&far).build().expect(FINE);
    for user in 0..50 {
        cart(&cache, &format!("{{victim}}{user}")).await;
    }
    let names = far.list();
    let names: Vec<&String> = names.iter().filter(|name| name.contains(":e:")).collect();
    assert_eq!(names.len(), 50);
    let server = RedisServer::start(&["--cluster-enabled", "yes"]);
    let mut node = Client::connect(server.addr()).expect("it runs");
    let mut slot_of = |name: &str| {
        let slot = node.command(&["CLUSTER", "KEYSLOT", name]);
        slot.as_ref().ok().and_then(Reply::int).expect("a slot")
    };
    let raw: HashSet<i64> = (0..50)
        .map(|user| slot_of(&format!("carts:{{victim}}{user}")))
        .collect();
    assert_eq!(raw.len(), 1, "as braces do");
    let slots: HashSet<i64> = names.into_iter().map(|name| slot_of(name)).collect();
    assert!(slots.len() > 40, "{} slots", slots.len());
}

/// `x` in `shop:e` would have the name of `e:x` in `shop`.
#[tokio::test]
async fn no_namespace_is_the_beginning_of_anothers_names() {
    for namespace in ["shop:e", "shop:g", "shop:e:1", "a:g:p:b"] {
        let built = Cache::builder().namespace(namespace).build();
        let error = built.expect_err(namespace);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(namespace), "{error}");
    }
    let far = MemoryFar::default();
    for namespace in ["shop", "shop:eu", "shop:eu:e1", "eg", "g.e"] {
        let cache = over(&far).namespace(namespace).build().expect(namespace);
        assert_eq!(cache.get::<String>("eu:e:x").await.expect("it runs"), None);
        let value = namespace.to_owned();
        for key in ["x", "e:x", "eu:e:x", "eu:e1:e:x"] {
            cache.set(key, &value).await.expect("it runs");
        }
    }
    for namespace in ["shop", "shop:eu", "shop:eu:e1"] {
        let cache = over(&far).namespace(namespace).build().expect(namespace);
        for key in ["x", "e:x", "eu:e:x", "eu:e1:e:x"] {
            let read = cache.get::<String>(key).await.expect("it runs");
            assert_eq!(read.as_deref(), Some(namespace), "{key}");
        }
    }
}
