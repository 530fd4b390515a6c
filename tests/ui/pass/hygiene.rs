//! No name of the generated code can meet one of the user's.
#![deny(warnings)]
#![allow(
    non_snake_case,
    non_upper_case_globals,
    reason = "that is how our names look"
)]

use ::larder::{cached, invalidate_cache};

// Nothing of the prelude is what it usually is.
#[allow(dead_code, reason = "in the way only")]
mod names {
    pub(super) struct Box;
    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct None;
    pub(super) struct Some;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod larder {}
}
#[allow(unused_imports, reason = "in the way only")]
use names::*;

#[cached(key = "all:<key>:<shape>:<missed>:<SITE>:<result>:<site>:<writer>:<hit>:<cache>:<output>")]
async fn locals(
    key: u64,
    shape: u64,
    missed: u64,
    SITE: u64,
    result: u64,
    site: u64,
    writer: u64,
    hit: u64,
    cache: u64,
    output: u64,
) -> u64 {
    key + shape + missed + SITE + result + site + writer + hit + cache + output
}

#[cached(tags = ["<PATH>", "<tags>"])]
async fn default_key(PATH: u64, DOTTED: u64, TEXT: u64, tags: u64, argument_left_out: u64) -> u64 {
    PATH + DOTTED + TEXT + tags + argument_left_out
}

#[invalidate_cache(prefix = "all:<key>:<purge>", keys = ["all:<cache>:<output>"])]
async fn write(key: u64, purge: u64, cache: u64, output: u64) -> u64 {
    key + purge + cache + output
}

#[cached]
async fn items() -> u64 {
    static SITE: u64 = 1;
    const PATH: u64 = 2;
    let (site, shape, missed, key) = (1, 2, 3, 4);
    SITE + PATH + site + shape + missed + key
}

macro_rules! lookup {
    ($name:ident, $argument:ident, $template:literal, $ty:ty) => {
        #[cached(key = $template)]
        async fn $name($argument: $ty, extra: $ty) -> $ty {
            #![allow(deprecated, reason = "`extra` is not in the key")]
            $argument + extra
        }
    };
}

lookup!(in_a_macro, id, "macro:<id>", u64);

fn main() {
    drop((
        locals(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        default_key(1, 2, 3, 4, 5),
    ));
    drop((write(1, 2, 3, 4), items(), in_a_macro(1, 2)));
}
