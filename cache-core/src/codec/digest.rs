//! Whether two values are the same, by what they tell serde: types in a cache need no `PartialEq`.

use xxhash_rust::xxh3::xxh3_64;

use serde::Serialize;

use super::{
    schema::Schema,
    sink::{At, Done, Frame, Group, Payload, Scalar, Sink, tell},
};

/// A hash of all of a value. The elements of lists and maps count in any order, because sets and
/// maps have none.
pub(super) fn digest<T: Serialize>(value: &T) -> Done<u64> {
    let mut digest = Digest(SEED);
    tell::<T, dyn Sink>(value, Schema::NOWHERE, &mut digest)?;
    Ok(digest.0)
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

struct Digest(u64);

impl Digest {
    fn add(&mut self, word: u64) {
        self.0 = mix(self.0 ^ word);
    }

    fn pair(&mut self, tag: u64, word: u64) {
        self.add(tag);
        self.add(word);
    }

    fn signed(&mut self, tag: u64, word: i64) {
        self.pair(tag, word.cast_unsigned());
    }

    #[allow(clippy::cast_possible_truncation, reason = "both halves are taken")]
    fn wide(&mut self, tag: u64, word: u128) {
        self.pair(tag, word as u64);
        self.add((word >> 64) as u64);
    }
}

/// The finaliser of `SplitMix64`: every bit in changes about half of the bits out.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(SEED);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl Sink for Digest {
    fn scalar(&mut self, _: At, scalar: Scalar<'_>) -> Done {
        match scalar {
            Scalar::Unit => self.add(1),
            Scalar::UnitStruct => self.add(2),
            Scalar::Bool(value) => self.pair(3, value.into()),
            Scalar::I8(value) => self.signed(4, value.into()),
            Scalar::I16(value) => self.signed(5, value.into()),
            Scalar::I32(value) => self.signed(6, value.into()),
            Scalar::I64(value) => self.signed(7, value),
            Scalar::I128(value) => self.wide(8, value.cast_unsigned()),
            Scalar::U8(value) => self.pair(9, value.into()),
            Scalar::U16(value) => self.pair(10, value.into()),
            Scalar::U32(value) => self.pair(11, value.into()),
            Scalar::U64(value) => self.pair(12, value),
            Scalar::U128(value) => self.wide(13, value),
            Scalar::F32(value) => self.pair(14, value.to_bits().into()),
            Scalar::F64(value) => self.pair(15, value.to_bits()),
            Scalar::Char(value) => self.pair(16, value.into()),
            Scalar::Str(value) => self.pair(17, xxh3_64(value.as_bytes())),
            Scalar::Bytes(value) => self.pair(18, xxh3_64(value)),
        }
        Ok(())
    }

    fn none(&mut self, _: At) -> Done {
        self.add(19);
        Ok(())
    }

    fn some(&mut self, at: At) -> Done<At> {
        self.add(20);
        Ok(at)
    }

    fn variant(&mut self, at: At, index: u32, _: &'static str, _: Payload) -> Done<At> {
        self.pair(21, index.into());
        Ok(at)
    }

    fn open(&mut self, _: At, group: Group) -> Done<Frame> {
        self.add(match group {
            Group::Seq(_) => 22,
            Group::Map(_) => 23,
            Group::Tuple(_) => 24,
            Group::Struct(_) => 25,
        });
        let mut frame = Frame::unknown(group);
        frame.hash = self.0;
        Ok(frame)
    }

    fn item(&mut self, frame: &mut Frame, name: Option<&'static str>) -> Done<At> {
        // An element, or a pair, is hashed by itself and added to the sum.
        let begins = match frame.group {
            Group::Seq(_) => true,
            Group::Map(_) => frame.index.is_multiple_of(2),
            Group::Tuple(_) | Group::Struct(_) => false,
        };
        if begins {
            if frame.index > 0 {
                frame.sum = frame.sum.wrapping_add(mix(self.0));
            }
            self.0 = SEED;
        }
        frame.index += 1;
        if let Some(name) = name {
            // Which fields are left out is part of the value.
            self.pair(26, xxh3_64(name.as_bytes()));
        }
        Ok(Schema::NOWHERE)
    }

    fn close(&mut self, frame: Frame) -> Done {
        if matches!(frame.group, Group::Seq(_) | Group::Map(_)) {
            let sum = match frame.index {
                0 => 0,
                _ => frame.sum.wrapping_add(mix(self.0)),
            };
            self.0 = frame.hash;
            self.add(sum);
        }
        self.pair(27, frame.index.into());
        Ok(())
    }
}
