//! Whether a response may be kept, and for how long: the rules of RFC 9111 §3 for a shared cache
//! that its own server runs.

use std::time::Duration;

use http::{
    HeaderMap, StatusCode,
    header::{EXPIRES, SET_COOKIE, VARY},
};

use crate::{
    control::{Control, elements},
    date,
    handler::Handler,
};

/// What becomes of a response beside being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is kept this long, and those who wait for it get it.
    Keep(Duration),
    /// Those who wait for it get it.
    Share,
    /// It is for its caller alone.
    Pass,
}

/// Judges a response of `handler` to a request that had an `Authorization` or not. It is good for
/// `lifetime`, of which [`limit`] has been heard.
pub(crate) fn verdict(
    (status, headers): (StatusCode, &HeaderMap),
    handler: &Handler,
    authorized: bool,
    lifetime: Duration,
) -> Verdict {
    let control = Control::of(headers);
    let for_one = headers.contains_key(SET_COOKIE)
        || control.no_store
        || control.private
        || control.no_cache
        || depends_on_the_request(status)
        || !varies_with_the_key(headers, handler)
        || (authorized && !may_serve_others(handler, control));
    if for_one {
        return Verdict::Pass;
    }
    if !status.is_success() {
        return Verdict::Share;
    }
    if lifetime.is_zero() {
        return Verdict::Pass;
    }
    Verdict::Keep(lifetime)
}

/// How long a response is good for, as it says itself, `now` milliseconds after 1970: by its
/// `Cache-Control`, or else its `Expires`. One that is no date has passed (RFC 9111 §5.3).
pub(crate) fn limit(headers: &HeaderMap, now: u64) -> Option<Duration> {
    let control = Control::of(headers);
    if let Some(seconds) = control.s_maxage.or(control.max_age) {
        return Some(Duration::from_secs(seconds));
    }
    let ends = headers.get_all(EXPIRES).into_iter().map(|value| {
        let ends = value.to_str().ok().and_then(date::seconds);
        ends.map_or(0, |seconds| seconds.saturating_mul(1000))
    });
    let left = ends.min()?.saturating_sub(now);
    Some(Duration::from_millis(left))
}

/// Parts and "not modified" answer a question about what the client has; they are no responses
/// to others.
fn depends_on_the_request(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::PARTIAL_CONTENT
            | StatusCode::NOT_MODIFIED
            | StatusCode::PRECONDITION_FAILED
            | StatusCode::RANGE_NOT_SATISFIABLE
    ) || status.is_informational()
}

/// Whether all that the handler says it looked at is in the key.
fn varies_with_the_key(headers: &HeaderMap, handler: &Handler) -> bool {
    elements(headers, &VARY).all(|field| {
        field.is_some_and(|field| {
            let mut keyed = handler.vary.iter();
            keyed.any(|name| field.eq_ignore_ascii_case(name().as_str()))
        })
    })
}

/// RFC 9111 §3.5: a response to somebody who is authorized is for others only if somebody says
/// so, be it the handler's author or its response.
fn may_serve_others(handler: &Handler, control: Control) -> bool {
    handler.identity
        || handler.shared
        || control.public
        || control.must_revalidate
        || control.s_maxage.is_some()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

    use super::{
        Verdict::{self, Keep, Pass, Share},
        limit, verdict,
    };
    use crate::handler::Handler;

    const TTL: Duration = Duration::from_secs(100);
    /// In milliseconds: Thu, 01 Jan 2026 00:00:00 GMT.
    const NOW: u64 = 1_767_225_600_000;
    static OPEN: Handler = Handler::new();
    static KEYED: Handler = Handler::new()
        .identity()
        .vary(&[|| header::ACCEPT_LANGUAGE, || header::AUTHORIZATION]);
    static SHARED: Handler = Handler::new().shared();

    fn judge(status: u16, line: (&'static str, &str), handler: &Handler, auth: bool) -> Verdict {
        let mut headers = HeaderMap::new();
        if !line.0.is_empty() {
            let value = HeaderValue::from_str(line.1).unwrap();
            headers.append(HeaderName::from_static(line.0), value);
        }
        let status = StatusCode::from_u16(status).unwrap();
        let lifetime = limit(&headers, NOW).map_or(TTL, |limit| limit.min(TTL));
        verdict((status, &headers), handler, auth, lifetime)
    }

    #[test]
    fn only_success_is_kept_and_failure_is_shared() {
        for (status, expected) in [
            (200, Keep(TTL)),
            (201, Keep(TTL)),
            (204, Keep(TTL)),
            (206, Pass),
            (301, Share),
            (304, Pass),
            (404, Share),
            (412, Pass),
            (416, Pass),
            (500, Share),
        ] {
            assert_eq!(judge(status, ("", ""), &OPEN, false), expected, "{status}");
        }
    }

    #[test]
    fn the_handler_has_the_last_word() {
        let seconds = |seconds| Keep(Duration::from_secs(seconds));
        for (value, expected) in [
            ("no-store", Pass),
            ("private", Pass),
            ("private=\"x\"", Pass),
            ("no-cache", Pass),
            ("max-age=0", Pass),
            ("max-age=60", seconds(60)),
            ("max-age=600", seconds(100)),
            ("s-maxage=5, max-age=60", seconds(5)),
            ("s-maxage=0, max-age=60", Pass),
            ("public", Keep(TTL)),
        ] {
            let said = judge(200, ("cache-control", value), &OPEN, false);
            assert_eq!(said, expected, "{value}");
        }
        assert_eq!(judge(200, ("set-cookie", "a=b"), &OPEN, false), Pass);
        assert_eq!(judge(500, ("set-cookie", "a=b"), &OPEN, false), Pass);
        assert_eq!(
            judge(404, ("cache-control", "no-store"), &OPEN, false),
            Pass
        );
    }

    #[test]
    fn a_date_counts_where_no_seconds_are_said() {
        for (text, expected) in [
            (
                "Thu, 01 Jan 2026 00:00:07 GMT",
                Keep(Duration::from_secs(7)),
            ),
            ("Thu, 01 Jan 2026 01:00:00 GMT", Keep(TTL)),
            ("Thu, 01 Jan 2026 00:00:00 GMT", Pass),
            ("Wed, 31 Dec 2025 23:59:59 GMT", Pass),
            ("0", Pass),
        ] {
            assert_eq!(
                judge(200, ("expires", text), &OPEN, false),
                expected,
                "{text}"
            );
        }
        let both = [
            (header::EXPIRES, HeaderValue::from_static("0")),
            (header::CACHE_CONTROL, HeaderValue::from_static("max-age=9")),
        ];
        let said = limit(&HeaderMap::from_iter(both), NOW);
        assert_eq!(said, Some(Duration::from_secs(9)));
    }

    #[test]
    fn what_was_looked_at_is_in_the_key_or_the_response_is_not_kept() {
        assert_eq!(judge(200, ("vary", "accept-language"), &OPEN, false), Pass);
        assert_eq!(judge(200, ("vary", "*"), &KEYED, false), Pass);
        assert_eq!(
            judge(
                200,
                ("vary", "Accept-Language, authorization"),
                &KEYED,
                false
            ),
            Keep(TTL)
        );
        assert_eq!(
            judge(200, ("vary", "accept-language, cookie"), &KEYED, false),
            Pass
        );
    }

    #[test]
    fn a_response_to_the_authorized_is_for_others_only_if_somebody_says_so() {
        assert_eq!(judge(200, ("", ""), &OPEN, true), Pass);
        assert_eq!(judge(404, ("", ""), &OPEN, true), Pass);
        assert_eq!(judge(200, ("", ""), &KEYED, true), Keep(TTL));
        assert_eq!(judge(200, ("", ""), &SHARED, true), Keep(TTL));
        for (value, kept) in [
            ("public", true),
            ("must-revalidate", true),
            ("s-maxage=100", true),
            ("max-age=100", false),
        ] {
            let said = judge(200, ("cache-control", value), &OPEN, true);
            assert_eq!(said, if kept { Keep(TTL) } else { Pass }, "{value}");
        }
    }
}
