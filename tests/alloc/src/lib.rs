//! Counts what a hit allocates: see `tests/hit.rs`.
