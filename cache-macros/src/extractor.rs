//! Which of axum's extractors an argument is, as far as its text tells.

use syn::{FnArg, GenericArgument, Pat, PatType, Path, PathArguments, Type};

/// An argument, by what it can tell of a request.
#[derive(Clone)]
pub(crate) enum Extractor {
    /// What the request asks for, or no extractor at all.
    Plain,
    /// All header fields: `HeaderMap`.
    Headers,
    /// A jar of cookies.
    Cookies,
    /// A header of this type: `TypedHeader<…>`.
    Typed(Part, Box<Type>),
    /// What is in an `Authorization`.
    Credentials(Part),
    /// Something else that can tell who asks.
    Identity,
}

/// A part of a typed header that a name stands for.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// How many of the tuple structs around it the pattern has taken off.
    pub(crate) depth: usize,
    /// Whether all of it is in an `Option`.
    pub(crate) optional: bool,
}

/// The jars of axum-extra and tower-cookies.
const JARS: [&str; 4] = [
    "CookieJar",
    "PrivateCookieJar",
    "SignedCookieJar",
    "Cookies",
];

/// What can tell who asks: whole requests, what a middleware has left, sessions, and the names
/// that people give to extractors of their own.
const IDENTITIES: [&str; 4] = ["Extension", "Parts", "Request", "Claims"];
const IDENTITY_ENDS: [&str; 4] = ["Session", "Claims", "User", "Identity"];

/// The extractors that only a handler has.
const HANDLERS: [&str; 5] = ["State", "Path", "Query", "Form", "OriginalUri"];

impl Extractor {
    /// The extractor that `typed` is.
    pub(crate) fn of(typed: &PatType) -> Self {
        let (ty, optional) = match inside(&typed.ty, "Option") {
            Some(ty) => (ty, true),
            None => (inside(&typed.ty, "Result").unwrap_or(&typed.ty), false),
        };
        let Some(name) = name(ty) else {
            return Self::Plain;
        };
        let is = |known: &[&str]| known.contains(&name.as_str());
        if name == "HeaderMap" {
            Self::Headers
        } else if is(&JARS) {
            Self::Cookies
        } else if let Some(header) = inside(ty, "TypedHeader") {
            let depth = depth(&typed.pat);
            let part = Part { depth, optional };
            if inside(header, "Authorization").is_some() {
                Self::Credentials(part)
            } else {
                Self::Typed(part, Box::new(header.clone()))
            }
        } else if is(&IDENTITIES) || IDENTITY_ENDS.iter().any(|end| name.ends_with(end)) {
            Self::Identity
        } else {
            Self::Plain
        }
    }

    /// Whether it can tell who asks.
    pub(crate) fn tells_who(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Typed(_, header) => name(header).is_some_and(|name| name == "Cookie"),
            Self::Headers | Self::Cookies | Self::Credentials(_) | Self::Identity => true,
        }
    }
}

/// Whether only a handler has an argument like this.
pub(crate) fn is_extractor(argument: &FnArg) -> bool {
    let FnArg::Typed(typed) = argument else {
        return false;
    };
    let handlers = || name(&typed.ty).is_some_and(|name| HANDLERS.contains(&name.as_str()));
    handlers() || !matches!(Extractor::of(typed), Extractor::Plain | Extractor::Identity)
}

/// The last name of a path.
pub(crate) fn name(ty: &Type) -> Option<String> {
    path(ty)?.segments.last().map(|last| last.ident.to_string())
}

/// The first type argument of a path that ends with `name`.
pub(crate) fn inside<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let last = path(ty)?.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let first = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    first.filter(|_| last.ident == name)
}

fn path(ty: &Type) -> Option<&Path> {
    match ty {
        Type::Path(ty) => Some(&ty.path),
        Type::Group(ty) => path(&ty.elem),
        Type::Paren(ty) => path(&ty.elem),
        _ => None,
    }
}

/// How many tuple structs stand around the one name of a pattern.
fn depth(pat: &Pat) -> usize {
    match pat {
        Pat::TupleStruct(pat) if pat.elems.len() == 1 => 1 + depth(&pat.elems[0]),
        Pat::Paren(pat) => depth(&pat.pat),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use syn::{FnArg, parse_str};

    use super::{Extractor, Part, is_extractor};

    fn of(argument: &str) -> Extractor {
        match parse_str(argument).expect(argument) {
            FnArg::Typed(typed) => Extractor::of(&typed),
            FnArg::Receiver(_) => panic!("{argument}"),
        }
    }

    #[test]
    fn what_can_tell_who_asks_is_known_by_its_type() {
        for argument in [
            "headers: HeaderMap",
            "jar: axum_extra::extract::CookieJar",
            "jar: PrivateCookieJar<Key>",
            "Extension(user): Extension<User>",
            "Extension(tenant): Option<Extension<Tenant>>",
            "auth: TypedHeader<Authorization<Bearer>>",
            "TypedHeader(Authorization(token)): TypedHeader<Authorization<Bearer>>",
            "TypedHeader(cookie): TypedHeader<headers::Cookie>",
            "session: Session",
            "session: AuthSession<Backend>",
            "claims: Claims",
            "user: CurrentUser",
            "request: Request",
            "parts: http::request::Parts",
        ] {
            assert!(of(argument).tells_who(), "{argument}");
        }
        for argument in [
            "Path(user): Path<User>",
            "Query(page): Query<Page>",
            "State(session): State<Sessions>",
            "Json(user): Json<NewUser>",
            "TypedHeader(agent): TypedHeader<UserAgent>",
            "id: u64",
        ] {
            assert!(!of(argument).tells_who(), "{argument}");
        }
    }

    #[test]
    fn a_typed_header_knows_how_deep_the_pattern_goes() {
        let part = |argument| match of(argument) {
            Extractor::Typed(part, _) | Extractor::Credentials(part) => part,
            _ => panic!("{argument}"),
        };
        let Part { depth, optional } = part("agent: Option<TypedHeader<UserAgent>>");
        assert_eq!((depth, optional), (0, true));
        assert_eq!(part("TypedHeader(a): TypedHeader<UserAgent>").depth, 1);
        let token = "TypedHeader(Authorization(t)): TypedHeader<Authorization<Bearer>>";
        assert_eq!(part(token).depth, 2);
    }

    #[test]
    fn some_arguments_are_had_by_handlers_only() {
        let is = |argument| is_extractor(&parse_str(argument).unwrap());
        assert!(is("Path(id): Path<u64>") && is("headers: HeaderMap"));
        assert!(!is("id: u64") && !is("&self") && !is("user: User"));
    }
}
