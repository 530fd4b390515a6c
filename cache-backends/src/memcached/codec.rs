//! memcached's meta protocol, as far as it is spoken here: `mg`, `ms`, `md`, `mn` and their answers.

mod reply;
mod request;

pub(super) use self::{
    reply::{Flags, Malformed, Reply, parse},
    request::{Batch, If, Life, Name},
};

/// Reads all answers in `bytes`, as a connection does: for fuzzing.
///
/// # Panics
///
/// If the parser is wrong: it takes more than there is, or says something else of the same answer
/// when less of what follows is there.
#[cfg(feature = "fuzzing")]
pub fn read_memcached_replies(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((reply, used))) = parse(rest) {
        assert!((1..=rest.len()).contains(&used), "{used} of {}", rest.len());
        assert_eq!(parse(&rest[..used]), Ok(Some((reply, used))));
        assert_eq!(parse(&rest[..used - 1]), Ok(None));
        rest = &rest[used..];
    }
}
