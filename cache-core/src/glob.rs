//! Which keys a maintenance pattern means.

/// Whether `pattern`, in which `*` stands for any text and `?` for any one character, matches
/// all of `text`. Linear in both, without recursion: only the last `*` is ever taken back.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The text before the first wildcard.
pub(crate) fn literal(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("users:*:posts", "users:1:posts", true),
            ("users:*:posts", "users:1:2:posts", true),
            ("users:*:posts", "users:1:posts:2", false),
            ("users:?", "users:1", true),
            ("users:?", "users:12", false),
            ("*", "", true),
            ("", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[a]", "a", false),
            ("?", "ü", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
        assert_eq!(literal("users:*:posts"), "users:");
    }

    #[test]
    fn an_awkward_pattern_takes_no_time() {
        let text = "a".repeat(2_000);
        assert!(!matches(&format!("{}b", "a*".repeat(200)), &text));
    }
}
