//! Which texts a template can make, as far as its literals decide it.

/// A template by its segments.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Text(String),
    /// A value, which is never empty and never holds a `:`, between two literals.
    Value {
        before: String,
        after: String,
    },
}

impl Pattern {
    /// The pattern of a template whose grammar is right.
    #[inline]
    pub(super) fn of(template: &str) -> Self {
        let mut segments = Vec::new();
        let mut before: Option<String> = None;
        let mut literal = String::new();
        let mut rest = template;
        let end = |before: &mut Option<String>, literal: &mut String| {
            let text = std::mem::take(literal);
            match before.take() {
                Some(before) => Segment::Value {
                    before,
                    after: text,
                },
                None => Segment::Text(text),
            }
        };
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c == ':' {
                segments.push(end(&mut before, &mut literal));
            } else if c != '<' {
                literal.push(c);
            } else if let Some(after) = rest.strip_prefix('<') {
                literal.push('<');
                rest = after;
            } else {
                // A filter stands behind a `:` of its own.
                rest = rest.split_once('>').map_or("", |(_, after)| after);
                before = Some(std::mem::take(&mut literal));
            }
        }
        segments.push(end(&mut before, &mut literal));
        Self(segments)
    }

    /// Whether a text of this pattern can be the beginning of one of `key`, at a segment's end.
    #[inline]
    pub(super) fn covers(&self, key: &Self) -> bool {
        let pairs = || self.0.iter().zip(&key.0);
        self.0.len() <= key.0.len() && pairs().all(|(own, other)| own.meets(other))
    }

    /// Whether some text is of both patterns.
    #[inline]
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.covers(other)
    }
}

impl Segment {
    /// Whether some text is of both.
    #[inline]
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            (Self::Text(text), Self::Value { before, after })
            | (Self::Value { before, after }, Self::Text(text)) => {
                text.len() > before.len() + after.len()
                    && text.starts_with(before.as_str())
                    && text.ends_with(after.as_str())
            }
            (
                Self::Value { before, after },
                Self::Value {
                    before: other_before,
                    after: other_after,
                },
            ) => {
                let begin =
                    |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
                let end = |one: &str, other: &str| one.ends_with(other) || other.ends_with(one);
                begin(before, other_before) && end(after, other_after)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn meets(one: &str, other: &str) -> bool {
        let (one, other) = (Pattern::of(one), Pattern::of(other));
        assert_eq!(one.meets(&other), other.meets(&one), "both ways");
        one.meets(&other)
    }

    fn covers(prefix: &str, key: &str) -> bool {
        Pattern::of(prefix).covers(&Pattern::of(key))
    }

    #[test]
    fn a_placeholder_stands_for_any_value_of_its_segment() {
        for other in [
            "users:<id>",
            "users:<user.id>",
            "users:<q:hash>",
            "users:7",
            "<x>:<y>",
        ] {
            assert!(meets("users:<id>", other), "{other}");
        }
        for other in ["users", "user:<id>", "users:<id>:<lang>", "teams:<id>"] {
            assert!(!meets("users:<id>", other), "{other}");
        }
    }

    #[test]
    fn literals_around_a_placeholder_must_agree() {
        assert!(meets("v<a>x", "v1<b>"));
        assert!(meets("v<a>x", "v1x"));
        assert!(meets("v<a>", "<b>x"));
        assert!(!meets("v<a>", "w<b>"));
        assert!(!meets("<a>x", "<b>y"));
        assert!(!meets("v<a>x", "vx"), "a value is never empty");
        assert!(!meets("ab<a>ba", "aba"), "the literals do not overlap");
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        for prefix in [
            "users",
            "users:<id>",
            "users:7",
            "users:<id>:posts",
            "<what>",
        ] {
            assert!(covers(prefix, "users:<id>:posts"), "{prefix}");
        }
        for prefix in [
            "user",
            "users2",
            "users:<id>:post",
            "posts",
            "users:<id>:posts:<n>",
        ] {
            assert!(!covers(prefix, "users:<id>:posts"), "{prefix}");
        }
        assert!(covers("users", "users:<q:hash>"));
    }

    #[test]
    fn two_angles_are_a_literal_one() {
        assert!(meets("a<<b:<id>", "a<<b:7"));
        assert!(!meets("a<<b", "acb"), "it stands for itself");
        assert!(meets("<<<id>", "<<7"));
    }
}
