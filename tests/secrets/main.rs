//! No secret stands in a log, an error, a count, or a `Debug`, whatever fails. A binary of its
//! own, because it listens to everything that the process says.

mod ear;
mod impostor;
mod service;

use std::{sync::atomic::Ordering, time::Duration};

use larder::{Cache, CacheBuilder, Compression, Memcached, Moka, Redis, Seal, Settings};
use test_support::{Fault, FaultProxy, MemcachedServer, RedisServer};
use tokio::task::block_in_place;
use tracing::Level;

use self::{
    impostor::{Impostor, Repeats},
    service::{FAILURE, ID, TOKEN, Texts, UNREADABLE, UNWRITABLE, VALUE, use_all},
};

const FINE: &str = "the settings are in order";
const PASSWORD: &str = "PASSWORD-c20ad4d7";
const WRONG_PASSWORD: &str = "PASSWORD-6fe4ecdb";
const SEAL_KEY: [u8; 32] = *b"SEAL-KEY-c51ce410c124a10e0db5e4b";
const OLD_SEAL_KEY: [u8; 32] = *b"SEAL-KEY-aab3238922bcc25a6f606eb";

/// A cache over the server at `addr`, with all that can hold a secret.
fn cache(addr: impl std::fmt::Display, password: &str, texts: &mut Texts) -> CacheBuilder {
    let url = format!("redis://default:{password}@{addr}/0");
    let redis = Redis::builder(url).deadline(Duration::from_millis(500));
    texts.shown(&redis);
    let redis = redis.build().expect(FINE);
    texts.shown(&redis);
    let seal = Seal::new(2, SEAL_KEY).also(1, OLD_SEAL_KEY);
    texts.shown(&seal);
    let builder = Cache::builder()
        .far(redis)
        .near(Moka::default())
        .outage_budget(Duration::from_millis(500))
        .compress(Compression::Lz4)
        .seal(seal);
    texts.shown(&builder);
    builder
}

async fn use_at(addr: impl std::fmt::Display, password: &str, texts: &mut Texts) {
    let sealed = cache(&addr, password, texts).build().expect(FINE);
    use_all(&sealed, texts).await;
    let url = format!("redis://default:{password}@{addr}");
    let redis = Redis::connect(url).expect(FINE);
    let open = Cache::builder().far(redis).namespace("open");
    use_all(&open.build().expect(FINE), texts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_said_or_shown_whatever_fails() {
    ear::listen();
    let mut texts = Texts::default();
    let server = RedisServer::start(&["--requirepass", PASSWORD]);
    server.raw(&["AUTH", PASSWORD]);
    urls(&mut texts);
    settings(&mut texts);
    memcached(&mut texts).await;
    use_at(server.addr(), PASSWORD, &mut texts).await;
    nothing_sensitive_is_stored(&server);
    use_at(server.addr(), WRONG_PASSWORD, &mut texts).await;
    what_cannot_be_converted(&server, &mut texts).await;
    what_was_tampered_with(&server, &mut texts).await;
    refusals(&server, &mut texts).await;
    for repeats in [
        Repeats::All,
        Repeats::AsArguments,
        Repeats::InAnError,
        Repeats::AsALine,
    ] {
        let impostor = Impostor::start(repeats);
        use_at(impostor.addr(), PASSWORD, &mut texts).await;
    }
    broken_lines(&server, &mut texts).await;
    search(&texts);
}

/// Urls that cannot be understood.
fn urls(texts: &mut Texts) {
    for url in [
        PASSWORD.to_owned(),
        format!("redis://user:{PASSWORD}@localhost:port"),
        format!("redis://:{PASSWORD}/x@localhost"),
        format!("redis://localhost/{PASSWORD}"),
        format!("redis://localhost/?password={PASSWORD}"),
        format!("{PASSWORD}://localhost"),
    ] {
        texts.shown(&Redis::builder(url.as_str()));
        let built = Redis::connect(url.as_str());
        texts.shown(&built);
        texts.failed(built);
    }
}

/// Settings of every kind that cannot work, and builders of everything that has a secret.
fn settings(texts: &mut Texts) {
    let with_password = format!("user:{PASSWORD}@localhost");
    for (name, value) in [
        ("CACHE_TTL", "soon"),
        ("CACHE_TYPE", "paper"),
        ("REDIS_PORT", "port"),
        ("REDIS_URL", PASSWORD),
        ("REDIS_URL", &with_password),
        ("REDIS_URL", &format!("redis://{with_password}:port")),
        ("REDIS_HOST", &with_password),
        ("MEMCACHE_SERVERS", &with_password),
        ("MEMCACHE_SERVERS", &format!("memcache://{with_password}")),
        ("MEMCACHE_TLS", "perhaps"),
    ] {
        let settings = Settings::new([
            ("REDIS_HOST", "localhost"),
            ("REDIS_USER", "user"),
            ("REDIS_PASSWORD", PASSWORD),
            ("REDIS_SENTINEL_PASSWORD", PASSWORD),
            ("MEMCACHE_PASSWORD", PASSWORD),
        ]);
        let settings = settings.with(name, value);
        texts.shown(&settings);
        let built = Cache::from_settings(&settings);
        texts.shown(&built);
        texts.failed(built);
    }
    let url = |scheme: &str| format!("{scheme}://user:{PASSWORD}@127.0.0.1:1,127.0.0.1:2/main");
    for builder in [
        Redis::builder(url("redis+sentinel")).sentinel_credentials("user", PASSWORD),
        Redis::builder(url("redis+cluster")),
        Redis::sentinel(["127.0.0.1:1"], "main").sentinel_credentials("user", PASSWORD),
    ] {
        texts.shown(&builder);
        let built = builder.build();
        texts.shown(&built);
        texts.failed(built);
    }
}

/// A server that is not there, one that wants another password, and one that wants none.
async fn memcached(texts: &mut Texts) {
    let file = format!("user:{WRONG_PASSWORD}");
    let strict = MemcachedServer::start_with(&[("users", &file)], &["-Y", "users"]);
    let lax = MemcachedServer::start(&[]);
    for server in [&strict, &lax] {
        let builder = Memcached::builder([server.address()]).credentials("user", PASSWORD);
        texts.shown(&builder);
        let memcached = builder.build().expect(FINE);
        texts.shown(&memcached);
        let cache = Cache::builder().far(memcached).build().expect(FINE);
        use_all(&cache, texts).await;
        block_in_place(|| server.kill());
        use_all(&cache, texts).await;
    }
}

/// What is sensitive is not in the store at all, and what is sealed cannot be read there.
fn nothing_sensitive_is_stored(server: &RedisServer) {
    let keys = format!("{:?}", server.raw(&["KEYS", "*"]));
    assert!(
        keys.contains("larder:e:") && keys.contains("open:e:"),
        "{keys}"
    );
    assert!(!keys.contains(TOKEN));
    let text = |name: &str| {
        let reply = server.raw(&["GET", name]);
        format!("{reply:?}")
    };
    assert!(
        text(&format!("open:e:named:{ID}")).contains(VALUE),
        "readable where it is not sealed"
    );
    let sealed = text(&format!("larder:e:named:{ID}"));
    assert!(sealed.len() > 100 && !sealed.contains(VALUE), "{sealed}");
}

/// Values that their own code refuses to write or to read, in words that quote them.
async fn what_cannot_be_converted(server: &RedisServer, texts: &mut Texts) {
    for refuses in [&UNREADABLE, &UNWRITABLE] {
        server.raw(&["FLUSHALL"]);
        use_at(server.addr(), PASSWORD, texts).await;
        refuses.store(true, Ordering::SeqCst);
        use_at(server.addr(), PASSWORD, texts).await;
        refuses.store(false, Ordering::SeqCst);
    }
}

/// Sealed entries under another key, of another key, and damaged ones.
async fn what_was_tampered_with(server: &RedisServer, texts: &mut Texts) {
    server.raw(&["FLUSHALL"]);
    let address = server.addr();
    let writer = cache(address, PASSWORD, texts).build().expect(FINE);
    let (key, other) = (format!("rows:{ID}"), format!("rows:{ID}2"));
    for key in [&key, &other] {
        writer.set(key, &VALUE.to_owned()).await.expect("it runs");
    }
    let slots = [&key, &other].map(|key| format!("larder:e:{key}"));
    server.raw(&["RENAME", &slots[0], &slots[1]]);
    let reader = cache(address, PASSWORD, texts).build().expect(FINE);
    let read = reader.get::<String>(&other).await;
    assert_eq!(read.as_ref().ok(), Some(&None), "{read:?}");
    assert_eq!(reader.stats().total.forged, 1);
    texts.shown(&reader.stats());
    server.raw(&["SETRANGE", &slots[1], "80", VALUE]);
    texts.failed(reader.get::<String>(&other).await);
    server.raw(&["SET", &slots[1], VALUE]);
    texts.failed(reader.get::<String>(&other).await);
    let twice = cache(address, PASSWORD, texts).seal(Seal::new(1, SEAL_KEY).also(1, OLD_SEAL_KEY));
    texts.failed(twice.build());
}

/// A server that says no.
async fn refusals(server: &RedisServer, texts: &mut Texts) {
    server.raw(&["CONFIG", "SET", "maxmemory", "1"]);
    use_at(server.addr(), PASSWORD, texts).await;
    server.raw(&["CONFIG", "SET", "maxmemory", "0"]);
    let powerless = format!(">{PASSWORD}");
    server.raw(&[
        "ACL",
        "SETUSER",
        "default",
        "resetpass",
        &powerless,
        "-set",
        "-mget",
        "-evalsha",
        "-publish",
    ]);
    use_at(server.addr(), PASSWORD, texts).await;
    server.raw(&["ACL", "SETUSER", "default", "+@all"]);
    for slot in [format!("larder:e:named:{ID}"), "larder:g:n".to_owned()] {
        server.raw(&["DEL", &slot]);
        server.raw(&["LPUSH", &slot, VALUE]);
    }
    use_at(server.addr(), PASSWORD, texts).await;
    server.raw(&["FLUSHALL"]);
}

/// A server that hangs, is cut off in the middle, or is not there.
async fn broken_lines(server: &RedisServer, texts: &mut Texts) {
    let proxy = FaultProxy::start(server.addr());
    proxy.set(Fault::Reset);
    use_at(proxy.addr(), PASSWORD, texts).await;
    block_in_place(|| server.stop());
    use_at(server.addr(), PASSWORD, texts).await;
    block_in_place(|| server.cont());
    block_in_place(|| server.kill());
    use_at(server.addr(), PASSWORD, texts).await;
}

/// How a secret might look where it is shown as bytes.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        secret.to_lowercase(),
        hex.concat(),
        hex.concat().to_uppercase(),
        numbers.join(", "),
        numbers.join(",\n    "),
        secret.replace('-', "%2D"),
    ]
}

fn search(texts: &Texts) {
    let said = ear::heard();
    let heard = |words: &str| said.iter().any(|said| said.text.contains(words));
    // That the ear is no deaf one.
    for words in [
        "hit far",
        "could not be decoded",
        "seal of a far entry",
        "was not stored",
        "left alone",
        "the far tier failed",
    ] {
        assert!(heard(words), "nobody said `{words}`");
    }
    assert!(texts.0.len() > 300, "{} texts", texts.0.len());
    println!("searched {} events and {} texts", said.len(), texts.0.len());
    let keys = [SEAL_KEY, OLD_SEAL_KEY].map(|key| String::from_utf8(key.to_vec()).expect("text"));
    let secrets = [
        PASSWORD,
        WRONG_PASSWORD,
        TOKEN,
        VALUE,
        FAILURE,
        &keys[0],
        &keys[1],
    ];
    let mut found = Vec::new();
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        found.extend(
            said.iter()
                .map(|said| &said.text)
                .chain(&texts.0)
                .filter(|text| text.contains(&form)),
        );
    }
    // Keys are told at debug level and nowhere else.
    let loud = said.iter().filter(|said| said.level <= Level::INFO);
    let loud = loud.map(|said| &said.text).chain(&texts.0);
    found.extend(loud.filter(|text| text.contains(ID)));
    found.sort_unstable();
    found.dedup();
    assert!(
        found.is_empty(),
        "{} texts hold a secret, such as {:#?}",
        found.len(),
        &found[..found.len().min(12)]
    );
}
