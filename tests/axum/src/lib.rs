//! What is promised of cached axum handlers: see `tests/behaviour`. And the pages about them,
//! whose examples are compiled and run here.

#[doc = include_str!("../../../docs/axum.md")]
pub mod page {}

#[doc = include_str!("../../../docs/testing.md")]
pub mod testing {}
