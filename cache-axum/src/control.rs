//! What a `Cache-Control` header says, as far as it concerns a cache at the server.

use http::{HeaderMap, HeaderName, header::CACHE_CONTROL};

/// The elements of a header field that is a comma-separated list, over all its lines. Commas
/// inside quotes do not separate. A line that is not text gives `None`.
pub(crate) fn elements<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = Option<&'h str>> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| {
        let text = line.to_str().ok();
        let unreadable = text.is_none().then_some(None);
        unreadable
            .into_iter()
            .chain(text.into_iter().flat_map(split).map(Some))
    })
}

/// Cuts a list at its commas.
pub(crate) fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    list.split(move |c| {
        if escaped {
            escaped = false;
            return false;
        }
        match c {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' => return !quoted,
            _ => {}
        }
        false
    })
    .map(|element| element.trim_matches([' ', '\t']))
    .filter(|element| !element.is_empty())
}

/// The directives of a `Cache-Control`, of a request or of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own, and any of them may be there"
)]
pub(crate) struct Control {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) only_if_cached: bool,
    /// Seconds; what is no number counts as 0, the careful reading.
    pub(crate) max_age: Option<u64>,
    pub(crate) s_maxage: Option<u64>,
    pub(crate) min_fresh: Option<u64>,
}

impl Control {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut control = Self::default();
        for element in elements(headers, &CACHE_CONTROL) {
            match element {
                Some(element) => control.add(element),
                // Nobody knows what it forbids.
                None => control.no_store = true,
            }
        }
        control
    }

    fn add(&mut self, element: &str) {
        let (name, argument) = match element.split_once('=') {
            Some((name, argument)) => (name, argument.trim_matches('"')),
            None => (element, ""),
        };
        // Of two the smaller counts: the careful reading again.
        let seconds = |slot: &mut Option<u64>| {
            let seconds = seconds(argument);
            *slot = Some(slot.map_or(seconds, |other| other.min(seconds)));
        };
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => seconds(&mut self.max_age),
            "s-maxage" => seconds(&mut self.s_maxage),
            "min-fresh" => seconds(&mut self.min_fresh),
            _ => {}
        }
    }
}

/// A whole number of seconds, at most 2³¹, as RFC 9111 §1.2.2 lets one say "for ever".
fn seconds(text: &str) -> u64 {
    const FOR_EVER: u64 = 1 << 31;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(FOR_EVER).min(FOR_EVER)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::CACHE_CONTROL};

    use super::{Control, split};

    fn control(lines: &[&str]) -> Control {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        }
        Control::of(&headers)
    }

    #[test]
    fn a_list_is_cut_at_commas_outside_quotes() {
        let cut = |list| split(list).collect::<Vec<_>>();
        assert_eq!(cut(r#" a , ,"b,c" ,d"#), ["a", r#""b,c""#, "d"]);
        assert_eq!(cut(r#""a\",b",c"#), [r#""a\",b""#, "c"]);
        assert_eq!(cut(""), Vec::<&str>::new());
    }

    #[test]
    fn directives_are_read_in_any_case_and_over_all_lines() {
        let read = control(&["No-Store, MAX-AGE=60", "private=\"set-cookie, x\""]);
        assert!(read.no_store && read.private && !read.no_cache);
        assert_eq!(read.max_age, Some(60));
    }

    #[test]
    fn numbers_are_read_carefully() {
        for (text, seconds) in [
            ("max-age=60", 60),
            ("max-age=\"60\"", 60),
            ("max-age=99999999999999999999999", 1 << 31),
            ("max-age=-1", 0),
            ("max-age=+1", 0),
            ("max-age=1.5", 0),
            ("max-age=", 0),
            ("max-age", 0),
            ("max-age=60, max-age=5", 5),
        ] {
            assert_eq!(control(&[text]).max_age, Some(seconds), "{text}");
        }
        assert_eq!(control(&["x-max-age=1, maxage=1"]).max_age, None);
    }

    #[test]
    fn what_is_not_text_forbids_everything() {
        let mut headers = HeaderMap::new();
        let line = HeaderValue::from_bytes(b"max-age=60\xff").unwrap();
        headers.insert(CACHE_CONTROL, line);
        assert!(Control::of(&headers).no_store);
    }
}
