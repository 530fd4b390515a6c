//! Whether a function stands free or among the methods of a type.
//!
//! An attribute sees its item alone, and what a free function gets beside it cannot stand in an
//! `impl`. A receiver tells the two apart, or `Self`; where neither is used, the source does.

use std::fs;

use proc_macro2::Span;

/// Whether the `fn` at `span` stands in an `impl` or a `trait`; `None` where there is no source to
/// be read.
pub(crate) fn among_methods(span: Span) -> Option<bool> {
    // In tests of this crate no compiler stands behind the spans.
    if !proc_macro::is_available() {
        return None;
    }
    let span = span.unwrap();
    let source = fs::read_to_string(span.local_file()?).ok()?;
    until(&source, span.line(), span.column()).map(ends_among_methods)
}

/// The source before the `fn` that begins there, both counted from one; `None` if none does.
fn until(source: &str, line: usize, column: usize) -> Option<&str> {
    let text = source.split_inclusive('\n').nth(line.checked_sub(1)?)?;
    let (within, _) = text.char_indices().nth(column.checked_sub(1)?)?;
    let before: usize = source
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let (before, after) = source.split_at(before + within);
    after.starts_with("fn").then_some(before)
}

/// Whether a source that is cut off here is cut off inside an `impl` or a `trait`.
fn ends_among_methods(source: &str) -> bool {
    let mut scan = Scan {
        rest: source,
        frames: vec![Frame::default()],
        last: ' ',
    };
    while scan.step().is_some() {}
    scan.frames.last().is_some_and(|frame| frame.methods)
}

/// What stands between two delimiters, and outside all of them.
#[derive(Default)]
struct Frame {
    /// Whether this is the block of an `impl` or a `trait`.
    methods: bool,
    /// Whether the item that is being read began with `impl` or `trait`; `None` before its first
    /// word.
    holds_methods: Option<bool>,
    /// Whether the item around goes on when this ends, as after `impl Array<{ N }>`.
    within: bool,
}

/// The words and delimiters of a source, without its comments and literals.
struct Scan<'a> {
    rest: &'a str,
    frames: Vec<Frame>,
    /// The last character that was no space.
    last: char,
}

impl Scan<'_> {
    fn step(&mut self) -> Option<()> {
        let next = self.rest.chars().next()?;
        match next {
            '/' if self.rest.starts_with("//") => self.skip(self.rest.find('\n')),
            '/' if self.rest.starts_with("/*") => self.comment(),
            '"' => self.string(),
            '\'' => self.quote(),
            _ if next.is_alphanumeric() || next == '_' => self.word(),
            _ => {
                self.delimiter(next);
                self.skip(Some(next.len_utf8()));
            }
        }
        if !next.is_whitespace() {
            self.last = next;
        }
        Some(())
    }

    /// Goes on behind so many bytes, or to the end.
    fn skip(&mut self, bytes: Option<usize>) {
        self.rest = &self.rest[bytes.unwrap_or(self.rest.len())..];
    }

    fn comment(&mut self) {
        let (mut depth, mut at) = (0_usize, 0);
        loop {
            let rest = &self.rest[at..];
            match (rest.find("/*"), rest.find("*/")) {
                (Some(open), Some(close)) if open < close => {
                    (depth, at) = (depth + 1, at + open + 2);
                }
                (_, Some(close)) => (depth, at) = (depth - 1, at + close + 2),
                (_, None) => return self.skip(None),
            }
            if depth == 0 {
                return self.skip(Some(at));
            }
        }
    }

    fn string(&mut self) {
        let mut escaped = false;
        let end = self.rest[1..].find(|next| {
            let ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        });
        self.skip(end.map(|end| end + 2));
    }

    /// A character, or a lifetime.
    fn quote(&mut self) {
        let mut chars = self.rest.char_indices().skip(1);
        let end = match (chars.next(), chars.next()) {
            (Some((_, '\\')), Some((escape, _))) => {
                let after = escape + 1;
                self.rest[after..].find('\'').map(|end| after + end + 1)
            }
            (Some(_), Some((end, '\''))) => Some(end + 1),
            _ => Some(1),
        };
        self.skip(end);
    }

    fn word(&mut self) {
        let end = self
            .rest
            .find(|next: char| !next.is_alphanumeric() && next != '_');
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if matches!(word, "r" | "br" | "cr") {
            let hashes = rest.len() - rest.trim_start_matches('#').len();
            if let Some(raw) = rest[hashes..].strip_prefix('"') {
                let close = format!("\"{}", &rest[..hashes]);
                self.rest = raw.split_once(&close).map_or("", |(_, rest)| rest);
                return;
            }
        }
        self.rest = rest;
        let modifies = matches!(word, "pub" | "unsafe" | "default" | "auto" | "const");
        // A fragment in a macro, such as `$vis`, or the rest of an identifier, `r#impl`.
        let part = matches!(self.last, '$' | '#');
        if let Some(frame) = self.frames.last_mut()
            && frame.holds_methods.is_none()
            && !modifies
            && !part
        {
            frame.holds_methods = Some(matches!(word, "impl" | "trait"));
        }
    }

    fn delimiter(&mut self, delimiter: char) {
        let within = matches!(self.last, '<' | '=');
        let nested = self.frames.len() > 1;
        let Some(top) = self.frames.last_mut() else {
            return;
        };
        match delimiter {
            '{' => {
                let methods = !within && top.holds_methods == Some(true);
                self.frames.push(Frame {
                    methods,
                    within,
                    ..Frame::default()
                });
            }
            '(' | '[' => {
                // What a macro repeats stands where it is repeated.
                let methods = self.last == '$' && top.methods;
                self.frames.push(Frame {
                    methods,
                    within: true,
                    ..Frame::default()
                });
            }
            '}' | ')' | ']' if nested => {
                let ended = self.frames.pop().is_none_or(|frame| !frame.within);
                if let Some(top) = self.frames.last_mut()
                    && ended
                {
                    top.holds_methods = None;
                }
            }
            ';' => top.holds_methods = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ends_among_methods, until};

    /// Whether what stands at `@` stands among methods.
    fn among(source: &str) -> bool {
        let (before, _) = source.split_once('@').expect("a place");
        ends_among_methods(before)
    }

    #[test]
    fn functions_of_a_type_stand_among_methods() {
        for source in [
            "impl User { @",
            "impl<T: Into<u8>> Repo<T> where T: Copy { #[doc = \"}\"] pub async @",
            "impl Get for [u8; 4] { fn a() { if true { } } @",
            "impl Array<{ 2 + 2 }> { @",
            "impl<T> Repo<T>\nwhere\n    T: Copy,\n{ @",
            "unsafe impl Get for User { @",
            "pub(crate) trait Get: Send { @",
            "mod inner { impl User { const A: u8 = { 1 }; @",
            "#[derive(Debug)] struct A; impl A { @",
            "struct A { a: u8 } impl A { @",
            "use a::{b, c};\nimpl A { @",
            "macro_rules! m { ($t:ty) => { impl $t { @",
            "macro_rules! m { ($($name:ident)*) => { impl A { $( @",
            "m!(impl A { @",
            "// it's {\nimpl A { @",
            "/* { /* \" */ ' */ impl A { @",
            "const A: char = '{'; const B: &str = \"\\\"}\\\\\"; impl A { @",
            "const A: &str = r#\"\"{\"#; impl A { @",
            "const A: &[u8] = b\"}\"; impl<'a> A<'a> { @",
            "const A: char = '\\''; const B: char = '\\u{7b}'; impl A { @",
            "fn größe() -> impl Copy { '{' } impl Größe { @",
        ] {
            assert!(among(source), "{source}");
        }
    }

    #[test]
    fn free_functions_do_not() {
        for source in [
            "@",
            "impl User {} @",
            "impl User { fn a(&self) { } } @",
            "mod inner { @",
            "fn outer() -> impl Copy { @",
            "impl User { fn outer(&self) { @",
            "impl User { async fn outer(&self) -> u8 { let a = async { @",
            "fn outer(a: impl Copy) { let b = [0; 3]; @",
            "trait Get { fn get(); } mod inner { @",
            "const A: u8 = 1; fn impl_it() { @",
            "macro_rules! m { ($($name:ident)*) => { $( @",
            "fn r#impl() { @",
            "struct Impl; mod a { @",
            "// impl A {\n@",
            "const A: &str = \"impl A {\"; @",
        ] {
            assert!(!among(source), "{source}");
        }
    }

    #[test]
    fn the_place_is_counted_in_lines_and_characters() {
        let source = "// ü\nimpl A {\r\n    /* ß */ fn get() {}\n}\n";
        assert_eq!(until(source, 3, 13), Some("// ü\nimpl A {\r\n    /* ß */ "));
        assert_eq!(until(source, 3, 12), None, "no function begins there");
        assert_eq!(until(source, 9, 1), None);
    }
}
