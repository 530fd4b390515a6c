use crate::error::Result;
use bytes::Bytes;
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Kind {
    Value,
    Absent,
    Lease,
}
#[derive(Debug)]
pub(crate) enum Bad {
    X,
}
pub(crate) struct Envelope<'a> {
    pub kind: Kind,
    pub id: u64,
    pub codec: u8,
    pub fingerprint: u64,
    pub created: u64,
    pub soft: u32,
    pub hard: u32,
    pub stamps: Vec<u64>,
    pub tags: Vec<&'a str>,
    pub key: Option<&'a str>,
    pub payload: &'a [u8],
}
pub(crate) fn header(_k: Kind, _id: u64) -> [u8; 12] {
    todo!()
}
pub(crate) fn encode(
    _e: &Envelope<'_>,
    _w: impl FnOnce(&mut Vec<u8>) -> Result<u8>,
) -> Result<Bytes> {
    todo!()
}
pub(crate) fn decode(_b: &[u8]) -> Result<Envelope<'_>, Bad> {
    todo!()
}
