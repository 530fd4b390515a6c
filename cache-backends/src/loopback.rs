//! Which hosts are this machine, so that nobody can listen on the way to them.

use std::net::IpAddr;

/// Whether a host, a name or an address with or without brackets, is this machine. Names are not
/// looked up: only `localhost` is known.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_name_and_by_address() {
        let here = [
            "localhost",
            "LocalHost",
            "localhost.",
            "127.0.0.1",
            "127.8.9.10",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
        ];
        for host in here {
            assert!(is_loopback(host), "{host}");
        }
    }

    #[test]
    fn everything_else_is_another_machine() {
        let away = [
            "cache.internal",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "128.0.0.1",
            "10.0.0.1",
            "0.0.0.0",
            "::",
            "::ffff:10.0.0.1",
            "",
        ];
        for host in away {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
