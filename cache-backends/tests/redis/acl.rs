//! A user who may do what is documented can do everything; one who may not is told what it lacks.

use std::time::Duration;

use cache_backends::Redis;
use cache_core::{Backend, Error, ErrorKind, Result, Write};
use test_support::RedisServer;
use tokio::time::sleep;

use crate::probe::{LONG, MINE, call, invalidate, prepare, read, store as put};

/// What the documentation of [`Redis`] tells to give a user.
pub(crate) const RIGHTS: &str = "+hello +auth +ping +role +info +mget +get +set +unlink +getrange \
                                 +pexpire +eval +evalsha +wait +publish +subscribe +scan \
                                 +client|setname +client|tracking";

/// Makes the user `narrow`, whose password is `secret`, with these rights and no others.
pub(crate) fn user<'a>(
    server: &RedisServer,
    names: &[&'a str],
    rights: impl IntoIterator<Item = &'a str>,
) {
    let mut user = vec!["ACL", "SETUSER", "narrow", "reset", "on", ">secret"];
    user.extend_from_slice(names);
    user.push("-@all");
    user.extend(rights);
    server.raw(&user);
}

/// The store as that user sees it.
pub(crate) fn store(server: &RedisServer) -> Redis {
    Redis::connect(format!("redis://narrow:secret@{}", server.addr())).unwrap()
}

/// All that a cache does; the first error ends it.
async fn everything(redis: &Redis) -> Result<()> {
    redis.read(&["app:e:a"]).await?;
    redis.read(&["app:e:a", "app:g:n"]).await?;
    assert!(prepare(redis, "app:e:a", &[("app:g:n", 1)]).await?.leased);
    let write = Write {
        slot: "app:e:a",
        expected: MINE,
        envelope: [&MINE[..], b"value"].concat().into(),
        ttl: LONG,
        stamps: &["app:g:n"],
        stamp_ttl: LONG,
    };
    assert!(redis.store(write).await?);
    invalidate(redis, &["app:e:a"], &[("app:g:n", 2)]).await?;
    assert!(redis.sweep("app:", &|_| true).await? > 0);
    Ok(())
}

fn lacks(error: &Error, right: &str) -> bool {
    let text = error.to_string();
    let named = text.contains("NOPERM") && text.contains(right);
    error.kind() == ErrorKind::Rejected && (named || text.contains("script"))
}

#[test]
fn the_documentation_names_the_rights_that_are_tested() {
    let source = include_str!("../../src/redis.rs");
    let lines = source.lines().map(|line| line.trim_start_matches("/// "));
    let text: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    let text = text.join(" ").replace('`', "");
    let rights: Vec<&str> = RIGHTS.split_whitespace().collect();
    assert!(text.contains(&rights.join(" ")), "{rights:?}");
}

/// Each right of the documented line, without which a call is refused and says so, or does
/// nothing worse than the documentation says.
#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let server = RedisServer::start(&[]);
    let needless = [
        // Greeting and log-in need no right, and any answer is a sign of life.
        "+hello",
        "+auth",
        "+ping",
        "+client|setname",
        // Nobody waits for a replica here, nor is another server behind the address.
        "+role",
        "+info",
        "+wait",
        // The feed's alone.
        "+subscribe",
        "+client|tracking",
    ];
    for missing in RIGHTS.split_whitespace() {
        server.raw(&["FLUSHALL"]);
        server.raw(&["SCRIPT", "FLUSH"]);
        let rights = RIGHTS.split_whitespace().filter(|right| *right != missing);
        user(&server, &["~app:*", "&channel"], rights);
        let done = everything(&store(&server)).await;
        match done {
            Ok(()) => assert!(needless.contains(&missing), "{missing} is not needed"),
            Err(error) => {
                assert!(!needless.contains(&missing), "{missing} is needed: {error}");
                assert!(lacks(&error, &missing[1..]), "without {missing}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn names_and_channels_of_others_are_refused() {
    let server = RedisServer::start(&[]);
    user(&server, &["~app:*", "&app:*"], RIGHTS.split_whitespace());
    let redis = store(&server);
    let own = redis.read(&["app:e:a"]).await;
    assert!(own.is_ok(), "{own:?}");
    for error in [
        redis.read(&["other:e:a"]).await.unwrap_err(),
        prepare(&redis, "other:e:a", &[]).await.unwrap_err(),
        put(&redis, "other:e:a", b"value").await.unwrap_err(),
        // Whatever is told on another channel.
        invalidate(&redis, &["app:e:a"], &[]).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.to_string().contains("NOPERM"), "{error}");
    }
    for command in [&["FLUSHALL"][..], &["KEYS", "*"], &["CONFIG", "GET", "*"]] {
        let mut client = server.client();
        client.command(&["AUTH", "narrow", "secret"]).unwrap();
        let answer = client.command(command).unwrap();
        assert!(format!("{answer:?}").contains("NOPERM"), "{answer:?}");
    }
}

/// Nothing is half there: the connection is not made.
#[tokio::test]
async fn a_database_that_may_not_be_selected_is_named() {
    let server = RedisServer::start(&[]);
    user(&server, &["~app:*", "&app:*"], RIGHTS.split_whitespace());
    let url = format!("redis://narrow:secret@{}/3", server.addr());
    let error = call(&Redis::connect(url).unwrap()).await.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("'select'"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// Rights that are taken away and given again while the connection stands.
#[tokio::test]
async fn rights_that_come_later_count_at_once() {
    let server = RedisServer::start(&[]);
    let names = ["~app:*", "&channel"];
    user(&server, &names, RIGHTS.split_whitespace());
    let redis = store(&server);
    everything(&redis).await.unwrap();

    server.raw(&["ACL", "SETUSER", "narrow", "-unlink"]);
    let error = invalidate(&redis, &["app:e:a"], &[]).await.unwrap_err();
    assert!(lacks(&error, "unlink"), "{error}");
    server.raw(&["ACL", "SETUSER", "narrow", "+unlink"]);
    invalidate(&redis, &["app:e:a"], &[]).await.unwrap();
}

/// The new password is good for new connections, the old connections stay.
#[tokio::test]
async fn a_password_may_be_changed_while_connections_stand() {
    let server = RedisServer::start(&[]);
    let names = ["~app:*", "&channel"];
    user(&server, &names, RIGHTS.split_whitespace());
    let redis = store(&server);
    read(&redis, "app:e:a").await.unwrap();
    // Both are good for a while, as rotation goes.
    server.raw(&["ACL", "SETUSER", "narrow", ">other"]);
    let next = Redis::connect(format!("redis://narrow:other@{}", server.addr())).unwrap();
    read(&next, "app:e:a").await.unwrap();
    // The server closes what was opened with the old one.
    server.raw(&["ACL", "SETUSER", "narrow", "<secret"]);
    sleep(Duration::from_millis(50)).await;
    read(&next, "app:e:a").await.unwrap();
    server.raw(&["CLIENT", "KILL", "USER", "narrow"]);
    let mut refused = read(&redis, "app:e:a").await;
    for _ in 0..200 {
        if refused
            .as_ref()
            .is_err_and(|error| error.to_string().contains("password"))
        {
            return;
        }
        sleep(Duration::from_millis(10)).await;
        refused = read(&redis, "app:e:a").await;
    }
    panic!("the old password is no longer good: {refused:?}");
}
