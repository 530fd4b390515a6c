//! What the servers, the proxy and the recorder promise to larder's own tests.

mod checker;
mod cluster;
mod mix;
mod proxy;
mod server;
