//! Tenants, as a part of the key or as a namespace, never meet.

use larder::{Cache, cached, invalidate_cache, testkit::MemoryFar};

use super::{AWKWARD, FINE, over};
use crate::world::Source;

#[cached(key = "t:<tenant>:invoices:<id>", tags = ["of:<tenant>"], cache = cache, skip(cache, source))]
async fn invoice(cache: &Cache, source: &Source, tenant: &str, id: &str) -> (String, String) {
    source.load().await;
    (tenant.to_owned(), id.to_owned())
}

#[invalidate_cache(prefix = "t:<tenant>", cache = cache)]
async fn close(cache: &Cache, tenant: &str) {
    let _ = (cache, tenant);
}

#[invalidate_cache(tags = ["of:<tenant>"], cache = cache)]
async fn recount(cache: &Cache, tenant: &str) {
    let _ = (cache, tenant);
}

/// One who may choose its own name, its ids, or both.
#[tokio::test]
async fn no_name_and_no_id_of_a_tenant_reaches_anothers_entries() {
    let (far, source) = (MemoryFar::default(), Source::open());
    let cache = over(&far).build().expect(FINE);
    let names: Vec<&str> = AWKWARD
        .into_iter()
        .chain(["a", "a:invoices:1", "a:*", "A"])
        .collect();
    let all = async || {
        let before = source.loads();
        for tenant in &names {
            for id in ["1", "1:invoices:1", "*"] {
                let own = (String::from(*tenant), id.to_owned());
                assert_eq!(invoice(&cache, &source, tenant, id).await, own);
            }
        }
        source.loads() - before
    };
    assert_eq!(all().await, 3 * names.len() as u64);
    for tenant in &names {
        close(&cache, tenant).await;
        assert_eq!(all().await, 3, "{tenant:?} closed");
        recount(&cache, tenant).await;
        assert_eq!(all().await, 3, "{tenant:?} recounted");
    }
    assert_eq!(all().await, 0);
}

#[tokio::test]
async fn tenants_with_namespaces_of_their_own_share_nothing() {
    let far = MemoryFar::default();
    let tenants = ["shop:a", "shop:b", "shop:a:b", "shop"];
    let caches = tenants.map(|tenant| over(&far).namespace(tenant).build().expect(FINE));
    for (tenant, cache) in tenants.iter().zip(&caches) {
        for key in ["k", "a:k", "b:k"] {
            assert_eq!(cache.get::<String>(key).await.expect("it runs"), None);
            cache.set(key, &tenant.to_string()).await.expect("it runs");
        }
    }
    for (at, cache) in caches.iter().enumerate() {
        cache.clear().await.expect("it runs");
        for (other, tenant) in tenants.iter().enumerate() {
            for key in ["k", "a:k", "b:k"] {
                let read = caches[other].get::<String>(key).await.expect("it runs");
                let expected = (other > at).then(|| tenant.to_string());
                assert_eq!(read, expected, "{key} of {tenant}");
            }
        }
    }
}
