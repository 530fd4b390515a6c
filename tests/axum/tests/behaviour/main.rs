//! What larder promises of cached axum handlers, from outside: requests go in, responses come out.

mod app;
mod far;
mod forms;
mod kept;
mod keys;
mod layer;
mod requests;
mod server;
mod together;
