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

cache_core::conformance!(room(), |room| &room.redis);

/// For a user who may do no more than is documented.
mod narrow {
    use super::Room;
    use crate::acl::{RIGHTS, store, user};

    fn room() -> Room {
        let server = test_support::RedisServer::start(&[]);
        // One of the rules looks after a name that only ends like the others.
        let names = ["~conformance:*", "~xconformance:*", "&conformance:*"];
        user(&server, &names, RIGHTS.split_whitespace());
        let redis = store(&server);
        Room { redis, server }
    }

    cache_core::conformance!(room(), |room| &room.redis);
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
