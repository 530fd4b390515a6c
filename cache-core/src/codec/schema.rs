//! What a type's `Deserialize` asks for, piece by piece, and whether a value that is being
//! written fits it.
//!
//! A format without names is only safe if what is written is what will be asked for. The derives
//! of serde do not promise that (a skipped variant shifts the numbers of one side only, a
//! hand-written side may order fields as it likes), so every value is held against the schema.

use super::sink::{At, Frame, Group, Payload};

/// What a value is that holds no other, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Unit,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
    /// Whatever the bytes say they are: only formats with names know.
    Any,
    Ignored,
    Identifier,
}

/// One piece of a type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// Not known, or not the same each time.
    Unknown,
    Leaf(Kind),
    Option(At),
    Seq(At),
    Map(At, At),
    /// A struct or tuple: so many of the schema's `parts`. `names` is empty if there are none or
    /// if they cannot be told apart.
    Product {
        first: u32,
        len: u32,
        names: &'static [&'static str],
    },
    /// So many of the schema's `variants`.
    Enum {
        first: u32,
        names: &'static [&'static str],
    },
}

/// What a variant holds: for a struct or tuple, `at` is a product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    pub(super) payload: Payload,
    pub(super) at: At,
}

/// Whether a piece of a value fits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fit<T = ()> {
    /// It will be read as what it is.
    Sure(T),
    /// It may be: the two sides use different names, or an absent value looks like this one.
    Doubtful(T),
    No,
}

impl Fit {
    fn when(fits: bool) -> Self {
        if fits { Self::Sure(()) } else { Self::No }
    }
}

/// What a type asks for, as a graph, since types may contain themselves.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) pieces: Vec<Piece>,
    pub(super) parts: Vec<At>,
    /// `None` for a variant that could not be looked into.
    pub(super) variants: Vec<Option<Variant>>,
    pub(super) root: At,
}

impl Schema {
    /// The place of what is not known; everything below it is not known either.
    pub(super) const NOWHERE: At = At::MAX;

    fn piece(&self, at: At) -> Piece {
        let piece = self.pieces.get(at as usize);
        piece.copied().unwrap_or(Piece::Unknown)
    }

    pub(super) fn leaf(&self, at: At, kind: Kind) -> Fit {
        Fit::when(matches!(self.piece(at), Piece::Leaf(asked) if asked == kind))
    }

    pub(super) fn none(&self, at: At) -> Fit {
        Fit::when(matches!(self.piece(at), Piece::Option(_)))
    }

    /// Doubtful if what follows may be written like an absent value by a format without a mark
    /// for presence.
    pub(super) fn some(&self, at: At) -> Fit<At> {
        match self.piece(at) {
            Piece::Option(inner) => match self.piece(inner) {
                Piece::Unknown | Piece::Option(_) | Piece::Leaf(Kind::Unit) => Fit::Doubtful(inner),
                _ => Fit::Sure(inner),
            },
            _ => Fit::No,
        }
    }

    /// Doubtful if the reading side knows no variant of this name.
    pub(super) fn variant(&self, at: At, index: u32, name: &str, payload: Payload) -> Fit<At> {
        let Piece::Enum { first, names } = self.piece(at) else {
            return Fit::No;
        };
        let index = index as usize;
        let Some(&asked) = names.get(index) else {
            return Fit::No;
        };
        match self.variants[first as usize + index] {
            Some(variant) if variant.payload == payload => named(names, asked, name, variant.at),
            _ => Fit::No,
        }
    }

    pub(super) fn open(&self, at: At, group: Group) -> Fit {
        Fit::when(match (self.piece(at), group) {
            (Piece::Seq(_), Group::Seq(_)) | (Piece::Map(..), Group::Map(_)) => true,
            (Piece::Product { len, .. }, Group::Tuple(n) | Group::Struct(n)) => len as usize == n,
            _ => false,
        })
    }

    /// The place of the item that `frame.index` counts. Doubtful if the reading side knows no
    /// field of this name.
    pub(super) fn item(&self, frame: &Frame, name: Option<&'static str>) -> Fit<At> {
        match self.piece(frame.at) {
            Piece::Seq(element) => Fit::Sure(element),
            Piece::Map(key, value) => Fit::Sure(if frame.index % 2 == 0 { key } else { value }),
            Piece::Product { first, len, names } if frame.index < len => {
                let at = self.parts[(first + frame.index) as usize];
                match (name, names.get(frame.index as usize)) {
                    (Some(name), Some(asked)) => named(names, asked, name, at),
                    (None, _) => Fit::Sure(at),
                    (Some(_), None) => Fit::Doubtful(at),
                }
            }
            _ => Fit::No,
        }
    }

    /// Whether as many items came as were announced.
    pub(super) fn close(&self, frame: &Frame) -> Fit {
        Fit::when(match frame.group {
            Group::Seq(n) => n.is_none_or(|n| frame.index as usize == n),
            Group::Map(n) => n.is_none_or(|n| frame.index as usize == 2 * n),
            Group::Tuple(n) | Group::Struct(n) => frame.index as usize == n,
        })
    }
}

/// A name that is asked for elsewhere is in the wrong place; one that is asked for nowhere is
/// probably spelt differently for writing.
fn named(names: &[&str], asked: &str, name: &str, at: At) -> Fit<At> {
    if asked == name {
        Fit::Sure(at)
    } else if names.contains(&name) {
        Fit::No
    } else {
        Fit::Doubtful(at)
    }
}
