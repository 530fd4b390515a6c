//! What a broken line or a broken store makes of an answer.

use bytes::Bytes;

use super::roll::Roll;
use crate::{Prepared, Stamp};

/// The most bytes that are added to an answer.
const MOST: usize = 80;

/// Spoils a list of answers in one place, or its length.
pub(super) fn spoil_read(read: &mut Vec<Option<Bytes>>, roll: &mut Roll) {
    let at = roll.below(read.len());
    match roll.below(8) {
        0 if !read.is_empty() => drop(read.remove(at)),
        1 => read.insert(at, Some(noise(roll))),
        2 => read.clear(),
        _ => {
            if let Some(one) = read.get_mut(at) {
                *one = spoiled(one.as_ref(), roll);
            }
        }
    }
}

/// Spoils what was found when a load began.
pub(super) fn spoil_prepared(prepared: &mut Prepared, roll: &mut Roll) {
    let at = roll.below(prepared.stamps.len());
    match roll.below(4) {
        0 if !prepared.stamps.is_empty() => drop(prepared.stamps.remove(at)),
        1 => prepared.stamps.insert(at, roll.bits()),
        2 => prepared.leased = !prepared.leased,
        _ => {
            if let Some(stamp) = prepared.stamps.get_mut(at) {
                *stamp ^= 1 << roll.below(Stamp::BITS as usize);
            }
        }
    }
}

fn spoiled(bytes: Option<&Bytes>, roll: &mut Roll) -> Option<Bytes> {
    let Some(bytes) = bytes else {
        return Some(noise(roll));
    };
    let mut spoiled = bytes.to_vec();
    match roll.below(5) {
        0 => return None,
        1 => return Some(noise(roll)),
        2 => spoiled.truncate(roll.below(bytes.len())),
        3 => spoiled.extend_from_slice(&noise(roll)),
        _ => {
            let at = roll.below(bytes.len());
            if let Some(byte) = spoiled.get_mut(at) {
                *byte ^= 1 << roll.below(8);
            }
        }
    }
    Some(spoiled.into())
}

/// At least one byte, so that it is never what was there already.
fn noise(roll: &mut Roll) -> Bytes {
    let length = 1 + roll.below(MOST);
    let noise = (0..length).map(|_| roll.bits().to_le_bytes()[0]);
    noise.collect::<Vec<_>>().into()
}
