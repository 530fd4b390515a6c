//! Plain functions: they are cached in this process, whatever their types can do.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use std::{borrow::Cow, cell::Cell, error::Error, fmt, pin::Pin, rc::Rc, sync::Arc};

use larder::{Cache, KeyPart, cached, invalidate_cache};

/// Neither serde nor `Debug`.
#[derive(Clone, PartialEq)]
struct Primes(Vec<u64>);

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[cached(ttl = "1m", key = "primes:<below>", tags = ["primes"])]
fn primes(below: u64) -> Primes {
    let mut primes = Vec::new();
    for n in 2..below {
        if primes.iter().all(|prime| n % prime > 0) {
            primes.push(n);
        }
    }
    Primes(primes)
}

#[cached]
fn fallible(text: &str) -> Answer<Option<u64>> {
    if text.is_empty() {
        return Ok(None);
    }
    Ok(Some(text.parse()?))
}

#[cached]
fn fibonacci(n: u64) -> u64 {
    if n < 2 {
        n
    } else {
        fibonacci(n - 1) + fibonacci(n - 2)
    }
}

// What the body is given need not be `Send`.
#[cached(skip(count))]
fn counted(id: u64, count: &Rc<Cell<u64>>, mut more: u64) -> u64 {
    more += id;
    count.set(count.get() + 1);
    count.get() + more
}

#[cached]
fn nothing() {}

#[cached(key = "labels:<short>")]
fn label(short: &str) -> Cow<'static, str> {
    Cow::Owned(short.to_uppercase())
}

#[cached]
fn for_ever(id: u64) -> &'static str {
    if id == 0 { "zero" } else { "many" }
}

#[cached(key = "by:<id>", cache = cache, skip(cache))]
fn in_a_cache(cache: &Cache, id: u64) -> Arc<str> {
    Arc::from(id.to_string())
}

// Kept as a whole: only the body knows its type.
#[cached]
fn squares(below: u64) -> impl Iterator<Item = u64> + Clone {
    let squares: Vec<_> = (0..below).map(|n| n * n).collect();
    squares.into_iter()
}

#[derive(Clone)]
struct Counter<T> {
    name: String,
    value: T,
}

trait Count {
    type Value: Clone + Send + Sync + 'static;

    fn count(&self, step: u64) -> Self::Value;

    #[cached(skip(self))]
    fn twice(&self, step: u64) -> Self::Value {
        self.count(step * 2)
    }
}

impl<T> Count for Counter<T>
where
    T: Clone + From<u64> + Send + Sync + 'static,
{
    type Value = (T, T);

    #[cached(key = "count:<self.name>:<step>")]
    fn count(&self, step: u64) -> Self::Value {
        (self.value.clone(), step.into())
    }
}

impl<T: Clone + Send + Sync + 'static> Counter<T> {
    #[cached(key = "itself:<self.name>")]
    fn by_value(self) -> Self {
        self
    }

    #[cached(key = "mut:<self.name>", skip(value))]
    fn by_mutable_reference(&mut self, value: T) -> T {
        std::mem::replace(&mut self.value, value)
    }

    #[cached(key = "arc:<self.name>")]
    fn by_arc(self: Arc<Self>) -> T {
        self.value.clone()
    }

    #[cached(key = "box:<self.name>")]
    fn by_box(self: Box<Self>) -> T {
        self.value
    }

    #[cached(key = "pin:<self.name>")]
    fn by_pin(self: Pin<&mut Self>) -> T {
        self.value.clone()
    }

    #[cached]
    fn associated<K: KeyPart, const N: usize>(keys: [K; N]) -> usize {
        keys.len()
    }

    #[invalidate_cache(keys = ["count:<self.name>:<step>"])]
    fn write(&mut self, step: u64, value: T) -> &mut T {
        self.value = value;
        let _ = step;
        &mut self.value
    }
}

#[invalidate_cache(tags = ["primes"])]
fn forget(what: &str) -> Result<&str, fmt::Error> {
    if what.is_empty() {
        Err(fmt::Error)
    } else {
        Ok(what)
    }
}

#[invalidate_cache(all, when = always)]
fn forget_all() {}

#[invalidate_cache(prefix = "primes:<below>", when = before)]
fn forget_before(below: u64) -> impl fmt::Display {
    below
}

#[invalidate_cache(prefix = "primes", when = before)]
fn forget_for_ever(code: i32) -> ! {
    std::process::exit(code)
}

#[invalidate_cache(prefix = "primes:<id>")]
#[cached(key = "both:<id>")]
fn both(id: u64) -> u64 {
    id
}

fn main() {
    assert!(primes(10) == Primes(vec![2, 3, 5, 7]));
    assert!(primes(10) == primes(10));
    assert_eq!(fallible("7").unwrap(), Some(7));
    assert_eq!(fallible("").unwrap(), None);
    fallible("x").unwrap_err();
    assert_eq!(fibonacci(60), 1_548_008_755_920);
    let count = Rc::default();
    assert_eq!(counted(1, &count, 1), counted(1, &count, 1));
    assert_eq!(count.get(), 1);
    nothing();
    assert_eq!(label("a"), "A");
    assert_eq!(squares(4).chain(squares(4)).sum::<u64>(), 28);
    assert_eq!(for_ever(0), "zero");
    assert_eq!(&*in_a_cache(larder::default_cache(), 1), "1");
    let mut counter = Counter {
        name: "a".to_owned(),
        value: 1_u64,
    };
    assert_eq!(counter.count(2), (1, 2));
    assert_eq!(counter.twice(2), (1, 4));
    assert_eq!(counter.clone().by_value().value, 1);
    assert_eq!(counter.by_mutable_reference(2), 1);
    assert_eq!(counter.by_mutable_reference(3), 1);
    assert_eq!(Arc::new(counter.clone()).by_arc(), 2);
    assert_eq!(Box::new(counter.clone()).by_box(), 2);
    assert_eq!(Pin::new(&mut counter).by_pin(), 2);
    assert_eq!(Counter::<u8>::associated(["a", "b"]), 2);
    assert_eq!(*counter.write(2, 9), 9);
    assert_eq!(counter.count(2), (9, 2));
    assert_eq!(forget("x"), Ok("x"));
    forget_all();
    assert_eq!(forget_before(1).to_string(), "1");
    assert_eq!(both(1), 1);
    if fibonacci(1) == 2 {
        forget_for_ever(1);
    }
}
