//! What a failure means, for the caller and for the connection on which it happened.

use std::{fmt, sync::Arc, time::Duration};

use cache_core::ErrorKind;
use redis::{RedisError, ServerError};

/// Why a command has no result.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// There is no connection; this is why.
    Away(Arc<str>),
    /// No answer came in time.
    Silent(Duration),
    /// The connection broke; this is how.
    Broken(Arc<str>),
    /// The server answered that it will not.
    Refused(ServerError),
    /// Somebody else's value stands where a stamp belongs.
    Foreign,
    /// The server's answer is none to this question.
    Garbled,
}

/// What a fault says about the connection on which it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It works: the server has answered.
    Sound,
    /// It may be dead: three of these in a row, and it is replaced.
    Doubtful,
    /// It leads nowhere, or to the wrong server.
    Dead,
}

impl Fault {
    /// A failure of the client, which is always one of the connection: refusals come as values.
    pub(super) fn broken(error: &RedisError) -> Self {
        Self::Broken(explain(error).into())
    }

    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Away(_) | Self::Silent(_) | Self::Broken(_) | Self::Garbled => {
                ErrorKind::Unavailable
            }
            Self::Refused(error) => kind(error.code()),
            Self::Foreign => ErrorKind::Rejected,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Away(_) | Self::Foreign => Verdict::Sound,
            Self::Silent(_) => Verdict::Doubtful,
            Self::Broken(_) | Self::Garbled => Verdict::Dead,
            Self::Refused(error) => verdict(error),
        }
    }
}

/// What is over by itself, sooner or later, is unavailable; the rest waits for somebody.
fn kind(code: &str) -> ErrorKind {
    match code {
        "LOADING" | "BUSY" | "MASTERDOWN" | "READONLY" | "TRYAGAIN" | "CLUSTERDOWN"
        | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

/// A server that answers is sound, unless it says that another one should be asked.
pub(super) fn verdict(error: &ServerError) -> Verdict {
    match error.code() {
        "READONLY" | "MASTERDOWN" | "NOAUTH" => Verdict::Dead,
        _ => Verdict::Sound,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "not connected: {why}"),
            Self::Silent(deadline) => write!(f, "no answer within {deadline:?}"),
            Self::Broken(how) => write!(f, "the connection broke: {how}"),
            Self::Refused(error) => f.write_str(&refusal(error.code(), error.details())),
            Self::Foreign => {
                f.write_str("a stamp is not of eight bytes: give the cache a namespace of its own")
            }
            Self::Garbled => f.write_str("the answer is not one to this command"),
        }
    }
}

/// Why a connection could not be made or is gone, in words without secrets.
pub(super) fn explain(error: &RedisError) -> String {
    match (error.kind(), error.code()) {
        (redis::ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS")) => {
            "the server refuses the user name or the password".to_owned()
        }
        (_, Some("NOAUTH")) => "the server wants a password, and the url has none".to_owned(),
        (redis::ErrorKind::Io, _) if error.is_timeout() => "no answer".to_owned(),
        (_, Some(code)) => refusal(code, error.detail()),
        _ => error.to_string(),
    }
}

/// The server's own words, as far as they cannot quote what was sent.
fn refusal(code: &str, details: Option<&str>) -> String {
    let details = details.unwrap_or_default();
    let details = details.split(", with args").next().unwrap_or_default();
    let hint = match code {
        "MOVED" | "ASK" | "CROSSSLOT" => " (the server is part of a cluster: name one that is not)",
        _ => "",
    };
    format!("{code} {details}{hint}")
}
