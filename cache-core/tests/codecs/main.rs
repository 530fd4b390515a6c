//! What goes through a codec comes back the same or not at all.

#![allow(missing_docs, unreachable_pub, reason = "a test")]
#![allow(clippy::needless_pass_by_value, reason = "the tests read better")]

mod evolution;
mod hostile;
mod properties;
mod table;
mod types;

use std::{
    any::Any,
    collections::BTreeMap,
    fmt::Debug,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU8,
    sync::Arc,
    time::{Duration, SystemTime},
};

use cache_core::{
    ErrorKind,
    codec::{Auto, Bincode, Codec, MsgPack, Table},
};
use serde::{Serialize, de::DeserializeOwned};
use types::*;

const BINCODE: u8 = <Bincode as Codec<u8>>::ID;
const MSGPACK: u8 = <MsgPack as Codec<u8>>::ID;

trait Storable: Serialize + DeserializeOwned + PartialEq + Debug + Any + Send + Sync {}
impl<T: Serialize + DeserializeOwned + PartialEq + Debug + Any + Send + Sync> Storable for T {}

/// Writes with the default codec and reads back: the format it chose.
fn auto<T: Storable>(value: T) -> Option<u8> {
    let table = Table::of::<T, Auto>();
    let mut out = b"before".to_vec();
    match table.encode(&value, &mut out) {
        Ok(format) => {
            let live = table.decode(format, &out[6..]).unwrap();
            assert_eq!(live.downcast_ref::<T>(), Some(&value));
            Some(format)
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Codec);
            let text = error.to_string();
            assert!(text.contains(std::any::type_name::<T>()), "{text}");
            None
        }
    }
}

fn plain() -> Plain {
    Plain {
        id: 300,
        name: "Ada".into(),
        tags: vec!["a".into(), String::new()],
        score: -0.0,
        parent: Some(7),
    }
}

fn tree() -> Tree {
    Tree::Node(
        Box::new(Tree::Named {
            name: "n".into(),
            tree: Box::new(Tree::Leaf(-1)),
        }),
        Box::new(Tree::Many(vec![Tree::Leaf(2), Tree::Many(Vec::new())])),
    )
}

fn everything() -> Everything {
    Everything {
        unit: (),
        unit_struct: Unit,
        newtype: Meters(1.5),
        nested: Generic {
            inner: Generic { inner: 9 },
        },
        tuple: (1, -2, 'ß'),
        array: [1, 2, 300],
        wide: (u128::MAX, i128::MIN),
        option: Some("some".into()),
        cow: "cow".into(),
        arc: "arc".into(),
        shared: Arc::new(Plain2 {
            left: "l".into(),
            right: None,
        }),
        map: BTreeMap::from([((1, "one".into()), vec![true, false])]),
        hash: (0..20).map(|n| (n.to_string(), n)).collect(),
        set: (0..20).collect(),
        result: Err("no".into()),
        small: f32::MIN_POSITIVE,
        signed: (i8::MIN, i16::MIN, i32::MIN, i64::MIN, isize::MIN),
        unsigned: (u8::MAX, u16::MAX, u32::MAX, u64::MAX, usize::MAX),
        tree: tree(),
    }
}

#[test]
fn what_names_nothing_is_written_without_names() {
    assert_eq!(auto(plain()), Some(BINCODE));
    assert_eq!(auto(everything()), Some(BINCODE));
    assert_eq!(auto(tree()), Some(BINCODE));
    assert_eq!(auto(()), Some(BINCODE));
    assert_eq!(auto(Unit), Some(BINCODE));
    assert_eq!(auto(Arc::new(plain())), Some(BINCODE));
    assert_eq!(auto(vec![Some(plain()), None]), Some(BINCODE));
    assert_eq!(auto("x".repeat(1 << 20)), Some(BINCODE));
    assert_eq!(auto(Blob(vec![7; 16])), Some(BINCODE));
    assert_eq!(auto(Other::Second), Some(BINCODE));
    let chain = |next| Chain { value: 1, next };
    assert_eq!(auto(chain(Some(Box::new(chain(None))))), Some(BINCODE));
    assert_eq!(auto(Onion::Skin(Box::new(Onion::Core))), Some(BINCODE));
}

#[test]
fn types_that_refuse_most_values_are_traced_all_the_same() {
    let date = Date {
        year: 2026,
        month: 11,
        day: 20,
    };
    assert_eq!(auto(date), Some(BINCODE));
    assert_eq!(auto(vec![(1u8, Some(date))]), Some(BINCODE));
    assert_eq!(auto(NonZeroU8::MAX), Some(BINCODE));
    assert_eq!(auto(IpAddr::V6(Ipv6Addr::LOCALHOST)), Some(BINCODE));
    assert_eq!(auto(SocketAddr::from(([127, 0, 0, 1], 80))), Some(BINCODE));
    assert_eq!(auto(Duration::from_millis(1500)), Some(BINCODE));
    assert_eq!(auto(SystemTime::UNIX_EPOCH), Some(BINCODE));
    assert_eq!(auto(std::path::PathBuf::from("/a/b")), Some(BINCODE));
    assert_eq!(auto(std::ffi::OsString::from("os")), Some(BINCODE));
    assert_eq!(auto(Range { start: 2, end: 9 }), Some(BINCODE));
    assert_eq!(auto(Picky("picky:1".into())), Some(MSGPACK));
    assert_eq!(auto(Panics(2000)), Some(MSGPACK));
}

#[test]
fn what_asks_for_names_is_written_with_names() {
    let rest = Plain2 {
        left: "l".into(),
        right: Some(true),
    };
    let flat = Flat {
        id: 1,
        rest: rest.clone(),
        more: BTreeMap::from([("x".into(), -1)]),
    };
    assert_eq!(auto(flat), Some(MSGPACK));
    assert_eq!(auto(Untagged::Number(5)), Some(MSGPACK));
    assert_eq!(auto(Untagged::Big(-5)), Some(MSGPACK));
    assert_eq!(auto(Untagged::Pair { a: 1, b: 2 }), Some(MSGPACK));
    let list = vec![Untagged::Text("t".into()), Untagged::List(Vec::new())];
    assert_eq!(auto(Untagged::List(list)), Some(MSGPACK));
    assert_eq!(auto(Internal::Unit), Some(MSGPACK));
    assert_eq!(auto(Internal::Struct { a: 1, b: None }), Some(MSGPACK));
    assert_eq!(auto(Internal::Newtype(rest)), Some(MSGPACK));
    assert_eq!(auto(Adjacent::Unit), Some(MSGPACK));
    assert_eq!(auto(Adjacent::Tuple(1, "t".into())), Some(MSGPACK));
    assert_eq!(auto(Adjacent::Struct { a: 1 }), Some(MSGPACK));
    let value = serde_json::json!({"a": [1, -2, 0.5, null, "x", true], "b": {}});
    assert_eq!(auto(value), Some(MSGPACK));
}

#[test]
fn a_value_that_leaves_out_a_field_is_written_with_names() {
    let skips = Skips {
        id: 1,
        note: Some(2),
        cached: 0,
        list: vec![3],
    };
    assert_eq!(auto(skips.clone()), Some(BINCODE));
    assert_eq!(
        auto(Skips {
            note: None,
            ..skips.clone()
        }),
        Some(MSGPACK)
    );
    assert_eq!(
        auto(Skips {
            list: Vec::new(),
            ..skips
        }),
        Some(MSGPACK)
    );
    let never = NeverWritten {
        id: 0,
        gone: 0,
        list: vec![0],
    };
    assert_eq!(auto(never), Some(MSGPACK));
    assert_eq!(auto(SkipsInTuple(1, Some(2))), Some(BINCODE));
}

/// Each of these reads back as another value with at least one plain positional codec.
#[test]
fn sides_that_disagree_never_store_another_value() {
    assert_eq!(auto(Shifted::First), Some(BINCODE));
    assert_eq!(auto(Shifted::Third), Some(MSGPACK));
    assert_eq!(auto(Shifted::Fourth), Some(MSGPACK));
    assert_eq!(auto(ShiftedAndRenamed::Third), None);
    assert_eq!(auto(Swapped { left: 1, right: 2 }), Some(MSGPACK));
    assert_eq!(auto(Lopsided(5)), None);
    assert_eq!(auto(Versioned(1, 2)), Some(BINCODE));
    assert_eq!(auto(Versioned(9, 2)), Some(MSGPACK));
    assert_eq!(auto(Ambiguous::Short { x: 1 }), Some(MSGPACK));
    assert_eq!(auto(Ambiguous::Long { x: 1, y: 2 }), None);
    assert_eq!(auto(SkipsInTuple(1, None)), Some(MSGPACK));
    let renamed = Renamed {
        user_name: "n".into(),
        user_id: 1,
    };
    assert_eq!(auto(renamed), Some(BINCODE));
}

#[test]
fn aliases_do_not_confuse_the_order() {
    assert_eq!(auto(Aliased::First), Some(MSGPACK));
    assert_eq!(auto(Aliased::Second(1)), Some(MSGPACK));
    assert_eq!(auto(AliasedField { a: 1, d: 2 }), Some(BINCODE));
}

#[test]
fn a_some_of_nothing_is_kept_or_refused_but_never_lost() {
    let nested: [Option<Option<u8>>; 3] = [None, Some(None), Some(Some(1))];
    for value in nested {
        assert_eq!(auto(value), Some(BINCODE));
    }
    assert_eq!(auto(Some(())), Some(BINCODE));
    let mut out = Vec::new();
    assert!(MsgPack::encode(&nested[0], &mut out).is_ok());
    assert!(MsgPack::encode(&nested[1], &mut out).is_err());
    assert!(MsgPack::encode(&nested[2], &mut out).is_ok());
    assert!(MsgPack::encode(&Some(()), &mut out).is_err());
    assert_eq!(auto(Some(serde_json::Value::Null)), None);
    assert_eq!(auto(Some(serde_json::json!(1))), Some(MSGPACK));
}

/// In a release build only the first values of a type are read back, so the rest must be safe
/// by what they are.
#[test]
fn a_hundred_good_values_do_not_open_the_door_to_a_bad_one() {
    let skips = Skips {
        id: 1,
        note: Some(2),
        cached: 0,
        list: vec![3],
    };
    for _ in 0..100 {
        assert_eq!(auto((skips.clone(), 0u8)), Some(BINCODE));
        assert_eq!(auto((SkipsInTuple(1, Some(0)), 0u8)), Some(BINCODE));
        assert_eq!(auto(Shifted::First), Some(BINCODE));
        assert_eq!(
            auto(Generic {
                inner: Shifted::First
            }),
            Some(BINCODE)
        );
        let never: Vec<NeverWritten> = Vec::new();
        assert_eq!(auto(never), Some(BINCODE));
        assert_eq!(auto(Vec::<Swapped>::new()), Some(BINCODE));
        assert_eq!(auto(Vec::<Ambiguous>::new()), Some(MSGPACK));
        assert_eq!(auto(Vec::<ShiftedAndRenamed>::new()), Some(BINCODE));
        assert_eq!(auto(None::<Lopsided>), Some(BINCODE));
        assert!(MsgPack::encode(&None::<Option<u8>>, &mut Vec::new()).is_ok());
    }
    // A list and an option that are left out look like the byte that follows.
    let short = Skips {
        list: Vec::new(),
        ..skips
    };
    assert_eq!(auto((short, 0u8)), Some(MSGPACK));
    assert_eq!(auto((SkipsInTuple(1, None), 0u8)), Some(MSGPACK));
    assert_eq!(auto(Shifted::Fourth), Some(MSGPACK));
    assert_eq!(
        auto(Generic {
            inner: Shifted::Third
        }),
        Some(MSGPACK)
    );
    let never = NeverWritten {
        id: 0,
        gone: 0,
        list: vec![0],
    };
    assert_eq!(auto(vec![never]), Some(MSGPACK));
    assert_eq!(auto(vec![Swapped { left: 1, right: 2 }]), Some(MSGPACK));
    assert_eq!(auto(vec![Ambiguous::Long { x: 1, y: 2 }]), None);
    assert_eq!(auto(vec![ShiftedAndRenamed::Third]), None);
    assert_eq!(auto(Some(Lopsided(1))), None);
    assert!(MsgPack::encode(&Some(None::<u8>), &mut Vec::new()).is_err());
}

#[test]
fn a_value_of_another_type_is_refused() {
    let table = Table::of::<u32, Auto>();
    assert!(table.encode(&1u64, &mut Vec::new()).is_err());
    assert!(table.decode(200, &[1]).is_err());
    let near = Table::near_only::<u32>();
    assert!(!near.is_far());
    let error = near.encode(&1u32, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("`u32`"), "{error}");
}
