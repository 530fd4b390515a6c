#![deny(warnings)]

use std::{collections::HashMap, sync::Arc};

use larder::{cached, invalidate_cache};

struct Path<T>(T);

struct State<T>(T);

struct Query {
    page: u32,
    sort: Option<String>,
    trace: String,
}

struct Permit;

#[cached(key = "text:<text>:<words>:<maybe>")]
async fn borrowed(text: &str, words: &[String], maybe: Option<&str>) -> usize {
    text.len() + words.len() + maybe.map_or(0, str::len)
}

#[cached(key = "cities:<country>:<name:lower>")]
async fn wrapped(Path((country, name)): Path<(String, String)>) -> String {
    country + &name
}

#[cached(key = "cities:<page>:<sort>", skip(trace))]
async fn destructured(
    Query {
        page,
        mut sort,
        ref trace,
    }: Query,
) -> Option<String> {
    let sort = sort.take()?;
    Some(format!("{page}{sort}{trace}"))
}

#[cached(key = "cities:<page>")]
async fn in_part(Query { page, .. }: Query, _: Permit) -> u32 {
    page
}

#[cached(key = "pairs:<a>:<b>")]
async fn nested(&(a, b): &(u64, u64), [first, ..]: [u64; 3], (only,): (u64,)) -> u64 {
    #![allow(deprecated, reason = "the key leaves two arguments out on purpose")]
    a + b + first + only
}

#[cached(key = "count:<n>")]
async fn mutable(mut n: u64) -> u64 {
    n += 1;
    n
}

#[cached(key = "count:<n>")]
async fn mutable_and_again(mut n: u64) -> Result<u64, String> {
    while n < 10 {
        n += 1;
        if n == 7 {
            Err("seven")?;
        }
    }
    Ok(n)
}

#[cached(key = "kinds:<type>:<r#match>")]
async fn raw(r#type: u64, r#match: u64) -> u64 {
    r#type + r#match
}

#[cached(key = "state:<id>")]
async fn state(State(counts): State<Arc<HashMap<u64, u64>>>, id: u64) -> Option<u64> {
    counts.get(&id).copied()
}

#[cached(key = "guarded:<id>", skip(_permit))]
async fn guarded(id: u64, _permit: Permit) -> u64 {
    id
}

#[cached(skip(_unused))]
async fn only_in_the_key(id: u64, _unused: u64) -> u64 {
    1
}

#[cached(key = "users:<query.page>:<query.sort>", tags = ["users", "page:<query.page>"])]
async fn fields(query: Query) -> Option<String> {
    query.sort
}

#[cached(key = "search:<q:hash>")]
async fn hashed(q: String) -> String {
    q
}

#[invalidate_cache(keys = ["users:<query.page>:<name>"], prefix = "pages:<query.page>:*")]
async fn consumed(query: Query, name: String) -> String {
    drop(query);
    name
}

fn query() -> Query {
    Query {
        page: 1,
        sort: None,
        trace: String::new(),
    }
}

fn main() {
    drop((
        borrowed("", &[], None),
        wrapped(Path((String::new(), String::new()))),
    ));
    drop((
        destructured(query()),
        in_part(query(), Permit),
        nested(&(1, 2), [1, 2, 3], (4,)),
    ));
    drop((
        mutable(1),
        mutable_and_again(1),
        raw(1, 2),
        guarded(1, Permit),
    ));
    drop((
        state(State(Arc::default()), 1),
        only_in_the_key(1, 2),
        fields(query()),
    ));
    drop((hashed(String::new()), consumed(query(), String::new())));
}
