//! What tests of stores and of users' programs are made of.

pub mod near;
