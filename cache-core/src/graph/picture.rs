//! The graph as a picture: the text of a Mermaid flowchart.

use std::fmt::Write as _;

use super::{Function, Graph, Target, Write};

impl Graph {
    /// The flowchart in the language of [Mermaid](https://mermaid.js.org): writes on the left, an
    /// arrow for what each invalidates, cached functions on the right. It ends with a line break.
    ///
    /// Files and lines are not in it, so that the text changes only when the graph does.
    #[inline]
    pub fn to_mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (at, function) in self.functions.iter().enumerate() {
            line(&mut text, format_args!("f{at}[\"{}\"]", label(function)));
        }
        for (at, write) in self.writes.iter().enumerate() {
            line(
                &mut text,
                format_args!("w{at}([\"{}\"])", escaped(write.path)),
            );
            self.arrows(&mut text, at, write);
        }
        text
    }

    #[inline]
    fn arrows(&self, text: &mut String, from: usize, write: &Write) {
        for &target in &write.targets {
            let arrow = match target {
                Target::Put(_) => "==>",
                _ => "-->",
            };
            let label = escaped(&what(target));
            let before = text.len();
            for (to, function) in self.functions.iter().enumerate() {
                if function.is_reached(write, target) {
                    line(text, format_args!("w{from} {arrow}|\"{label}\"| f{to}"));
                }
            }
            if text.len() == before {
                line(text, format_args!("w{from} -.->|\"{label}\"| nothing"));
            }
        }
    }
}

#[inline]
fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "    {what}").expect("a string takes any text");
}

#[inline]
fn what(target: Target) -> String {
    match target {
        Target::Prefix(text) => format!("prefix {text}"),
        Target::Key(text) => format!("key {text}"),
        Target::Tag(text) => format!("tag {text}"),
        Target::Of(text) => format!("of {text}"),
        Target::Put(text) => format!("stores {text}"),
        Target::All => "all".to_owned(),
    }
}

#[inline]
fn label(function: &Function) -> String {
    let mut label = escaped(function.path);
    let mut add = |text: &str| {
        label.push_str("<br/>");
        label.push_str(&escaped(text));
    };
    add(function.key.unwrap_or("all arguments"));
    for tag in function.tags {
        add(&format!("tag {tag}"));
    }
    match function.ttl {
        Some(ttl) => add(&format!("ttl {ttl:?}")),
        None if function.states_ttl => add("computed ttl"),
        None => {}
    }
    label
}

/// `text` without what Mermaid or HTML would take for their own.
#[inline]
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            '#' => escaped.push_str("#35;"),
            '`' => escaped.push_str("#96;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
