//! A user of the server that lacks a right: what needs it fails, and nothing old is returned.

use test_support::Reply;

use super::*;

/// All that a cache may be given, and then without some of it.
fn narrow(server: &RedisServer, without: &[&str]) -> String {
    let mut user = vec!["ACL", "SETUSER", "narrow", "reset", "on", ">secret"];
    user.extend(["~larder:*", "&larder:*", "+@all"]);
    user.extend(without);
    server.raw(&user);
    format!("redis://narrow:secret@{}", server.addr())
}

fn caches(url: &str) -> [Arc<Larder>; 2] {
    [Larder::far_only(url), Larder::both(url)]
}

/// Invalidates by key, which may fail, and all at once, which needs fewer rights.
struct Clearing(Arc<Larder>);

impl Subject for Clearing {
    async fn read(&self, at: usize, load: impl Future<Output = u64> + Send + 'static) -> u64 {
        self.0.read(at, load).await
    }

    async fn invalidate_key(&self, at: usize) -> Result<(), Failure> {
        self.0.invalidate_key(at).await
    }

    async fn invalidate_prefix(&self) -> Result<(), Failure> {
        Ok(self.0.cache().clear().await?)
    }
}

/// Neither keys nor prefixes, which may be keys, can be removed, so these invalidations fail;
/// those of everything succeed, and nothing is stale.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_without_the_right_to_unlink() {
    let server = RedisServer::start(&[]);
    for larder in caches(&narrow(&server, &["-unlink"])) {
        let clearing = Arc::new(Clearing(larder.clone()));
        let run = run("without UNLINK", clearing, nothing()).await;
        fresh(&run);
        let failure = run.failure.as_deref().unwrap_or_default();
        assert!(
            failure.contains("NOPERM") && failure.contains("unlink"),
            "{failure}"
        );
        let error = larder.cache().remove("rows:0").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
    }
}

/// Nothing can be stored in the far tier, and all else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_without_the_right_to_run_scripts() {
    let server = RedisServer::start(&[]);
    for larder in caches(&narrow(&server, &["-eval", "-evalsha"])) {
        let run = run("without EVAL", larder.clone(), nothing()).await;
        fresh(&run);
        assert_eq!(run.failed, 0, "{:?}", run.failure);
        assert!(
            larder.sum(|stats| stats.far_errors) > 0,
            "nothing was refused"
        );
        assert_eq!(larder.sum(|stats| stats.far_hits), 0);
    }
}

/// A flush is not heard of, and everything else is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stale_read_without_the_right_to_track() {
    let server = RedisServer::start(&[]);
    for larder in caches(&narrow(&server, &["-client|tracking"])) {
        let run = run("without TRACKING", larder.clone(), nothing()).await;
        let report = fresh(&run);
        assert_eq!(run.failed, 0, "{:?}", run.failure);
        assert!(report.hit_ratio() > 0.5, "{report}");
    }
}

/// Caches of several namespaces share a server and see nothing of each other.
#[tokio::test]
async fn all_that_a_cache_leaves_in_the_server_begins_with_its_namespace() -> Result<(), Error> {
    let server = RedisServer::start(&[]);
    let build = |name: &str| {
        patient(&server.url())
            .namespace(name)
            .near(Moka::default())
            .build()
    };
    let (shop, desk) = (build("shop:prod")?, build("desk")?);
    for (cache, version) in [(&shop, 1_u64), (&desk, 2)] {
        let options = SetOptions::new().tag("team:1");
        cache.set_with("users:1", &version, options).await?;
        until("the feed is up", || cache.stats().feed_alive).await;
    }
    shop.remove_prefix("users").await?;
    assert_eq!(shop.get::<u64>("users:1").await?, None);
    assert_eq!(desk.get::<u64>("users:1").await?, Some(2));

    let mut names = Vec::new();
    for command in [&["KEYS", "*"][..], &["PUBSUB", "CHANNELS"]] {
        let Reply::Array(list) = server.raw(command) else {
            panic!("{command:?} gives a list");
        };
        let text = |name: &Reply| name.text().expect("is text").to_owned();
        names.extend(list.iter().map(text));
    }
    let begins = |name: &String| name.starts_with("shop:prod:") || name.starts_with("desk:");
    assert!(names.len() > 6 && names.iter().all(begins), "{names:?}");
    assert!(names.contains(&"shop:prod:feed".to_owned()), "{names:?}");
    Ok(())
}
