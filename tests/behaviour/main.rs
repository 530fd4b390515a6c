//! What the README promises, from outside. One binary, one module for each promise.

mod basics;
mod p1_no_resurrection;
mod p2_one_load;
mod world;
