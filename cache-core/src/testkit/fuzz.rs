//! What must hold of arbitrary bytes: one function for each reader of them, which panics if it does
//! not. For fuzzers, and for the tests that repeat what fuzzers found. Not for people: it changes
//! without notice.
//!
//! Each tells whether the bytes were understood, so that a corpus can be seen to be one.

mod key;

use xxhash_rust::xxh3::xxh3_64;

pub use self::key::key;
use crate::{
    codec::Codec,
    envelope::{self, Kind, Meta, Stamps},
    feed,
    packing::{Owner, Packing, expand},
};

/// Whose entries they are, which matters to sealed ones only.
const OWNER: Owner<'_> = Owner {
    namespace: "larder",
    key: "k",
};

/// Reads bytes as what stands in a slot: as they are, with a checksum behind them, and with the right
/// one in place of theirs. No fuzzer would ever guess one.
///
/// # Panics
///
/// If what is read does not read the same when it is written again.
pub fn envelope(data: &[u8]) -> bool {
    let sealed = |data: &[u8]| [data, &xxh3_64(data).to_le_bytes()].concat();
    let body = &data[..data.len().saturating_sub(8)];
    // All are read, whatever becomes of the first.
    read_envelope(data) | read_envelope(&sealed(data)) | read_envelope(&sealed(body))
}

fn read_envelope(data: &[u8]) -> bool {
    let Ok(read) = envelope::decode(data) else {
        return false;
    };
    assert!(read.payload.len() <= data.len(), "it points into the bytes");
    if read.meta.kind == Kind::Lease {
        assert_eq!(data, envelope::lease(read.meta.id));
        return true;
    }
    let packing = Packing::default();
    match packing.unseal(OWNER, &read) {
        Err(_) => assert!(read.sealed, "nothing else needs a key"),
        Ok(body) => {
            let raw = expand(&read, body);
            let whole = raw.as_ref().is_ok_and(|raw| raw.len() == read.raw_length);
            assert!(whole || (read.compressed && raw.is_err()));
        }
    }
    if read.sealed {
        return true;
    }
    let written = envelope::renew(&read.meta, &read, read.payload, &packing, OWNER);
    let written = written.expect("what was read is not too large");
    let again = envelope::decode(&written).expect("it was just written");
    // Not byte by byte: what says nothing is not written again.
    assert_eq!((again.meta, again.codec), (read.meta, read.codec));
    assert_eq!(again.payload, read.payload);
    assert_eq!(
        (again.raw_length, again.compressed),
        (read.raw_length, read.compressed)
    );
    true
}

/// Some of what stands in slots.
pub fn envelopes() -> Vec<Vec<u8>> {
    let meta = |kind, stamps: &[u64], key, tags| Meta {
        kind,
        id: 0x0123_4567_89ab_cdef,
        fingerprint: 7,
        created: 1_700_000_000_000,
        soft: 60_000,
        hard: 300_000,
        stamps: Stamps::new(stamps).expect("few"),
        key,
        tags,
    };
    let entries = [
        (meta(Kind::Value, &[1], None, ""), &b"a value"[..]),
        (
            meta(Kind::Value, &[1, 2, u64::MAX], Some("users:a b"), ""),
            b"",
        ),
        (
            meta(Kind::Value, &[0; 16], Some("k"), "one\ntwo\n"),
            b"tags",
        ),
        (meta(Kind::Absent, &[3, 4], None, "one\n"), b""),
    ];
    let written = entries.iter().map(|(meta, payload)| {
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(payload);
            Ok(2)
        };
        envelope::encode(meta, &Packing::default(), OWNER, write)
            .expect("small")
            .to_vec()
    });
    written.chain([envelope::lease(9).to_vec()]).collect()
}

/// Reads bytes as a value. The first of them says in which format, for codecs that know several.
///
/// # Panics
///
/// If what is read cannot be written, or does not read the same when it is.
pub fn codec<C: Codec<T>, T>(data: &[u8]) -> bool {
    let Some((format, bytes)) = data.split_first() else {
        return false;
    };
    let named = C::decode_as(*format, bytes).ok();
    let plain = C::decode(bytes).ok();
    for value in named.iter().chain(&plain) {
        let once = written::<C, T>(value);
        let read = C::decode_as(once.0, &once.1).expect("it was just written");
        assert_eq!(written::<C, T>(&read), once);
    }
    named.is_some() || plain.is_some()
}

fn written<C: Codec<T>, T>(value: &T) -> (u8, Vec<u8>) {
    let mut out = Vec::new();
    let format = C::encode_as(value, &mut out).expect("what was read can be written");
    (format, out)
}

/// A value as [`codec`] reads it.
///
/// # Panics
///
/// If it cannot be written.
pub fn encoded<C: Codec<T>, T>(value: &T) -> Vec<u8> {
    let (format, bytes) = written::<C, T>(value);
    [&[format], &bytes[..]].concat()
}

/// Reads bytes as what processes tell each other.
///
/// # Panics
///
/// If what is read does not read the same when it is written again.
pub fn notice(data: &[u8]) -> bool {
    let Some(read) = feed::read(data) else {
        return false;
    };
    let (keys, groups) = (read.keys.iter().copied(), read.groups.iter().copied());
    let written = feed::notice(read.sender, keys, groups);
    assert_eq!(written.len(), data.len());
    assert_eq!(feed::read(&written), Some(read));
    true
}

/// Some of what processes tell each other.
pub fn notices() -> Vec<Vec<u8>> {
    vec![
        feed::notice(1, ["users:7"], ["p:users", "n"]),
        feed::notice(u64::MAX, [], ["t:tag of somebody"]),
        feed::notice(2, ["", "ü"], []),
        feed::everything(),
    ]
}
