//! What a batch returns: some map, and perhaps an error in its place.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
};

use crate::outcome::{Carried, Copying, Failure, Of, Shared, Unshared, kind};

/// A map from the elements of a batch to their values.
#[diagnostic::on_unimplemented(
    message = "`batch` cannot take `{Self}` apart: it is no map from elements to values",
    label = "each element's value is kept by itself",
    note = "return a `HashMap<K, V>`, a `BTreeMap<K, V>` or a `Vec<(K, V)>`, alone or in a `Result`"
)]
pub trait Many: Send {
    /// An element.
    type Key: PartialEq + Send + Sync;
    /// Its value.
    type Value;
    /// This type, for those who have seen that it is a map: of what is none the compiler then
    /// knows nothing, so that it is reported once.
    type Itself;

    /// What gives the value of an element, once.
    fn taker(self) -> impl FnMut(&Self::Key) -> Option<Self::Value> + Send;
    /// The map of these pairs, in their order if it has one.
    fn of(pairs: impl Iterator<Item = (Self::Key, Self::Value)>) -> Self;
}

#[diagnostic::do_not_recommend]
impl<K, V, S> Many for HashMap<K, V, S>
where
    K: Eq + Hash + Send + Sync,
    V: Send,
    S: BuildHasher + Default + Send,
{
    type Key = K;
    type Value = V;
    type Itself = Self;

    fn taker(mut self) -> impl FnMut(&K) -> Option<V> + Send {
        move |key| self.remove(key)
    }
    fn of(pairs: impl Iterator<Item = (K, V)>) -> Self {
        pairs.collect()
    }
}

#[diagnostic::do_not_recommend]
impl<K: Ord + Send + Sync, V: Send> Many for BTreeMap<K, V> {
    type Key = K;
    type Value = V;
    type Itself = Self;

    fn taker(mut self) -> impl FnMut(&K) -> Option<V> + Send {
        move |key| self.remove(key)
    }
    fn of(pairs: impl Iterator<Item = (K, V)>) -> Self {
        pairs.collect()
    }
}

/// Of two pairs with one key the first one counts.
#[diagnostic::do_not_recommend]
impl<K: Eq + Hash + Send + Sync, V: Send> Many for Vec<(K, V)> {
    type Key = K;
    type Value = V;
    type Itself = Self;

    fn taker(self) -> impl FnMut(&K) -> Option<V> + Send {
        // Collected from behind, so that of equal keys the first one stays.
        let mut map: HashMap<K, V> = self.into_iter().rev().collect();
        move |key| map.remove(key)
    }
    fn of(pairs: impl Iterator<Item = (K, V)>) -> Self {
        let pairs: Self = pairs.collect();
        let mut seen = HashSet::with_capacity(pairs.len());
        let first: Vec<bool> = pairs.iter().map(|(key, _)| seen.insert(key)).collect();
        drop(seen);
        let pairs = pairs.into_iter().zip(first);
        pairs
            .filter_map(|(pair, first)| first.then_some(pair))
            .collect()
    }
}

/// How what a batch returns is taken apart and put together. Zero-sized.
pub trait Answer: Copy + Send + Sync + 'static {
    /// The function's return type.
    type Return: Send;
    /// The map in it.
    type Map: Many;
    /// This type, for those who have seen that its map is one.
    type Itself;

    /// The kind itself.
    fn itself(self) -> Self::Itself;
    /// Takes a result apart.
    ///
    /// # Errors
    ///
    /// The error in place of the map.
    fn open(self, output: Self::Return) -> Result<Self::Map, Failure>;
    /// A result of a map.
    fn close(self, map: Self::Map) -> Self::Return;
    /// Whether a failure is an error of this function.
    fn fails(self, failure: &Failure) -> bool;
    /// A result of such a failure.
    fn fail(self, failure: Failure) -> Option<Self::Return>;
}

kind! {
    /// A map as it is.
    Whole<M>
}
kind! {
    /// A map in a `Result`; `C` says whether the error can be copied.
    Tried<M, E, C>
}

impl<M: Many + 'static> Answer for Whole<M> {
    type Return = M;
    type Map = M;
    type Itself = Whole<M::Itself>;

    fn itself(self) -> Self::Itself {
        Whole::NEW
    }
    fn open(self, output: M) -> Result<M, Failure> {
        Ok(output)
    }
    fn close(self, map: M) -> M {
        map
    }
    fn fails(self, _: &Failure) -> bool {
        false
    }
    fn fail(self, _: Failure) -> Option<M> {
        None
    }
}

impl<M: Many + 'static, E: Carried, C: Copying<E>> Answer for Tried<M, E, C> {
    type Return = Result<M, E>;
    type Map = M;
    type Itself = Tried<M::Itself, E, C>;

    fn itself(self) -> Self::Itself {
        Tried::NEW
    }
    fn open(self, output: Result<M, E>) -> Result<M, Failure> {
        output.map_err(|error| Failure::new(error, C::COPY))
    }
    fn close(self, map: M) -> Result<M, E> {
        Ok(map)
    }
    fn fails(self, failure: &Failure) -> bool {
        failure.is::<E>()
    }
    fn fail(self, failure: Failure) -> Option<Result<M, E>> {
        failure.downcast().map(Err)
    }
}

/// The kind itself; a function, so that what is no map is reported where it is named, once.
pub fn answering<A: Answer>(answer: A) -> A::Itself {
    answer.itself()
}

/// Where the lookup for the kind of an element's value starts.
pub fn element<A: Answer>(_: A) -> Of<<A::Map as Many>::Value> {
    Of::NEW
}

/// Declares one step of the lookup: a trait whose method names a kind. The step with the most
/// references is tried first.
macro_rules! step {
    ($trait:ident, [$($generic:tt)*], $self:ty => $kind:ty) => {
        #[doc(hidden)]
        pub trait $trait {
            type Kind;
            fn larder_answer(&self) -> Self::Kind;
        }
        impl<$($generic)*> $trait for $self {
            type Kind = $kind;
            fn larder_answer(&self) -> $kind {
                <$kind>::NEW
            }
        }
    };
}

step!(StepA, [M, E: Clone], &&Of<Result<M, E>> => Tried<M, E, Shared>);
step!(StepB, [M, E], &Of<Result<M, E>> => Tried<M, E, Unshared>);
step!(StepC, [M], Of<M> => Whole<M>);

/// The kind of what a batch returns, as a zero-sized value.
#[doc(hidden)]
#[macro_export]
macro_rules! __answer {
    ($return:ty) => {{
        #[allow(unused_imports, reason = "only one step is taken")]
        use $crate::__private::batch::{StepA as _, StepB as _, StepC as _};
        (&&&$crate::__private::Of::<$return>::NEW).larder_answer()
    }};
}

/// The kind of the value of an element, as a zero-sized value.
#[doc(hidden)]
#[macro_export]
macro_rules! __element {
    ($answer:expr) => {{
        #[allow(unused_imports, reason = "only one step is taken")]
        use $crate::__private::{
            Step1 as _, Step2 as _, Step3 as _, Step4 as _, Step5 as _, Step6 as _,
        };
        (&&&&&&$crate::__private::batch::element($answer)).larder_shape()
    }};
}
