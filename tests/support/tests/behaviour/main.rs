//! What the servers, the proxy and the recorder promise to larder's own tests.

mod checker;
mod cluster;
mod memcached;
mod mix;
mod proxy;
mod sentinel;
mod server;
