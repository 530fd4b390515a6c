//! What the errors of the server and of its client mean.

use cache_core::ErrorKind;
use redis::{RedisError, ServerError};

use crate::link::{Fault, Refusal};

/// What the server refuses is over by itself, sooner or later, or waits for somebody.
pub(super) fn refused(error: &ServerError) -> Fault {
    let code = error.code();
    Fault::Refused(Refusal {
        text: refusal(code, error.details()).into(),
        kind: kind(code),
    })
}

/// What is over by itself is unavailable.
fn kind(code: &str) -> ErrorKind {
    match code {
        "LOADING" | "BUSY" | "MASTERDOWN" | "READONLY" | "TRYAGAIN" | "CLUSTERDOWN"
        | "NOREPLICAS" | "NOAUTH" | "WRONGPASS" => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

/// Why the connection leads to the wrong server, if it does. Any other server that answers is
/// sound, whatever it says.
pub(super) fn misled(error: &ServerError) -> Option<String> {
    let code = error.code();
    matches!(code, "READONLY" | "MASTERDOWN" | "NOAUTH").then(|| code.to_owned())
}

/// Why a connection could not be made or is gone, in words without secrets.
pub(super) fn explain(error: &RedisError) -> String {
    match (error.kind(), error.code()) {
        (redis::ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS")) => {
            "the server refuses the user name or the password".to_owned()
        }
        (redis::ErrorKind::RESP3NotSupported, _) => {
            "the server does not know `HELLO`: it must be redis 7.0 or later".to_owned()
        }
        (_, Some("NOAUTH")) => "the server wants a password, and the url has none".to_owned(),
        (redis::ErrorKind::Io, _) if error.is_timeout() => "no answer".to_owned(),
        (_, Some(code)) => refusal(code, error.detail()),
        _ => broken(error.to_string()),
    }
}

/// How a line broke. A server that ends a handshake has a word for it, and most of these words
/// are about the client's certificate.
fn broken(text: String) -> String {
    match text.strip_prefix("received fatal alert: ") {
        Some(alert) if alert.contains("Certificate") || alert == "UnknownCA" => {
            format!("the server refuses the client certificate: {alert}")
        }
        Some(alert) => format!("the server ended the tls handshake: {alert}"),
        None => text,
    }
}

/// The server's own words, as far as they cannot quote what was sent.
fn refusal(code: &str, details: Option<&str>) -> String {
    let details = details.unwrap_or_default();
    let details = details.split(", with args").next().unwrap_or_default();
    // The first word in quotes is the command; what other servers quote after it was sent along.
    let second = details.match_indices(['\'', '"', '`']).nth(2);
    let details = second.map_or(details, |(quote, _)| details[..quote].trim_end());
    let unknown = ["unknown command", "unknown subcommand", "syntax error"];
    let hint = match code {
        "ERR"
            if unknown
                .iter()
                .any(|words| details.to_lowercase().starts_with(words)) =>
        {
            " (the server must be redis 7.0 or later, or one that speaks like it)"
        }
        "MOVED" | "ASK" | "CROSSSLOT" => " (the server is part of a cluster: name one that is not)",
        _ => "",
    };
    format!("{code} {details}{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_quotes_of_what_was_sent_is_not_repeated() {
        for (said, kept) in [
            (
                "unknown command 'HELLO', with args beginning with: '3' 'secret'",
                "unknown command 'HELLO'",
            ),
            ("what is `AUTH` `secret`?", "what is `AUTH`"),
            ("cannot \"SET\" \"secret\"", "cannot \"SET\""),
            (
                "this user has no permissions to run the 'get' command",
                "this user has no permissions to run the 'get' command",
            ),
            (
                "You can't write against a read only replica.",
                "You can't write against a read only replica.",
            ),
        ] {
            let text = refusal("ERR", Some(said));
            let said = text.split(" (the server must").next();
            assert_eq!(said, Some(&*format!("ERR {kept}")));
        }
    }
}
