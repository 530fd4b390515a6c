#![deny(warnings)]
#![forbid(unsafe_code)]

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use larder::cached;

const TTL: Duration = Duration::from_secs(60);

mod limits {
    use std::time::Duration;

    pub(crate) const SHORT: Duration = Duration::from_millis(250);

    pub(crate) const fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }
}

#[derive(Clone)]
struct Page {
    rows: Vec<String>,
    max_age: Duration,
}

impl Page {
    fn is_partial(&self) -> bool {
        self.rows.is_empty()
    }
}

#[derive(Debug, Clone)]
struct DbError;

type Answer<T> = Result<T, DbError>;

#[cached(ttl = TTL)]
async fn by_constant(id: u64) -> u64 {
    id
}

#[cached(ttl = limits::SHORT, none_ttl = limits::minutes(1), err_ttl = Duration::from_secs(5))]
async fn by_expressions(id: u64) -> Answer<Option<u64>> {
    Ok(Some(id))
}

#[cached(ttl = { const LONG: Duration = Duration::from_secs(3_600); LONG })]
async fn by_block(id: u64) -> u64 {
    id
}

#[cached(unless = Page::is_partial, ttl_from = |page| page.max_age, err_ttl = 1)]
async fn everything_of_a_result(id: u64) -> Answer<Page> {
    let rows = vec![id.to_string()];
    Ok(Page { rows, max_age: TTL })
}

#[cached(unless = |page: &Arc<Page>| page.is_partial(), none_ttl = "1s")]
async fn everything_of_an_option(id: u64) -> Option<Arc<Page>> {
    let rows = vec![id.to_string()];
    Some(Arc::new(Page { rows, max_age: TTL }))
}

#[cached(unless = Vec::is_empty)]
async fn list(id: u64) -> Vec<u64> {
    vec![id]
}

#[cached(unless = HashMap::is_empty)]
async fn map(id: u64) -> HashMap<u64, String> {
    HashMap::from([(id, String::new())])
}

#[cached(unless = move |id| { let id: u64 = *id; id == 0 })]
async fn shadowed(id: u64) -> u64 {
    id
}

#[cached(key = "pages:<number>", if = *number < 10 && !fresh, skip(fresh))]
async fn on_condition(number: &u32, fresh: bool) -> u32 {
    *number
}

struct Range {
    from: u64,
}

#[cached(key = "ranges:<range.from>", if = matches!(range, Range { from: 1.. }))]
async fn on_a_pattern(range: Range) -> u64 {
    range.from
}

#[cached(if = { allowed(id).await }, local)]
async fn on_an_answer(id: u64) -> u64 {
    id
}

async fn allowed(id: u64) -> bool {
    id > 7
}

#[cached(key = "sessions:<token>:<mail:lower>:<r#type>", tags = ["of:<token>"], sensitive(token, mail, r#type))]
async fn hidden(token: &str, mail: String, r#type: u8) -> u64 {
    drop((token, mail));
    u64::from(r#type)
}

#[cached(sensitive(token))]
async fn hidden_by_default(token: &str) -> usize
where
    str: fmt::Debug,
{
    token.len()
}

struct Repo {
    region: String,
}

impl Repo {
    #[cached(
        key = "<self.region>:<id>",
        sensitive(self),
        if = self.is_near(),
        unless = |name| name.is_empty(),
        ttl_from = lifetime,
        err_ttl = TTL,
    )]
    async fn name(&self, id: u64) -> Answer<String> {
        Ok(format!("{id}"))
    }

    #[cached(key = "g:<id>", unless = |value: &T| value.to_string().is_empty(), err_ttl = 1)]
    async fn generic<T, E>(&self, id: T) -> Result<T, E>
    where
        T: Clone + Send + Sync + fmt::Display + larder::KeyPart + 'static,
        E: Clone + Send + Sync + 'static,
    {
        Ok(id)
    }

    fn is_near(&self) -> bool {
        self.region == "near"
    }
}

fn lifetime(name: &String) -> Duration {
    Duration::from_secs(name.len() as u64)
}

fn main() {
    let repo = Repo {
        region: "near".to_owned(),
    };
    drop((by_constant(1), by_expressions(1), by_block(1), shadowed(1)));
    drop((everything_of_a_result(1), everything_of_an_option(1)));
    drop((list(1), map(1), on_condition(&1, true), on_an_answer(1)));
    drop((on_a_pattern(Range { from: 1 }), hidden("", String::new(), 1)));
    drop((hidden_by_default(""), repo.name(1)));
    drop(repo.generic::<u64, DbError>(1));
}
