#![deny(warnings)]

use std::{borrow::Cow, fmt, pin::Pin, sync::Arc};

use larder::{cached, invalidate_cache};

#[derive(Clone, Debug)]
struct Lost;

type Fallible<T> = Result<T, Lost>;
type Maybe<T> = Option<T>;
type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

#[cached(key = "alias:<id>", none_ttl = "30s")]
async fn alias(id: u64) -> Fallible<Maybe<String>> {
    let name = find(id).ok_or(Lost)?;
    Ok(Some(name))
}

fn find(id: u64) -> Option<String> {
    (id > 0).then(|| id.to_string())
}

#[cached(key = "unit:<id>")]
async fn unit(id: u64) {
    assert!(id > 0);
}

#[cached(key = "static:<id>", local)]
async fn borrows_for_ever(id: u64) -> Option<&'static str> {
    (id > 0).then_some("positive")
}

#[cached(key = "cow:<id>")]
async fn cow(id: u64) -> Cow<'static, str> {
    Cow::Owned(id.to_string())
}

#[cached(key = "function:<id>", local)]
async fn function(id: usize) -> Arc<dyn Fn(&str) -> bool + Send + Sync> {
    Arc::new(move |text| text.len() == id)
}

#[cached(key = "predicate:<id>", local)]
async fn predicate(id: usize) -> Predicate {
    Arc::new(move |text| text.len() == id)
}

#[cached(key = "early:<id>")]
async fn early(id: u64) -> u64 {
    if id == 0 {
        return 1;
    }
    loop {
        break id;
    }
}

#[cached(key = "fact:<n>")]
async fn factorial(n: u64) -> u64 {
    if n < 2 {
        1
    } else {
        n * boxed_factorial(n - 1).await
    }
}

// A function that calls itself needs a type of its future that does not name itself.
fn boxed_factorial(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(factorial(n))
}

// A write returns whatever it likes.
#[invalidate_cache(all)]
async fn opaque(id: u64) -> impl fmt::Display {
    id
}

#[invalidate_cache(prefix = "users")]
async fn borrowed(text: &str) -> Result<&str, &str> {
    if text.is_empty() { Err(text) } else { Ok(text) }
}

#[invalidate_cache(prefix = "users")]
async fn nothing() {}

#[invalidate_cache(prefix = "users", when = always)]
async fn early_error(text: &str) -> Fallible<u64> {
    let first = text.chars().next().ok_or(Lost)?;
    Ok(u64::from(first))
}

#[invalidate_cache(prefix = ["users", "teams:<id>"], tags = "team:<id>", when = before)]
async fn before(id: u64) -> Fallible<()> {
    assert!(id > 0);
    Ok(())
}

fn main() {
    drop((
        alias(1),
        unit(1),
        borrows_for_ever(1),
        cow(1),
        function(1),
        predicate(1),
    ));
    drop((
        early(1),
        factorial(1),
        opaque(1),
        borrowed(""),
        nothing(),
        early_error(""),
        before(1),
    ));
}
