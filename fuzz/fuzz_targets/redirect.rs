//! See `fuzz_targets::TARGETS`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fuzz_targets::run("redirect", data));
