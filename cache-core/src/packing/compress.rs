//! Whether a value is compressed, in which format, and how much memory reading it back may take.

use crate::{codec::MAX_DECODED, envelope::Bad, policy::COMPRESS_FROM};

/// How values are made smaller on their way to a far tier; each way is a feature of its own.
/// Whoever reads finds out by itself how an entry was written; one in a format that the program
/// was built without is a miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// LZ4: a value of 4 KiB takes about 3 µs to write and under 1 µs to read.
    #[cfg(feature = "lz4")]
    Lz4,
    /// Zstandard at its first level: a sixth smaller than LZ4, for about 17 µs and 2 µs.
    #[cfg(feature = "zstd")]
    Zstd,
}

/// A format on the wire.
struct Format {
    /// Never given another meaning.
    number: u8,
    /// How much room writing so many bytes may take.
    room: fn(usize) -> usize,
    /// Writes into that room and says how much of it; `None` if that does not work.
    write: fn(&[u8], &mut [u8]) -> Option<usize>,
    /// Reads into room of exactly the right size and says how much of it.
    read: fn(&[u8], &mut [u8]) -> Option<usize>,
    /// No bytes become more than this many times as many.
    growth: usize,
}

#[cfg(feature = "lz4")]
const LZ4: Format = Format {
    number: 1,
    room: lz4_flex::block::get_maximum_output_size,
    write: |raw, out| lz4_flex::block::compress_into(raw, out).ok(),
    read: |body, out| lz4_flex::block::decompress_into(body, out).ok(),
    growth: 255,
};

#[cfg(feature = "zstd")]
const ZSTD: Format = Format {
    number: 2,
    // What does not get smaller is not wanted.
    room: |length| length,
    write: zstandard::write,
    read: zstandard::read,
    growth: MAX_DECODED,
};

const KNOWN: &[Format] = &[
    #[cfg(feature = "lz4")]
    LZ4,
    #[cfg(feature = "zstd")]
    ZSTD,
];

impl Compression {
    const fn format(self) -> Format {
        match self {
            #[cfg(feature = "lz4")]
            Self::Lz4 => LZ4,
            #[cfg(feature = "zstd")]
            Self::Zstd => ZSTD,
        }
    }

    /// Compresses what stands from `start` on. `false`, and nothing is changed, if it is short,
    /// does not get smaller, or is too long to be read back.
    pub(super) fn compress(self, out: &mut Vec<u8>, start: usize) -> bool {
        let raw = &out[start..];
        if !(COMPRESS_FROM..=MAX_DECODED).contains(&raw.len()) {
            return false;
        }
        let format = self.format();
        let mut body = vec![0; 1 + (format.room)(raw.len())];
        body[0] = format.number;
        let written = (format.write)(raw, &mut body[1..]);
        let Some(written) = written.filter(|written| written + 1 < raw.len()) else {
            return false;
        };
        out.truncate(start);
        out.extend_from_slice(&body[..=written]);
        true
    }
}

/// The bytes that were compressed, of which there are exactly `length`. What claims more than it
/// can be is refused before memory is taken for it.
pub(super) fn expand(body: &[u8], length: usize) -> Result<Vec<u8>, Bad> {
    let (number, body) = body.split_first().ok_or(Bad::Compression)?;
    let known = KNOWN.iter().find(|format| format.number == *number);
    let format = known.ok_or(Bad::Compression)?;
    if length > MAX_DECODED || length / format.growth > body.len() {
        return Err(Bad::Length);
    }
    let mut raw = vec![0; length];
    match (format.read)(body, &mut raw) {
        Some(read) if read == length => Ok(raw),
        _ => Err(Bad::Compression),
    }
}

#[cfg(feature = "zstd")]
mod zstandard {
    use std::cell::RefCell;

    use zstd::bulk::Decompressor;

    /// The usual 3 takes a tenth longer and saves a hundredth on values of a few kilobytes.
    const LEVEL: i32 = 1;

    thread_local! {
        /// Kept, because a new one takes 8 µs, which would be most of a read.
        static READER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }

    pub(super) fn write(raw: &[u8], out: &mut [u8]) -> Option<usize> {
        zstd::bulk::compress_to_buffer(raw, out, LEVEL).ok()
    }

    pub(super) fn read(body: &[u8], out: &mut [u8]) -> Option<usize> {
        READER.with_borrow_mut(|reader| {
            if reader.is_none() {
                *reader = Decompressor::new().ok();
            }
            reader.as_mut()?.decompress_to_buffer(body, out).ok()
        })
    }
}
