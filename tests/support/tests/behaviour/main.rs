//! What the servers, the proxy and the recorder promise to larder's own tests.

mod checker;
mod memcached;
mod mix;
mod proxy;
mod server;
