//! What happened in a cache, step by step, for a test to look at.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use crate::witness::What;
use crate::{
    glob,
    names::{ALL, prefix_of, tag_of},
};

/// More events than this are not kept, and then nothing can be asserted: a test that needs more
/// forgets some on the way.
pub(super) const MOST: usize = 100_000;

/// Writes down every step of the caches that are built with it, and answers for them: it counts,
/// asserts and prints. Clones share what was written down.
///
/// A name that it is asked about is a key (`users:7`) or a function, with as much of its path as
/// tells it from others (`get_user`, `users::get_user`).
///
/// ```
/// use cache_core::{Cache, testkit::{MemoryNear, Recording}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let recording = Recording::default();
/// let cache = Cache::builder().near(MemoryNear::default()).record(&recording).build()?;
///
/// cache.set("users:7", &"ada".to_owned()).await?;
/// cache.get::<String>("users:7").await?;
/// assert_eq!(recording.stores("users:7"), 1);
/// assert_eq!(recording.hits("users:7"), 1);
/// recording.assert_not_loaded("users:7");
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<Mutex<Vec<Event>>>);

/// One step.
///
/// ```
/// # let test = cache_core::testkit::TestCache::new();
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// test.cache().set("users:7", &1_u32).await?;
/// let first = &test.events()[0];
/// assert_eq!(first.to_string(), "stored near   `users:7` by hand");
/// # cache_core::Result::<()>::Ok(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub what: What,
    /// The key, in full; or the prefix, the tag or the pattern that was invalidated. Empty if that
    /// was everything.
    pub name: String,
    /// The path of the cached function; `by hand` for the methods of a cache, empty for an
    /// invalidation.
    pub function: String,
}

impl Recording {
    /// Everything so far, in the order in which it happened.
    ///
    /// ```
    /// use cache_core::testkit::{TestCache, What};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let test = TestCache::near_only();
    /// test.cache().get::<u32>("users:7").await?;
    /// assert_eq!(test.events()[0].what, What::Missed);
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub fn events(&self) -> Vec<Event> {
        self.lock().clone()
    }

    /// Forgets what was written down, so that the test goes on from here.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// test.cache().set("users:7", &1_u32).await?;
    /// test.forget();
    /// test.assert_untouched();
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// How often the function behind a key ran, or a function at all; runs that gave an error
    /// included.
    ///
    /// A batch is one run of its function, and one of each of its keys.
    pub fn loads(&self, name: &str) -> usize {
        self.count(|event| match event.what {
            What::Loaded | What::Failed => event.is_about(name),
            What::LoadedAlong => event.name == name,
            _ => false,
        })
    }

    /// How often a value was found in a tier instead of being loaded.
    pub fn hits(&self, name: &str) -> usize {
        let found = |what| matches!(what, What::HitNear | What::HitFar);
        self.count(|event| found(event.what) && event.is_about(name))
    }

    /// How often a value was not found in a tier, whoever loaded it then.
    pub fn misses(&self, name: &str) -> usize {
        let missed = |what| matches!(what, What::Missed | What::Joined);
        self.count(|event| missed(event.what) && event.is_about(name))
    }

    /// How often a value was stored: in both tiers counts as once.
    pub fn stores(&self, name: &str) -> usize {
        let tier = |tier| self.count(|event| event.what == tier && event.is_about(name));
        tier(What::StoredNear).max(tier(What::StoredFar))
    }

    /// How often a key was invalidated: itself, by a prefix above it, by a pattern, or with
    /// everything. Also, how often a prefix or a tag of this name was.
    ///
    /// Which tags a key has is not written down: ask for the tag.
    pub fn invalidations(&self, name: &str) -> usize {
        self.count(|event| event.invalidates(name))
    }

    /// Whether every step could be written down.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().len() < MOST
    }

    pub(super) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.lock().iter().filter(|event| is(event)).count()
    }

    pub(crate) fn note(&self, what: What, function: &str, name: &str) {
        let mut events = self.lock();
        if events.len() < MOST {
            events.push(Event {
                what,
                name: name.to_owned(),
                function: function.to_owned(),
            });
        }
    }

    pub(crate) fn note_change(&self, keys: &[String], groups: &[String]) {
        let prefixes: Vec<&str> = groups.iter().filter_map(|group| prefix_of(group)).collect();
        // A prefix takes the key along that is spelt like it.
        let alone = |key: &&String| !prefixes.contains(&key.as_str());
        for key in keys.iter().filter(alone) {
            self.note(What::InvalidatedKey, "", key);
        }
        for prefix in &prefixes {
            self.note(What::InvalidatedPrefix, "", prefix);
        }
        for tag in groups.iter().filter_map(|group| tag_of(group)) {
            self.note(What::InvalidatedTag, "", tag);
        }
        if groups.iter().any(|group| group == ALL) {
            self.note(What::Cleared, "", "");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Event {
    /// Whether it is about this key or this function.
    fn is_about(&self, name: &str) -> bool {
        self.name == name || self.is_of(name)
    }

    fn is_of(&self, function: &str) -> bool {
        let head = self.function.strip_suffix(function);
        head.is_some_and(|head| head.is_empty() || head.ends_with("::"))
    }

    fn invalidates(&self, name: &str) -> bool {
        match self.what {
            What::InvalidatedKey | What::InvalidatedTag => self.name == name,
            What::InvalidatedPrefix => {
                let below = name.strip_prefix(self.name.as_str());
                below.is_some_and(|below| below.is_empty() || below.starts_with(':'))
            }
            What::Cleared => true,
            What::Swept => glob::matches(&self.name, name),
            _ => false,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::HitNear => "hit near",
            What::HitFar => "hit far",
            What::Missed => "missed",
            What::Joined => "joined",
            What::Loaded => "loaded",
            What::LoadedAlong => "loaded along",
            What::Failed => "failed",
            What::StoredNear => "stored near",
            What::StoredFar => "stored far",
            What::Refused => "refused",
            What::FarFailed => "far failed",
            What::InvalidatedKey => "invalidated",
            What::InvalidatedPrefix => "invalidated prefix",
            What::InvalidatedTag => "invalidated tag",
            What::Cleared => return f.write_str("cleared"),
            What::Swept => "swept",
        };
        write!(f, "{what:<13} `{}`", self.name)?;
        match &*self.function {
            "" => Ok(()),
            function => write!(f, " {function}"),
        }
    }
}
