//! The grammar of key templates: `users:<id>:posts`.

use proc_macro2::{Ident, Span};
use syn::{
    Error, Index, LitStr, Member, Result,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

use crate::{extractor::Part, nearest::did_you_mean};

/// What a template is for, which decides what an error advises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Prefix,
    Tag,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Prefix => "prefix",
            Self::Tag => "tag",
        }
    }
}

/// A template whose grammar is right.
pub(crate) struct Template {
    /// As it was written, without the `:*` of a pattern.
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
    /// How many `:` separate its segments: it has as many proper prefixes.
    pub(crate) separators: usize,
    pub(crate) span: Span,
}

impl Template {
    /// Whether it can be written only when the function has returned.
    pub(crate) fn awaits_ret(&self) -> bool {
        let awaits = |piece: &Piece| matches!(piece, Piece::Value(value) if value.ret);
        self.pieces.iter().any(awaits)
    }
}

pub(crate) enum Piece {
    Literal(String),
    Value(Placeholder),
}

/// `<root.field[index]:filter>`.
pub(crate) struct Placeholder {
    /// The argument: the name in the template, then the name in the signature.
    pub(crate) root: Ident,
    pub(crate) fields: Vec<Member>,
    pub(crate) reading: Reading,
    pub(crate) filter: Option<Filter>,
    /// Whether it is what the function returned, and no argument.
    pub(crate) ret: bool,
}

/// What of a value is written.
#[derive(Clone)]
pub(crate) enum Reading {
    /// The value itself.
    Plain,
    /// What lies under this name: `<headers[accept-language]>`.
    Index(String),
    /// A header field.
    Field(String),
    /// A cookie.
    Cookie(String),
    /// A typed header.
    Typed(Part),
    /// What an `Authorization` holds.
    Credentials(Part),
}

#[derive(Clone, Copy)]
pub(crate) enum Filter {
    Hash,
    Lower,
    /// The hash of the lower case.
    LowerHash,
}

/// The filters by name.
const FILTERS: [(&str, Filter); 3] = [
    ("hash", Filter::Hash),
    ("lower", Filter::Lower),
    ("lower:hash", Filter::LowerHash),
];

/// Parses `lit` as a template for `kind`.
pub(crate) fn parse(lit: &LitStr, kind: Kind) -> Result<Template> {
    let text = lit.value();
    let text = match kind {
        // A pattern for all that is under a prefix is that prefix.
        Kind::Prefix => text.strip_suffix(":*").unwrap_or(&text),
        Kind::Key | Kind::Tag => &text,
    };
    let parser = Grammar {
        text,
        kind,
        span: lit.span(),
    };
    let pieces = parser.pieces()?;
    let separators = parser.separators(&pieces)?;
    Ok(Template {
        text: text.to_owned(),
        pieces,
        separators,
        span: lit.span(),
    })
}

struct Grammar<'a> {
    text: &'a str,
    kind: Kind,
    span: Span,
}

impl Grammar<'_> {
    fn error(&self, message: impl std::fmt::Display) -> Error {
        Error::new(self.span, message)
    }

    fn pieces(&self) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = self.text;
        while let Some(c) = rest.chars().next() {
            let at = self.text.len() - rest.len();
            rest = &rest[c.len_utf8()..];
            if c != '<' {
                literal.push(self.plain(c, at)?);
            } else if let Some(after) = rest.strip_prefix('<') {
                literal.push('<');
                rest = after;
            } else {
                let (inside, after) = rest.split_once('>').ok_or_else(|| {
                    self.error("a `<` is not closed: write `<name>`, or `<<` for a literal `<`")
                })?;
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Value(self.placeholder(inside)?));
                rest = after;
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(pieces)
    }

    /// `c`, if it can stand in a literal: it is none of what escaping keeps out of values.
    fn plain(&self, c: char, at: usize) -> Result<char> {
        let advice = match c {
            '*' | '?' | '[' | ']' => self.instead_of_a_glob(at),
            '{' => match self.text[at + 1..].split_once('}') {
                Some((name, _)) if is_name(name) => {
                    format!("a placeholder is written `<{name}>`")
                }
                _ => "a placeholder is written `<name>`".to_owned(),
            },
            '%' if self.text[at + 1..].starts_with(char::is_alphabetic) => {
                "a placeholder is written `<name>`".to_owned()
            }
            '}' | '>' => "a placeholder is written `<name>`".to_owned(),
            '%' | '(' | ')' | ',' | '\\' | '"' => plain_characters(),
            c if c.is_whitespace() || c.is_control() => plain_characters(),
            c => return Ok(c),
        };
        let (c, noun) = (c.escape_debug(), self.kind.noun());
        Err(self.error(format_args!("`{c}` cannot stand in a {noun}: {advice}")))
    }

    fn instead_of_a_glob(&self, at: usize) -> String {
        let stem = self.text[..at].rsplit_once(':').map(|(stem, _)| stem);
        match (self.kind, stem) {
            (Kind::Key, Some(stem)) => {
                format!("it names one entry; `prefix = \"{stem}\"` invalidates all under `{stem}`")
            }
            (Kind::Key, None) => "it names one entry; a `prefix` invalidates many".to_owned(),
            (Kind::Tag, _) => "it names one group; give several as a list".to_owned(),
            (Kind::Prefix, Some(stem)) => {
                format!("write `{stem}`, which covers `{stem}` and all under `{stem}:`")
            }
            (Kind::Prefix, None) if at == 0 => {
                "write `all` to invalidate everything, or a prefix such as `users`".to_owned()
            }
            (Kind::Prefix, None) => {
                "it covers whole segments; `users` covers `users` and all under `users:`".to_owned()
            }
        }
    }

    fn placeholder(&self, inside: &str) -> Result<Placeholder> {
        let (path, filter) = match inside.split_once(':') {
            Some((path, name)) => (path, Some(self.filter(name)?)),
            None => (inside, None),
        };
        let malformed = |_| {
            self.error(format_args!(
                "`<{inside}>` is no placeholder: write an argument or a field of one, and perhaps \
                 a filter: `<id>`, `<user.id>`, `<name:lower>`"
            ))
        };
        let (path, reading) = match path.strip_suffix(']').and_then(|path| path.split_once('[')) {
            Some((path, index)) if is_index(index) => (path, Reading::Index(index.to_owned())),
            _ => (path, Reading::Plain),
        };
        let mut names = path.split('.');
        let root = parse_name(names.next().unwrap_or_default(), Ident::parse_any);
        let root = root.map_err(malformed)?.unraw();
        let fields: Result<Vec<Member>> = names
            .map(|name| match name.parse() {
                Ok(index) => Ok(Member::Unnamed(Index {
                    index,
                    span: self.span,
                })),
                Err(_) => parse_name(name, Parse::parse).map(|mut ident: Ident| {
                    ident.set_span(self.span);
                    Member::Named(ident)
                }),
            })
            .collect();
        Ok(Placeholder {
            root,
            fields: fields.map_err(malformed)?,
            reading,
            filter,
            ret: false,
        })
    }

    fn filter(&self, name: &str) -> Result<Filter> {
        if let Some((_, filter)) = FILTERS.iter().find(|(known, _)| *known == name) {
            return Ok(*filter);
        }
        let known = FILTERS.map(|(known, _)| known);
        let (list, hint) = (known.join("`, `"), did_you_mean(name, known));
        Err(self.error(format_args!(
            "there is no filter `{name}`; there are `{list}`{hint}"
        )))
    }

    /// How many `:` the literals have, each between two segments.
    fn separators(&self, pieces: &[Piece]) -> Result<usize> {
        // A segment's shape: no literal holds this character.
        let shape: String = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(literal) => literal,
                Piece::Value(_) => "%",
            })
            .collect();
        let (text, noun) = (self.text, self.kind.noun());
        if text.is_empty() {
            return Err(self.error(format_args!(
                "the {noun} is empty: write what it stands for, such as `users:<id>`"
            )));
        }
        if shape.split(':').any(str::is_empty) {
            return Err(self.error(format_args!(
                "`{text}` has an empty segment: `:` stands between two segments, so remove it"
            )));
        }
        if shape
            .split(':')
            .any(|segment| segment.matches('%').count() > 1)
        {
            return Err(self.error(format_args!(
                "two placeholders of `{text}` share a segment, so that different values could give \
                 the same {noun}: put `:` between them"
            )));
        }
        Ok(shape.matches(':').count())
    }
}

fn plain_characters() -> String {
    "use letters, digits, `-`, `_`, `.` or `/`".to_owned()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether a header field or a cookie may have this name.
fn is_index(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !name.is_empty() && name.chars().all(plain)
}

/// Parses `name` as one token without space around it.
fn parse_name(name: &str, parser: fn(ParseStream<'_>) -> Result<Ident>) -> Result<Ident> {
    if name.contains(char::is_whitespace) {
        return Err(Error::new(Span::call_site(), "white space"));
    }
    parser.parse_str(name)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;
    use quote::quote;
    use syn::LitStr;

    use super::{Filter, Kind, Piece, parse};

    /// The pieces of a template in short: literals in quotes, placeholders in their parts.
    fn pieces(text: &str, kind: Kind) -> Result<Vec<String>, String> {
        let template = parse(&LitStr::new(text, Span::call_site()), kind);
        let short = |piece: &Piece| match piece {
            Piece::Literal(literal) => format!("{literal:?}"),
            Piece::Value(value) => {
                let (root, fields) = (&value.root, &value.fields);
                let path = quote!(#root #(.#fields)*).to_string().replace(' ', "");
                let filter = match value.filter {
                    Some(Filter::Hash) => " hashed",
                    Some(Filter::Lower) => " in lower case",
                    Some(Filter::LowerHash) => " in lower case, hashed",
                    None => "",
                };
                format!("{path}{filter}")
            }
        };
        let template = template.map_err(|error| error.to_string())?;
        Ok(template.pieces.iter().map(short).collect())
    }

    fn key(text: &str) -> Result<Vec<String>, String> {
        pieces(text, Kind::Key)
    }

    #[test]
    fn a_template_is_literals_and_placeholders() {
        assert_eq!(
            key("users:<id>:posts").unwrap(),
            ["\"users:\"", "id", "\":posts\""]
        );
        assert_eq!(
            key("<user.id>:<page.0>").unwrap(),
            ["user.id", "\":\"", "page.0"]
        );
        assert_eq!(key("<self.region.name>").unwrap(), ["self.region.name"]);
        assert_eq!(
            key("q:<q:hash>:<n:lower>").unwrap(),
            ["\"q:\"", "q hashed", "\":\"", "n in lower case"]
        );
        assert_eq!(key("<n:lower:hash>").unwrap(), ["n in lower case, hashed"]);
        assert_eq!(
            key("<type>:<a.r#type>").unwrap(),
            ["type", "\":\"", "a.r#type"]
        );
    }

    #[test]
    fn two_angles_are_a_literal_one() {
        assert_eq!(key("a<<b:<id>").unwrap(), ["\"a<b:\"", "id"]);
        assert_eq!(key("<<<id>").unwrap(), ["\"<\"", "id"]);
    }

    #[test]
    fn a_pattern_for_all_under_a_prefix_is_that_prefix() {
        assert_eq!(
            pieces("users:by_id:*", Kind::Prefix).unwrap(),
            ["\"users:by_id\""]
        );
        assert_eq!(
            pieces("users:<id>:*", Kind::Prefix).unwrap(),
            ["\"users:\"", "id"]
        );
        assert!(pieces("users:by_id:*", Kind::Key).is_err());
    }

    #[test]
    fn the_separators_are_those_of_the_literals() {
        let template = |text| parse(&LitStr::new(text, Span::call_site()), Kind::Key).unwrap();
        assert_eq!(template("a:b:<q:hash>").separators, 2);
        assert_eq!(template("a").separators, 0);
    }

    #[test]
    fn what_a_value_escapes_cannot_stand_in_a_literal() {
        for c in "%*?[]{}(),>\\\" \t\n\u{7f}\u{2028}".chars() {
            let error = key(&format!("a{c}b")).unwrap_err();
            assert!(error.contains("cannot stand in a key"), "{c:?}: {error}");
        }
        assert!(key("a-b_c.d/e@f#g=h~ï").is_ok());
    }

    #[test]
    fn a_glob_is_answered_with_what_to_write() {
        let error = pieces("users:*:posts", Kind::Prefix).unwrap_err();
        assert!(error.contains("write `users`"), "{error}");
        let error = pieces("*", Kind::Prefix).unwrap_err();
        assert!(error.contains("write `all`"), "{error}");
        let error = key("users:*").unwrap_err();
        assert!(error.contains("`prefix = \"users\"`"), "{error}");
    }

    #[test]
    fn every_segment_has_something_and_at_most_one_placeholder() {
        for wrong in ["", ":", ":a", "a:", "a::b", "<id>:", "a::<id>"] {
            assert!(key(wrong).unwrap_err().contains("empty"), "{wrong}");
        }
        for wrong in ["<a><b>", "<a>-<b>", "x:<a>.<b>:y"] {
            assert!(
                key(wrong).unwrap_err().contains("share a segment"),
                "{wrong}"
            );
        }
        assert!(key("v<a>x:<b>").is_ok());
    }

    #[test]
    fn a_malformed_placeholder_is_refused() {
        for wrong in [
            "<>", "<1>", "< id>", "<id >", "<a b>", "<a.>", "<.a>", "<a..b>", "<a()>", "<id:>",
        ] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
        assert!(key("<id").unwrap_err().contains("not closed"));
        assert!(
            key("<id:loer>")
                .unwrap_err()
                .contains("did you mean `lower`?")
        );
    }
}
