//! Bytes that somebody wrote on purpose: bounded memory, bounded time, no panic, no abort.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use cache_core::codec::{Auto, Bincode, Codec, MsgPack};
use serde::{Deserialize, Serialize};

use crate::types::*;

/// Runs on a stack of the size that tokio's workers have, and must be done soon. The limit is
/// generous, because the machine may be busy and the build unoptimised.
fn quickly(run: fn()) {
    let began = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(run).unwrap().join().unwrap();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

/// A bincode length.
fn length(n: u64) -> Vec<u8> {
    let mut bytes = vec![253];
    bytes.extend_from_slice(&n.to_le_bytes());
    bytes
}

#[test]
fn lengths_that_are_not_there_are_refused() {
    quickly(|| {
        for n in [1 << 20, 1 << 34, 1 << 40, u64::MAX] {
            let bytes = length(n);
            assert!(<Bincode as Codec<String>>::decode(&bytes).is_err());
            assert!(<Bincode as Codec<Vec<u8>>>::decode(&bytes).is_err());
            assert!(<Bincode as Codec<Vec<u64>>>::decode(&bytes).is_err());
            assert!(<Bincode as Codec<Blob>>::decode(&bytes).is_err());
            assert!(<Bincode as Codec<HashMap<u64, u64>>>::decode(&bytes).is_err());
        }
        for bytes in [
            &[0xdb, 0xff, 0xff, 0xff, 0xff][..],
            &[0xc6, 0xff, 0xff, 0xff, 0xff],
            &[0xdd, 0xff, 0xff, 0xff, 0xff],
            &[0xdf, 0xff, 0xff, 0xff, 0xff],
            &[0xc9, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(<MsgPack as Codec<serde_json::Value>>::decode(bytes).is_err());
            assert!(<MsgPack as Codec<Vec<u64>>>::decode(bytes).is_err());
        }
    });
}

#[test]
fn a_list_of_nothings_cannot_run_for_ever() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nothings(Vec<((), Unit, [u8; 0])>);
    quickly(|| {
        for n in [1 << 34, u64::MAX] {
            assert!(<Bincode as Codec<Vec<()>>>::decode(&length(n)).is_err());
            assert!(<Bincode as Codec<Nothings>>::decode(&length(n)).is_err());
        }
        let many = vec![(); 100_000];
        let mut out = Vec::new();
        Auto::encode(&many, &mut out).unwrap();
        assert_eq!(<Auto as Codec<Vec<()>>>::decode(&out).unwrap(), many);
    });
}

/// Each level is a byte or two, so a megabyte is enough for any stack without a limit.
#[test]
fn deep_nesting_is_refused() {
    quickly(|| {
        let some = vec![1; 1 << 20];
        assert!(<Bincode as Codec<Peano>>::decode(&some).is_err());
        assert!(<Bincode as Codec<Onion>>::decode(&some).is_err());
        let chain = [1, 1].repeat(1 << 19);
        assert!(<Bincode as Codec<Chain>>::decode(&chain).is_err());
        let many = [3, 1].repeat(1 << 19);
        assert!(<Bincode as Codec<Tree>>::decode(&many).is_err());
        let lists = vec![0x91; 1 << 20];
        assert!(<MsgPack as Codec<serde_json::Value>>::decode(&lists).is_err());
        assert!(<MsgPack as Codec<Untagged>>::decode(&lists).is_err());
        let skins = b"\x81\xa4Skin".repeat(1 << 17);
        assert!(<MsgPack as Codec<Onion>>::decode(&skins).is_err());
        let many = b"\x81\xa4Many\x91".repeat(1 << 17);
        assert!(<MsgPack as Codec<Tree>>::decode(&many).is_err());
    });
}

/// One byte that a format without a mark for presence reads for ever.
#[test]
fn a_some_of_a_some_without_end_is_refused() {
    quickly(|| {
        for bytes in [&[1][..], &[0x80], &[0xa1, b'a']] {
            assert!(<MsgPack as Codec<Peano>>::decode(bytes).is_err());
        }
        let peano = Peano(Some(Box::new(Peano(Some(Box::new(Peano(None)))))));
        let mut out = Vec::new();
        Auto::encode(&peano, &mut out).unwrap();
        assert_eq!(<Auto as Codec<Peano>>::decode(&out).unwrap(), peano);
    });
}

fn deep(levels: usize) -> Onion {
    (0..levels).fold(Onion::Core, |onion, _| Onion::Skin(Box::new(onion)))
}

/// As deep as can be written, on the usual stack; what is deeper is refused when it is written,
/// before it can exhaust the stack.
#[test]
fn what_is_written_deep_is_read_deep() {
    quickly(|| {
        for levels in [1, 50, 126, 127] {
            let mut out = Vec::new();
            Bincode::encode(&deep(levels), &mut out).unwrap();
            assert_eq!(
                <Bincode as Codec<Onion>>::decode(&out).unwrap(),
                deep(levels)
            );
            out.clear();
            MsgPack::encode(&deep(levels), &mut out).unwrap();
            assert_eq!(
                <MsgPack as Codec<Onion>>::decode(&out).unwrap(),
                deep(levels)
            );
        }
        for levels in [128, 200, 1000] {
            let mut out = Vec::new();
            assert!(Auto::encode(&deep(levels), &mut out).is_err());
            assert!(MsgPack::encode(&deep(levels), &mut out).is_err());
        }
        let nested =
            |levels| (0..levels).fold(serde_json::Value::Null, |inner, _| vec![inner].into());
        let mut out = Vec::new();
        Auto::encode(&nested(127), &mut out).unwrap();
        assert!(<Auto as Codec<serde_json::Value>>::decode(&out).is_ok());
        assert!(Auto::encode(&nested(200), &mut out).is_err());
        let nested =
            |levels| (0..levels).fold(Untagged::Number(1), |inner, _| Untagged::List(vec![inner]));
        let mut out = Vec::new();
        Auto::encode(&nested(126), &mut out).unwrap();
        assert_eq!(
            <Auto as Codec<Untagged>>::decode(&out).unwrap(),
            nested(126)
        );
    });
}

/// Half a kilobyte of memory for each byte.
type Wide = Option<[u128; 32]>;

#[test]
fn elements_that_are_larger_in_memory_than_in_bytes_are_bounded() {
    quickly(|| {
        let mut bytes = length(15 << 20);
        bytes.resize(16 << 20, 0);
        assert!(<Bincode as Codec<Vec<Wide>>>::decode(&bytes).is_err());
        let mut bytes = vec![0xdd, 0, 0xf0, 0, 0];
        bytes.resize(5 + 0xf0_0000, 0xc0);
        assert!(<MsgPack as Codec<Vec<Wide>>>::decode(&bytes).is_err());
        assert!(<MsgPack as Codec<Vec<Option<u64>>>>::decode(&bytes).is_err());
        assert!(<MsgPack as Codec<serde_json::Value>>::decode(&bytes).is_err());
        assert!(<MsgPack as Codec<Untagged>>::decode(&bytes).is_err());
    });
}

/// The writer counts as the reader does, also for values that are not read back.
#[test]
fn what_would_be_too_large_to_read_is_not_written() {
    fn agree<T: crate::Storable>(small: &T, values: impl IntoIterator<Item = T>) {
        for _ in 0..100 {
            Auto::encode(small, &mut Vec::new()).unwrap();
            MsgPack::encode(small, &mut Vec::new()).unwrap();
        }
        for value in values {
            for format in [<Bincode as Codec<T>>::ID, <MsgPack as Codec<T>>::ID] {
                let mut out = Vec::new();
                let written = match format {
                    1 => Bincode::encode(&value, &mut out),
                    _ => MsgPack::encode(&value, &mut out),
                };
                if written.is_ok() {
                    assert_eq!(<Auto as Codec<T>>::decode_as(format, &out).unwrap(), value);
                }
            }
        }
    }
    let lists = (0..8).map(|n| vec![None; 30_000 + n * 300]);
    agree::<Vec<Wide>>(&Vec::new(), lists);
    let maps = (0..8).map(|n| (0..30_000 + n * 300).map(|key| (key, None)).collect());
    agree::<HashMap<u32, Wide>>(&HashMap::new(), maps);
    let mut out = Vec::new();
    assert!(Auto::encode(&vec![None::<[u128; 32]>; 100_000], &mut out).is_err());
}

/// Each level doubles the attempts, so thirty bytes would take for ever.
#[test]
fn untagged_enums_that_try_all_combinations_are_stopped() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Left(Box<Either>, u8),
        Right(Box<Either>, String),
        Leaf(u8),
    }
    quickly(|| {
        let mut bytes = vec![0x92; 30];
        bytes.extend([0xc0; 31]);
        let error = <MsgPack as Codec<Either>>::decode(&bytes).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
        let either = Either::Left(
            Box::new(Either::Right(Box::new(Either::Leaf(1)), "r".into())),
            2,
        );
        let mut out = Vec::new();
        MsgPack::encode(&either, &mut out).unwrap();
        assert!(<MsgPack as Codec<Either>>::decode(&out).is_ok());
    });
}

#[test]
fn more_bytes_than_the_limit_are_not_even_looked_at() {
    let bytes = vec![0; (16 << 20) + 1];
    assert!(<Bincode as Codec<Vec<u8>>>::decode(&bytes).is_err());
    assert!(<MsgPack as Codec<Vec<u8>>>::decode(&bytes).is_err());
    assert!(<cache_core::codec::Raw as Codec<Vec<u8>>>::decode(&bytes).is_err());
}

/// Reads the first element only; what it leaves must not be taken for what comes next.
#[test]
fn elements_left_over_are_refused() {
    assert!(<Bincode as Codec<(First, Vec<u8>)>>::decode(&[1, 7, 1, 8]).is_ok());
    assert!(<Bincode as Codec<(First, Vec<u8>)>>::decode(&[2, 7, 1, 8]).is_err());
    assert!(<MsgPack as Codec<(First, u8)>>::decode(&[0x92, 0x91, 7, 8]).is_ok());
    assert!(<MsgPack as Codec<(First, u8)>>::decode(&[0x92, 0x92, 7, 8]).is_err());
}

#[test]
fn bytes_left_over_are_refused() {
    for (format, bytes) in [(1, &[1, 0][..]), (2, &[1, 0]), (2, &[1, 0xc1])] {
        assert!(<Auto as Codec<u8>>::decode_as(format, bytes).is_err());
        assert!(<Auto as Codec<u8>>::decode_as(format, &bytes[..1]).is_ok());
    }
}
