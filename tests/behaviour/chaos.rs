//! The promises under chaos: stores that fail, hang, forget, answer late and answer nonsense, by a
//! seed, in this process.

mod fresh;
mod garbage;
mod notices;
mod one_load;
mod rows;
mod time;
mod unfenced;
