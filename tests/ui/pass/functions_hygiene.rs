//! Names that mean something else to the user than to the generated code.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]
#![no_implicit_prelude]
#![allow(
    non_snake_case,
    non_upper_case_globals,
    reason = "that is how our names look"
)]

/// Nothing of the prelude is what it usually is, nor are the names of crates.
#[allow(dead_code, reason = "in the way only")]
mod names {
    pub(super) struct Box;
    pub(super) struct String;
    pub(super) struct Vec;
    pub(super) struct Option;
    pub(super) struct Result;
    pub(super) struct Some;
    pub(super) struct None;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct Send;
    pub(super) struct Sync;
    pub(super) struct Future;
    pub(super) struct Clone;
    pub(super) struct Drop;
    pub(super) struct FnOnce;
    pub(super) struct Into;
    pub(super) struct Iterator;
    pub(super) struct Pin;
    #[allow(non_camel_case_types, reason = "as the primitive")]
    pub(super) struct u64;
    pub(super) mod core {}
    pub(super) mod std {}
    pub(super) mod alloc {}
    pub(super) mod larder {}
    pub(super) mod tokio {}
    pub(super) mod __private {}
    pub(super) fn drop() {}
}

/// Methods that everything has.
#[allow(
    dead_code,
    clippy::new_ret_no_self,
    clippy::wrong_self_convention,
    reason = "in the way only"
)]
mod everywhere {
    use ::std::marker::Sized;

    macro_rules! everywhere {
        ($($name:ident)*) => {
            pub(super) trait ByValue: Sized {
                $(fn $name(self) {})*
            }
            impl<T> ByValue for T {}

            pub(super) trait ByReference {
                $(fn $name(&self) {})*
            }
            impl<T: ?Sized> ByReference for T {}

            pub(super) trait ByMutableReference {
                $(fn $name(&mut self) {})*
            }
            impl<T: ?Sized> ByMutableReference for T {}
        };
    }
    everywhere! {
        clone await_ into as_ref deref borrow unwrap expect map then
        new literal part key_part write_key add tags load load_owned block near run run_blocking
        on_exit disarm prefix key tag all ttl none_ttl version local poll shape table failed kept settled probe blocks value run_later take
    }
}

use ::larder::{cached, invalidate_cache};
#[allow(unused_imports, reason = "in the way only")]
use everywhere::{ByMutableReference as _, ByReference as _, ByValue as _};
#[allow(unused_imports, reason = "in the way only")]
use names::*;

type Number = ::core::primitive::u64;
type Fallible<T> = ::core::result::Result<T, ::std::string::String>;

#[cached(
    key = "locals:<site>:<shape>:<key>:<cache>:<missed>:<writer>:<output>:<purge>:<hit>:<tags>:<body>:<value>:<result>:<load>:<table>"
)]
#[allow(clippy::too_many_arguments, reason = "all our locals")]
fn locals(
    site: Number,
    shape: Number,
    key: Number,
    cache: Number,
    missed: Number,
    writer: Number,
    output: Number,
    purge: Number,
    hit: Number,
    tags: Number,
    body: Number,
    value: Number,
    result: Number,
    load: Number,
    table: Number,
) -> Number {
    site + shape
        + key
        + cache
        + missed
        + writer
        + output
        + purge
        + hit
        + tags
        + body
        + value
        + result
        + load
        + table
}

#[cached(tags = ["<key>", "<tags>"])]
async fn without_a_key(key: Number, tags: Number, PATH: Number, run: Number) -> Fallible<Number> {
    if key == 0 {
        return Fallible::Err(::std::string::String::new());
    }
    Fallible::Ok(key + tags + PATH + run)
}

#[cached]
async fn recursive(missed: Number) -> Number {
    if missed == 0 {
        0
    } else {
        recursive(missed - 1).await
    }
}

#[cached(key = "boxed:<key>")]
fn boxed(
    key: Number,
) -> ::std::pin::Pin<
    ::std::boxed::Box<dyn ::std::future::Future<Output = Number> + ::std::marker::Send>,
> {
    let output = key;
    ::std::boxed::Box::pin(async move { output })
}

#[cached(key = "opaque:<output>")]
fn opaque(
    output: Number,
) -> impl ::std::future::Future<Output = Fallible<Number>> + ::std::marker::Send {
    async move { Fallible::Ok(output) }
}

#[invalidate_cache(prefix = "locals:<purge>", keys = ["<output>:<cache>"], tags = ["<key>"])]
fn write(purge: Number, output: Number, cache: Number, key: Number) -> Fallible<Number> {
    Fallible::Ok(purge + output + cache + key)
}

#[invalidate_cache(all, when = always)]
async fn write_later(purge: Number, #[cfg(any())] output: Nothing) -> Number {
    purge
}

// Functions that are called like what we call.
#[cached]
fn near(near: Number) -> Number {
    near
}
#[cached]
async fn part(part: Number) -> Number {
    part
}
#[cached]
async fn load(load: Number) -> Number {
    load
}
#[invalidate_cache(all)]
async fn run(run: Number) -> Number {
    run
}
#[invalidate_cache(all)]
fn settled(settled: Number) -> Number {
    settled
}

#[cached]
fn items() -> Number {
    static SITE: Number = 1;
    const PATH: Number = 2;
    let (site, shape, missed, key) = (1, 2, 3, 4);
    SITE + PATH + site + shape + missed + key
}

struct Value<T>(T);

impl<SITE> Value<SITE>
where
    SITE: ::std::clone::Clone + ::std::marker::Send + ::std::marker::Sync + 'static,
{
    #[cached(skip(self))]
    fn given(&self, key: Number) -> ::core::option::Option<SITE> {
        (key > 0).then(|| ::std::clone::Clone::clone(&self.0))
    }
}

fn main() {
    let _ = locals(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    ::std::mem::drop((without_a_key(1, 2, 3, 4), recursive(1), boxed(1), opaque(1)));
    let _ = write(1, 2, 3, 4);
    ::std::mem::drop((write_later(1), part(1), load(1), run(1)));
    let _ = (near(1), settled(1), items(), Value(1_i32).given(1));
}
