//! What a function's return type means to a cache: which part of it is kept, and how it is made
//! again from what was kept. The kind is chosen by method lookup, so aliases of `Result` and
//! `Option` work, and generic code gets the kind that its bounds allow.

mod absence;
mod chosen;
mod kept_error;

use std::{any::Any, fmt, marker::PhantomData, time::Duration};

use crate::{
    entry::Live,
    policy::{MAX_TTL, MIN_TTL},
    sync::Arc,
};

pub(crate) use self::kept_error::KeptError;
pub use self::{
    absence::keeps_absences,
    chosen::{ttl_from, unless},
    kept_error::keeps_errors,
};

/// A type that a near tier can hold: cheap to hand out, safe to share, and alive on its own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be cached: it is not `Clone + Send + Sync + 'static`",
    label = "a cached value is cloned for each caller and shared between threads",
    note = "derive `Clone`, or return an `Arc` of it"
)]
pub trait Cacheable: Clone + Send + Sync + 'static {}
// The trait is to be named in messages, and not what it is made of.
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> Cacheable for T {}

/// An error that can reach the callers who waited for a load.
#[diagnostic::on_unimplemented(
    message = "the error `{Self}` of a cached function is not `Send + 'static`",
    label = "this error crosses tasks",
    note = "return an error that owns what it says; `Box<dyn Error + Send + Sync>` for `Box<dyn Error>`"
)]
pub trait Carried: Send + 'static {}
#[diagnostic::do_not_recommend]
impl<E: Send + 'static> Carried for E {}

/// What one run of the user's function gave, without its type.
#[derive(Debug)]
pub enum Loaded {
    /// A value, and how it is to be kept.
    Value(Live, Keep),
    /// `None`: kept only if the policy says so.
    Absent,
    /// An error: shared with those who waited, kept only if the policy says so.
    Failed(Failure),
}

/// How a value is to be kept, said by the load that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// As the function's policy says.
    #[default]
    Default,
    /// For this long; less than a millisecond is [`Not`](Self::Not).
    For(Duration),
    /// Not at all: it is for its caller and for those who waited.
    Not,
}

/// An error without its type, and how to copy it where it can be.
pub struct Failure {
    error: Box<dyn Any + Send>,
    copy: Option<Copier>,
    keep: Option<Keeper>,
}

type Keeper = fn(&(dyn Any + Send)) -> Live;
type Copier = fn(&(dyn Any + Send)) -> Box<dyn Any + Send>;

impl Failure {
    /// One that those who waited get a copy of.
    pub fn shared<E: Carried + Clone>(error: E) -> Self {
        Self::new(error, <Shared as Copying<E>>::COPY)
    }

    /// One that is its caller's alone: those who waited load for themselves.
    pub fn single<E: Carried>(error: E) -> Self {
        Self::new(error, None)
    }

    pub(crate) fn new<E: Carried>(error: E, copy: Option<Copier>) -> Self {
        Self {
            error: Box::new(error),
            copy,
            keep: None,
        }
    }

    pub(crate) fn copy(&self) -> Option<Self> {
        self.copy.map(|copy| Self {
            error: copy(&*self.error),
            copy: self.copy,
            keep: self.keep,
        })
    }

    /// What a near tier may hold of it, if its function keeps errors.
    pub(crate) fn to_keep(&self) -> Option<Live> {
        self.keep.map(|keep| keep(&*self.error))
    }

    /// Whether it is of this type.
    pub fn is<E: Carried>(&self) -> bool {
        self.error.is::<E>()
    }

    /// The error, if it is of this type.
    pub fn downcast<E: Carried>(self) -> Option<E> {
        self.error.downcast().ok().map(|error| *error)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure").finish_non_exhaustive()
    }
}

impl Keep {
    /// How long, if at all, where a policy says `ttl`.
    pub(crate) fn ttl(self, ttl: Duration) -> Option<Duration> {
        match self {
            Self::Default => Some(ttl),
            Self::For(ttl) => (ttl >= MIN_TTL).then(|| ttl.min(MAX_TTL)),
            Self::Not => None,
        }
    }
}

impl Loaded {
    /// What a tier held: `None` for a remembered absence.
    pub(crate) fn found(value: Option<Live>) -> Self {
        value.map_or(Self::Absent, |live| Self::Value(live, Keep::Default))
    }

    /// Whether it is an error that was remembered.
    pub(crate) fn is_kept_error(&self) -> bool {
        matches!(self, Self::Value(live, _) if KeptError::of(live).is_some())
    }

    /// What another caller may have of it; `None` for an error that cannot be copied.
    pub(crate) fn share(&self) -> Option<Self> {
        Some(match self {
            Self::Value(live, keep) => Self::Value(live.clone(), *keep),
            Self::Absent => Self::Absent,
            Self::Failed(failure) => Self::Failed(failure.copy()?),
        })
    }
}

/// How one return type is taken apart and put together. Zero-sized, but for what options ask of
/// a value.
pub trait Outcome: Copy + Send + Sync + 'static {
    /// The function's return type.
    type Return: Send + 'static;
    /// The part of it that is kept.
    type Value: Cacheable;

    /// Takes a result apart.
    fn split(self, output: Self::Return) -> Loaded;
    /// Makes a result of a kept value.
    fn of_value(self, value: &Self::Value) -> Self::Return;
    /// Makes a result of a kept absence, if the type has a word for it.
    fn of_absent(self) -> Option<Self::Return>;
    /// Makes a result of a shared error, if it is of this function's type.
    fn of_failure(self, failure: Failure) -> Option<Self::Return>;

    /// Whether [`join`](Self::join) can make a result of this.
    fn accepts(self, loaded: &Loaded) -> bool;

    /// Makes a result of what was loaded or found; `None` if that was of another type.
    fn join(self, loaded: Loaded) -> Option<Self::Return> {
        match loaded {
            Loaded::Value(live, _) => self.of_live(&live),
            Loaded::Absent => self.of_absent(),
            Loaded::Failed(failure) => self.of_failure(failure),
        }
    }

    /// Makes a result of a live value; `None` if it is of another type.
    fn of_live(self, live: &Live) -> Option<Self::Return> {
        (**live).downcast_ref().map(|value| self.of_value(value))
    }
}

/// A value to keep as the policy says.
fn kept<T: Cacheable>(value: T) -> Loaded {
    Loaded::Value(Arc::new(value), Keep::Default)
}

/// Declares one kind of return type, zero-sized.
macro_rules! kind {
    ($(#[$doc:meta])* $name:ident<$($type:ident),+>) => {
        $(#[$doc])*
        pub struct $name<$($type),+>(PhantomData<fn() -> ($($type,)+)>);
        impl<$($type),+> $name<$($type),+> {
            /// The kind itself.
            pub const NEW: Self = Self(PhantomData);
        }
        impl<$($type),+> Clone for $name<$($type),+> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($type),+> Copy for $name<$($type),+> {}
        impl<$($type),+> fmt::Debug for $name<$($type),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
pub(crate) use kind;

kind! {
    /// `T`, kept whole.
    Plain<T>
}
kind! {
    /// `Option<T>`: `Some` is kept.
    Maybe<T>
}
kind! {
    /// `Result<T, E>`: `Ok` is kept. `C` says whether `E` can be copied.
    Fallible<T, E, C>
}
kind! {
    /// `Result<Option<T>, E>`: `Ok(Some)` is kept.
    FallibleMaybe<T, E, C>
}

/// Whether an error can be copied for those who waited.
pub trait Copying<E>: 'static {
    /// How, if it can.
    const COPY: Option<Copier>;
}

/// The error is `Clone`.
#[derive(Debug)]
pub struct Shared;
/// The error is not `Clone`: those who waited load for themselves.
#[derive(Debug)]
pub struct Unshared;

impl<E: Clone + Send + 'static> Copying<E> for Shared {
    const COPY: Option<Copier> = Some(|error| {
        let error: &E = error
            .downcast_ref()
            .expect("a failure holds the error it was made of");
        Box::new(error.clone())
    });
}

impl<E> Copying<E> for Unshared {
    const COPY: Option<Copier> = None;
}

impl<T: Cacheable> Outcome for Plain<T> {
    type Return = T;
    type Value = T;

    fn split(self, output: T) -> Loaded {
        kept(output)
    }
    fn of_value(self, value: &T) -> T {
        value.clone()
    }
    fn of_absent(self) -> Option<T> {
        None
    }
    fn of_failure(self, _: Failure) -> Option<T> {
        None
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        match loaded {
            Loaded::Value(live, _) => (**live).is::<T>(),
            Loaded::Absent | Loaded::Failed(_) => false,
        }
    }
}

impl<T: Cacheable> Outcome for Maybe<T> {
    type Return = Option<T>;
    type Value = T;

    fn split(self, output: Option<T>) -> Loaded {
        output.map_or(Loaded::Absent, kept)
    }
    fn of_value(self, value: &T) -> Option<T> {
        Some(value.clone())
    }
    fn of_absent(self) -> Option<Option<T>> {
        Some(None)
    }
    fn of_failure(self, _: Failure) -> Option<Option<T>> {
        None
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        match loaded {
            Loaded::Value(live, _) => (**live).is::<T>(),
            Loaded::Absent => true,
            Loaded::Failed(_) => false,
        }
    }
}

impl<T: Cacheable, E: Carried, C: Copying<E>> Outcome for Fallible<T, E, C> {
    type Return = Result<T, E>;
    type Value = T;

    fn split(self, output: Result<T, E>) -> Loaded {
        match output {
            Ok(value) => kept(value),
            Err(error) => Loaded::Failed(Failure::new(error, C::COPY)),
        }
    }
    fn of_value(self, value: &T) -> Result<T, E> {
        Ok(value.clone())
    }
    fn of_absent(self) -> Option<Result<T, E>> {
        None
    }
    fn of_failure(self, failure: Failure) -> Option<Result<T, E>> {
        failure.downcast().map(Err)
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        match loaded {
            Loaded::Value(live, _) => (**live).is::<T>(),
            Loaded::Absent => false,
            Loaded::Failed(failure) => failure.is::<E>(),
        }
    }
}

impl<T: Cacheable, E: Carried, C: Copying<E>> Outcome for FallibleMaybe<T, E, C> {
    type Return = Result<Option<T>, E>;
    type Value = T;

    fn split(self, output: Result<Option<T>, E>) -> Loaded {
        match output {
            Ok(Some(value)) => kept(value),
            Ok(None) => Loaded::Absent,
            Err(error) => Loaded::Failed(Failure::new(error, C::COPY)),
        }
    }
    fn of_value(self, value: &T) -> Result<Option<T>, E> {
        Ok(Some(value.clone()))
    }
    fn of_absent(self) -> Option<Result<Option<T>, E>> {
        Some(Ok(None))
    }
    fn of_failure(self, failure: Failure) -> Option<Result<Option<T>, E>> {
        failure.downcast().map(Err)
    }
    fn accepts(self, loaded: &Loaded) -> bool {
        match loaded {
            Loaded::Value(live, _) => (**live).is::<T>(),
            Loaded::Absent => true,
            Loaded::Failed(failure) => failure.is::<E>(),
        }
    }
}

/// Where the lookup for the kind of a return type starts; see [`__shape!`](crate::__shape).
pub struct Of<R>(PhantomData<fn() -> R>);

impl<R> Of<R> {
    /// The start itself.
    pub const NEW: Self = Self(PhantomData);
}

impl<R> fmt::Debug for Of<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Of")
    }
}

/// Declares one step of the lookup: a trait whose method names a kind. The step with the most
/// references is tried first.
macro_rules! step {
    ($trait:ident, [$($generic:tt)*], $self:ty => $kind:ty) => {
        #[doc(hidden)]
        pub trait $trait {
            type Kind;
            fn larder_shape(&self) -> Self::Kind;
        }
        impl<$($generic)*> $trait for $self {
            type Kind = $kind;
            fn larder_shape(&self) -> $kind {
                <$kind>::NEW
            }
        }
    };
}

step!(Step1, [T, E: Clone], &&&&&Of<Result<Option<T>, E>> => FallibleMaybe<T, E, Shared>);
step!(Step2, [T, E], &&&&Of<Result<Option<T>, E>> => FallibleMaybe<T, E, Unshared>);
step!(Step3, [T, E: Clone], &&&Of<Result<T, E>> => Fallible<T, E, Shared>);
step!(Step4, [T, E], &&Of<Result<T, E>> => Fallible<T, E, Unshared>);
step!(Step5, [T], &Of<Option<T>> => Maybe<T>);
step!(Step6, [T], Of<T> => Plain<T>);

/// The kind of a return type, as a zero-sized value.
#[doc(hidden)]
#[macro_export]
macro_rules! __shape {
    ($return:ty) => {{
        #[allow(unused_imports, reason = "only one step is taken")]
        use $crate::__private::{
            Step1 as _, Step2 as _, Step3 as _, Step4 as _, Step5 as _, Step6 as _,
        };
        (&&&&&&$crate::__private::Of::<$return>::NEW).larder_shape()
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate as cache_core;

    type Alias<T> = std::result::Result<Option<T>, String>;
    #[derive(Debug)]
    struct NotClone;

    fn name<S: fmt::Debug>(shape: S) -> (String, &'static str) {
        (format!("{shape:?}"), std::any::type_name::<S>())
    }

    #[test]
    fn every_return_type_has_its_kind() {
        assert_eq!(name(cache_core::__shape!(u8)).0, "Plain");
        assert_eq!(name(cache_core::__shape!(Option<u8>)).0, "Maybe");
        let (kind, whole) = name(cache_core::__shape!(Result<u8, String>));
        assert!(kind == "Fallible" && whole.ends_with("Shared>"), "{whole}");
        let (kind, whole) = name(cache_core::__shape!(Result<u8, NotClone>));
        assert!(
            kind == "Fallible" && whole.ends_with("Unshared>"),
            "{whole}"
        );
        let (kind, whole) = name(cache_core::__shape!(Alias<u8>));
        assert!(
            kind == "FallibleMaybe" && whole.ends_with("Shared>"),
            "{whole}"
        );
    }

    #[test]
    fn generic_code_gets_what_its_bounds_allow() {
        fn of<T: Cacheable, E: Send + 'static>() -> String {
            name(cache_core::__shape!(Result<T, E>)).1.to_owned()
        }
        assert!(of::<u8, String>().ends_with("Unshared>"));
    }

    #[test]
    fn a_value_can_say_how_long_it_lives_within_what_stores_can_bear() {
        let policy = Duration::from_secs(7);
        assert_eq!(Keep::Default.ttl(policy), Some(policy));
        assert_eq!(Keep::For(MIN_TTL).ttl(policy), Some(MIN_TTL));
        assert_eq!(Keep::For(Duration::MAX).ttl(policy), Some(MAX_TTL));
        assert_eq!(Keep::For(Duration::from_micros(999)).ttl(policy), None);
        assert_eq!(Keep::For(Duration::ZERO).ttl(policy), None);
        assert_eq!(Keep::Not.ttl(policy), None);
    }

    #[test]
    fn an_error_is_shared_only_if_it_can_be_copied() {
        let shared = Fallible::<u8, String, Shared>::NEW.split(Err("lost".into()));
        let copy = shared.share().expect("a String can be copied");
        let again = Fallible::<u8, String, Shared>::NEW.join(copy);
        assert_eq!(again, Some(Err("lost".to_owned())));
        let unshared = Fallible::<u8, NotClone, Unshared>::NEW.split(Err(NotClone));
        assert!(unshared.share().is_none());
    }
}
