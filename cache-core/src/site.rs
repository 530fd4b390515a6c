//! What an expanded `#[cached]` calls: the constants of one function, the hit, and the way to a
//! load. Whatever is generic here is generic over the return type only.

use std::{fmt, future::Future, ops::Deref, pin::Pin, time::Duration};

use once_cell::sync::OnceCell;

use crate::{
    ask::{self, Ask},
    block::{Asked, run_between},
    cache::{Cache, Inner},
    call::Call,
    caught::Caught,
    codec::{Table, ViaNear, probe},
    entry::Live,
    flight::{Load, Running},
    key::KeyWriter,
    near::KeyRef,
    outcome::{Loaded, Outcome},
    policy::Policy,
    serve::{self, Accepts},
    shape::Shape,
    stats::Counts,
    sync::Arc,
    witness::What,
};

/// The constants of one cached function.
#[derive(Debug)]
pub struct Site {
    /// Where the function is: `my_crate::users::get_user`.
    pub(crate) path: &'static str,
    pub(crate) template: &'static str,
    pub(crate) policy: Policy,
    pub(crate) version: u32,
    pub(crate) local: bool,
    /// Whether the function blocks its thread until it has a value.
    pub(crate) blocks: bool,
    /// Where the calls are counted that go to the cache which this function met first.
    home: OnceCell<Home>,
}

#[derive(Debug)]
struct Home {
    cache: u64,
    counts: Arc<Counts>,
}

impl Site {
    /// A function at `path` whose keys follow `template`, with the defaults of its cache.
    pub const fn new(path: &'static str, template: &'static str) -> Self {
        Self {
            path,
            template,
            policy: Policy {
                ttl: None,
                none_ttl: None,
                err_ttl: None,
                jitter: None,
            },
            version: 0,
            local: false,
            blocks: false,
            home: OnceCell::new(),
        }
    }

    /// How long values live.
    #[must_use]
    pub const fn ttl(mut self, millis: u64) -> Self {
        self.policy.ttl = Some(Duration::from_millis(millis));
        self
    }

    /// How long absences are remembered.
    #[must_use]
    pub const fn none_ttl(mut self, millis: u64) -> Self {
        self.policy.none_ttl = Some(Duration::from_millis(millis));
        self
    }

    /// How long errors are remembered.
    #[must_use]
    pub const fn err_ttl(mut self, millis: u64) -> Self {
        self.policy.err_ttl = Some(Duration::from_millis(millis));
        self
    }

    /// How far these vary, in hundredths of a percent.
    #[must_use]
    pub const fn jitter(mut self, hundredths: u16) -> Self {
        self.policy.jitter = Some(hundredths);
        self
    }

    /// Values written under another version are not read.
    #[must_use]
    pub const fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Values stay in this process.
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.local = true;
        self
    }

    /// The function blocks its thread, and its values stay in this process.
    #[must_use]
    pub const fn blocks(mut self) -> Self {
        self.blocks = true;
        self.local = true;
        self
    }

    /// Where calls to `cache` are counted.
    pub(crate) fn counts(&'static self, cache: &Inner) -> Counted {
        let home = self.home.get_or_init(|| Home {
            cache: cache.id,
            counts: cache.site_counts(self),
        });
        if home.cache == cache.id {
            Counted::Home(&home.counts)
        } else {
            Counted::Elsewhere(cache.site_counts(self))
        }
    }
}

/// Where calls are counted: mostly found without touching a count that all threads share.
pub(crate) enum Counted {
    Home(&'static Counts),
    Elsewhere(Arc<Counts>),
}

impl Deref for Counted {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        match self {
            Self::Home(counts) => counts,
            Self::Elsewhere(counts) => counts,
        }
    }
}

/// Looks the key up in the near tier: all that a hit does.
///
/// # Errors
///
/// What is needed to go on with a miss, or with what is asked instead.
pub fn near<S: Outcome>(
    site: &'static Site,
    cache: &Cache,
    key: &KeyWriter,
    shape: S,
) -> Result<S::Return, Missed> {
    let key = key.key();
    let ask = ask::take(site);
    let mut hit = None;
    if ask.is_none() {
        cache.0.look_near(key, &mut |value| {
            hit = match value {
                Some(live) => shape.of_live(live),
                None => shape.of_absent(),
            };
        });
    }
    match hit {
        Some(hit) => {
            site.counts(&cache.0).near_hit();
            cache.0.witness.note(What::HitNear, site.path, key.text);
            Ok(hit)
        }
        None => Err(Missed::new(site, cache, key, ask)),
    }
}

/// What joining a result relies on.
const ACCEPTED: &str = "only what this function accepts is returned to it";

/// A call that the near tier could not answer, or that was not to be looked up.
pub struct Missed(Option<Box<Miss>>);

pub(crate) struct Miss {
    pub(crate) site: &'static Site,
    pub(crate) cache: Cache,
    pub(crate) key: Box<str>,
    hash: u64,
    pub(crate) tags: Tags,
    counts: Counted,
    ask: Option<Ask>,
}

/// The tags of one call.
#[derive(Debug, Default)]
pub struct Tags(pub(crate) Vec<String>);

impl Tags {
    /// Adds the tag that `write` writes.
    pub fn add(&mut self, write: impl FnOnce(&mut KeyWriter)) {
        let mut tag = KeyWriter::new();
        write(&mut tag);
        self.0.push(tag.as_str().to_owned());
    }
}

impl Missed {
    pub(crate) fn new(
        site: &'static Site,
        cache: &Cache,
        key: KeyRef<'_>,
        ask: Option<Ask>,
    ) -> Self {
        let mut miss = Miss::new(site, cache, key);
        miss.ask = ask;
        Self(Some(Box::new(miss)))
    }

    /// A call that has nothing to do with the cache: its body runs, nothing is looked up,
    /// shared or stored. What was asked of it is not asked of others.
    pub fn bypass() -> Self {
        ask::take_any();
        Self(None)
    }

    /// The value in whichever tier; a tier that fails has none.
    pub(crate) async fn stored(self, table: &'static Table) -> Option<Live> {
        self.0?.call(table).get().await.ok().flatten()
    }

    /// Adds tags.
    #[must_use]
    pub fn tags(mut self, add: impl FnOnce(&mut Tags)) -> Self {
        if let Some(miss) = &mut self.0 {
            add(&mut miss.tags);
        }
        self
    }

    /// Finds the value, or loads it by `body`, which may borrow from its caller.
    pub fn load<'a, S: Outcome>(
        self,
        shape: S,
        table: &'static Table,
        body: Body<'a, S::Return>,
    ) -> Body<'a, S::Return>
    where
        S::Return: 'a,
    {
        match self.0 {
            Some(miss) => miss.serve(shape, table, Load::Borrowed(erase(shape, body))),
            None => body,
        }
    }

    /// Finds the value, or loads it by `body`, which another caller may finish if this one goes.
    pub fn load_owned<S: Outcome>(
        self,
        shape: S,
        table: &'static Table,
        body: Body<'static, S::Return>,
    ) -> Body<'static, S::Return>
    where
        S::Return: 'static,
    {
        match self.0 {
            Some(miss) => miss.serve(shape, table, Load::Owned(erase(shape, body))),
            None => body,
        }
    }

    /// Finds the value, or loads it by `body` on this thread, which waits where another loads it.
    /// The far tier is not asked: it could not be waited for without a runtime.
    ///
    /// # Panics
    ///
    /// If `body` does.
    pub fn block<S: Outcome>(self, shape: S, body: impl FnOnce() -> S::Return) -> S::Return {
        let Some(miss) = self.0 else { return body() };
        let mut body = Some(body);
        let mut load = || {
            let body = body.take().expect("a load is run once");
            shape.split(body())
        };
        let table = ViaNear::larder_table(&probe(shape));
        let accepts = |loaded: &_| shape.accepts(loaded);
        let loaded = miss.block(table, &accepts, &mut load);
        shape.join(loaded).expect(ACCEPTED)
    }
}

pub(crate) type Body<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

fn erase<'a, S: Outcome>(shape: S, body: Body<'a, S::Return>) -> Running<'a>
where
    S::Return: 'a,
{
    Box::pin(async move { shape.split(body.await) })
}

impl Miss {
    pub(crate) fn new(site: &'static Site, cache: &Cache, key: KeyRef<'_>) -> Self {
        Self {
            site,
            cache: cache.clone(),
            key: key.text.into(),
            hash: key.hash,
            tags: Tags::default(),
            counts: site.counts(&cache.0),
            ask: None,
        }
    }

    /// The one place where a typed call becomes an untyped one and back. Boxed, so that the
    /// future of the annotated function stays small.
    fn serve<'a, S: Outcome>(
        self: Box<Self>,
        shape: S,
        table: &'static Table,
        load: Load<'a>,
    ) -> Body<'a, S::Return>
    where
        S::Return: 'a,
    {
        Box::pin(async move {
            let loaded = self.answer(Box::new(shape), table, load).await;
            shape.join(loaded).expect(ACCEPTED)
        })
    }

    /// Does what is asked; usually that is to find the value or to load it.
    async fn answer(
        self: Box<Self>,
        shape: Box<dyn Shape>,
        table: &'static Table,
        load: Load<'_>,
    ) -> Loaded {
        let accepts = |loaded: &_| shape.can_join(loaded);
        match self.ask {
            None => serve::serve(&self.call(table), &accepts, load).await,
            Some(Ask::Refresh) => {
                let call = self.call(table);
                Box::pin(serve::refresh(&call, &accepts, load)).await
            }
            Some(Ask::Uncached) => load.await,
            Some(Ask::Capture) => {
                drop(load);
                let miss = self;
                ask::hand_over(Caught { miss, shape, table }).await
            }
        }
    }

    fn block(
        &self,
        table: &'static Table,
        accepts: Accepts<'_>,
        load: &mut dyn FnMut() -> Loaded,
    ) -> Loaded {
        if self.ask == Some(Ask::Uncached) {
            return load();
        }
        let call = self.call(table);
        let asked = Asked::default();
        let asks = Load::Borrowed(Box::pin(asked.clone()));
        if self.ask == Some(Ask::Refresh) {
            return run_between(serve::refresh(&call, accepts, asks), &asked, load);
        }
        run_between(serve::serve(&call, accepts, asks), &asked, load)
    }

    pub(crate) fn call(&self, table: &'static Table) -> Call<'_> {
        Call {
            cache: &self.cache.0,
            function: self.site.path,
            key: KeyRef {
                text: &self.key,
                hash: self.hash,
            },
            tags: self.tags.0.clone(),
            policy: self.site.policy,
            table,
            version: self.site.version,
            far: !self.site.local,
            blocks: self.site.blocks,
            counts: &self.counts,
        }
    }
}

impl fmt::Debug for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Missed")
            .field("template", &self.0.as_ref().map(|miss| miss.site.template))
            .finish_non_exhaustive()
    }
}
