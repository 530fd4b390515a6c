//! bincode's primitives in its standard configuration: little-endian, small numbers in one byte.
//!
//! bincode's own pass each value through an encoder and a writer that could fail, which is half
//! of what writing a small struct takes.

#![expect(
    clippy::inline_always,
    reason = "a few instructions each, which are most of what a small value takes"
)]

/// Where the bytes go.
pub(super) struct Out<'o>(pub(super) &'o mut Vec<u8>);

/// Numbers below this are their own byte; this and the next three say how wide the number is.
pub(super) const SMALL: u8 = 251;

impl Out<'_> {
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    #[inline(always)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A number of 16 to 64 bits, or a length.
    #[inline(always)]
    pub(super) fn unsigned(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(small) if small < SMALL => self.byte(small),
            _ => self.long(value),
        }
    }

    fn long(&mut self, value: u64) {
        let bytes = value.to_le_bytes();
        let (width, length) = match value {
            0..=0xffff => (SMALL, 2),
            0x1_0000..=0xffff_ffff => (SMALL + 1, 4),
            _ => (SMALL + 2, 8),
        };
        self.byte(width);
        self.bytes(&bytes[..length]);
    }

    /// A number of 16 to 64 bits: the smaller without its sign, the shorter.
    #[inline(always)]
    pub(super) fn signed(&mut self, value: i64) {
        self.unsigned(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(super) fn wide(&mut self, value: u128) {
        if let Ok(value) = u64::try_from(value) {
            return self.unsigned(value);
        }
        self.byte(SMALL + 3);
        self.bytes(&value.to_le_bytes());
    }

    pub(super) fn wide_signed(&mut self, value: i128) {
        self.wide(((value << 1) ^ (value >> 127)).cast_unsigned());
    }

    /// Text, or bytes, with its length.
    #[inline(always)]
    pub(super) fn text(&mut self, bytes: &[u8]) {
        self.unsigned(bytes.len() as u64);
        self.bytes(bytes);
    }
}
