//! The far tier on Redis keeps every rule of its contract, on a real server.

mod common;

use cache_backends::Redis;
use common::Server;

/// A server, and the store in it.
struct Room {
    redis: Redis,
    _server: Server,
}

fn room() -> Room {
    let server = Server::start();
    Room {
        redis: Redis::connect(server.url()).unwrap(),
        _server: server,
    }
}

cache_core::conformance!(room(), |room| &room.redis);
