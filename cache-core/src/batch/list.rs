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
    note = "take `&[K]`, `Vec<K>`, a `HashSet<K>` or a `BTreeSet<K>`, where `K` is `Clone`"
)]
pub trait List {
    /// What it holds.
    type Element;
    /// A list of one's own, which can be lent as such a list.
    type Part: Borrow<Self>;

    /// Its elements, in order.
    fn elements(&self) -> impl Iterator<Item = &Self::Element>;
    /// The list of these elements.
    fn part<'a>(elements: impl Iterator<Item = &'a Self::Element>) -> Self::Part
    where
        Self::Element: 'a;
}

/// Says how each list is iterated and collected.
macro_rules! lists {
    ($([$($bounds:tt)*] $list:ty => $part:ty),* $(,)?) => {$(
        impl<$($bounds)*> List for $list {
            type Element = K;
            type Part = $part;

            fn elements(&self) -> impl Iterator<Item = &K> {
                self.iter()
            }
            fn part<'a>(elements: impl Iterator<Item = &'a K>) -> $part
            where
                K: 'a,
            {
                elements.cloned().collect()
            }
        }
    )*};
}

lists! {
    [K: Clone] [K] => Vec<K>,
    [K: Clone] Vec<K> => Vec<K>,
    [K: Clone + Eq + Hash, S: BuildHasher + Default] HashSet<K, S> => HashSet<K, S>,
    [K: Clone + Ord] BTreeSet<K> => BTreeSet<K>,
}

/// The list itself; a function, so that what is no list is reported where it is named.
pub fn list<L: List + ?Sized>(list: &L) -> &L {
    list
}

/// An element as the key of what is returned: itself, or what owns it.
#[diagnostic::on_unimplemented(
    message = "the returned map names its values by `{K}`, and `batch` asks for `{Self}`",
    label = "the keys of the map are the elements of the list"
)]
pub trait Named<K> {
    /// The key for this element.
    fn name(&self) -> K;
}

impl<K: Clone> Named<K> for K {
    fn name(&self) -> K {
        self.clone()
    }
}

impl Named<String> for &str {
    fn name(&self) -> String {
        (*self).to_owned()
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
