//! Every rule of the contract holds, also for a user who may do no more than is documented.

use cache_backends::Redis;
use cache_core::Backend;
use test_support::RedisServer;

/// A server, and the store in it.
struct Room {
    redis: Redis,
    server: RedisServer,
}

fn room() -> Room {
    let server = RedisServer::start(&[]);
    Room {
        redis: Redis::connect(server.url()).unwrap(),
        server,
    }
}

/// What the documentation of [`Redis`] tells to give a user.
const RIGHTS: &str = "+hello +auth +role +info +mget +get +set +unlink +getrange +pexpire \
                      +eval +evalsha +wait +publish +subscribe +client|tracking";

fn narrow_room() -> Room {
    let server = RedisServer::start(&[]);
    let mut user = vec!["ACL", "SETUSER", "narrow", "on", ">secret"];
    user.extend(["~conformance:*", "&conformance:*", "-@all"]);
    user.extend(RIGHTS.split_whitespace());
    server.raw(&user);
    let url = format!("redis://narrow:secret@{}", server.addr());
    Room {
        redis: Redis::connect(url).unwrap(),
        server,
    }
}

cache_core::conformance!(room(), |room| &room.redis);

#[tokio::test]
async fn the_documented_rights_are_enough() {
    use cache_core::testkit::far;

    let room = narrow_room();
    far::values_come_back_in_the_order_asked(&room.redis).await;
    far::stamps_are_given_in_the_order_asked(&room.redis).await;
    far::a_lease_over_a_seen_header_is_given_for_that_header_only(&room.redis).await;
    far::a_store_replaces_the_header_it_names(&room.redis).await;
    far::a_store_raises_the_life_of_its_stamps(&room.redis).await;
    far::an_invalidation_removes_slots_and_moves_stamps(&room.redis).await;
    far::a_notice_arrives_after_the_change_it_announces(&room.redis).await;
    far::a_feed_is_connected_and_then_alive(&room.redis).await;
}

#[tokio::test]
async fn a_sweep_goes_through_all_pages() {
    let room = room();
    let fill = "for i = 1, 5000 do redis.call('SET', 'swept:' .. i, i) redis.call('SET', 'kept:' .. i, i) end";
    room.server.raw(&["EVAL", fill, "0"]);
    // A name that is not text, which none of ours is.
    room.server
        .client()
        .command(&[&b"SET"[..], b"swept:\xff", b"1"])
        .unwrap();
    let swept = room.redis.sweep("swept:", &|name| name != "swept:7").await;
    assert_eq!(swept.unwrap(), 4999);
    assert_eq!(room.server.raw(&["DBSIZE"]).int(), Some(5002));
}
