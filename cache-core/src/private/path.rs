//! How a default key begins: with the path of its function, and with the owner of the function
//! where functions of one path could be mistaken for each other.

use std::any::type_name;

use crate::key::KeyWriter;

/// What the name of a closure's type ends with when the closure stands in an `async fn`.
const INSIDE: &str = "::{{closure}}";

/// Writes `crate.module.function` into a key, computed when the program is compiled, and then
/// `:` and the function's owner unless it is a plain function of that module.
#[doc(hidden)]
#[macro_export]
macro_rules! __default_path {
    ($key:expr, $name:literal) => {
        // The type of a closure is named after everything around it, type arguments included.
        $crate::__private::default_path!($key, $name, "::{{closure}}::{{closure}}", &|| {})
    };
    ($key:expr, $name:literal, $inside:literal, $here:expr) => {{
        const PATH: &str = ::core::concat!(::core::module_path!(), "::", $name);
        const DOTTED: $crate::__private::Dotted<{ $crate::__private::dotted_len(PATH) }> =
            $crate::__private::Dotted::new(PATH);
        const TEXT: &str = DOTTED.as_str();
        $crate::__private::KeyWriter::literal($key, TEXT);
        $crate::__private::owner(
            $key,
            ::core::concat!(::core::module_path!(), "::", $name, $inside),
            $here,
        );
    }};
}

/// How long a path is with `.` instead of `::`.
pub const fn dotted_len(path: &str) -> usize {
    let path = path.as_bytes();
    let (mut len, mut at) = (0, 0);
    while at < path.len() {
        at += if path[at] == b':' { 2 } else { 1 };
        len += 1;
    }
    len
}

/// A path with `.` instead of `::`, which separates the segments of a key.
#[derive(Debug)]
pub struct Dotted<const LEN: usize>([u8; LEN]);

impl<const LEN: usize> Dotted<LEN> {
    /// The dotted form of `path`; `LEN` is its [`dotted_len`].
    ///
    /// # Panics
    ///
    /// If `LEN` is less than that.
    pub const fn new(path: &str) -> Self {
        let path = path.as_bytes();
        let mut dotted = [b'.'; LEN];
        let (mut to, mut from) = (0, 0);
        while from < path.len() {
            if path[from] == b':' {
                from += 2;
            } else {
                dotted[to] = path[from];
                from += 1;
            }
            to += 1;
        }
        Self(dotted)
    }

    /// The text.
    ///
    /// # Panics
    ///
    /// Never: colons are whole characters.
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(&self.0) {
            Ok(text) => text,
            Err(_) => panic!("a path without its colons is text"),
        }
    }
}

/// Writes `:` and the owner of the function in which `here` stands, or which it is, unless `here`
/// is called `plain`, which is how it is called if its module and its name tell the function apart.
///
/// Methods of two types, implementations of two traits, functions inside functions and instances
/// of one generic function have the same module and name.
pub fn owner<F>(key: &mut KeyWriter, plain: &str, _here: &F) {
    let full = type_name::<F>();
    if full != plain {
        write_owner(key, full, plain);
    }
}

/// Cold, and the same for every function.
fn write_owner(key: &mut KeyWriter, full: &str, plain: &str) {
    let full = full.trim_end_matches(INSIDE);
    let plain = plain.trim_end_matches(INSIDE);
    key.literal(":");
    key.part(&distinct(full, plain));
}

/// What of `full` the path `plain` does not already say.
fn distinct<'a>(full: &'a str, plain: &str) -> &'a str {
    let (module, function) = plain.rsplit_once("::").unwrap_or(("", plain));
    let below = full
        .strip_prefix(module)
        .and_then(|rest| rest.strip_prefix("::"));
    let below = below.unwrap_or(full);
    let owner = below
        .strip_suffix(function)
        .and_then(|rest| rest.strip_suffix("::"));
    owner.unwrap_or(below)
}

#[cfg(test)]
#[allow(
    clippy::unused_async,
    clippy::extra_unused_type_parameters,
    reason = "they stand for functions that would await, and for instances of one function"
)]
mod tests {
    use std::{
        collections::HashSet,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::{Dotted, distinct, dotted_len};
    use crate::key::KeyWriter;

    #[test]
    fn a_path_is_dotted_when_the_program_is_compiled() {
        const PATH: &str = "my_crate::users::größe";
        const DOTTED: Dotted<{ dotted_len(PATH) }> = Dotted::new(PATH);
        const TEXT: &str = DOTTED.as_str();
        assert_eq!(TEXT, "my_crate.users.größe");
    }

    #[test]
    fn the_owner_is_what_the_path_does_not_say() {
        let owner = |full| distinct(full, "app::users::get");
        assert_eq!(owner("app::users::Repo<u8>::get"), "Repo<u8>");
        assert_eq!(
            owner("<app::Repo as app::Read>::get"),
            "<app::Repo as app::Read>"
        );
        assert_eq!(owner("app::users::get<app::User>"), "get<app::User>");
        assert_eq!(owner("app::users::outer::get"), "outer");
        assert_eq!(owner("app::users2::get"), "app::users2");
    }

    /// The beginning of the default key of a function called `get`.
    macro_rules! path {
        () => {{
            let mut writer = KeyWriter::new();
            let key = &mut writer;
            crate::__default_path!(key, "get");
            writer.as_str().to_owned()
        }};
    }

    async fn get() -> String {
        path!()
    }

    mod other {
        use super::KeyWriter;

        pub(super) async fn get() -> String {
            path!()
        }
    }

    async fn outer() -> [String; 2] {
        async fn get() -> String {
            path!()
        }
        async fn inner() -> String {
            async fn get() -> String {
                path!()
            }
            get().await
        }
        [get().await, inner().await]
    }

    struct Repo<T>(T);

    impl Repo<u8> {
        async fn get(&self) -> String {
            path!()
        }
    }

    impl Repo<u16> {
        async fn get() -> String {
            path!()
        }
    }

    trait Read {
        async fn get(&self) -> String;
    }

    trait Fetch {
        async fn get(&self) -> String {
            path!()
        }
    }

    impl<T> Read for Repo<T> {
        async fn get(&self) -> String {
            path!()
        }
    }

    impl<T> Fetch for Repo<T> {}

    mod generic {
        use super::KeyWriter;

        pub(super) async fn get<T, const N: usize>(_: impl Copy) -> String {
            path!()
        }
    }

    #[test]
    fn functions_of_one_name_begin_their_keys_differently() {
        let keys = now(async {
            let [first, second] = outer().await;
            vec![
                get().await,
                other::get().await,
                first,
                second,
                Repo(1_u8).get().await,
                Repo::<u16>::get().await,
                Read::get(&Repo(1_u8)).await,
                Read::get(&Repo("")).await,
                Fetch::get(&Repo(1_u8)).await,
                generic::get::<u8, 1>(0).await,
                generic::get::<u8, 2>(0).await,
                generic::get::<&str, 1>(0).await,
                generic::get::<u8, 1>("").await,
            ]
        });
        let distinct: HashSet<_> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:#?}");
    }

    #[test]
    fn a_plain_function_has_its_path_alone() {
        let module = module_path!().replace("::", ".");
        assert_eq!(now(get()), format!("{module}.get"));
        assert_eq!(now(other::get()), format!("{module}.other.get"));
        assert_eq!(now(Repo(1_u8).get()), format!("{module}.get:Repo%3Cu8%3E"));
    }

    /// The output of a future that waits for nothing.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("it waits for nothing"),
        }
    }
}
