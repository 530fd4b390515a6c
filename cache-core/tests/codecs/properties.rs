//! What holds for any value and any bytes.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "any bits will do"
)]

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bincode::config;
use cache_core::codec::{Auto, Bincode, Codec, MsgPack};
use proptest::{collection::vec, prelude::*};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Storable, types::*};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "\\PC{0,8}",
        1 => Just(String::new()),
        1 => Just("long".repeat(20_000)),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let score = prop_oneof![any::<f64>(), Just(f64::INFINITY), Just(-0.0)];
    (
        any::<u64>(),
        text(),
        vec(text(), 0..4),
        score,
        any::<Option<u32>>(),
    )
        .prop_map(|(id, name, tags, score, parent)| Plain {
            id,
            name,
            tags,
            score,
            parent,
        })
}

fn plain2() -> impl Strategy<Value = Plain2> {
    (text(), any::<Option<bool>>()).prop_map(|(left, right)| Plain2 { left, right })
}

fn tree() -> impl Strategy<Value = Tree> {
    any::<i64>()
        .prop_map(Tree::Leaf)
        .prop_recursive(6, 40, 4, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone())
                    .prop_map(|(left, right)| Tree::Node(Box::new(left), Box::new(right))),
                (text(), inner.clone()).prop_map(|(name, tree)| Tree::Named {
                    name,
                    tree: Box::new(tree)
                }),
                vec(inner, 0..4).prop_map(Tree::Many),
            ]
        })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Into::into),
            vec((text(), inner), 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn untagged() -> impl Strategy<Value = Untagged> {
    let leaf = prop_oneof![
        any::<u32>().prop_map(Untagged::Number),
        any::<i64>().prop_map(Untagged::Big),
        text().prop_map(Untagged::Text),
        any::<(u8, u8)>().prop_map(|(a, b)| Untagged::Pair { a, b }),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| vec(inner, 0..4).prop_map(Untagged::List))
}

fn internal() -> impl Strategy<Value = Internal> {
    prop_oneof![
        Just(Internal::Unit),
        (any::<u32>(), any::<Option<()>>(), text()).prop_map(|(a, b, text)| Internal::Struct {
            a,
            b: b.map(|()| text)
        }),
        plain2().prop_map(Internal::Newtype),
    ]
}

fn skips() -> impl Strategy<Value = Skips> {
    (any::<u32>(), any::<Option<u32>>(), vec(any::<u8>(), 0..3)).prop_map(|(id, note, list)| {
        Skips {
            id,
            note,
            cached: 0,
            list,
        }
    })
}

fn everything() -> impl Strategy<Value = Everything> {
    let maps = (
        vec(((any::<u8>(), text()), vec(any::<bool>(), 0..3)), 0..4),
        vec((text(), any::<u32>()), 0..8),
        vec(any::<u32>(), 0..8),
    );
    let numbers = (
        any::<u128>(),
        any::<i128>(),
        any::<f32>(),
        any::<char>(),
        any::<[u16; 3]>(),
    );
    let texts = (any::<Option<()>>(), text(), text());
    (maps, numbers, texts, plain2(), tree(), any::<i64>()).prop_map(
        |(
            (map, hash, set),
            (big, wide, small, letter, array),
            (option, cow, arc),
            plain,
            tree,
            n,
        )| {
            Everything {
                unit: (),
                unit_struct: Unit,
                newtype: Meters(f64::from(small)),
                nested: Generic {
                    inner: Generic { inner: n as u8 },
                },
                tuple: (n as u8, n as i16, letter),
                array,
                wide: (big, wide),
                option: option.map(|()| arc.clone()),
                cow: Cow::Owned(cow),
                arc: arc.into(),
                shared: Arc::new(plain),
                map: map.into_iter().collect(),
                hash: hash.into_iter().collect(),
                set: set.into_iter().collect(),
                result: if n > 0 { Ok(n as u8) } else { Err("no".into()) },
                small,
                signed: (n as i8, n as i16, n as i32, n, n as isize),
                unsigned: (n as u8, n as u16, n as u32, n as u64, n as usize),
                tree,
            }
        },
    )
}

/// What `C` takes, it gives back; the default codec takes everything here.
fn round_trip<T: Storable, C: Codec<T>>(value: &T) {
    let mut out = Vec::new();
    C::encode(value, &mut out).unwrap();
    assert_eq!(&C::decode(&out).unwrap(), value);
}

/// Both formats are what their libraries write, so that others can read them.
fn as_the_libraries<T: Storable>(value: &T) {
    let mut out = Vec::new();
    Bincode::encode(value, &mut out).unwrap();
    assert_eq!(
        out,
        bincode::serde::encode_to_vec(value, config::standard()).unwrap()
    );
    with_names(value);
}

fn with_names<T: Storable>(value: &T) {
    let mut out = Vec::new();
    MsgPack::encode(value, &mut out).unwrap();
    assert_eq!(out, rmp_serde::to_vec_named(value).unwrap());
}

/// Whatever the bytes: no panic, and what reads at all reads the same again.
fn any_bytes<T: Serialize + DeserializeOwned + 'static>(bytes: &[u8]) {
    for format in [1, 2, 3, 4, 5, 200] {
        if let Ok(value) = <Auto as Codec<T>>::decode_as(format, bytes) {
            let mut out = Vec::new();
            let _ = <Auto as Codec<T>>::encode_as(&value, &mut out);
        }
    }
    let _ = <Auto as Codec<T>>::decode(bytes);
    #[cfg(feature = "json")]
    let _ = <cache_core::codec::Json as Codec<T>>::decode(bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn plain_values_come_back(value in plain()) {
        round_trip::<_, Auto>(&value);
        as_the_libraries(&value);
        #[cfg(feature = "json")]
        if value.score.is_finite() {
            round_trip::<_, cache_core::codec::Json>(&value);
        }
    }

    #[test]
    fn all_kinds_of_values_come_back(value in everything()) {
        round_trip::<_, Auto>(&value);
        as_the_libraries(&value);
    }

    #[test]
    fn recursive_values_come_back(value in tree()) {
        round_trip::<_, Auto>(&value);
        as_the_libraries(&value);
        #[cfg(feature = "json")]
        round_trip::<_, cache_core::codec::Json>(&value);
    }

    #[test]
    fn values_that_need_names_come_back(
        json in json(),
        untagged in untagged(),
        internal in internal(),
        rest in plain2(),
        more in vec(("[x-z]{3}", any::<i32>()), 0..3),
    ) {
        round_trip::<_, Auto>(&json);
        with_names(&json);
        if !small_big(&untagged) {
            round_trip::<_, Auto>(&untagged);
            with_names(&untagged);
        }
        round_trip::<_, Auto>(&internal);
        with_names(&internal);
        let flat = Flat { id: 1, rest, more: more.into_iter().collect() };
        round_trip::<_, Auto>(&flat);
        with_names(&flat);
    }

    #[test]
    fn values_that_leave_out_fields_come_back(value in vec(skips(), 0..4)) {
        round_trip::<_, Auto>(&value);
        with_names(&value);
    }

    #[test]
    fn a_some_of_nothing_is_never_lost(value in any::<Vec<Option<Option<Option<u8>>>>>()) {
        round_trip::<_, Auto>(&value);
        let mut out = Vec::new();
        if MsgPack::encode(&value, &mut out).is_ok() {
            prop_assert_eq!(<MsgPack as Codec<Vec<Option<Option<Option<u8>>>>>>::decode(&out).unwrap(), value);
        } else {
            prop_assert!(value.iter().any(|v| matches!(v, Some(None | Some(None)))));
        }
    }

    #[test]
    fn not_a_number_keeps_its_bits(bits in any::<u64>(), small in any::<u32>()) {
        let values = (f64::from_bits(bits | 0x7ff8 << 48), f32::from_bits(small | 0x7fc0_0000));
        for format in [1, 2] {
            let mut out = Vec::new();
            if format == 1 {
                Bincode::encode(&values, &mut out).unwrap();
            } else {
                MsgPack::encode(&values, &mut out).unwrap();
            }
            let read: (f64, f32) = Auto::decode_as(format, &out).unwrap();
            prop_assert_eq!(read.0.to_bits(), values.0.to_bits());
            prop_assert_eq!(read.1.to_bits(), values.1.to_bits());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        any_bytes::<Plain>(&bytes);
        any_bytes::<Everything>(&bytes);
        any_bytes::<Tree>(&bytes);
        any_bytes::<Flat>(&bytes);
        any_bytes::<Untagged>(&bytes);
        any_bytes::<Internal>(&bytes);
        any_bytes::<Adjacent>(&bytes);
        any_bytes::<serde_json::Value>(&bytes);
        any_bytes::<HashMap<String, Vec<Option<Onion>>>>(&bytes);
        any_bytes::<BTreeMap<(u8, String), Date>>(&bytes);
        any_bytes::<Peano>(&bytes);
        any_bytes::<Blob>(&bytes);
    }

    #[test]
    fn damaged_bytes_never_panic(value in everything(), at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let mut out = Vec::new();
        Auto::encode(&value, &mut out).unwrap();
        let at = at.index(out.len());
        any_bytes::<Everything>(&out[1..at.max(1)]);
        out[at] ^= 1u8 << bit;
        any_bytes::<Everything>(&out[1..]);
    }
}

/// A small number in the larger variant is read by the smaller one, so it is refused.
fn small_big(value: &Untagged) -> bool {
    match value {
        Untagged::Big(n) => u32::try_from(*n).is_ok(),
        Untagged::List(list) => list.iter().any(small_big),
        _ => false,
    }
}
