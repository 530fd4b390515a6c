//! What is promised of cached axum handlers: see `tests/behaviour`.
