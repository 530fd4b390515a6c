//! The primitives of `MessagePack`: what a first byte means, and the shortest way to write what
//! has one. The tests of the codec hold them against another implementation.

/// The meaning of a first byte, with the value or length that it holds itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    FixPos(u8),
    FixNeg(i8),
    FixMap(u8),
    FixArray(u8),
    FixStr(u8),
    Null,
    False,
    True,
    Bin8,
    Bin16,
    Bin32,
    F32,
    F64,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    Str8,
    Str16,
    Str32,
    Array16,
    Array32,
    Map16,
    Map32,
    /// An extension, or reserved.
    Other,
}

impl Marker {
    #[inline]
    pub(super) fn of(byte: u8) -> Self {
        match byte {
            0x00..=0x7f => Self::FixPos(byte),
            0x80..=0x8f => Self::FixMap(byte & 0x0f),
            0x90..=0x9f => Self::FixArray(byte & 0x0f),
            0xa0..=0xbf => Self::FixStr(byte & 0x1f),
            0xc0 => Self::Null,
            0xc2 => Self::False,
            0xc3 => Self::True,
            0xc4 => Self::Bin8,
            0xc5 => Self::Bin16,
            0xc6 => Self::Bin32,
            0xca => Self::F32,
            0xcb => Self::F64,
            0xcc => Self::U8,
            0xcd => Self::U16,
            0xce => Self::U32,
            0xcf => Self::U64,
            0xd0 => Self::I8,
            0xd1 => Self::I16,
            0xd2 => Self::I32,
            0xd3 => Self::I64,
            0xd9 => Self::Str8,
            0xda => Self::Str16,
            0xdb => Self::Str32,
            0xdc => Self::Array16,
            0xdd => Self::Array32,
            0xde => Self::Map16,
            0xdf => Self::Map32,
            0xe0..=0xff => Self::FixNeg(i8::from_be_bytes([byte])),
            _ => Self::Other,
        }
    }
}

/// The first bytes of what has a length.
pub(super) struct Header {
    /// The byte to which short lengths are added, and the shortest that is not short.
    fix: (u8, u8),
    /// What stands before a length of one byte, if there is such a form.
    one: Option<u8>,
    two: u8,
    four: u8,
}

pub(super) const STR: Header = Header {
    fix: (0xa0, 32),
    one: Some(0xd9),
    two: 0xda,
    four: 0xdb,
};

pub(super) const BIN: Header = Header {
    fix: (0, 0),
    one: Some(0xc4),
    two: 0xc5,
    four: 0xc6,
};

pub(super) const ARRAY: Header = Header {
    fix: (0x90, 16),
    one: None,
    two: 0xdc,
    four: 0xdd,
};

pub(super) const MAP: Header = Header {
    fix: (0x80, 16),
    one: None,
    two: 0xde,
    four: 0xdf,
};

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>, len: u32) {
        if let Ok(short) = u8::try_from(len) {
            let (base, end) = self.fix;
            if short < end {
                return out.push(base + short);
            }
            if let Some(one) = self.one {
                return marked(out, one, [short]);
            }
        }
        match u16::try_from(len) {
            Ok(len) => marked(out, self.two, len.to_be_bytes()),
            Err(_) => marked(out, self.four, len.to_be_bytes()),
        }
    }
}

pub(super) fn nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

pub(super) fn bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

pub(super) fn f32(out: &mut Vec<u8>, value: f32) {
    marked(out, 0xca, value.to_be_bytes());
}

pub(super) fn f64(out: &mut Vec<u8>, value: f64) {
    marked(out, 0xcb, value.to_be_bytes());
}

pub(super) fn uint(out: &mut Vec<u8>, value: u64) {
    if let Ok(value) = u8::try_from(value) {
        if value < 0x80 {
            out.push(value);
        } else {
            marked(out, 0xcc, [value]);
        }
    } else if let Ok(value) = u16::try_from(value) {
        marked(out, 0xcd, value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        marked(out, 0xce, value.to_be_bytes());
    } else {
        marked(out, 0xcf, value.to_be_bytes());
    }
}

pub(super) fn sint(out: &mut Vec<u8>, value: i64) {
    if let Ok(value) = u64::try_from(value) {
        uint(out, value);
    } else if let Ok(value) = i8::try_from(value) {
        if value >= -32 {
            out.extend(value.to_be_bytes());
        } else {
            marked(out, 0xd0, value.to_be_bytes());
        }
    } else if let Ok(value) = i16::try_from(value) {
        marked(out, 0xd1, value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        marked(out, 0xd2, value.to_be_bytes());
    } else {
        marked(out, 0xd3, value.to_be_bytes());
    }
}

fn marked<const N: usize>(out: &mut Vec<u8>, marker: u8, bytes: [u8; N]) {
    out.push(marker);
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use rmp::encode;

    use super::{ARRAY, BIN, MAP, Marker, STR, bool, f32, f64, nil, sint, uint};

    /// Both sides of every border between two forms.
    fn borders() -> impl Iterator<Item = i64> {
        let powers = (0..63).map(|power| 1_i64 << power);
        powers.flat_map(|at| [at - 1, at, 1 - at, -at, -at - 1])
    }

    #[test]
    fn every_number_has_its_shortest_form() {
        for value in borders().chain([i64::MAX, i64::MIN, -32, -33]) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            sint(&mut ours, value);
            encode::write_sint(&mut theirs, value).expect("memory");
            let bits = u64::from_ne_bytes(value.to_ne_bytes());
            uint(&mut ours, bits);
            encode::write_uint(&mut theirs, bits).expect("memory");
            assert_eq!(ours, theirs, "{value}");
        }
    }

    #[test]
    fn every_length_has_its_shortest_form() {
        let lengths = borders().filter_map(|len| u32::try_from(len).ok());
        for len in lengths.chain([u32::MAX, 31, 32, 15, 16]) {
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for header in [STR, BIN, ARRAY, MAP] {
                header.write(&mut ours, len);
            }
            encode::write_str_len(&mut theirs, len).expect("memory");
            encode::write_bin_len(&mut theirs, len).expect("memory");
            encode::write_array_len(&mut theirs, len).expect("memory");
            encode::write_map_len(&mut theirs, len).expect("memory");
            assert_eq!(ours, theirs, "{len}");
        }
    }

    #[test]
    fn the_rest_is_one_byte_or_a_float() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        nil(&mut ours);
        bool(&mut ours, true);
        bool(&mut ours, false);
        f32(&mut ours, -0.1);
        f64(&mut ours, f64::NAN);
        encode::write_nil(&mut theirs).expect("memory");
        encode::write_bool(&mut theirs, true).expect("memory");
        encode::write_bool(&mut theirs, false).expect("memory");
        encode::write_f32(&mut theirs, -0.1).expect("memory");
        encode::write_f64(&mut theirs, f64::NAN).expect("memory");
        assert_eq!(ours, theirs);
    }

    #[test]
    fn every_first_byte_means_what_it_means_to_others() {
        for byte in 0..=u8::MAX {
            let ours = format!("{:?}", Marker::of(byte));
            let theirs = rmp::Marker::from_u8(byte);
            let other = format!("{theirs:?}");
            let other = match other.as_str() {
                "Reserved" => "Other",
                ext if ext.contains("Ext") => "Other",
                same => same,
            };
            assert_eq!(ours, other, "{byte:#x}");
        }
    }
}
