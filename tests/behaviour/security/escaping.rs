//! No value of an argument is taken for a separator, a wildcard or a brace.

use larder::{Cache, cached, invalidate_cache, testkit::MemoryFar};

use super::{AWKWARD, FINE, over};
use crate::world::Source;

#[cached(key = "users:<user>:posts:<post>", cache = cache, skip(cache, source))]
async fn post(cache: &Cache, source: &Source, user: &str, post: &str) -> (String, String) {
    source.load().await;
    (user.to_owned(), post.to_owned())
}

#[cached(cache = cache, skip(cache))]
async fn unnamed(cache: &Cache, list: &[&str], last: Option<&str>) -> String {
    format!("{list:?} {last:?}")
}

#[invalidate_cache(prefix = "users:<user>", cache = cache)]
async fn forget(cache: &Cache, user: &str) {
    let _ = (cache, user);
}

async fn load_all(cache: &Cache, source: &Source) -> u64 {
    let before = source.loads();
    for user in AWKWARD {
        for id in AWKWARD {
            let loaded = post(cache, source, user, id).await;
            assert_eq!(loaded, (user.to_owned(), id.to_owned()));
        }
    }
    source.loads() - before
}

#[tokio::test]
async fn each_pair_of_arguments_has_an_entry_of_its_own() {
    let (far, source) = (MemoryFar::default(), Source::open());
    let cache = over(&far).build().expect(FINE);
    let pairs = u64::try_from(AWKWARD.len() * AWKWARD.len()).expect("few");
    assert_eq!(load_all(&cache, &source).await, pairs);
    assert_eq!(load_all(&cache, &source).await, 0, "all are hits");
    for (at, first) in AWKWARD.iter().enumerate() {
        for second in AWKWARD {
            for last in [None, Some(*first)] {
                let list = [*first, second];
                for list in [&list[..], &list[..1], &[]] {
                    let loaded = unnamed(&cache, list, last).await;
                    assert_eq!(loaded, format!("{list:?} {last:?}"), "{at}");
                }
            }
        }
    }
}

/// As many as it has, no more: `1` is not `12`, `1:2` or `1*`, and `*` is not everybody.
#[tokio::test]
async fn what_looks_like_a_wider_prefix_invalidates_its_own_entries_only() {
    let (far, source) = (MemoryFar::default(), Source::open());
    let cache = over(&far).build().expect(FINE);
    let own = u64::try_from(AWKWARD.len()).expect("few");
    load_all(&cache, &source).await;
    for user in AWKWARD {
        forget(&cache, user).await;
        assert_eq!(load_all(&cache, &source).await, own, "{user:?}");
    }
}

#[tokio::test]
async fn no_name_in_the_store_holds_what_a_store_or_a_tool_could_misread() {
    let (far, source) = (MemoryFar::default(), Source::open());
    let cache = over(&far).build().expect(FINE);
    load_all(&cache, &source).await;
    let names = far.list();
    assert!(names.len() > AWKWARD.len() * AWKWARD.len());
    for name in names {
        let fine = |c: char| c.is_alphanumeric() || ":%~_.-()".contains(c);
        assert!(name.chars().all(fine), "{name:?}");
        assert!(name.len() <= 200, "{name:?}");
    }
}
