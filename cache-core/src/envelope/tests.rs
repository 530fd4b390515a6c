use proptest::{collection::vec, option, prelude::*};

use super::*;

fn meta() -> Meta<'static> {
    Meta {
        kind: Kind::Value,
        id: 0x0102_0304_0506_0708,
        fingerprint: 0x1112_1314_1516_1718,
        created: 1_800_000_000_000,
        soft: 60_000,
        hard: 600_000,
        stamps: Stamps::new(&[1, u64::MAX]).unwrap(),
        key: None,
        tags: "",
    }
}

fn keyed() -> Meta<'static> {
    Meta {
        stamps: Stamps::NONE,
        key: Some("users:42"),
        ..meta()
    }
}

fn absent() -> Meta<'static> {
    Meta {
        kind: Kind::Absent,
        ..keyed()
    }
}

const OWNER: Owner<'_> = Owner {
    namespace: "shop",
    key: "users:42",
};

fn entry(meta: &Meta<'_>, codec: u8, payload: &[u8]) -> Vec<u8> {
    let write = |out: &mut Vec<u8>| {
        out.extend_from_slice(payload);
        Ok(codec)
    };
    encode(meta, &Packing::default(), OWNER, write)
        .unwrap()
        .to_vec()
}

/// One of each kind of entry.
fn entries() -> [Vec<u8>; 4] {
    [
        entry(&meta(), 7, b"hello"),
        entry(&keyed(), 1, &[0; 100]),
        entry(&absent(), 0, b""),
        lease(99).to_vec(),
    ]
}

/// Gives bytes a checksum that is right.
fn sealed(mut covered: Vec<u8>) -> Vec<u8> {
    let checksum = xxh3_64(&covered);
    covered.extend_from_slice(&checksum.to_le_bytes());
    covered
}

/// With `change` made behind the checksum's back.
fn forged(meta: &Meta<'_>, payload: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = entry(meta, 7, payload);
    bytes.truncate(bytes.len() - CHECKSUM);
    change(&mut bytes);
    sealed(bytes)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Entries of this version lie in stores: if this fails, the version must go up.
#[test]
fn version_1_is_these_bytes() {
    let golden = [
        "434b0101 0807060504030201 07 00 02 00 1817161514131211 00505c18a3010000 60ea0000 \
         c0270900 05000000 0100000000000000 ffffffffffffffff 68656c6c6f 20e5640c6d91a2e8",
        "434b0102 0807060504030201 00 04 00 00 1817161514131211 00505c18a3010000 60ea0000 \
         c0270900 00000000 08000000 75736572733a3432 fa647454e354acee",
        "434b0103 0100000000000000",
    ];
    let found = [
        entry(&meta(), 7, b"hello"),
        entry(&absent(), 0, b""),
        lease(1).to_vec(),
    ];
    for (golden, found) in golden.iter().zip(&found) {
        assert_eq!(hex(found), golden.replace(' ', ""));
    }
}

#[test]
fn a_lease_is_its_header_and_no_more() {
    let bytes = lease(99);
    let found = decode(&bytes).unwrap();
    assert_eq!((found.meta.kind, found.meta.id), (Kind::Lease, 99));
    assert_eq!(lease(99), header(Kind::Lease, 99));
    let mut longer = lease(99).to_vec();
    longer.push(0);
    assert_eq!(decode(&longer), Err(Bad::Length));
    assert_eq!(decode(&lease(99)[..11]), Err(Bad::TooShort));
}

#[test]
fn an_entry_starts_with_its_header() {
    let bytes = entry(&absent(), 0, b"");
    assert_eq!(bytes[..12], header(Kind::Absent, absent().id));
}

#[test]
fn what_is_wrong_is_told_apart() {
    let bad = |change: fn(&mut Vec<u8>)| decode(&forged(&keyed(), b"payload", change)).err();
    assert_eq!(bad(|_| ()), None);
    assert_eq!(bad(|bytes| bytes[0] = b'X'), Some(Bad::Magic));
    assert_eq!(bad(|bytes| bytes[1] = b'X'), Some(Bad::Magic));
    assert_eq!(bad(|bytes| bytes[2] = 2), Some(Bad::Version));
    assert_eq!(bad(|bytes| bytes[3] = 0), Some(Bad::Kind));
    assert_eq!(bad(|bytes| bytes[3] = 4), Some(Bad::Kind));
    assert_eq!(bad(|bytes| bytes[15] = 1), Some(Bad::Flags));
    for flag in [16, 32, 64, 128] {
        let with_flag = forged(&keyed(), b"payload", |bytes| bytes[13] |= flag);
        assert_eq!(decode(&with_flag), Err(Bad::Flags), "{flag}");
    }
    assert_eq!(bad(|bytes| bytes[14] = 17), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes[14] = 255), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes[RAW_LENGTH] += 1), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes[FIXED + 3] = 255), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes[FIXED + 4] = 0xff), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes.truncate(FIXED)), Some(Bad::Length));
    assert_eq!(bad(|bytes| bytes.truncate(20)), Some(Bad::TooShort));
    assert_eq!(bad(|bytes| bytes.push(0)), Some(Bad::Length));
    let with_payload = forged(&absent(), b"payload", |_| ());
    assert_eq!(decode(&with_payload), Err(Bad::Length));
    let mut damaged = entry(&meta(), 7, b"hello");
    damaged[70] ^= 1;
    assert_eq!(decode(&damaged), Err(Bad::Checksum));
}

#[test]
fn seventeen_stamps_are_too_many() {
    assert_eq!(Stamps::new(&[3; 16]).unwrap().len(), 16);
    assert_eq!(Stamps::new(&[3; 17]), None);
}

#[test]
fn a_payload_that_fails_fails_the_entry() {
    let failed = encode(&meta(), &Packing::default(), OWNER, |_| {
        Err(Error::new(ErrorKind::Codec, "no"))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Codec);
}

#[test]
fn the_payload_is_not_copied() {
    let bytes = Bytes::from(entry(&keyed(), 1, b"payload"));
    let found = decode(&bytes).unwrap();
    assert_eq!(bytes.slice_ref(found.payload), "payload");
}

/// All single flips and all cuts, and then some hundred thousand damages of other kinds.
#[test]
fn damage_is_always_a_miss() {
    for whole in entries() {
        for cut in 0..whole.len() {
            decode(&whole[..cut]).unwrap_err();
        }
        // A lease has no checksum: another number in it is another lease, which nobody holds.
        let guarded = if whole.len() == 12 {
            0..4
        } else {
            0..whole.len()
        };
        for at in guarded {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                decode(&damaged).unwrap_err();
            }
        }
    }
    let mut random = Random(1);
    for _ in 0..100_000 {
        let [whole, ..] = entries();
        let mut damaged = whole.clone();
        for _ in 0..=random.below(4) {
            match random.below(4) {
                0 => damaged.truncate(random.below(damaged.len() + 1)),
                1 => damaged.insert(random.below(damaged.len() + 1), random.byte()),
                2 if !damaged.is_empty() => {
                    damaged.remove(random.below(damaged.len()));
                }
                _ if !damaged.is_empty() => {
                    let at = random.below(damaged.len());
                    damaged[at] = random.byte();
                }
                _ => {}
            }
        }
        if damaged != whole {
            decode(&damaged).unwrap_err();
        }
    }
}

/// A small generator, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_is_read(
        kind in prop_oneof![Just(Kind::Value), Just(Kind::Absent)],
        numbers in any::<(u64, u64, u64, u32, u32, u8)>(),
        stamps in vec(any::<u64>(), 4..=16),
        key in option::of(".{0,300}"),
        tags in "(.{1,40}(\n.{1,40}){0,3})?",
        payload in vec(any::<u8>(), 0..500),
    ) {
        let (id, fingerprint, created, soft, hard, codec) = numbers;
        let meta = Meta {
            kind,
            id,
            fingerprint,
            created,
            soft,
            hard,
            stamps: Stamps::new(&stamps).unwrap(),
            key: key.as_deref(),
            tags: &tags,
        };
        let payload = if kind == Kind::Absent { &[] } else { &payload[..] };
        let bytes = entry(&meta, codec, payload);
        let found = decode(&bytes).unwrap();
        prop_assert_eq!(found.meta, meta);
        prop_assert_eq!((found.codec, found.payload), (codec, payload));
        prop_assert_eq!(found.raw_length, payload.len());
        prop_assert!(!found.compressed && !found.sealed);
    }

    #[test]
    fn random_bytes_are_never_an_entry(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(decode(&bytes).is_err());
        let mut begun = header(Kind::Value, 1).to_vec();
        begun.extend_from_slice(&bytes);
        prop_assert!(decode(&begun).is_err());
    }

    /// Even with a checksum that is right: no panic, and what is read is within the bytes.
    #[test]
    fn forged_entries_never_panic(bytes in vec(any::<u8>(), 0..200), stamps in 0..20u8, flags in 0..16u8) {
        let mut begun = header(Kind::Value, 1).to_vec();
        begun.extend_from_slice(&bytes);
        if let [.., _, _, _] = bytes[..] {
            begun[13] = flags;
            begun[14] = stamps;
        }
        let begun = sealed(begun);
        if let Ok(found) = decode(&begun) {
            prop_assert!(found.payload.len() < begun.len());
        }
    }
}
