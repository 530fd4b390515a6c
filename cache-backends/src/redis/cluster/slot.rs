//! In which of a cluster's slots a name lies.

/// How many slots a cluster has.
pub(super) const SLOTS: usize = 16_384;

/// A slot, below [`SLOTS`].
pub(super) type Slot = u16;

/// The slot of a name: of what stands between its first brace and the next one that closes, if
/// something does, else of all of it.
pub(super) fn slot(name: &str) -> Slot {
    let name = name.as_bytes();
    let crc = crc16(tag(name).unwrap_or(name));
    // Always below 2^14.
    crc % 16_384
}

fn tag(name: &[u8]) -> Option<&[u8]> {
    let open = name.iter().position(|byte| *byte == b'{')?;
    let tag = &name[open + 1..];
    let close = tag.iter().position(|byte| *byte == b'}')?;
    (close > 0).then(|| &tag[..close])
}

/// CRC-16/XMODEM, as the specification of the cluster has it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let [high, _] = crc.to_be_bytes();
        (crc << 8) ^ TABLE[usize::from(high ^ byte)]
    })
}

/// What each byte does to the sum.
static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x1021;
            }
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_one_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
        assert_eq!(slot("123456789"), 0x31C3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot(""), 0);
    }

    #[test]
    fn what_stands_between_braces_decides() {
        assert_eq!(slot("{user1000}.following"), slot("user1000"));
        assert_eq!(slot("{user1000}.followers"), slot("user1000"));
        assert_eq!(slot("foo{bar}{zap}"), slot("bar"));
        assert_eq!(slot("foo{{bar}}zap"), slot("{bar"));
        assert_eq!(slot("a}b{c}"), slot("c"));
    }

    #[test]
    fn empty_and_open_braces_decide_nothing() {
        for name in ["foo{}{bar}", "foo{bar", "foo}bar", "{}", "{"] {
            let crc = crc16(name.as_bytes());
            assert_eq!(slot(name), crc % 16_384, "{name}");
        }
    }

    #[test]
    fn every_slot_is_below_their_number() {
        assert!((0..100_000).all(|at| usize::from(slot(&format!("name:{at}"))) < SLOTS));
    }
}
