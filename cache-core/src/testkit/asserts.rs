//! What a test says about a cache, and what it reads when that is not so.

use std::fmt::Write as _;

use super::recording::{MOST, Recording};

/// Every assertion panics with what it wanted and all that was written down. After 100,000 steps
/// all of them do, for then some were not: see [`forget`](Recording::forget).
impl Recording {
    /// The function behind a key, or a function, ran exactly once.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// for _ in 0..3 {
    ///     let load = || async { Ok::<_, String>("ada".to_owned()) };
    ///     test.cache().get_or_load("users:7", load).await?;
    /// }
    /// test.assert_loaded_once("users:7");
    /// # Ok::<(), String>(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_loaded_once(&self, name: &str) {
        self.assert_loaded(name, 1);
    }

    /// The function behind a key, or a function, ran exactly so often.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.assert_loaded("users:7", 0);
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_loaded(&self, name: &str, times: usize) {
        self.counted(name, "loaded", self.loads(name), times);
    }

    /// The function behind a key, or a function, did not run.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.assert_not_loaded("users:7");
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_not_loaded(&self, name: &str) {
        self.assert_loaded(name, 0);
    }

    /// A value was found in a tier exactly so often.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.cache().set("users:7", &1_u32).await?;
    /// test.cache().get::<u32>("users:7").await?;
    /// test.assert_hit("users:7", 1);
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_hit(&self, name: &str, times: usize) {
        self.counted(name, "hit", self.hits(name), times);
    }

    /// A value was stored, at least once, in at least one tier.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.cache().set("users:7", &1_u32).await?;
    /// test.assert_stored("users:7");
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_stored(&self, name: &str) {
        let stored = self.stores(name) > 0;
        self.check(stored, || format!("`{name}` was not stored"));
    }

    /// No value was stored.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// let load = || async { Err::<u32, _>("gone".to_owned()) };
    /// test.cache().get_or_load("users:7", load).await.unwrap_err();
    /// test.assert_not_stored("users:7");
    /// # });
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_not_stored(&self, name: &str) {
        self.counted(name, "stored", self.stores(name), 0);
    }

    /// A key was invalidated: itself, by a prefix above it, by a pattern or with everything; or a
    /// prefix or tag of this name was.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.cache().remove_prefix("users").await?;
    /// test.assert_invalidated("users");
    /// test.assert_invalidated("users:7");
    /// test.assert_not_invalidated("orders:7");
    /// # cache_core::Result::<()>::Ok(()) }).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_invalidated(&self, name: &str) {
        let invalidated = self.invalidations(name) > 0;
        self.check(invalidated, || format!("`{name}` was not invalidated"));
    }

    /// A key, prefix or tag was not invalidated, neither by itself nor along with others.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.assert_not_invalidated("users");
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_not_invalidated(&self, name: &str) {
        self.counted(name, "invalidated", self.invalidations(name), 0);
    }

    /// Nothing was asked of the cache.
    ///
    /// ```
    /// # let test = cache_core::testkit::TestCache::new();
    /// test.assert_untouched();
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not so.
    #[track_caller]
    pub fn assert_untouched(&self) {
        let untouched = self.events().is_empty();
        self.check(untouched, || "the cache was touched".to_owned());
    }

    #[track_caller]
    fn counted(&self, name: &str, what: &str, were: usize, wanted: usize) {
        self.check(were == wanted, || {
            let (were, wanted) = (times(were), times(wanted));
            format!("`{name}` was {what} {were}, not {wanted}")
        });
    }

    #[track_caller]
    fn check(&self, holds: bool, wrong: impl Fn() -> String) {
        assert!(
            self.is_whole(),
            "{MOST} steps were recorded and no more, so nothing is known for sure: `forget()` on the way"
        );
        assert!(holds, "{}; {}", wrong(), self.printed());
    }

    fn printed(&self) -> String {
        let mut printed = String::from("nothing was recorded");
        for (at, event) in self.events().iter().enumerate() {
            if at == 0 {
                printed = String::from("recorded:");
            }
            write!(printed, "\n{:>5}. {event}", at + 1).expect("a string takes any text");
        }
        printed
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        _ => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::witness::What;

    #[test]
    #[should_panic(expected = "nothing is known for sure")]
    fn what_was_not_written_down_is_not_vouched_for() {
        let recording = Recording::default();
        for _ in 0..MOST {
            recording.note(What::HitNear, "f", "k");
        }
        recording.note(What::Loaded, "f", "k");
        recording.assert_not_loaded("k");
    }
}
