//! A codec in which things go wrong.

use std::{cell::Cell, marker::PhantomData};

use super::roll::Roll;
use crate::{Error, ErrorKind, Result, codec::Codec};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// The codec `C`, of whose calls `PERCENT` in a hundred go wrong: half of them fail, half of them
/// panic, as one's own `Serialize` may.
///
/// A codec is a type, so what goes wrong is said in the type as well. It is decided by `SEED` and
/// by how many such calls there were on the thread before.
///
/// ```
/// use cache_core::{codec::{Codec, MsgPack}, testkit::ChaosCodec};
///
/// let mut out = Vec::new();
/// assert!(<ChaosCodec<MsgPack, 42, 0>>::encode(&7_u32, &mut out).is_ok());
/// ```
#[derive(Debug)]
pub struct ChaosCodec<C, const SEED: u64, const PERCENT: u32>(PhantomData<C>);

impl<C, const SEED: u64, const PERCENT: u32> ChaosCodec<C, SEED, PERCENT> {
    fn strike(doing: &str) -> Result<()> {
        let call = CALLS.replace(CALLS.get() + 1);
        let mut roll = Roll::new(SEED, call);
        if !roll.hits(f64::from(PERCENT) / 100.0) {
            return Ok(());
        }
        let wrong = format!("{doing} a value: chaos struck");
        assert!(roll.hits(0.5), "{wrong}");
        Err(Error::new(ErrorKind::Codec, wrong))
    }
}

impl<T, C: Codec<T>, const SEED: u64, const PERCENT: u32> Codec<T>
    for ChaosCodec<C, SEED, PERCENT>
{
    const ID: u8 = C::ID;

    fn encode(value: &T, out: &mut Vec<u8>) -> Result<()> {
        Self::strike("writing")?;
        C::encode(value, out)
    }

    fn decode(bytes: &[u8]) -> Result<T> {
        Self::strike("reading")?;
        C::decode(bytes)
    }

    fn fingerprint() -> u64 {
        C::fingerprint()
    }

    fn encode_as(value: &T, out: &mut Vec<u8>) -> Result<u8> {
        Self::strike("writing")?;
        C::encode_as(value, out)
    }

    fn decode_as(format: u8, bytes: &[u8]) -> Result<T> {
        Self::strike("reading")?;
        C::decode_as(format, bytes)
    }
}
