//! What tests need: a far tier in memory, and the rules that every store keeps.

pub mod far;
mod memory;
pub mod near;

pub use memory::MemoryFar;
