//! The examples of stores of one's own keep the contracts, which are read here as any third party
//! would have them: by `larder` alone.

#[path = "../../../examples/own_backend/main.rs"]
#[expect(dead_code, reason = "an example is a program, here it is a module")]
mod own_backend;

#[path = "../../../examples/own_near_store.rs"]
#[expect(dead_code, reason = "an example is a program, here it is a module")]
mod own_near_store;
