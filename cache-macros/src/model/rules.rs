//! The rules that need the names of the signature.

use proc_macro2::{Ident, Span};
use syn::{Error, LitStr, ext::IdentExt};

use super::Key;
use crate::{
    args::Many,
    errors::Errors,
    function::Argument,
    nearest::did_you_mean,
    template::{self, Kind, Piece, Placeholder, Reading, Template},
};

/// The groups that a key can have: the namespace, its proper prefixes, and its tags.
const MAX_GROUPS: usize = 16;

/// The proper prefixes of a default key: the function, and what owns it.
const DEFAULT_PREFIXES: usize = 2;

/// The signature, and the mistakes found so far.
pub(super) struct Rules<'a> {
    pub(super) arguments: &'a [Argument],
    pub(super) ret: Ret,
    pub(super) errors: Errors,
}

/// What `<ret>` can mean: what the function returned.
#[derive(Clone, Copy)]
pub(super) enum Ret {
    /// The template is written when the function has returned.
    Known,
    /// The template is written before the function runs, because this option says so.
    TooEarly(&'static str),
    /// The key decides whether the function runs at all.
    Unknowable,
}

impl Rules<'_> {
    pub(super) fn templates(&mut self, many: Option<Many>, kind: Kind) -> Vec<Template> {
        let literals = many.map_or_else(Vec::new, |Many(literals)| literals);
        literals
            .iter()
            .filter_map(|literal| self.template(literal, kind))
            .collect()
    }

    /// Parses a template and finds its placeholders in the signature.
    pub(super) fn template(&mut self, literal: &LitStr, kind: Kind) -> Option<Template> {
        let mut template = match template::parse(literal, kind) {
            Ok(template) => template,
            Err(mistake) => {
                self.errors.unread(mistake);
                return None;
            }
        };
        for piece in &mut template.pieces {
            if let Piece::Value(value) = piece {
                self.resolve(value, literal);
            }
        }
        self.dollars(&template);
        Some(template)
    }

    /// Reports the name of an argument that is written as other languages write placeholders.
    fn dollars(&mut self, template: &Template) {
        for piece in &template.pieces {
            let Piece::Literal(literal) = piece else {
                continue;
            };
            for (at, sign) in literal.match_indices(['$', '#']) {
                let name = literal[at + 1..].split(|c: char| !c.is_alphanumeric() && c != '_');
                let name = name.into_iter().next().unwrap_or_default();
                let argument = self.arguments.iter().find(|it| it.ident.unraw() == name);
                if argument.is_some_and(|it| !uses(template, &it.ident)) {
                    let message = format!(
                        "`{sign}{name}` is a plain text here: a placeholder is written `<{name}>`"
                    );
                    self.errors.push(Error::new(template.span, message));
                }
            }
        }
    }

    /// Finds what a placeholder stands for.
    fn resolve(&mut self, value: &mut Placeholder, template: &LitStr) {
        let ret = value.root == "ret";
        match (self.ret, self.find(&value.root)) {
            (Ret::Known, _) if ret && !matches!(value.reading, Reading::Plain) => {
                let message = "`<ret>` is a value and no map of headers: write a field of it, \
                               such as `<ret.id>`";
                self.errors.push(Error::new(template.span(), message));
            }
            (Ret::Known, _) if ret => {
                value.root.set_span(template.span());
                value.ret = true;
            }
            (Ret::TooEarly(option), _) if ret => {
                let message = format!(
                    "`<ret>` is what the function returns, which nobody knows before it runs: \
                     remove `{option}`"
                );
                self.errors.push(Error::new(template.span(), message));
            }
            (_, Some(argument)) => {
                value.root = argument.ident.clone();
                self.reading(value, template);
            }
            (_, None) if ret => {
                let message = "`<ret>` is what the function returns, and a hit returns without \
                               running it: write what the arguments say";
                self.errors.push(Error::new(template.span(), message));
            }
            (_, None) => self.unknown(&value.root.to_string(), template.span()),
        }
    }

    /// Says that a parameter is in the way of `<ret>`, if any of these needs that.
    pub(super) fn hidden_ret(&mut self, mut awaits_ret: impl Iterator<Item = bool>) {
        let name = Ident::new("ret", Span::call_site());
        let used = awaits_ret.any(|awaits| awaits);
        let hides = self.find(&name).filter(|_| used);
        if let Some(ident) = hides.map(|argument| argument.ident.clone()) {
            let message = "`<ret>` is what the function returns: give this parameter another name";
            self.errors.push(Error::new_spanned(ident, message));
        }
    }

    pub(super) fn find(&self, name: &Ident) -> Option<&Argument> {
        self.arguments
            .iter()
            .find(|argument| argument.ident.unraw() == name.unraw())
    }

    /// Says that there is no such parameter, and which there are.
    pub(super) fn unknown(&mut self, wrong: &str, span: Span) {
        let names: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| argument.ident.unraw().to_string())
            .collect();
        let ret = matches!(self.ret, Ret::Known);
        let known = names.iter().map(String::as_str);
        let hint = did_you_mean(wrong, known.chain(ret.then_some("ret")));
        let has = match names.len() {
            0 => "it has none".to_owned(),
            _ => format!("it has `{}`", names.join("`, `")),
        };
        let ret = if ret {
            ", and `ret` is what it returns"
        } else {
            ""
        };
        let message = format!("the function has no parameter `{wrong}`; {has}{ret}{hint}");
        self.errors.push(Error::new(span, message));
    }

    /// Skipped names exist, once, and are not in the key.
    pub(super) fn skip(&mut self, skip: &[Ident], key: Option<&Template>) {
        for (i, name) in skip.iter().enumerate() {
            if self.find(name).is_none() {
                self.unknown(&name.unraw().to_string(), name.span());
            }
            if skip[..i].contains(name) {
                let message = format!("`{name}` is skipped twice");
                self.errors.push(Error::new_spanned(name, message));
            }
            if key.is_some_and(|key| uses(key, name)) {
                let message = format!("`{name}` is in `skip` and in `key`: remove one of them");
                self.errors.push(Error::new_spanned(name, message));
            }
        }
    }

    pub(super) fn groups(&mut self, key: Option<&Template>, tags: &[Template]) {
        let prefixes = key.map_or(DEFAULT_PREFIXES, |key| key.separators);
        let groups = 1 + prefixes + tags.len();
        if groups > MAX_GROUPS {
            let last = tags
                .last()
                .or(key)
                .expect("the namespace alone is one group");
            let message = format!(
                "a key has at most {MAX_GROUPS} groups and this one has {groups}: its namespace, \
                 {prefixes} prefixes by segment and {} tags",
                tags.len(),
            );
            self.errors.push(Error::new(last.span, message));
        }
    }

    /// The arguments that ask for something and are neither in the key nor skipped.
    pub(super) fn left_out(&self, key: &Template, skip: &[Ident]) -> Vec<(Ident, String)> {
        let asks = |argument: &&Argument| {
            let name = argument.ident.unraw();
            !argument.serves && !uses(key, &name) && !skip.iter().any(|skip| skip.unraw() == name)
        };
        let report = |argument: &Argument| {
            let name = argument.ident.unraw();
            let message = format!(
                "calls that differ in `{name}` share an entry, because the key `{}` leaves it out: \
                 add `<{name}>` to `key`, or say `skip({name})`",
                key.text,
            );
            (argument.ident.clone(), message)
        };
        self.arguments.iter().filter(asks).map(report).collect()
    }

    /// Every argument that is not skipped; for a handler, what serves it is none.
    pub(super) fn default_key(&self, skip: &[Ident], is_handler: bool) -> Key {
        let asks = |argument: &&Argument| {
            let name = argument.ident.unraw();
            let skipped = skip.iter().any(|skip| skip.unraw() == name);
            let serves = is_handler && argument.serves;
            !skipped && !serves
        };
        let kept = self.arguments.iter().filter(asks);
        Key::Default(kept.map(|argument| argument.ident.clone()).collect())
    }
}

/// Whether a placeholder of `template` is `name` or a part of it.
pub(super) fn uses(template: &Template, name: &Ident) -> bool {
    template.pieces.iter().any(|piece| match piece {
        Piece::Value(value) => value.root.unraw() == name.unraw(),
        Piece::Literal(_) => false,
    })
}
