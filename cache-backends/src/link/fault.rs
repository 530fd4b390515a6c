//! What a failure means, for the caller and for the connection on which it happened.

use std::{fmt, sync::Arc, time::Duration};

use cache_core::ErrorKind;

/// Why a command has no result.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// There is no connection; this is why.
    Away(Arc<str>),
    /// No answer came in time.
    Silent(Duration),
    /// The connection broke; this is how.
    Broken(Arc<str>),
    /// The server answered that it will not.
    Refused(Refusal),
    /// Somebody else's value stands where a stamp belongs.
    Foreign,
    /// The server's answer is none to this question.
    Garbled,
    /// The server has done it, and nobody else knows: a failover would undo it.
    Unreplicated,
}

/// The server's word that it will not.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// Its own words, as far as they quote nothing that was sent.
    pub(crate) text: Box<str>,
    pub(crate) kind: ErrorKind,
}

impl Fault {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Away(_)
            | Self::Silent(_)
            | Self::Broken(_)
            | Self::Garbled
            | Self::Unreplicated => ErrorKind::Unavailable,
            Self::Refused(refusal) => refusal.kind,
            Self::Foreign => ErrorKind::Rejected,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "not connected: {why}"),
            Self::Silent(deadline) => write!(f, "no answer within {deadline:?}"),
            Self::Broken(how) => write!(f, "the connection broke: {how}"),
            Self::Refused(refusal) => f.write_str(&refusal.text),
            Self::Foreign => {
                f.write_str("a stamp is not of eight bytes: give the cache a namespace of its own")
            }
            Self::Garbled => f.write_str("the answer is not one to this command"),
            Self::Unreplicated => f.write_str("the invalidation has not reached a replica"),
        }
    }
}
