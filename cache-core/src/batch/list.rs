//! What a batch is asked for, and what its function needs of its other arguments.

use std::{
    borrow::Borrow,
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher, Hash},
};

/// A list that a function can be given in parts.
#[diagnostic::on_unimplemented(
    message = "`batch` cannot ask for a part of `{Self}`",
    label = "the body runs for those elements only that are not in the cache",
    note = "take `&[K]`, `Vec<K>`, a `HashSet<K>` or a `BTreeSet<K>`"
)]
pub trait List {
    /// What it holds.
    type Element;
    /// A list of one's own, which can be lent as such a list.
    type Part: Borrow<Self>;
    /// This type, for those who have seen that it is a list: of what is none the compiler then
    /// knows nothing, so that it is reported once.
    type Itself: ?Sized;

    /// The list.
    fn itself(&self) -> &Self::Itself;
    /// Its elements, in order.
    fn elements(&self) -> impl Iterator<Item = &Self::Element>;
    /// The list of these elements.
    fn part(elements: impl Iterator<Item = Self::Element>) -> Self::Part;
}

/// Says how each list is iterated and collected.
macro_rules! lists {
    ($([$($generics:tt)*] $list:ty => $part:ty),* $(,)?) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> List for $list {
            type Element = K;
            type Part = $part;
            type Itself = Self;

            fn itself(&self) -> &Self {
                self
            }
            fn elements(&self) -> impl Iterator<Item = &K> {
                self.iter()
            }
            fn part(elements: impl Iterator<Item = K>) -> $part {
                elements.collect()
            }
        }
    )*};
}

lists! {
    [K] [K] => Vec<K>,
    [K] Vec<K> => Vec<K>,
    [K: Eq + Hash, S: BuildHasher + Default] HashSet<K, S> => HashSet<K, S>,
    [K: Ord] BTreeSet<K> => BTreeSet<K>,
}

/// The list itself; a function, so that what is no list is reported where it is named.
pub fn list<L: List + ?Sized>(list: &L) -> &L::Itself {
    list.itself()
}

/// An element that can be asked for by itself, and that names its value in a map with keys `K`.
#[diagnostic::on_unimplemented(
    message = "`batch` cannot ask for a `{Self}` and name its value by `{K}`",
    label = "the keys of this map are the elements of the list, cloned",
    note = "the keys are of the elements' type, which is `Clone`; for `&str` they are `String`"
)]
pub trait Named<K>: Sized {
    /// The key for this element.
    fn name(&self) -> K;
    /// The element, for a list of the body's own.
    #[must_use]
    fn copy(&self) -> Self;
}

impl<K: Clone> Named<K> for K {
    fn name(&self) -> K {
        self.clone()
    }
    fn copy(&self) -> K {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl Named<String> for &str {
    fn name(&self) -> String {
        (*self).to_owned()
    }
    fn copy(&self) -> Self {
        self
    }
}

/// An argument that can be given to the body more than once.
#[diagnostic::on_unimplemented(
    message = "a batch may run its body again, which needs `{Self}` again: it is not `Clone`",
    label = "this argument is cloned for each run",
    note = "take it by reference, or in an `Arc`"
)]
pub trait Again: Clone {}
impl<T: Clone> Again for T {}

/// An argument for one more run.
pub fn again<T: Again>(argument: &T) -> T {
    argument.clone()
}
