//! Old bytes, new type: each row is a change that teams make, each codec must miss or be right.

use std::{any::Any, fmt::Debug};

#[cfg(feature = "json")]
use cache_core::codec::Json;
use cache_core::codec::{Auto, Bincode, Codec, MsgPack, Table};

use crate::Storable;

/// What one codec made of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// The fingerprints differ.
    Miss,
    /// They do not, but the bytes cannot be read.
    Refused,
    Right,
    Wrong,
}

/// What the bytes of an `old` are as a `New`, of which only `right` would be true to them.
struct Row {
    name: &'static str,
    auto: [Cell; 2],
    bincode: [Cell; 2],
    msgpack: [Cell; 2],
    #[cfg(feature = "json")]
    json: [Cell; 2],
}

/// With the fingerprints compared, and without.
fn cell<Old, New, C>(old: &Old, right: Option<&New>) -> [Cell; 2]
where
    Old: Storable,
    New: Storable,
    C: Codec<Old> + Codec<New>,
{
    let (writes, reads) = (Table::of::<Old, C>(), Table::of::<New, C>());
    let mut bytes = Vec::new();
    let Ok(format) = writes.encode(old as &(dyn Any + Send + Sync), &mut bytes) else {
        return [Cell::Refused; 2];
    };
    let blind = match reads.decode(format, &bytes) {
        Err(_) => Cell::Refused,
        Ok(live) if live.downcast_ref::<New>() == right => Cell::Right,
        Ok(_) => Cell::Wrong,
    };
    if writes.fingerprint() == reads.fingerprint() {
        [blind; 2]
    } else {
        [Cell::Miss, blind]
    }
}

fn row<Old: Storable, New: Storable>(name: &'static str, old: &Old, right: Option<&New>) -> Row {
    Row {
        name,
        auto: cell::<Old, New, Auto>(old, right),
        bincode: cell::<Old, New, Bincode>(old, right),
        msgpack: cell::<Old, New, MsgPack>(old, right),
        #[cfg(feature = "json")]
        json: cell::<Old, New, Json>(old, right),
    }
}

macro_rules! rows {
    ($($name:ident: { $($old:item)* } => { $($new:item)* } $value:expr => $right:expr;)*) => {
        $(
            #[allow(non_snake_case)]
            mod $name {
                #[allow(dead_code)]
                pub mod old {
                    use serde::{Deserialize, Serialize};
                    $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] $old)*
                }
                #[allow(dead_code)]
                pub mod new {
                    use serde::{Deserialize, Serialize};
                    $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] $new)*
                }
                pub fn row() -> super::Row {
                    #[allow(unused_imports)]
                    use {new::User as New, old::User as Old};
                    super::row::<Old, New>(stringify!($name), &$value, $right.as_ref())
                }
            }
        )*
        fn rows() -> Vec<Row> {
            vec![$($name::row()),*]
        }
    };
}

rows! {
    nothing_changed: { pub struct User { pub a: u32, pub b: String } }
        => { pub struct User { pub a: u32, pub b: String } }
        Old { a: 300, b: "b".into() } => Some(New { a: 300, b: "b".into() });

    field_added_at_the_end: { pub struct User { pub a: u32 } }
        => { pub struct User { pub a: u32, #[serde(default)] pub b: u32 } }
        Old { a: 300 } => Some(New { a: 300, b: 0 });

    field_added_in_the_middle: { pub struct User { pub a: u8, pub c: u8 } }
        => { pub struct User { pub a: u8, #[serde(default)] pub b: Option<u8>, pub c: u8 } }
        Old { a: 1, c: 1 } => Some(New { a: 1, b: None, c: 1 });

    last_field_removed: { pub struct User { pub a: u32, pub b: u32 } }
        => { pub struct User { pub a: u32 } }
        Old { a: 1, b: 2 } => Some(New { a: 1 });

    middle_field_removed: { pub struct User { pub a: u8, pub b: u8, pub c: Vec<u8> } }
        => { pub struct User { pub a: u8, pub c: Vec<u8> } }
        Old { a: 1, b: 2, c: vec![1] } => Some(New { a: 1, c: vec![1] });

    fields_of_one_type_swapped: { pub struct User { pub a: u32, pub b: u32 } }
        => { pub struct User { pub b: u32, pub a: u32 } }
        Old { a: 1, b: 2 } => Some(New { a: 1, b: 2 });

    field_renamed: { pub struct User { pub a: u32, pub b: u32 } }
        => { pub struct User { pub a: u32, pub c: u32 } }
        Old { a: 1, b: 2 } => None::<New>;

    type_renamed: { #[serde(rename = "Account")] pub struct User { pub a: u32 } }
        => { pub struct User { pub a: u32 } }
        Old { a: 1 } => Some(New { a: 1 });

    unit_of_measure_changed: { pub struct Meters(pub f64); pub struct User { pub a: Meters } }
        => { pub struct Feet(pub f64); pub struct User { pub a: Feet } }
        Old { a: old::Meters(1.0) } => None::<New>;

    variant_inserted: { pub enum Role { Admin, Guest } pub struct User { pub a: Role } }
        => { pub enum Role { Admin, Editor, Guest } pub struct User { pub a: Role } }
        Old { a: old::Role::Guest } => Some(New { a: new::Role::Guest });

    variant_removed: { pub enum Role { Admin, Editor, Guest } pub struct User { pub a: Role } }
        => { pub enum Role { Admin, Guest } pub struct User { pub a: Role } }
        Old { a: old::Role::Editor } => None::<New>;

    variants_swapped: { pub enum Role { Admin, Guest } pub struct User { pub a: Role } }
        => { pub enum Role { Guest, Admin } pub struct User { pub a: Role } }
        Old { a: old::Role::Guest } => Some(New { a: new::Role::Guest });

    variant_renamed: { pub enum Role { Admin, Guest } pub struct User { pub a: Role } }
        => { pub enum Role { Admin, Visitor } pub struct User { pub a: Role } }
        Old { a: old::Role::Guest } => None::<New>;

    variant_field_swapped:
        { pub enum Shape { Rect { w: u8, h: u8 } } pub struct User { pub a: Shape } }
        => { pub enum Shape { Rect { h: u8, w: u8 } } pub struct User { pub a: Shape } }
        Old { a: old::Shape::Rect { w: 1, h: 2 } } => Some(New { a: new::Shape::Rect { w: 1, h: 2 } });

    u32_to_i32: { pub struct User { pub a: u32 } } => { pub struct User { pub a: i32 } }
        Old { a: 300 } => Some(New { a: 300 });

    u32_to_u64: { pub struct User { pub a: u32 } } => { pub struct User { pub a: u64 } }
        Old { a: 300 } => Some(New { a: 300 });

    u64_to_u8: { pub struct User { pub a: u64 } } => { pub struct User { pub a: u8 } }
        Old { a: 300 } => None::<New>;

    f32_to_f64: { pub struct User { pub a: f32 } } => { pub struct User { pub a: f64 } }
        Old { a: 0.5 } => Some(New { a: 0.5 });

    u32_to_option: { pub struct User { pub a: u32 } } => { pub struct User { pub a: Option<u32> } }
        Old { a: 1 } => Some(New { a: Some(1) });

    text_to_bytes: { pub struct User { pub a: String } } => { pub struct User { pub a: Vec<u8> } }
        Old { a: "abc".into() } => None::<New>;

    list_to_tuple: { pub struct User { pub a: Vec<u8> } } => { pub struct User { pub a: (u8, u8) } }
        Old { a: vec![1, 2] } => Some(New { a: (1, 2) });

    deep_inside_a_list:
        { pub struct Item { pub x: u8, pub y: u8 } pub struct User { pub a: Vec<Option<Item>> } }
        => { pub struct Item { pub y: u8, pub x: u8 } pub struct User { pub a: Vec<Option<Item>> } }
        Old { a: vec![None, Some(old::Item { x: 1, y: 2 })] }
        => Some(New { a: vec![None, Some(new::Item { x: 1, y: 2 })] });

    behind_the_second_variant:
        {
            pub struct Item { pub x: u8, pub y: u8 }
            pub enum Role { Admin, Guest(Box<Option<Item>>) }
            pub struct User { pub a: Role }
        }
        => {
            pub struct Item { pub y: u8, pub x: u8 }
            pub enum Role { Admin, Guest(Box<Option<Item>>) }
            pub struct User { pub a: Role }
        }
        Old { a: old::Role::Guest(Box::new(Some(old::Item { x: 1, y: 2 }))) }
        => Some(New { a: new::Role::Guest(Box::new(Some(new::Item { x: 1, y: 2 }))) });

    value_of_a_map:
        { pub struct User { pub a: std::collections::BTreeMap<u8, (u8, bool)> } }
        => { pub struct User { pub a: std::collections::BTreeMap<u8, (bool, u8)> } }
        Old { a: [(1, (1, true))].into() } => None::<New>;

    flattened_field_swapped:
        { pub struct In { pub x: u8, pub y: u8 } pub struct User { #[serde(flatten)] pub a: In } }
        => { pub struct In { pub y: u8, pub x: u8 } pub struct User { #[serde(flatten)] pub a: In } }
        Old { a: old::In { x: 1, y: 2 } } => Some(New { a: new::In { x: 1, y: 2 } });

    flattened_field_renamed:
        { pub struct In { pub x: u8, pub y: u8 } pub struct User { #[serde(flatten)] pub a: In } }
        => { pub struct In { pub x: u8, pub z: u8 } pub struct User { #[serde(flatten)] pub a: In } }
        Old { a: old::In { x: 1, y: 2 } } => None::<New>;

    tagged_variant_inserted:
        { #[serde(tag = "t")] pub enum User { A { x: u8 }, B { x: u8 } } }
        => { #[serde(tag = "t")] pub enum User { A { x: u8 }, C { x: u8 }, B { x: u8 } } }
        Old::B { x: 1 } => Some(New::B { x: 1 });

    adjacent_variant_renamed:
        { #[serde(tag = "t", content = "c")] pub enum User { A(u8), B(u8) } }
        => { #[serde(tag = "t", content = "c")] pub enum User { A(u8), C(u8) } }
        Old::B(1) => None::<New>;

    untagged_field_type_changed:
        { #[serde(untagged)] pub enum User { A { x: u32 } } }
        => { #[serde(untagged)] pub enum User { A { x: i32 } } }
        Old::A { x: 300 } => Some(New::A { x: 300 });

    skipped_field_appears:
        { pub struct User { pub a: u8, #[serde(skip)] pub b: u8, pub c: u8 } }
        => { pub struct User { pub a: u8, #[serde(default)] pub b: u8, pub c: u8 } }
        Old { a: 1, b: 0, c: 2 } => Some(New { a: 1, b: 0, c: 2 });
}

#[test]
fn old_bytes_are_a_miss_or_right_and_never_another_value() {
    let rows = rows();
    for row in &rows {
        let Row {
            name,
            auto,
            bincode,
            msgpack,
            ..
        } = row;
        println!("{name:30} auto {auto:?} bincode {bincode:?} msgpack {msgpack:?}");
        for [compared, _] in [auto, bincode, msgpack] {
            assert_ne!(*compared, Cell::Wrong, "{name}");
        }
        #[cfg(feature = "json")]
        assert_ne!(row.json[0], Cell::Wrong, "{name}");
        // Also a change that a trace cannot see: these types differ in their paths.
        assert_eq!(auto[0] == Cell::Right, *name == "nothing_changed", "{name}");
        assert_eq!(
            msgpack[0] == Cell::Right,
            *name == "nothing_changed",
            "{name}"
        );
        // Of what a trace cannot look into, the fingerprint knows little more than the path, so
        // names have to do it alone. They do, but for a newtype, which has none in the bytes.
        if *name != "unit_of_measure_changed" {
            assert_ne!(msgpack[1], Cell::Wrong, "{name}");
            #[cfg(feature = "json")]
            assert_ne!(row.json[1], Cell::Wrong, "{name}");
        }
    }
    assert_eq!(rows[0].auto, [Cell::Right; 2]);
    // A table that could not fail would prove nothing: without the fingerprint it does.
    let blind = rows.iter().filter(|row| row.bincode[1] == Cell::Wrong);
    assert!(blind.count() >= 6);
}

/// What the fingerprints are is part of the wire format.
#[test]
fn fingerprints_do_not_change_with_the_build() {
    use crate::types::{Everything, Plain, Tree};
    let found = [
        <Auto as Codec<u64>>::fingerprint(),
        <Auto as Codec<Plain>>::fingerprint(),
        <Auto as Codec<Tree>>::fingerprint(),
        <Auto as Codec<Everything>>::fingerprint(),
    ];
    let golden = [
        0x99ae_8550_a821_f38f,
        0x600a_8e71_abaf_e2a7,
        0x0d1f_e926_17f5_5a87,
        0x2928_d91a_7315_1739,
    ];
    assert_eq!(found, golden, "{found:#x?}");
}

#[test]
fn fingerprints_tell_the_codecs_apart() {
    let tables = [
        Table::of::<u64, Auto>(),
        Table::of::<u64, Bincode>(),
        Table::of::<u64, MsgPack>(),
    ];
    for (n, table) in tables.iter().enumerate() {
        for other in &tables[..n] {
            assert_ne!(table.fingerprint(), other.fingerprint());
        }
    }
}
