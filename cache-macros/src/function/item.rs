//! What stands under an attribute and is no function.

use proc_macro2::{Ident, TokenTree};
use syn::{Error, LitStr, ext::IdentExt, parse::ParseStream};

/// The items that are no functions, each with what to do instead.
const OTHERS: [(&str, &str); 13] = [
    ("impl", "of an `impl`, annotate each function in it"),
    (
        "trait",
        "of a trait, annotate its default methods, or the methods of its `impl`s",
    ),
    ("mod", "of a module, annotate each function in it"),
    (
        "struct",
        "of a structure, annotate the functions that return it",
    ),
    ("enum", "of an enum, annotate the functions that return it"),
    ("union", "of a union, annotate the functions that return it"),
    (
        "type",
        "instead of a type, annotate the functions that return it",
    ),
    (
        "static",
        "instead of a static, write a function that returns it",
    ),
    (
        "const",
        "instead of a constant, write a function that returns it",
    ),
    (
        "let",
        "instead of a variable, write a function that returns it",
    ),
    ("use", "annotate the function where it is defined"),
    (
        "extern",
        "annotate a Rust function that calls the foreign one",
    ),
    (
        "macro_rules",
        "annotate the function that the macro defines",
    ),
];

/// What is wrong with an item that is no function, whose visibility has been read.
pub(super) fn kind(input: ParseStream<'_>) -> Option<Error> {
    let ahead = input.fork();
    let mut first: Option<Ident> = None;
    while let Ok(word) = ahead.call(Ident::parse_any) {
        if word == "fn" {
            return None;
        }
        let modifies = ["unsafe", "auto", "default", "async", "safe"];
        if modifies.iter().any(|modifier| word == modifier) {
            continue;
        }
        first.get_or_insert(word);
        // The string of `extern "C" fn`.
        drop(ahead.parse::<Option<LitStr>>());
    }
    let item: TokenTree = match first {
        Some(word) => word.into(),
        None => input.fork().parse().ok()?,
    };
    let name = item.to_string();
    let other = OTHERS.iter().find(|(keyword, _)| *keyword == name);
    let instead = other.map_or(
        "annotate the function that the macro defines",
        |(_, instead)| *instead,
    );
    let message = format!("only a function can be annotated: {instead}");
    Some(Error::new(item.span(), message))
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    use crate::function::Function;

    fn mistake(item: &str) -> String {
        match parse_str::<Function>(item) {
            Ok(_) => String::new(),
            Err(mistake) => mistake.to_string(),
        }
    }

    #[test]
    fn what_is_no_function_is_told_what_to_annotate_instead() {
        for (item, part) in [
            ("pub struct User { id: u64 }", "functions that return it"),
            ("impl Users { async fn all() {} }", "each function in it"),
            ("unsafe impl Send for Users {}", "each function in it"),
            ("pub(crate) trait Users {}", "default methods"),
            ("const TTL: u64 = 1;", "write a function"),
            ("extern \"C\" { fn now() -> u64; }", "a Rust function"),
            ("make! { get_user }", "the macro defines"),
            ("db::make!(get_user);", "the macro defines"),
            ("fn get_user();", "no body"),
        ] {
            assert!(mistake(item).contains(part), "{item}: {}", mistake(item));
        }
    }

    #[test]
    fn every_form_of_a_function_is_one() {
        for item in [
            "pub async fn f() {}",
            "const fn f() {}",
            "unsafe extern \"C\" fn f() {}",
            "extern fn f() {}",
            "pub(in crate::db) async unsafe fn f() {}",
        ] {
            assert_eq!(mistake(item), "", "{item}");
        }
    }
}
