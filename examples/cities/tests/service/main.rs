//! What the README of this example promises, over its own router.

mod api;
mod app;
mod coherence;
mod graph;
mod load;
