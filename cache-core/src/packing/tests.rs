use proptest::{collection::vec, prelude::*};
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::{
    codec::MAX_DECODED,
    envelope::{self, Kind, Meta, Stamps},
    error::ErrorKind,
    policy::COMPRESS_FROM,
};

const OWNER: Owner<'_> = Owner {
    namespace: "shop:prod",
    key: "users:42",
};
const CHECKSUM: usize = 8;
const FIXED: usize = 44;
const FLAGS: usize = 13;
const RAW_LENGTH: usize = 40;

fn meta() -> Meta<'static> {
    Meta {
        kind: Kind::Value,
        id: 1,
        fingerprint: 2,
        created: 1_800_000_000_000,
        soft: 60_000,
        hard: 600_000,
        stamps: Stamps::new(&[1, u64::MAX]).unwrap(),
        key: None,
        tags: "team:1",
    }
}

fn seal() -> Seal {
    Seal::new(7, [7; 32])
}

fn sealing() -> Packing {
    Packing {
        seal: Some(seal()),
        ..Packing::default()
    }
}

fn compressing(compression: Compression) -> Packing {
    Packing {
        compression: Some(compression),
        ..Packing::default()
    }
}

/// Every way to pack.
fn ways() -> Vec<Packing> {
    let compressions = [None, Some(Compression::Lz4), Some(Compression::Zstd)];
    let seals = [None, Some(seal())];
    let pack = |compression| seals.clone().map(|seal| Packing { compression, seal });
    compressions.into_iter().flat_map(pack).collect()
}

fn entry(packing: &Packing, payload: &[u8]) -> Vec<u8> {
    let write = |out: &mut Vec<u8>| {
        out.extend_from_slice(payload);
        Ok(9)
    };
    envelope::encode(&meta(), packing, OWNER, write)
        .unwrap()
        .to_vec()
}

fn read_as(packing: &Packing, owner: Owner<'_>, bytes: &[u8]) -> Result<Vec<u8>, Bad> {
    let entry = envelope::decode(bytes)?;
    let body = packing.unseal(owner, &entry)?;
    expand(&entry, body).map(Cow::into_owned)
}

fn read(packing: &Packing, bytes: &[u8]) -> Result<Vec<u8>, Bad> {
    read_as(packing, OWNER, bytes)
}

/// With `change` made behind the checksum's back, as somebody does who knows the layout.
fn forged(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = bytes[..bytes.len() - CHECKSUM].to_vec();
    change(&mut bytes);
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// A compressed entry whose body and whose claim about its length are somebody's choice.
fn claiming(length: u32, body: &[u8]) -> Vec<u8> {
    forged(&entry(&Packing::default(), body), |bytes| {
        bytes[FLAGS] |= 1;
        bytes[RAW_LENGTH..FIXED].copy_from_slice(&length.to_le_bytes());
    })
}

fn text(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| b"the same again and "[at % 19])
        .collect()
}

/// Bytes that no format makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let hash = |at: usize| xxh3_64(&at.to_le_bytes()).to_le_bytes();
    (0..length.div_ceil(8))
        .flat_map(hash)
        .take(length)
        .collect()
}

#[test]
fn what_is_packed_in_any_way_is_unpacked() {
    for packing in ways() {
        for length in [0, 1, 100, 1_023, 1_024, 5_000, 100_000] {
            for payload in [text(length), noise(length)] {
                let bytes = entry(&packing, &payload);
                assert_eq!(envelope::decode(&bytes).unwrap().codec, 9);
                assert_eq!(read(&packing, &bytes), Ok(payload), "{packing:?}");
            }
        }
    }
}

#[test]
fn only_what_gets_smaller_is_compressed() {
    for compression in [Compression::Lz4, Compression::Zstd] {
        let packing = compressing(compression);
        let saved = |payload: &[u8]| {
            let plain = entry(&Packing::default(), payload).len();
            let packed = entry(&packing, payload);
            assert_eq!(packed[FLAGS] & 1 == 1, packed.len() < plain);
            assert!(packed.len() <= plain);
            packed.len() < plain
        };
        assert!(saved(&text(COMPRESS_FROM)));
        assert!(!saved(&text(COMPRESS_FROM - 1)));
        assert!(!saved(&noise(10_000)));
        assert!(!saved(&text(MAX_DECODED + 1)), "it could not be read back");
    }
}

#[test]
fn readers_need_not_be_told_how_an_entry_was_compressed() {
    for compression in [Compression::Lz4, Compression::Zstd] {
        let bytes = entry(&compressing(compression), &text(5_000));
        assert_eq!(read(&Packing::default(), &bytes), Ok(text(5_000)));
    }
}

/// Entries of these versions lie in stores: if this fails, the version must go up.
#[test]
fn compressed_and_sealed_entries_of_version_1_are_read() {
    let (plain, sealed) = (Packing::default(), sealing());
    let golden = [
        (
            &plain,
            "434b0101010000000000000009090200020000000000000000505c18a301000060ea0000c0270900b004 \
         00000100000000000000ffffffffffffffff060000007465616d3a3101ff047468652073616d65206167 \
         61696e20616e64201300ffffffff88606e6420746865cfd9f5424c529ba4",
        ),
        (
            &sealed,
            "434b01010100000000000000090b0200020000000000000000505c18a301000060ea0000c0270900b004 \
         00000100000000000000ffffffffffffffff060000007465616d3a310700000044db08861e53c040a7da \
         10db398c4bc03d8882b4ef85fad1af3a70036263e4e230277d7069f011816c4181585ac8e137bcf89700 \
         2d23686ccd6297e40798ef31c16b00f64f1d4bf22a6b3e46fddf7792a1866ac1",
        ),
        (
            &plain,
            "434b0101010000000000000009090200020000000000000000505c18a301000060ea0000c0270900b004 \
         00000100000000000000ffffffffffffffff060000007465616d3a310228b52ffd60b003dd0000987468 \
         652073616d6520616761696e20616e6420010035b17f860168e8da1a5e1dabf5",
        ),
    ];
    for (packing, golden) in golden {
        let digits = golden.replace(' ', "");
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
        assert_eq!(read(packing, &bytes), Ok(text(1_200)));
    }
}

#[test]
fn what_claims_to_be_larger_than_it_is_takes_no_memory() {
    let two_gib = 2u32 << 30;
    let lz4 = |body: &[u8]| [&[1], body].concat();
    let zstd = |body: &[u8]| [&[2], body].concat();
    // LZ4: a size prefix of 2 GiB in 12 bytes, and a block that repeats one byte for ever.
    let prefixed = [
        &two_gib.to_le_bytes()[..],
        &[0x1f, 0, 1, 0, 255, 255, 255, 0],
    ]
    .concat();
    let endless = [&[0x1f, 0, 1, 0][..], &vec![255; 65_536], &[0]].concat();
    // Zstandard: a gibibyte of zeros, and a frame that says so and holds nothing.
    let zeros = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
    assert!(zeros.len() < 10_000);
    let most = u32::try_from(MAX_DECODED).unwrap();
    for body in [
        lz4(&prefixed),
        lz4(&endless),
        zstd(&zeros),
        zstd(b""),
        zstd(&prefixed),
    ] {
        for length in [two_gib, u32::MAX, most + 1, most, most - 1, 100] {
            let bytes = claiming(length, &body);
            assert!(read(&Packing::default(), &bytes).is_err(), "{length}");
        }
    }
    for body in [lz4(b"\x10a"), vec![3, 1, 2], vec![0], Vec::new()] {
        assert!(read(&Packing::default(), &claiming(2, &body)).is_err());
    }
}

#[test]
fn a_sealed_entry_is_of_one_key_and_one_namespace() {
    let bytes = entry(&sealing(), b"secret");
    for (namespace, key) in [
        ("shop:prod", "users:43"),
        ("shop:test", "users:42"),
        ("shop", "prod:users:42"),
        ("shop:produsers", ":42"),
        ("", ""),
    ] {
        let other = Owner { namespace, key };
        assert_eq!(read_as(&sealing(), other, &bytes), Err(Bad::Seal));
    }
    assert_eq!(read(&sealing(), &bytes).as_deref(), Ok(&b"secret"[..]));
}

/// The checksum is set right each time, so that the seal alone refuses.
#[test]
fn no_bit_of_a_sealed_entry_can_be_changed() {
    let mut packing = sealing();
    for (compression, payload) in [
        (None, b"secret".to_vec()),
        (None, Vec::new()),
        (Some(Compression::Lz4), text(1_100)),
    ] {
        packing.compression = compression;
        let bytes = entry(&packing, &payload);
        for at in 0..bytes.len() - CHECKSUM {
            for bit in 0..8 {
                let changed = forged(&bytes, |bytes| bytes[at] ^= 1 << bit);
                read(&packing, &changed).unwrap_err();
            }
        }
        for cut in 0..bytes.len() - CHECKSUM {
            let cut = forged(&bytes, |bytes| bytes.truncate(cut));
            read(&packing, &cut).unwrap_err();
        }
        let longer = forged(&bytes, |bytes| bytes.push(0));
        read(&packing, &longer).unwrap_err();
    }
}

#[test]
fn nothing_of_a_sealed_value_is_readable_and_no_two_seals_are_alike() {
    let value = text(500);
    let [one, two] = [(); 2].map(|()| entry(&sealing(), &value));
    assert!(!one.windows(8).any(|window| window == &value[..8]));
    let start = FIXED + 16 + 4 + 6 + 4;
    assert_ne!(one[start..start + 24], two[start..start + 24], "the nonce");
    assert_ne!(one[start + 24..], two[start + 24..]);
}

#[test]
fn a_key_is_changed_without_losing_what_the_old_one_sealed() {
    let old = sealing();
    let with = |seal| Packing {
        seal: Some(seal),
        ..Packing::default()
    };
    let both = with(Seal::new(8, [8; 32]).also(7, [7; 32]));
    let new = with(Seal::new(8, [8; 32]));
    let by_old = entry(&old, b"value");
    let by_both = entry(&both, b"value");
    assert!(read(&both, &by_old).is_ok() && read(&both, &by_both).is_ok());
    assert_eq!(
        read(&old, &by_both),
        Err(Bad::Sealed),
        "an id that is not known"
    );
    assert_eq!(read(&new, &by_old), Err(Bad::Sealed));
    assert!(read(&new, &by_both).is_ok(), "the first key writes");
    let impostor = with(Seal::new(7, [9; 32]));
    assert_eq!(
        read(&impostor, &by_old),
        Err(Bad::Seal),
        "another key of the same id"
    );
}

#[test]
fn sealed_and_unsealed_entries_are_not_taken_for_each_other() {
    let (plain, sealed) = (Packing::default(), sealing());
    assert_eq!(read(&sealed, &entry(&plain, b"value")), Err(Bad::Unsealed));
    assert_eq!(read(&plain, &entry(&sealed, b"value")), Err(Bad::Sealed));
    // Nor with the flag taken away, or put there.
    let opened = forged(&entry(&sealed, b"value"), |bytes| bytes[FLAGS] &= !2);
    read(&sealed, &opened).unwrap_err();
    read(&plain, &opened).unwrap_err();
    let closed = forged(&entry(&plain, b"value"), |bytes| bytes[FLAGS] |= 2);
    read(&sealed, &closed).unwrap_err();
}

#[test]
fn an_entry_with_other_times_is_sealed_anew() {
    for packing in ways() {
        let bytes = entry(&packing, &text(2_000));
        let old = envelope::decode(&bytes).unwrap();
        let body = packing.unseal(OWNER, &old).unwrap();
        let later = Meta {
            created: meta().created + 1,
            ..meta()
        };
        let renewed = envelope::renew(&later, &old, &body, &packing, OWNER).unwrap();
        assert_eq!(read(&packing, &renewed), Ok(text(2_000)), "{packing:?}");
        assert_eq!(envelope::decode(&renewed).unwrap().meta, later);
    }
}

#[test]
fn two_keys_of_one_id_are_refused() {
    let twice = Seal::new(1, [1; 32]).also(2, [2; 32]).also(1, [3; 32]);
    let error = twice.check().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("the id 1"), "{error}");
    assert!(Seal::new(1, [1; 32]).also(2, [1; 32]).check().is_ok());
}

#[test]
fn a_seal_shows_its_ids_and_no_key() {
    let seal = Seal::new(1, [0xAB; 32]).also(2, [0xCD; 32]);
    assert_eq!(format!("{seal:?}"), "Seal { ids: [1, 2] }");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Even with a checksum that is right: no panic, and nothing longer than is allowed.
    #[test]
    fn forged_bodies_are_a_miss(body in vec(any::<u8>(), 0..200), length in any::<u32>(), flags in 0..4u8) {
        let bytes = forged(&entry(&Packing::default(), &body), |bytes| {
            bytes[FLAGS] |= flags;
            bytes[RAW_LENGTH..FIXED].copy_from_slice(&length.to_le_bytes());
        });
        if let Ok(found) = read(&Packing::default(), &bytes) {
            prop_assert_eq!(found.len(), length as usize);
        }
        prop_assert!(read(&sealing(), &bytes).is_err());
    }

    #[test]
    fn compressed_bytes_that_were_damaged_never_panic(at in 0..2_000usize, to in any::<u8>(), zstd in any::<bool>()) {
        let compression = if zstd { Compression::Zstd } else { Compression::Lz4 };
        let bytes = entry(&compressing(compression), &noise(1_000).repeat(2));
        let changed = forged(&bytes, |bytes| {
            let at = FIXED + 26 + at % (bytes.len() - FIXED - 26);
            bytes[at] = to;
        });
        if let Ok(found) = read(&Packing::default(), &changed) {
            prop_assert_eq!(found.len(), 2_000);
        }
    }
}
