//! Which cache stands in for the default one, or for a named one, on this thread.

use std::{
    cell::RefCell,
    future::Future,
    marker::PhantomData,
    ops::Deref,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use super::test_cache::TestCache;
use crate::cache::Cache;

thread_local! {
    /// The innermost last.
    static HERE: RefCell<Vec<Layer>> = const { RefCell::new(Vec::new()) };
}

#[derive(Debug, Clone)]
struct Layer {
    /// `None` for the default cache.
    name: Option<String>,
    cache: &'static Cache,
}

/// The cache that stands in on this thread for the default one, or for the one of this name.
pub(crate) fn stand_in(name: Option<&str>) -> Option<&'static Cache> {
    HERE.with_borrow(|here| {
        let mut of_name = here.iter().rev();
        let layer = of_name.find(|layer| layer.name.as_deref() == name)?;
        Some(layer.cache)
    })
}

fn leave(layer: &Layer) {
    // A thread that ends has none left.
    let _ = HERE.try_with(|here| {
        let mut here = here.borrow_mut();
        let same = |one: &Layer| std::ptr::eq(one.cache, layer.cache) && one.name == layer.name;
        if let Some(at) = here.iter().rposition(same) {
            here.remove(at);
        }
    });
}

/// Makes a test cache and has it stand in for the default one until what is returned is dropped:
/// the first line of most tests.
///
/// ```
/// # use cache_core::testkit;
/// let test = testkit::enter();
/// // call annotated functions
/// test.assert_untouched();
/// ```
pub fn enter() -> Entered {
    TestCache::new().enter()
}

/// A test cache that stands in for another on this thread, until this is dropped.
///
/// On a `current_thread` runtime, which is what `#[tokio::test]` makes, that is all there is: also
/// tasks that are spawned, a server among them. A task on another thread needs
/// [`TestCache::scope`].
///
/// ```
/// # use cache_core::testkit::TestCache;
/// let test = TestCache::near_only().enter();
/// test.assert_untouched(); // all of `TestCache` and `Recording`
/// ```
#[derive(Debug)]
#[must_use = "dropped, the cache no longer stands in"]
pub struct Entered {
    test: TestCache,
    layer: Layer,
    /// Bound to its thread.
    here: PhantomData<*const ()>,
}

impl Deref for Entered {
    type Target = TestCache;

    fn deref(&self) -> &TestCache {
        &self.test
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        leave(&self.layer);
    }
}

impl TestCache {
    /// Has this cache stand in for the default one on this thread: functions that name no cache
    /// use it. Tests beside this one do not notice.
    ///
    /// ```
    /// # use cache_core::testkit::TestCache;
    /// let test = TestCache::near_only().enter();
    /// ```
    pub fn enter(&self) -> Entered {
        self.stand_for(None)
    }

    /// Has this cache stand in on this thread for the one that is registered as `name`, whether or
    /// not one is.
    ///
    /// ```
    /// # use cache_core::{Cache, testkit::TestCache};
    /// let sessions = TestCache::new().enter_as("sessions");
    /// assert!(Cache::named("sessions").is_some());
    /// drop(sessions);
    /// assert!(Cache::named("sessions").is_none());
    /// ```
    pub fn enter_as(&self, name: &str) -> Entered {
        self.stand_for(Some(name.to_owned()))
    }

    fn stand_for(&self, name: Option<String>) -> Entered {
        let cache = self.leaked();
        let layer = Layer { name, cache };
        HERE.with_borrow_mut(|here| here.push(layer.clone()));
        Entered {
            test: self.clone(),
            layer,
            here: PhantomData,
        }
    }

    /// Has this cache stand in for the default one wherever `future` is polled: for tasks of a
    /// runtime with several threads.
    ///
    /// ```
    /// # use cache_core::testkit::TestCache;
    /// # tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
    /// let test = TestCache::new();
    /// let task = tokio::spawn(test.scope(async { /* call annotated functions */ }));
    /// # task.await.unwrap();
    /// # });
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let layer = Layer {
            name: None,
            cache: self.leaked(),
        };
        let test = self.clone();
        async move {
            let scope = Scope {
                layer,
                future: pin!(future),
            };
            let output = scope.await;
            drop(test);
            output
        }
    }
}

struct Scope<'f, F> {
    layer: Layer,
    future: Pin<&'f mut F>,
}

impl<F: Future> Future for Scope<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _left = Left(self.layer.clone());
        HERE.with_borrow_mut(|here| here.push(self.layer.clone()));
        self.future.as_mut().poll(context)
    }
}

/// Takes a layer away again, also after a panic.
struct Left(Layer);

impl Drop for Left {
    fn drop(&mut self) {
        leave(&self.0);
    }
}
