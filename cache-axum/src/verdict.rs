//! Whether a response may be kept, and for how long: the rules of RFC 9111 §3 for a shared cache
//! that its own server runs.

use std::time::Duration;

use http::{
    HeaderMap, StatusCode,
    header::{SET_COOKIE, VARY},
};

use crate::{
    control::{Control, elements},
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

/// Judges a response of `handler` to a request that had an `Authorization` or not. Without a
/// word of its own it lives for `ttl`.
pub(crate) fn verdict(
    (status, headers): (StatusCode, &HeaderMap),
    handler: &Handler,
    authorized: bool,
    ttl: Duration,
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
    match control.s_maxage.or(control.max_age) {
        None => Verdict::Keep(ttl),
        Some(0) => Verdict::Pass,
        Some(seconds) => Verdict::Keep(ttl.min(Duration::from_secs(seconds))),
    }
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
        verdict,
    };
    use crate::handler::Handler;

    const TTL: Duration = Duration::from_secs(100);
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
        verdict((status, &headers), handler, auth, TTL)
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
