//! Whether bytes are one whole `MessagePack` value that is not nested too deep: looked at before
//! a reader that trusts them.

use rmp::Marker;

use super::MAX_DEPTH;

/// What follows a marker.
enum Follows {
    Bytes(usize),
    /// The length of what follows, in so many bytes: text, bytes, or (with one more) a custom type.
    Length(usize, usize),
    Values(usize),
    /// The number of values, in so many bytes, each counted so many times.
    Number(usize, usize),
    Nothing,
}

/// True if `bytes` are exactly one value, no deeper than [`MAX_DEPTH`].
pub(super) fn whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    // How many values are still to come, at each level.
    let mut levels = [0usize; MAX_DEPTH as usize + 1];
    levels[0] = 1;
    let mut depth = 0;
    loop {
        while levels[depth] == 0 {
            if depth == 0 {
                return rest.is_empty();
            }
            depth -= 1;
        }
        levels[depth] -= 1;
        let Some(values) = value(&mut rest) else {
            return false;
        };
        // Every value takes a byte at least.
        if values > rest.len() {
            return false;
        }
        if values > 0 {
            depth += 1;
            match levels.get_mut(depth) {
                Some(level) => *level = values,
                None => return false,
            }
        }
    }
}

/// Steps over one value, not over those in it, whose number is returned.
fn value(rest: &mut &[u8]) -> Option<usize> {
    let marker = Marker::from_u8(*take(rest, 1)?.first()?);
    match follows(marker)? {
        Follows::Nothing => Some(0),
        Follows::Bytes(n) => take(rest, n).map(|_| 0),
        Follows::Length(width, more) => {
            let n = number(rest, width)?.checked_add(more)?;
            take(rest, n).map(|_| 0)
        }
        Follows::Values(n) => Some(n),
        Follows::Number(width, times) => number(rest, width)?.checked_mul(times),
    }
}

fn follows(marker: Marker) -> Option<Follows> {
    Some(match marker {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => {
            Follows::Nothing
        }
        Marker::U8 | Marker::I8 => Follows::Bytes(1),
        Marker::U16 | Marker::I16 | Marker::FixExt1 => Follows::Bytes(2),
        Marker::FixExt2 => Follows::Bytes(3),
        Marker::U32 | Marker::I32 | Marker::F32 => Follows::Bytes(4),
        Marker::FixExt4 => Follows::Bytes(5),
        Marker::U64 | Marker::I64 | Marker::F64 => Follows::Bytes(8),
        Marker::FixExt8 => Follows::Bytes(9),
        Marker::FixExt16 => Follows::Bytes(17),
        Marker::FixStr(n) => Follows::Bytes(n.into()),
        Marker::Str8 | Marker::Bin8 => Follows::Length(1, 0),
        Marker::Str16 | Marker::Bin16 => Follows::Length(2, 0),
        Marker::Str32 | Marker::Bin32 => Follows::Length(4, 0),
        Marker::Ext8 => Follows::Length(1, 1),
        Marker::Ext16 => Follows::Length(2, 1),
        Marker::Ext32 => Follows::Length(4, 1),
        Marker::FixArray(n) => Follows::Values(n.into()),
        Marker::FixMap(n) => Follows::Values(2 * usize::from(n)),
        Marker::Array16 => Follows::Number(2, 1),
        Marker::Array32 => Follows::Number(4, 1),
        Marker::Map16 => Follows::Number(2, 2),
        Marker::Map32 => Follows::Number(4, 2),
        Marker::Reserved => return None,
    })
}

/// A big-endian number of `width` bytes.
fn number(rest: &mut &[u8], width: usize) -> Option<usize> {
    let bytes = take(rest, width)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
    )
}

fn take<'b>(rest: &mut &'b [u8], n: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}
