//! How an entry looks in a far tier, byte by byte.
//!
//! ```text
//!  0 magic "CK"       2 version       3 kind         4 id of the entry or lease (8)
//! 12 codec           13 flags        14 stamps (n)  15 zero
//! 16 fingerprint (8) 24 created (8)  32 soft (4)    36 hard (4)   40 raw length (4)
//! 44 stamps (8 n)
//!    if flag 4: length of the full key (4), the full key
//!    if flag 8: length of the tags (4), the tags with a line feed between them
//!    payload: what the codec wrote, compressed if flag 1, and then sealed if flag 2
//!    XXH3-64 of all before it (8)
//! ```
//!
//! Numbers are little-endian. The raw length is that of what the codec wrote. A lease is its first twelve bytes and no more. Whatever is not
//! exactly this is a miss; the checksum finds accidents, not attackers.

use std::{fmt, ops::Deref};

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    backend::{Header, Stamp},
    codec::MAX_DECODED,
    error::{Error, ErrorKind, Result},
    packing::{Owner, Packing},
};

/// The most groups that an entry belongs to.
pub(crate) const MAX_STAMPS: usize = 16;

const MAGIC: [u8; 2] = *b"CK";
/// Changes with any change of the layout; the golden bytes in the tests say when.
const VERSION: u8 = 1;
const FIXED: usize = 44;
const CHECKSUM: usize = 8;
/// Where the codec and the raw length stand, which are known last.
const CODEC: usize = 12;
const FLAGS: usize = 13;
const RAW_LENGTH: usize = 40;

const COMPRESSED: u8 = 1;
const SEALED: u8 = 2;
/// The slot's name is a hash; the envelope has the whole key.
const FULL_KEY: u8 = 4;
/// The entry belongs to tags, which a reader may not know of.
const TAGS: u8 = 8;

/// What stands in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Value,
    /// A remembered `Option::None`.
    Absent,
    /// The right of somebody to store.
    Lease,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Value => 1,
            Self::Absent => 2,
            Self::Lease => 3,
        }
    }
}

/// The stamps of an entry's groups, at most [`MAX_STAMPS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps {
    len: u8,
    stamps: [Stamp; MAX_STAMPS],
}

impl Stamps {
    pub(crate) const NONE: Self = Self {
        len: 0,
        stamps: [0; MAX_STAMPS],
    };

    /// `None` if there are too many.
    pub(crate) fn new(given: &[Stamp]) -> Option<Self> {
        let mut stamps = Self::NONE;
        stamps.stamps.get_mut(..given.len())?.copy_from_slice(given);
        stamps.len = u8::try_from(given.len()).ok()?;
        Some(stamps)
    }
}

impl Deref for Stamps {
    type Target = [Stamp];

    fn deref(&self) -> &[Stamp] {
        &self.stamps[..self.len.into()]
    }
}

impl fmt::Debug for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// All of an entry but its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta<'a> {
    pub(crate) kind: Kind,
    /// A random number of this entry or lease.
    pub(crate) id: u64,
    /// The table's; see [`Table::fingerprint`](crate::Table::fingerprint).
    pub(crate) fingerprint: u64,
    /// When it was stored, by the writer's clock: milliseconds since 1970.
    pub(crate) created: u64,
    /// Milliseconds from then on after which it is stale, and after which it is gone.
    pub(crate) soft: u32,
    pub(crate) hard: u32,
    pub(crate) stamps: Stamps,
    /// The whole key, where the slot's name does not tell it.
    pub(crate) key: Option<&'a str>,
    /// The tags, a line feed between them; their stamps are the last ones. Mostly empty.
    pub(crate) tags: &'a str,
}

/// What stands in a slot, read without copying the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) meta: Meta<'a>,
    /// The format of the value, for [`Table::decode`](crate::Table::decode).
    pub(crate) codec: u8,
    /// How long the value is, as its codec wrote it.
    pub(crate) raw_length: usize,
    pub(crate) compressed: bool,
    pub(crate) sealed: bool,
    /// Everything before the payload.
    pub(crate) head: &'a [u8],
    pub(crate) payload: &'a [u8],
}

/// Why bytes are not an envelope. A miss in each case; apart only for the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bad {
    TooShort,
    Magic,
    Version,
    Kind,
    Checksum,
    /// Something newer.
    Flags,
    /// Its parts do not add up to it, or it is too long.
    Length,
    /// Compressed in an unknown format, or not what that format writes.
    Compression,
    /// Sealed, and there is no key for it.
    Sealed,
    /// Not sealed, where everything is to be.
    Unsealed,
    /// Its seal is broken: it was changed, or moved from another key.
    Seal,
    /// Sealed to expire long ago, and here again.
    Expired,
}

/// The first twelve bytes of whatever stands in a slot.
pub(crate) fn header(kind: Kind, id: u64) -> Header {
    let mut header = [0; 12];
    header[..2].copy_from_slice(&MAGIC);
    header[2] = VERSION;
    header[3] = kind.byte();
    header[4..].copy_from_slice(&id.to_le_bytes());
    header
}

/// All of a lease.
pub(crate) fn lease(id: u64) -> Header {
    header(Kind::Lease, id)
}

/// An entry of this owner, packed. `write_payload` appends the value and says in which format; for
/// [`Kind::Absent`] it appends nothing.
///
/// # Errors
///
/// Those of `write_payload` and of sealing; [`ErrorKind::Rejected`] if the value has 4 GiB or more.
pub(crate) fn encode(
    meta: &Meta<'_>,
    packing: &Packing,
    owner: Owner<'_>,
    write_payload: impl FnOnce(&mut Vec<u8>) -> Result<u8>,
) -> Result<Bytes> {
    let mut out = begin(meta, 256)?;
    let start = out.len();
    let codec = write_payload(&mut out)?;
    let raw = out.len() - start;
    let compressed = packing.compress(&mut out, start);
    end(out, start, (codec, raw, compressed), packing, owner)
}

/// The same entry with other times. `body` is its payload without the seal.
///
/// # Errors
///
/// Those of sealing.
pub(crate) fn renew(
    meta: &Meta<'_>,
    old: &Envelope<'_>,
    body: &[u8],
    packing: &Packing,
    owner: Owner<'_>,
) -> Result<Bytes> {
    let mut out = begin(meta, body.len())?;
    let start = out.len();
    out.extend_from_slice(body);
    let written = (old.codec, old.raw_length, old.compressed);
    end(out, start, written, packing, owner)
}

fn begin(meta: &Meta<'_>, payload: usize) -> Result<Vec<u8>> {
    let texts = meta.key.map_or(0, |key| 4 + key.len()) + 4 + meta.tags.len();
    let room = FIXED + 8 * meta.stamps.len() + texts + CHECKSUM;
    let mut out = Vec::with_capacity(room + payload);
    write_meta(meta, &mut out)?;
    Ok(out)
}

/// Fills in what is known of the payload that stands from `start` on, seals it, and ends.
fn end(
    mut out: Vec<u8>,
    start: usize,
    (codec, raw, compressed): (u8, usize, bool),
    packing: &Packing,
    owner: Owner<'_>,
) -> Result<Bytes> {
    out[CODEC] = codec;
    out[RAW_LENGTH..FIXED].copy_from_slice(&length(raw)?);
    if compressed {
        out[FLAGS] |= COMPRESSED;
    }
    if let Some(seal) = &packing.seal {
        out[FLAGS] |= SEALED;
        seal.close(owner, &mut out, start)?;
    }
    let checksum = xxh3_64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out.into())
}

fn write_meta(meta: &Meta<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&header(meta.kind, meta.id));
    let full_key = if meta.key.is_some() { FULL_KEY } else { 0 };
    let tags = if meta.tags.is_empty() { 0 } else { TAGS };
    let flags = full_key | tags;
    out.extend_from_slice(&[0, flags, meta.stamps.len, 0]);
    out.extend_from_slice(&meta.fingerprint.to_le_bytes());
    out.extend_from_slice(&meta.created.to_le_bytes());
    out.extend_from_slice(&meta.soft.to_le_bytes());
    out.extend_from_slice(&meta.hard.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    for stamp in &*meta.stamps {
        out.extend_from_slice(&stamp.to_le_bytes());
    }
    let tags = Some(meta.tags).filter(|tags| !tags.is_empty());
    for text in meta.key.into_iter().chain(tags) {
        out.extend_from_slice(&length(text.len())?);
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

fn length(length: usize) -> Result<[u8; 4]> {
    match u32::try_from(length) {
        Ok(length) => Ok(length.to_le_bytes()),
        Err(_) => Err(Error::new(
            ErrorKind::Rejected,
            format!("an entry of {length} bytes is too large"),
        )),
    }
}

/// Reads what stands in a slot. Never panics, whatever the bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Envelope<'_>, Bad> {
    let mut rest = Rest(bytes);
    let (kind, id) = read_header(&mut rest)?;
    if kind == Kind::Lease {
        return read_lease(&rest, id);
    }
    if bytes.len() < FIXED + CHECKSUM {
        return Err(Bad::TooShort);
    }
    let (covered, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if xxh3_64(covered).to_le_bytes() != checksum {
        return Err(Bad::Checksum);
    }
    rest.0 = &covered[CODEC..];
    read_body(rest, covered, kind, id)
}

fn read_header(rest: &mut Rest<'_>) -> Result<(Kind, u64), Bad> {
    let header: Header = rest.array().map_err(|_| Bad::TooShort)?;
    if header[..2] != MAGIC {
        return Err(Bad::Magic);
    }
    if header[2] != VERSION {
        return Err(Bad::Version);
    }
    let known = [Kind::Value, Kind::Absent, Kind::Lease];
    let kind = known.into_iter().find(|kind| kind.byte() == header[3]);
    let id = Rest(&header[4..]).u64()?;
    Ok((kind.ok_or(Bad::Kind)?, id))
}

fn read_lease(rest: &Rest<'_>, id: u64) -> Result<Envelope<'static>, Bad> {
    if !rest.0.is_empty() {
        return Err(Bad::Length);
    }
    Ok(Envelope {
        meta: Meta {
            kind: Kind::Lease,
            id,
            fingerprint: 0,
            created: 0,
            soft: 0,
            hard: 0,
            stamps: Stamps::NONE,
            key: None,
            tags: "",
        },
        codec: 0,
        raw_length: 0,
        compressed: false,
        sealed: false,
        head: &[],
        payload: &[],
    })
}

/// Everything behind the header, without the checksum. `whole` has the header as well.
fn read_body<'a>(
    mut rest: Rest<'a>,
    whole: &'a [u8],
    kind: Kind,
    id: u64,
) -> Result<Envelope<'a>, Bad> {
    let [codec, flags, stamps, zero] = rest.array()?;
    if flags & !(COMPRESSED | SEALED | FULL_KEY | TAGS) != 0 || zero != 0 {
        return Err(Bad::Flags);
    }
    let [compressed, sealed] = [COMPRESSED, SEALED].map(|flag| flags & flag != 0);
    let fingerprint = rest.u64()?;
    let created = rest.u64()?;
    let soft = rest.u32()?;
    let hard = rest.u32()?;
    let raw_length = rest.u32()? as usize;
    let stamps = rest.stamps(stamps)?;
    let key = match flags & FULL_KEY {
        0 => None,
        _ => Some(rest.text()?),
    };
    let tags = match flags & TAGS {
        0 => "",
        _ => rest.text()?,
    };
    // Each tag has a stamp, so that nobody is made to ask for more of them than an entry can have.
    if tags.split_terminator('\n').count() > stamps.len() {
        return Err(Bad::Length);
    }
    let payload = rest.0;
    let whole_payload = compressed || sealed || payload.len() == raw_length;
    let nothing = kind == Kind::Absent && (compressed || raw_length != 0);
    if !whole_payload || nothing || raw_length > MAX_DECODED {
        return Err(Bad::Length);
    }
    let head = &whole[..whole.len() - payload.len()];
    Ok(Envelope {
        meta: Meta {
            kind,
            id,
            fingerprint,
            created,
            soft,
            hard,
            stamps,
            key,
            tags,
        },
        codec,
        raw_length,
        compressed,
        sealed,
        head,
        payload,
    })
}

/// The bytes not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], Bad> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Bad::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Bad::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Result<u32, Bad> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Bad> {
        self.array().map(u64::from_le_bytes)
    }

    fn stamps(&mut self, len: u8) -> Result<Stamps, Bad> {
        let mut stamps = Stamps::NONE;
        stamps.len = len;
        let slots = stamps.stamps.get_mut(..len.into()).ok_or(Bad::Length)?;
        for slot in slots {
            *slot = self.u64()?;
        }
        Ok(stamps)
    }

    fn text(&mut self) -> Result<&'a str, Bad> {
        let len = self.u32()?;
        str::from_utf8(self.take(len as usize)?).map_err(|_| Bad::Length)
    }
}

#[cfg(test)]
mod tests;
