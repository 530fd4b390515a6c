//! The attributes of larder. Use them through the facade: `use larder::{cached, invalidate_cache};`.
