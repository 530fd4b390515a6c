//! Companions of every form of function, used and unused, without a warning of any kind.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, dead_code)]
#![deny(unused_qualifications, unnameable_types, non_camel_case_types)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::fmt::Display;

use larder::cached;

/// Documented, because it is public.
#[cached(key = "users:<id>")]
pub async fn get_user(id: u64) -> Result<Option<String>, String> {
    Ok(Some(id.to_string()))
}

/// Used nowhere.
#[cached(key = "users:<id>")]
async fn unused_companion(id: u64) -> u64 {
    id
}

#[cached(key = "texts:<text>:<word>")]
async fn borrowed<'a>(text: &'a str, word: &str) -> Option<String> {
    Some(text.to_owned() + word)
}

#[cached]
async fn opaque(name: impl Display + larder::KeyPart + Send + Sync, _: &u8) -> String {
    name.to_string()
}

#[cached]
async fn generic<'a, T, const N: usize>(list: [T; N], first: &'a T) -> Vec<T>
where
    T: Clone + Send + Sync + larder::KeyPart + 'static,
{
    let mut all = list.to_vec();
    all.push(first.clone());
    all
}

trait Source {
    fn read() -> u64;
}

struct One;

impl Source for One {
    fn read() -> u64 {
        1
    }
}

/// Its type parameter is found in no argument.
#[cached(local)]
async fn chosen<S: Source>(id: u64) -> u64 {
    S::read() + id
}

#[cached]
async fn taken_apart((a, b): (u64, u64), mut value: u64, [first, ..]: [u64; 2]) -> u64 {
    value += a;
    value + b + first
}

#[cached]
async fn r#type(r#match: u64) -> u64 {
    r#match
}

#[cached]
async fn nothing() {}

#[cfg(any())]
#[cached]
async fn not_here(id: Missing) -> u64 {
    id
}

#[cached]
#[cfg(any())]
async fn not_here_either(id: Missing) -> u64 {
    id
}

/// Old.
#[deprecated]
#[cached]
pub async fn old(id: u64) -> u64 {
    id
}

struct Taken {}

/// The name is taken by a type.
#[cached(companion = false)]
#[allow(non_snake_case)]
async fn Taken(id: u64) -> u64 {
    id
}

#[cached(companion = true)]
async fn wanted(id: u64) -> u64 {
    id
}

/// Blocks.
#[cached(key = "blocks:<id>", if = id > 1, tags = ["t"])]
pub fn blocks(id: u64) -> Result<Option<String>, String> {
    Ok(Some(id.to_string()))
}

#[cached]
fn blocks_generic<T, const N: usize>(mut list: [T; N], (a, _): (u8, u8), text: &str) -> Vec<T>
where
    T: Clone + Send + Sync + larder::KeyPart + 'static,
{
    list.rotate_left(usize::from(a) + text.len());
    list.to_vec()
}

#[cached]
fn named(named: u64, entry: u8, value: u8) -> u64 {
    named + u64::from(entry + value)
}

#[cached]
async fn named_too(named_too: u64, entry: u8, value: u8) -> u64 {
    named_too + u64::from(entry + value)
}

#[cached]
fn blocks_opaque(id: impl larder::KeyPart) -> u64 {
    drop(id);
    1
}

#[cached]
fn boxed(id: u64) -> std::pin::Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(async move { id })
}

#[cached]
fn returns_future(id: &u64) -> impl Future<Output = u64> + Send {
    let id = *id;
    async move { id }
}

#[cached]
async fn recursive(id: u64) -> u64 {
    if id > 1 { recursive(id - 1).await } else { id }
}

#[cached]
async fn by_a_condition(id: u64, #[cfg(any())] more: Missing) -> u64 {
    id
}

mod inner {
    use larder::cached;

    #[cached]
    pub(crate) async fn visible(id: u64) -> u64 {
        id
    }

    pub(crate) mod deeper {
        use larder::cached;

        #[cached]
        pub(in crate::inner) async fn somewhere(id: u64) -> u64 {
            id
        }

        #[cached]
        pub(super) async fn above(id: u64) -> u64 {
            id
        }
    }

    pub(crate) async fn use_them() {
        drop(deeper::somewhere::invalidate(1).await);
        drop(deeper::above::invalidate(1).await);
    }
}

struct Repo<T>(T);

impl Repo<u8> {
    #[cached(skip(self))]
    async fn method(&self, id: u64) -> u64 {
        id + u64::from(self.0)
    }

    #[cached]
    async fn associated(id: u64) -> u64 {
        id
    }

    fn outer() -> impl Future<Output = u64> {
        #[cached]
        async fn inside(id: u64) -> u64 {
            id
        }
        drop(inside::invalidate(1));
        inside(1)
    }
}

impl<T> Repo<T>
where
    T: Send,
{
    #[cached(companion = false)]
    async fn of_any(id: u64) -> u64 {
        id
    }

    #[cached]
    async fn make(id: u64) -> Option<u64> {
        let id = Self::of_any(id).await;
        Some(id)
    }
}

trait Get {
    fn name() -> &'static str;

    #[allow(async_fn_in_trait)]
    #[cached]
    async fn provided(id: u64) -> u64 {
        id
    }

    async fn required(id: u64) -> u64;
}

impl Get for Repo<u8> {
    fn name() -> &'static str {
        "repo"
    }

    #[cached]
    async fn required(id: u64) -> u64 {
        id
    }
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            #[cached]
            async fn $name(id: u64) -> u64 {
                id
            }
        )*
    };
}

functions! { first second }

macro_rules! methods {
    ($($name:ident)*) => {
        struct Made;

        impl Made {
            $(
                #[cached]
                async fn $name(id: u64) -> u64 {
                    id
                }
            )*
        }
    };
}

methods! { third fourth }

fn sends<T: Send>(_: T) {}

fn main() {
    drop(get_user::key(1));
    sends((get_user(1), get_user::invalidate(1), get_user::peek(1)));
    sends((
        get_user::put(1, String::new()),
        get_user::put(1, Some(String::new())),
        get_user::put(1, Err::<Option<String>, _>(String::new())),
    ));
    sends((get_user::refresh(1), get_user::uncached(1)));
    drop(unused_companion(1));
    sends(borrowed::put("", "", String::new()));
    sends(opaque::peek("", &1));
    sends(generic::refresh([1, 2], &3));
    drop(chosen::<One>(1));
    drop((chosen::key::<One>(1), chosen::refresh::<One>(1)));
    sends(taken_apart::put((1, 2), 3, [4, 5], 6));
    sends((r#type::key(1), nothing::peek(), wanted::put(1, 2)));
    drop((taken_apart((1, 2), 3, [4, 5]), r#type(1), nothing(), wanted(1)));
    drop((Taken(1), Taken {}));
    drop((inner::visible::peek(1), inner::visible(1), inner::use_them()));
    let _: String = blocks::key(1);
    let _: larder::Result<Option<Result<Option<String>, String>>> = blocks::peek(1);
    let _: larder::Result<()> = blocks::put(1, String::new());
    let _: larder::Result<()> = blocks::invalidate(1);
    drop((blocks::refresh(1), blocks::uncached(1), blocks(1)));
    drop(blocks_generic::peek([1], (1, 2), ""));
    drop(blocks_generic([1], (1, 2), ""));
    let _ = (blocks_opaque(1), named(1, 2, 3), named::put(1, 2, 3, 4));
    sends((named_too(1, 2, 3), named_too::put(1, 2, 3, 4)));
    sends((boxed::peek(1), boxed(1), returns_future::refresh(&1)));
    drop((returns_future(&1), recursive(1), recursive::key(1), by_a_condition(1)));
    let repo = Repo(1);
    drop(larder::entry(repo.method(1)).invalidate());
    drop((Repo::associated(1), Repo::outer(), Repo::<u8>::make(1)));
    drop((Repo::<u8>::provided(1), Repo::<u8>::required(1), Repo::<u8>::name()));
    drop((first(1), second::key(1), Made::third(1), Made::fourth(1)));
}
