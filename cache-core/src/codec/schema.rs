//! What a type's `Deserialize` asks for, piece by piece, and whether a value that is being
//! written fits it.
//!
//! A format without names is only safe if what is written is what will be asked for. The derives
//! of serde do not promise that (a skipped variant shifts the numbers of one side only, a
//! hand-written side may order fields as it likes), so every value is held against the schema.

#![expect(
    clippy::inline_always,
    reason = "a few instructions each, which are most of what a small value takes"
)]

use super::sink::{At, Frame, Group, Payload, Scalar};

/// What a value is that holds no other, as it is asked for. The numbers are part of every
/// fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
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

/// One piece of a type that holds others. One that does not is known by its place alone; see
/// [`Schema::place_of`].
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// Not known, or not the same each time.
    Unknown,
    Option(At),
    Seq(Element),
    Map(Element, Element),
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

/// One item of a struct or tuple.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) at: At,
    /// Empty if it has none, or if names cannot be told apart.
    pub(super) name: &'static str,
}

/// What a list or map consists of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) at: At,
    /// What a reader has to pay for one; see [`Purse`](super::limits::Purse).
    pub(super) cost: usize,
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
    #[inline]
    fn when(fits: bool) -> Self {
        if fits { Self::Sure(()) } else { Self::No }
    }
}

/// What a type asks for, as a graph, since types may contain themselves.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) pieces: Vec<Piece>,
    pub(super) parts: Vec<Part>,
    /// `None` for a variant that could not be looked into.
    pub(super) variants: Vec<Option<Variant>>,
    pub(super) root: At,
}

impl Schema {
    /// The place of what is not known; everything below it is not known either.
    pub(super) const NOWHERE: At = At::MAX;

    /// The place of every piece of this kind, so that the usual check compares two numbers.
    #[inline]
    pub(super) const fn place_of(kind: Kind) -> At {
        At::MAX - 256 + kind as At
    }

    #[inline]
    fn piece(&self, at: At) -> &Piece {
        self.pieces.get(at as usize).unwrap_or(&Piece::Unknown)
    }

    #[inline(always)]
    pub(super) fn leaf(at: At, kind: Kind) -> Fit {
        Fit::when(at == Self::place_of(kind))
    }

    #[inline]
    pub(super) fn none(&self, at: At) -> Fit {
        Fit::when(matches!(self.piece(at), Piece::Option(_)))
    }

    /// Doubtful if what follows may be written like an absent value by a format without a mark
    /// for presence.
    #[inline]
    pub(super) fn some(&self, at: At) -> Fit<At> {
        match *self.piece(at) {
            Piece::Option(inner) if self.may_vanish(inner) => Fit::Doubtful(inner),
            Piece::Option(inner) => Fit::Sure(inner),
            _ => Fit::No,
        }
    }

    fn may_vanish(&self, at: At) -> bool {
        let leaf = at > Self::place_of(Kind::Unit) && at < Self::NOWHERE;
        !leaf && matches!(self.piece(at), Piece::Unknown | Piece::Option(_))
    }

    /// Doubtful if the reading side knows no variant of this name.
    #[inline]
    pub(super) fn variant(&self, at: At, index: u32, name: &str, payload: Payload) -> Fit<At> {
        let Piece::Enum { first, names } = *self.piece(at) else {
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

    /// What is expected of the items of this group.
    #[inline(always)]
    pub(super) fn open(&'static self, at: At, group: Group) -> Fit<Frame> {
        let frame = |each, rest| Fit::Sure(Frame::new(group, at, each, rest));
        match (self.piece(at), group) {
            (Piece::Seq(element), Group::Seq(_)) => frame([element.at; 2], &[]),
            (Piece::Map(key, value), Group::Map(_)) => frame([key.at, value.at], &[]),
            (Piece::Product { first, len, .. }, Group::Tuple(n) | Group::Struct(n))
                if *len as usize == n =>
            {
                let first = *first as usize;
                frame([Self::NOWHERE; 2], &self.parts[first..first + n])
            }
            _ => Fit::No,
        }
    }

    /// The place of the next item. Doubtful if the reading side knows no field of this name.
    #[inline(always)]
    pub(super) fn item(&self, frame: &mut Frame, name: Option<&'static str>) -> Fit<At> {
        let index = frame.index;
        frame.index += 1;
        let Some((part, rest)) = frame.rest.split_first() else {
            return match frame.group {
                Group::Seq(_) | Group::Map(_) => Fit::Sure(frame.each[(index % 2) as usize]),
                Group::Tuple(_) | Group::Struct(_) => Fit::No,
            };
        };
        frame.rest = rest;
        match name {
            // Both sides of a derive mostly name the very same text.
            Some(name) if !std::ptr::eq(part.name, name) => self.named(frame.at, part, name),
            _ => Fit::Sure(part.at),
        }
    }

    #[cold]
    fn named(&self, at: At, part: &Part, name: &str) -> Fit<At> {
        match *self.piece(at) {
            Piece::Product { names: [], .. } => Fit::Doubtful(part.at),
            Piece::Product { names, .. } => named(names, part.name, name, part.at),
            _ => Fit::No,
        }
    }

    /// What a reader will have to pay for so many elements.
    #[inline]
    pub(super) fn cost(&self, at: At, group: Group) -> usize {
        match (self.piece(at), group) {
            (Piece::Seq(element), Group::Seq(Some(n))) => n.saturating_mul(element.cost),
            (Piece::Map(key, value), Group::Map(Some(n))) => {
                n.saturating_mul(key.cost + value.cost)
            }
            _ => 0,
        }
    }

    /// Whether as many items came as were announced.
    #[inline(always)]
    pub(super) fn close(frame: &Frame) -> Fit {
        Fit::when(match frame.group {
            Group::Seq(n) => n.is_none_or(|n| frame.index as usize == n),
            Group::Map(n) => n.is_none_or(|n| frame.index as usize == 2 * n),
            Group::Tuple(n) | Group::Struct(n) => frame.index as usize == n,
        })
    }
}

/// A name that is asked for elsewhere is in the wrong place; one that is asked for nowhere is
/// probably spelt differently for writing.
#[inline]
fn named(names: &[&str], asked: &str, name: &str, at: At) -> Fit<At> {
    if std::ptr::eq(asked, name) || asked == name {
        Fit::Sure(at)
    } else if names.contains(&name) {
        Fit::No
    } else {
        Fit::Doubtful(at)
    }
}

/// What a value says it is.
#[inline(always)]
pub(super) fn kind(scalar: Scalar<'_>) -> Kind {
    match scalar {
        Scalar::Unit | Scalar::UnitStruct => Kind::Unit,
        Scalar::Bool(_) => Kind::Bool,
        Scalar::I8(_) => Kind::I8,
        Scalar::I16(_) => Kind::I16,
        Scalar::I32(_) => Kind::I32,
        Scalar::I64(_) => Kind::I64,
        Scalar::I128(_) => Kind::I128,
        Scalar::U8(_) => Kind::U8,
        Scalar::U16(_) => Kind::U16,
        Scalar::U32(_) => Kind::U32,
        Scalar::U64(_) => Kind::U64,
        Scalar::U128(_) => Kind::U128,
        Scalar::F32(_) => Kind::F32,
        Scalar::F64(_) => Kind::F64,
        Scalar::Char(_) => Kind::Char,
        Scalar::Str(_) => Kind::Str,
        Scalar::Bytes(_) => Kind::Bytes,
    }
}
