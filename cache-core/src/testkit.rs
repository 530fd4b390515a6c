//! What tests need: stores in memory, a recording of what a cache did, chaos for every part that
//! can fail, and the rules that every store keeps.

mod asserts;
mod chaos;
pub mod far;
#[doc(hidden)]
pub mod fuzz;
pub(crate) mod here;
mod memory;
mod memory_near;
pub mod near;
mod recording;
mod test_cache;

pub use chaos::{Chaos, ChaosCodec, ChaosFar, ChaosNear, Fault, Plan};
pub use here::{Entered, enter};
pub use memory::MemoryFar;
pub use memory_near::MemoryNear;
pub use recording::{Event, Recording, What};
pub use test_cache::TestCache;

pub use crate::{conformance, near_conformance};
