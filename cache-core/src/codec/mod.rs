//! How values become bytes, and which bytes are never written because they would not read back.

mod auto;
mod bincode;
mod bincode_out;
mod bincode_reader;
#[cfg(feature = "json")]
mod bounded;
mod digest;
#[cfg(feature = "json")]
mod json;
mod limits;
mod made_up;
mod marker;
mod msgpack;
mod msgpack_reader;
mod probe;
mod raw;
mod schema;
mod shape;
mod sink;
mod table;
mod tracer;
mod verify;

use crate::error::Result;

#[cfg(feature = "json")]
pub use self::json::Json;
pub use self::{auto::Auto, bincode::Bincode, msgpack::MsgPack, raw::Raw, table::Table};

#[doc(hidden)]
pub use self::table::{Probe, ViaFar, ViaNear, ViaRaw, named, probe};

/// The most bytes one stored value may have, unless a cache is told otherwise: 1 MiB. A larger
/// value is returned to the caller and not stored.
pub const MAX_STORED: usize = 1 << 20;

/// The most bytes that are ever decoded as one value: 16 MiB.
pub const MAX_DECODED: usize = 16 << 20;

/// The most memory that the elements of lists and maps in one value may take when they are
/// decoded: 16 MiB, of which growing lists make up to three times as much for a moment.
const MEMORY: usize = 16 << 20;

/// How deep a stored value may nest: 128 lists, maps, structs, enum variants and `Some`s inside
/// one another. Deeper ones are neither written nor read, so that hostile bytes cannot exhaust
/// the stack.
pub const MAX_DEPTH: u16 = 128;

/// How values of a type become bytes. One's own codec is a unit struct that implements this.
///
/// `decode` must accept exactly what `encode` wrote and refuse everything else without a panic:
/// the bytes come from a server that others may write to. What its errors say is logged, so they
/// must not quote the value.
///
/// ```
/// use cache_core::{Error, ErrorKind, Result, codec::Codec};
///
/// /// A temperature as two bytes of centikelvin.
/// struct Centikelvin;
///
/// impl Codec<f32> for Centikelvin {
///     const ID: u8 = 200;
///
///     fn encode(value: &f32, out: &mut Vec<u8>) -> Result<()> {
///         out.extend_from_slice(&((value * 100.0) as u16).to_le_bytes());
///         Ok(())
///     }
///
///     fn decode(bytes: &[u8]) -> Result<f32> {
///         match bytes.try_into() {
///             Ok(bytes) => Ok(f32::from(u16::from_le_bytes(bytes)) / 100.0),
///             Err(_) => Err(Error::new(ErrorKind::Codec, "reading a temperature: not two bytes")),
///         }
///     }
/// }
///
/// let mut out = Vec::new();
/// Centikelvin::encode(&293.15, &mut out)?;
/// assert_eq!(Centikelvin::decode(&out)?, 293.15);
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the codec `{Self}` cannot store a `{T}`",
    label = "`{T}` does not become bytes this way",
    note = "derive `serde::Serialize` and `serde::Deserialize` for `{T}`, write a codec of your own and name it with `codec = …`, or keep the value in this process with `local`"
)]
pub trait Codec<T> {
    /// Identifies the format on the wire: 1 to 15 are larder's own, one's own use 128 to 255.
    const ID: u8;

    /// Appends `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Codec`](crate::ErrorKind) if the value cannot be written so that it reads
    /// back the same; what was appended until then is ignored.
    fn encode(value: &T, out: &mut Vec<u8>) -> Result<()>;

    /// Reads a value that is all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Codec`](crate::ErrorKind) for bytes that `encode` did not write.
    fn decode(bytes: &[u8]) -> Result<T>;

    /// Stands for the shape of `T`: an entry that was stored with another fingerprint is a miss.
    /// Zero, the default, for a codec that copes with old bytes by itself.
    fn fingerprint() -> u64 {
        0
    }

    /// Appends `value` to `out` and says in which format: [`ID`](Self::ID), unless the codec
    /// chooses among several.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    fn encode_as(value: &T, out: &mut Vec<u8>) -> Result<u8> {
        Self::encode(value, out).map(|()| Self::ID)
    }

    /// Reads what [`encode_as`](Self::encode_as) wrote and called `format`.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode), and for a format of another codec.
    fn decode_as(format: u8, bytes: &[u8]) -> Result<T> {
        if format == Self::ID {
            Self::decode(bytes)
        } else {
            Err(foreign(format))
        }
    }
}

/// The formats of larder's own codecs on the wire. These numbers are never given another meaning.
mod id {
    pub(super) const BINCODE: u8 = 1;
    pub(super) const MSGPACK: u8 = 2;
    #[cfg(feature = "json")]
    pub(super) const JSON: u8 = 3;
    pub(super) const RAW: u8 = 4;
    // 5 are the responses of cache-axum.
    pub(super) const AUTO: u8 = 15;
}

#[cold]
fn foreign(format: u8) -> crate::Error {
    crate::Error::new(
        crate::ErrorKind::Codec,
        format!("reading a value: format {format} is not this codec's"),
    )
}

/// What room is made for a value before it is written, so that most never grow the buffer.
const ROOM: usize = 256;

/// What is said where a type's own code refuses a value. Its words may quote the value, which has no
/// business in logs and errors.
const OWN_DESERIALIZE: &str =
    "its own `Deserialize` refuses it, in words that are not repeated because they may quote it";
const OWN_SERIALIZE: &str =
    "its own `Serialize` refuses it, in words that are not repeated because they may quote it";

#[cold]
fn failed<T>(doing: &str, format: &str, why: impl std::fmt::Display) -> crate::Error {
    let name = std::any::type_name::<T>();
    crate::Error::new(
        crate::ErrorKind::Codec,
        format!("{doing} `{name}` as {format}: {why}"),
    )
}
