//! The attributes of larder. Use them through the facade: `use larder::{cached, invalidate_cache};`.
//!
//! An attribute goes through three steps, one folder each: `args` is the grammar, `model` holds the
//! rules and collects every mistake, `expand` writes the text and cannot fail. The examples here
//! run in the facade, which is the crate that the generated code names.

mod args;
mod codec;
mod duration;
mod errors;
mod expand;
mod extractor;
mod function;
mod jitter;
mod model;
mod nearest;
mod place;
mod template;

use proc_macro::TokenStream;

/// Lets values of one's own type stand in a key: `#[derive(KeyPart)]`.
///
/// ```ignore
/// #[derive(KeyPart)]
/// struct Page {
///     list: String,
///     number: u32,
///     #[key(skip)]
///     trace: TraceId,
/// }
///
/// #[derive(KeyPart)]
/// enum Order {
///     Newest,
///     By { column: String, descending: bool },
/// }
/// ```
///
/// | type | spelt as | for example |
/// |---|---|---|
/// | structure with one field that is not skipped | that field | `42` |
/// | any other structure | the tuple of its fields, in order | `(news,2,)` |
/// | variant without fields | its name | `Newest` |
/// | variant with fields | its name and the tuple of its fields | `By(name,true,)` |
///
/// Two values have the same spelling only if all their fields have that are not skipped. Renaming
/// a field changes no key, nor does another order of variants; renaming a variant or another order
/// of fields does.
///
/// Every field that is not skipped is `KeyPart` itself. A type parameter in the type of a field
/// adds the bound that this type is.
///
/// # Options
///
/// | option | where | meaning | default |
/// |---|---|---|---|
/// | `#[key(skip)]` | field | values that differ only in this field share a key | in the key |
/// | `#[key(crate = path)]` | type | where larder is, if it is renamed | `::larder` |
#[proc_macro_derive(KeyPart, attributes(key))]
pub fn key_part(item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::DeriveInput);
    expand::key_part(&item).into()
}

/// Caches what a function returns, under a key made from its arguments.
///
/// ```ignore
/// #[cached(ttl = 600, key = "users:<id>")]
/// async fn get_user(id: u64) -> Result<User, DbError> {
///     db::user(id).await
/// }
/// ```
///
/// A call whose key is in the cache returns a clone of the value and does not run the body. Only
/// `Ok` and `Some` are kept, unless `none_ttl` keeps `None` too, and `err_ttl` errors. The returned type is `Clone`, owns
/// its data, and is made of serde types if the cache is shared between processes.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `ttl = 600`, `ttl = "10m"` | how long a value is kept: whole seconds, or a duration in `ms`, `s`, `m`, `h`, `d`, as in `"1h 30m"`; not zero, at most 36500 days | 300 s |
/// | `ttl = TTL` | the same by a constant `Duration`, or an expression that is one, here and for the next two | |
/// | `none_ttl = "30s"` | keeps `None` too, for this long; for functions that return an `Option` | `None` is not kept |
/// | `err_ttl = "5s"` | keeps errors too, for this long, in this process only; the error is `Clone + Send + Sync` | errors are not kept |
/// | `ttl_from = \|token\| token.expires_in` | how long this value is kept, asked of it; under a millisecond it is not kept; instead of `ttl` | all alike |
/// | `jitter = "10%"`, `jitter = 0` | how far these times vary from value to value, in either direction, so that what was loaded together does not end together; up to `"100%"` | as the cache says, 10 % |
/// | `unless = Vec::is_empty`, `unless = \|page\| page.is_partial()` | values for which this is true are not kept | all are |
/// | `if = page < 10` | an expression over the arguments; a call for which it is false has nothing to do with the cache | every call |
/// | `key = "users:<id>"` | the key: literal segments and placeholders | crate, modules, function and all arguments |
/// | `tags = ["team:<team>"]` | groups under which the entry can be invalidated | none |
/// | `skip(db, trace)` | arguments that do not belong to the key | none |
/// | `sensitive(token)` | arguments that stand in keys and tags as hashes only | in clear |
/// | `version = 2` | entries of other versions are misses | 0 |
/// | `codec = json`, or `bincode`, `msgpack`, `bytes`, or a path | how the value becomes bytes; not on a plain `fn` | chosen by the type |
/// | `local` | kept in this process only, so that the type needs no serde | shared if the cache is |
/// | `response` | caches what a handler of axum sends, where the return type does not show that it is one | by the form of the return type |
/// | `shared` | the response is the same for everybody, whatever the extractors could tell of who asks | who asks is in the key |
/// | `batch = ids` | asks for all elements of the list `ids` together; see [Batches](#batches) | one value for one call |
/// | `cache = "name"`, `cache = self.cache` | a registered cache, or an expression that derefs to one | the default cache |
/// | `companion = false` | no type of the function's name beside it: where a type or a module has that name | free functions have one |
/// | `crate = path` | where larder is, if it is renamed | `::larder` |
///
/// A placeholder is an argument, `<id>`, or a field of one, `<user.id>`, `<page.0>`,
/// `<self.region>`; a filter may follow: `<name:lower>`, `<query:hash>`,
/// `<mail:lower:hash>`. `<<` is a literal `<`. A
/// segment holds at most one placeholder, so that different arguments never give the same key.
///
/// An argument that `key` leaves out is reported as a warning, because forgetting one serves the
/// value of another; `skip(…)` says that it is meant. `self` and axum's `State` need no `skip`
/// there. Without `key`, every argument that is not skipped is in the key, `self` included.
///
/// A handler of axum is recognised by its return type: `Json<…>`, `Html<…>`, `Response`,
/// `impl IntoResponse`, tuples with a `StatusCode` or headers, and `Result`s of these. Its response
/// is cached as bytes, with status and headers, and the annotated function returns a `Response`;
/// that needs the feature `axum`. `<headers[accept-language]>` is a header field, and
/// `<jar[session]>` a cookie.
///
/// A key has at most 16 groups: the namespace, its proper prefixes by segment, and its tags.
///
/// # Which functions
///
/// | function | what is cached | waits for another's load |
/// |---|---|---|
/// | `async fn` | what it returns | as a task |
/// | `fn … -> impl Future<Output = R>`, `fn … -> Pin<Box<dyn Future<Output = R>>>`, `BoxFuture<'_, R>`; so also every `async fn` under `#[async_trait]` | `R`: the whole body runs when the future is first polled, and only on a miss | as a task |
/// | `fn … -> R` | `R`, in this process only, so that the type needs no serde; the arguments need not be `Send` | holds up its thread |
///
/// Free functions, methods with any receiver, associated functions, functions of a trait and of
/// its implementation, generic ones; not `const fn`, nor `extern` functions. A future is known by
/// how its type is written. A parameter under `#[cfg(…)]` is in the key where there is one.
///
/// Without `key`, methods of two types, implementations of two traits, instances of one generic
/// function and functions of one name in two modules never share an entry, and two instances of a
/// type do only by an equal `self`. With `key`, what it says is all that tells calls apart: two
/// methods with the key `users:<id>` share it, whatever their `self`.
///
/// An `async fn` may call itself. A function that asks for its own key runs once more for that,
/// and does not wait for itself.
///
/// A plain `fn` waits without any runtime, for as long as the cache lets a call wait (5 s by
/// default), then loads for itself. On the one thread of a current-thread runtime it may wait for
/// a task that cannot go on meanwhile: there, do not share a key with an `async fn`.
///
/// `impl Trait` as a return type is kept whole and in this process only: it needs `local` or a
/// plain `fn`, and `Clone + Send + Sync + 'static` of what it is. A function that returns `!` has
/// nothing to cache.
///
/// Attributes are expanded from the top, so that the lowest one is asked first: below `#[cached]`,
/// `#[invalidate_cache]` invalidates and `#[instrument]` records at every call, above it only when
/// the body runs.
///
/// # What is kept
///
/// `ttl_from` and `unless` are a closure over the `Ok` or `Some` value, or the path of a function
/// that takes it by reference. They see no argument: calls that ask for one key share what is
/// kept. What they exclude, like an error that is not kept, still goes to those who waited for
/// the same load. All durations vary by the `jitter`.
///
/// A kept error is a hit, and comes back as a clone. An invalidation removes it like any entry. It
/// never leaves this process, and whoever asks for its key without `err_ttl` finds nothing there:
/// another function, or a method of the cache. A cache without a near tier keeps no errors.
///
/// `if` is evaluated before the key is made, and may `await`. An argument that it alone uses, such
/// as a flag, is in `skip`.
///
/// # What is hidden
///
/// A sensitive argument is in keys and tags what the filter `hash` makes of it: `<token:hash>`, or
/// `<mail:lower:hash>` where the template says `<mail:lower>`. With these an `#[invalidate_cache]`
/// finds the same entry. The hash is SHA-256, cut to 128 bits and without a secret: it hides what
/// nobody can guess, such as a token, and not a telephone number from somebody who tries them all.
///
/// # Batches
///
/// ```ignore
/// #[cached(batch = ids, key = "users:<ids>", ttl = 60)]
/// async fn users(ids: &[u64]) -> Result<HashMap<u64, User>, DbError> {
///     db::users(ids).await
/// }
/// ```
///
/// `batch` names the list. In the key, in tags and in a default key its name means one element:
/// `<ids>`, `<ids.0>`, `<ids.name:lower>`; in `if` it means the list. Each element is kept by itself,
/// and shared with every function of the same key, such as a `get_user` with `key = "users:<id>"`.
///
/// - The far tier is asked for all that is missing in one round trip (for more than 512 in several),
///   then the body runs for what is still missing, each element once, in the order of the list.
/// - What another call is loading is not loaded again but waited for. If that comes to nothing, the
///   body runs once more for what is left: so it takes `&self`, and its other arguments are
///   references or `Clone`.
/// - An element that the body leaves out of its map is absent: it is left out of the answer, and
///   asked for again unless `none_ttl` is given. What nobody asked for is neither returned nor kept.
/// - An error of the body is that of the whole call, and of all who waited for its elements.
///
/// The list is `&[K]`, `Vec<K>`, a `HashSet<K>` or a `BTreeSet<K>`; what is returned is a
/// `HashMap<K, V>`, a `BTreeMap<K, V>` or a `Vec<(K, V)>` in the order of the list, alone or in a
/// `Result`. (For `&[&str]` the map has `String`s.) `V` is kept as it is, except that of an `Option`
/// only `Some` is, and of a `Result` only `Ok`. `unless` and `ttl_from` are asked of each value.
#[proc_macro_attribute]
pub fn cached(args: TokenStream, item: TokenStream) -> TokenStream {
    let (args, item) = (args.into(), item.into());
    let checked = model::Cached::check(&args, &item);
    let mistaken = checked.is_err();
    let mut text = expand::or_report(checked, expand::cached, &item);
    if mistaken && let Some(bare) = model::Cached::bare(&args, &item) {
        text.extend(expand::companion_alone(&bare));
    }
    text.into()
}

/// Invalidates cached values when a function has run.
///
/// ```ignore
/// #[invalidate_cache(prefix = "users")]
/// async fn create_user(new: NewUser) -> Result<User, DbError> {
///     db::insert(new).await
/// }
/// ```
///
/// When the function returns, no call that begins later gets a value that was loaded before the
/// invalidation. A function that is cancelled or panics invalidates all the same, because its
/// write may have happened. A cache that fails does not fail the function: the invalidation is
/// logged and repeated in the background.
///
/// It stands on the same functions as [`macro@cached`]. A plain `fn` forgets in this process at
/// once. If the cache has a far tier, it is told before the function returns, within the outage
/// budget, where somebody can tell it while this thread waits: in a runtime of several threads, and
/// outside of any runtime after one has used the cache. On the thread of a current-thread runtime
/// nobody can: the far tier is told as soon as that thread is free, and until then **other
/// processes may still read the old value**. This process does not: it believes nothing that the
/// far tier says of what is to be told. Write `async fn` where that matters.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `prefix = "users"`, `prefix = ["users", "teams:<id>"]` | every key `users` and `users:…`; `"users:*"` is the same | none |
/// | `keys = ["users:<id>"]` | these keys | none |
/// | `tags = ["team:<team>"]` | every entry with one of these tags | none |
/// | `of = [get_user(id), list_users(1, 20)]` | the entries of these calls of cached functions | none |
/// | `all` | everything in the cache's namespace | off |
/// | `when = ok` | `ok`: after the function, unless it returned `Err`; `always`: after it; `before`: before it | `ok` |
/// | `strict` | in two phases, and what goes wrong with the cache is the function's error | off |
/// | `cache = "name"`, `cache = self.cache` | a registered cache, or an expression that derefs to one | the default cache |
/// | `crate = path` | where larder is, if it is renamed | `::larder` |
///
/// At least one of `prefix`, `keys`, `tags`, `of` and `all` is given. Placeholders are those of
/// [`macro@cached`], and `<ret>`, `<ret.id>`: what the function returned, without its `Ok` or
/// `Some`. With `Err` or `None` there is no such value, so that a name with `<ret>` names nothing,
/// also with `when = always`; nor is it known when a function is cancelled or panics. With
/// `when = before` it is a mistake.
///
/// A call in `of` is not made: the compiler checks it like any other, and the function's companion
/// says which key it has, also a default one, and in which cache; with `cache`, that cache is
/// meant instead. Its arguments are expressions over the arguments of this function, of which names
/// and fields are cloned, and over `ret`. Methods have no companion: name their keys.
///
/// Several of these attributes may stand on one function, with or without [`macro@cache_put`].
///
/// # In two phases
///
/// A process that dies after its write and before its invalidation leaves the old value in a far
/// tier until its ttl. With `strict` it cannot: before the body runs, the far tier is told that a
/// writer is at work; until the invalidation, or for 30 s, nobody finds or keeps anything of what
/// it names, and calls load. It costs a write one or two round trips more, and asks for a `Result` whose
/// error is `From<larder::Error>`, because what goes wrong with the cache is an error of the function then:
///
/// - The far tier does not confirm the first phase within 250 ms: the body is **not run**.
/// - It does not confirm the second: the write has been made all the same. The marks of the first
///   phase still stand, and the invalidation is repeated in the background.
///
/// ```ignore
/// #[invalidate_cache(keys = ["balances:<account>"], strict)]
/// async fn deposit(account: u64, amount: u64) -> Result<(), BankError> {
///     db::deposit(account, amount).await
/// }
/// ```
#[proc_macro_attribute]
pub fn invalidate_cache(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    let checked = model::Write::invalidate(args.into(), &item);
    expand::or_report(checked, expand::write, &item).into()
}

/// Stores what a function returns, so that the next read need not load it: write-through.
///
/// ```ignore
/// #[cached(key = "users:<id>")]
/// async fn get_user(id: u64) -> Result<Option<User>, DbError> {
///     db::user(id).await
/// }
///
/// #[cache_put(key = "users:<ret.id>")]
/// async fn save_user(new: NewUser) -> Result<User, DbError> {
///     db::insert(new).await
/// }
/// ```
///
/// The `Ok` or `Some` value is stored in all tiers in place of whatever was there, and counts as
/// an invalidation of the key: a load that is on its way stores nothing. `Err`, `None` and
/// `Ok(None)` store nothing and leave the old value. A cache that fails does not fail the function:
/// what could not be stored is logged, invalidated, and not believed until that is done.
///
/// The function that reads finds the value if key, `version` and `codec` agree and the value has
/// the same type: a `User` is found by functions that return `User`, `Option<User>` or
/// `Result<User, _>`, and not by one that returns `Arc<User>`. Groups are those of this attribute,
/// so it names the tags that the reading function has.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `key = "users:<ret.id>"` | where the value is stored; required | |
/// | `ttl = 600`, `ttl = "10m"`, `ttl = limits::USER` | how long the value is kept, as of [`macro@cached`] | 300 s |
/// | `tags = ["team:<ret.team>"]` | groups under which the value can be invalidated | none |
/// | `version = 2` | the version of the function that reads | 0 |
/// | `codec = json`, or `bincode`, `msgpack`, `bytes`, or a path | the codec of the function that reads | chosen by the type |
/// | `local` | kept in this process only, so that the type needs no serde | shared if the cache is |
/// | `if = user.id != 0` | an expression over the arguments: where it is false, the key is invalidated in place of being stored | always stored |
/// | `unless = \|user\| user.is_guest` | a question to the value: where it says yes, the key is invalidated in place of being stored | always stored |
/// | `cache = "name"`, `cache = self.cache` | a registered cache, or an expression that derefs to one | the default cache |
/// | `crate = path` | where larder is, if it is renamed | `::larder` |
///
/// Placeholders are those of [`macro@cached`], and `<ret>`, `<ret.id>`, `<ret.0>`: the returned
/// value, which is what is in an `Ok` or a `Some`, and its fields. `#[invalidate_cache]` takes
/// them too. What stands in a key beside `<ret>` is written before the function runs, so it may
/// take arguments that the function consumes.
///
/// # Two writers of one key
///
/// Of two functions that write the same row at the same time, the one that commits first may
/// return last, and its value is not the newest. So a value is stored only if nobody else stored
/// or invalidated its key or a group of it since the function began; otherwise the key is
/// invalidated and the next call loads. In this process that always holds. Between processes it
/// holds if the key and the tags need no `<ret>`: then the right to store is taken from the far
/// tier before the function runs, and lost to whatever touches the entry or a group meanwhile.
/// With `<ret>`, a change by another process counts as soon as this one hears of it (without a
/// near tier it never does); in the time that its message takes, the last to finish wins. Where
/// that is too much, invalidate instead.
///
/// # Functions that do not end
///
/// A function that is cancelled or panics may have written all the same. A key that needs no
/// `<ret>` is then invalidated. A key that does is not known: what was under it stays until its
/// ttl, so give a function that changes what there was a key made of its arguments. `Err` is taken
/// by its word: nothing was written.
///
/// # Several attributes on one function
///
/// Any number of `#[cache_put]` and [`macro@invalidate_cache`] may stand on one function. Whatever
/// their order, first everything is invalidated, from top to bottom, and then everything is stored:
/// a function that invalidates the prefix `users` and stores `users:7` leaves `users:7` behind. An
/// attribute that was imported under another name acts before all those above it, and what it
/// invalidates keeps a `#[cache_put]` above it from storing.
///
/// # A plain `fn`
///
/// It stores in the near tier only. In a cache with a far tier the key is invalidated there and for
/// other processes.
#[proc_macro_attribute]
pub fn cache_put(args: TokenStream, item: TokenStream) -> TokenStream {
    let item = item.into();
    let checked = model::Write::put(args.into(), &item);
    expand::or_report(checked, expand::write, &item).into()
}
