//! What the runtime needs of a value's type and codec, behind plain function pointers, so that
//! it is compiled once.

use std::{
    any::{Any, TypeId, type_name},
    fmt,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Auto, Codec, Raw};
use crate::{
    entry::Live,
    error::{Error, ErrorKind, Result},
    outcome::Outcome,
};

/// Stands for all types.
struct Anything;

type Value = dyn Any + Send + Sync;

/// How the values of one type become bytes and back, or that they do not.
pub struct Table {
    type_name: fn() -> &'static str,
    type_id: fn() -> TypeId,
    far: Option<Far>,
}

#[derive(Clone, Copy)]
struct Far {
    fingerprint: fn() -> u64,
    encode: fn(&Value, &mut Vec<u8>) -> Result<u8>,
    decode: fn(u8, &[u8]) -> Result<Live>,
}

impl Table {
    /// For a type that does not become bytes: its values stay in this process.
    pub const fn near_only<T: Any>() -> Self {
        Self {
            type_name: type_name::<T>,
            type_id: TypeId::of::<T>,
            far: None,
        }
    }

    /// For a type that becomes bytes by the codec `C`.
    pub const fn of<T: Any + Send + Sync, C: Codec<T>>() -> Self {
        Self {
            type_name: type_name::<T>,
            type_id: TypeId::of::<T>,
            far: Some(Far {
                fingerprint: fingerprint::<T, C>,
                encode: encode::<T, C>,
                decode: decode::<T, C>,
            }),
        }
    }

    /// For a caller that asks about an entry of whatever type, and never for its value.
    pub(crate) const ANY: Self = Self::near_only::<Anything>();

    /// Whether this is [`ANY`](Self::ANY).
    pub(crate) fn is_any(&self) -> bool {
        self.type_id() == TypeId::of::<Anything>()
    }

    /// The type's name, for messages.
    pub fn type_name(&self) -> &'static str {
        (self.type_name)()
    }

    /// The type.
    pub fn type_id(&self) -> TypeId {
        (self.type_id)()
    }

    /// Whether values can become bytes.
    pub fn is_far(&self) -> bool {
        self.far.is_some()
    }

    /// Stands for the type's shape and codec in an envelope: an entry with another one is a miss.
    /// Zero for a type that stays in this process. The type is traced at the first call.
    pub fn fingerprint(&self) -> u64 {
        self.far.map_or(0, |far| (far.fingerprint)())
    }

    /// Appends a value and says in which format.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Codec`] if the value cannot be written so that it reads back the same, or is
    /// of another type.
    pub fn encode(&self, value: &Value, out: &mut Vec<u8>) -> Result<u8> {
        (self.far()?.encode)(value, out)
    }

    /// Reads a value that is all of `bytes`, written in `format` by a type of the same
    /// [`fingerprint`](Self::fingerprint).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Codec`] for other bytes.
    pub fn decode(&self, format: u8, bytes: &[u8]) -> Result<Live> {
        (self.far()?.decode)(format, bytes)
    }

    fn far(&self) -> Result<Far> {
        self.far.ok_or_else(|| {
            let name = self.type_name();
            Error::new(
                ErrorKind::Codec,
                format!(
                    "`{name}` does not become bytes: derive `Serialize` and `Deserialize` for \
                     it, name a codec with `codec = …`, or keep it in this process with `local`"
                ),
            )
        })
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("type", &self.type_name())
            .field("far", &self.is_far())
            .finish()
    }
}

/// The codec is part of it, because the same bytes mean other values in another format.
fn fingerprint<T, C: Codec<T>>() -> u64 {
    let shape = C::fingerprint().to_le_bytes();
    let mut text = [C::ID; 9];
    text[1..].copy_from_slice(&shape);
    xxhash_rust::xxh3::xxh3_64(&text)
}

fn encode<T: Any, C: Codec<T>>(value: &Value, out: &mut Vec<u8>) -> Result<u8> {
    match value.downcast_ref::<T>() {
        Some(value) => calmly::<T, _>("writing", || C::encode_as(value, out)),
        None => Err(Error::new(
            ErrorKind::Codec,
            format!("writing a value: it is not a `{}`", type_name::<T>()),
        )),
    }
}

fn decode<T: Any + Send + Sync, C: Codec<T>>(format: u8, bytes: &[u8]) -> Result<Live> {
    // Into its place at once: a large value is not moved twice.
    calmly::<T, _>("reading", || {
        C::decode_as(format, bytes).map(|value| Arc::new(value) as Live)
    })
}

/// The user's own `Serialize`, `Deserialize` or codec may panic, which must not fail the call
/// that was to be cached.
fn calmly<T, R>(doing: &str, run: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let name = type_name::<T>();
        Err(Error::new(
            ErrorKind::Codec,
            format!("{doing} `{name}`: its own code panicked"),
        ))
    })
}

/// Asks how a `V` becomes bytes; see [`__table`](crate::__table).
#[doc(hidden)]
#[derive(Debug)]
pub struct Probe<V>(PhantomData<V>);

/// The probe for what a function of this shape caches.
#[doc(hidden)]
pub fn probe<S: Outcome>(_: S) -> Probe<S::Value> {
    Probe(PhantomData)
}

/// The first answer: through serde.
#[doc(hidden)]
pub trait ViaFar {
    /// The table.
    fn larder_table(&self) -> &'static Table;
}

impl<V: Any + Send + Sync + Serialize + DeserializeOwned> ViaFar for &&Probe<V> {
    fn larder_table(&self) -> &'static Table {
        const { &Table::of::<V, Auto>() }
    }
}

/// The second answer: as they are, for bytes that do not know serde.
#[doc(hidden)]
pub trait ViaRaw {
    /// The table.
    fn larder_table(&self) -> &'static Table;
}

impl<V: Any + Send + Sync> ViaRaw for &Probe<V>
where
    Raw: Codec<V>,
{
    fn larder_table(&self) -> &'static Table {
        const { &Table::of::<V, Raw>() }
    }
}

/// The last answer: not at all.
#[doc(hidden)]
pub trait ViaNear {
    /// The table.
    fn larder_table(&self) -> &'static Table;
}

// Whatever the type lacks, so that only what it lacks is reported.
impl<V: Any> ViaNear for Probe<V> {
    fn larder_table(&self) -> &'static Table {
        const { &Table::near_only::<V>() }
    }
}

/// The table of a named codec, which must be able to store the value.
#[doc(hidden)]
pub fn named<S: Outcome, C: Codec<S::Value>>(_: S) -> &'static Table {
    const { &Table::of::<S::Value, C>() }
}

/// `__table!(shape)`: the table of the values of a function of this shape: what serde knows is
/// stored by [`Auto`], bytes that it does not know as they are, and everything else stays in this
/// process. The answer with the most references is tried first.
///
/// `__table!(shape, codec)`: the table of a named codec.
#[macro_export]
#[doc(hidden)]
macro_rules! __table {
    ($shape:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{ViaFar as _, ViaNear as _, ViaRaw as _};
        (&&&$crate::__private::probe($shape)).larder_table()
    }};
    ($shape:expr, $codec:ty) => {
        $crate::__private::named::<_, $codec>($shape)
    };
}
