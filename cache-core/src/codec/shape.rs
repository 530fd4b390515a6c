//! What is known about a type once it was traced: its fingerprint, its schema, and whether a
//! format without names will do.

use std::{
    any::{TypeId, type_name},
    hash::BuildHasher,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    limits::Purse,
    probe::{Ask, Id, Node, State, Trace, Way, trace},
    schema::{Element, Kind, Part, Piece, Schema, Variant},
    sink::{At, Payload},
};

/// How many values of a type are read back after writing in a release build, even where nothing
/// is doubtful. A debug build reads back all.
const SAMPLES: u32 = 16;

/// What is known about a type.
#[derive(Debug)]
pub(super) struct Shape {
    /// Changes with the names, kinds and order of everything in the type.
    pub(super) fingerprint: u64,
    pub(super) schema: Schema,
    /// Whether a `Some` in a `Some` in a `Some` … takes no bytes in JSON, which has no mark for
    /// presence, so that one byte would recurse for ever.
    #[cfg_attr(
        not(feature = "json"),
        allow(dead_code, reason = "the others count depth")
    )]
    pub(super) endless: bool,
    positional: AtomicBool,
    written: AtomicU32,
}

impl Shape {
    /// Whether values may be written without names: nothing asks what the bytes say.
    pub(super) fn positional(&self) -> bool {
        self.positional.load(Ordering::Relaxed)
    }

    /// A value that fits the schema did not read back: the type asks for different things at
    /// different times.
    pub(super) fn distrust(&self) {
        self.positional.store(false, Ordering::Relaxed);
    }

    /// Whether the next value has to be read back although nothing is doubtful.
    pub(super) fn sample(&self) -> bool {
        cfg!(debug_assertions)
            || (self.written.load(Ordering::Relaxed) < SAMPLES
                && self.written.fetch_add(1, Ordering::Relaxed) < SAMPLES)
    }

    fn of_trace(trace: &Trace, type_name: &str) -> Self {
        let named = trace.nodes.iter().any(|node| {
            matches!(
                node.ask,
                Ask::Leaf(Kind::Any | Kind::Ignored | Kind::Identifier)
            )
        });
        let positional = trace.root.is_some() && !named;
        Self {
            fingerprint: fingerprint(trace, if positional { "" } else { type_name }),
            schema: Compiler::default().compile(trace),
            endless: endless(&trace.nodes),
            positional: AtomicBool::new(positional),
            written: AtomicU32::new(0),
        }
    }
}

/// The shape of `T`, traced when it is first asked for. Later calls take a few nanoseconds and
/// no lock.
pub(super) fn of<T: DeserializeOwned + 'static>() -> &'static Shape {
    struct Known {
        id: TypeId,
        shape: Shape,
        next: Link,
    }
    type Link = OnceLock<Box<Known>>;
    static KNOWN: [Link; 64] = [const { OnceLock::new() }; 64];

    let id = TypeId::of::<T>();
    let hash = foldhash::fast::FixedState::default().hash_one(id);
    let mut link = &KNOWN[(hash % 64) as usize];
    loop {
        let known = if let Some(known) = link.get() {
            known
        } else {
            // Traced outside of the cell, so that a `Deserialize` that comes back here is safe.
            let shape = Shape::of_trace(&trace::<T>(), type_name::<T>());
            link.get_or_init(|| {
                Box::new(Known {
                    id,
                    shape,
                    next: Link::new(),
                })
            })
        };
        if known.id == id {
            return &known.shape;
        }
        link = &known.next;
    }
}

/// The hash of all that was asked for, in the order in which it was first met. What this writes
/// never changes, or every stored entry becomes a miss.
fn fingerprint(trace: &Trace, type_name: &str) -> u64 {
    let mut text = Text(Vec::with_capacity(1024));
    text.string(type_name);
    for node in &trace.nodes {
        text.node(node);
    }
    xxh3_64(&text.0)
}

struct Text(Vec<u8>);

impl Text {
    fn node(&mut self, node: &Node) {
        match node.ask {
            Ask::Leaf(kind) => self.0.extend([0, kind as u8]),
            Ask::Newtype => self.0.push(1),
            Ask::Tuple => self.0.push(2),
            Ask::Struct => self.0.push(3),
            Ask::Option => self.0.push(4),
            Ask::Seq => self.0.push(5),
            Ask::Map => self.0.push(6),
            Ask::Enum => self.0.push(7),
        }
        self.0.push(node.odd.into());
        self.string(node.name);
        self.strings(node.names);
        self.number(node.ways.len());
        for way in &node.ways {
            self.way(way);
        }
    }

    fn way(&mut self, way: &Way) {
        self.0.push(match way.state {
            State::Done => 0,
            State::Absent => 1,
            State::Pending | State::Active | State::Refused => 2,
        });
        self.0.push(match way.payload {
            Payload::Unit => 0,
            Payload::Newtype => 1,
            Payload::Tuple => 2,
            Payload::Struct => 3,
        });
        self.strings(way.fields);
        self.number(way.parts.len());
        for part in &way.parts {
            self.number(*part);
        }
    }

    fn strings(&mut self, strings: &[&str]) {
        self.number(strings.len());
        for string in strings {
            self.string(string);
        }
    }

    fn string(&mut self, string: &str) {
        self.number(string.len());
        self.0.extend_from_slice(string.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&(number as u64).to_le_bytes());
    }
}

/// Turns a trace into a schema. A node becomes the piece of the same number.
#[derive(Default)]
struct Compiler {
    schema: Schema,
    /// Products inside variants; their pieces come behind those of the nodes.
    products: Vec<Piece>,
}

impl Compiler {
    fn compile(mut self, trace: &Trace) -> Schema {
        let count = trace.nodes.len();
        for node in &trace.nodes {
            let piece = if node.odd {
                Piece::Unknown
            } else {
                self.piece(&trace.nodes, node, count)
            };
            self.schema.pieces.push(piece);
        }
        self.schema.pieces.append(&mut self.products);
        self.schema.root = trace
            .root
            .map_or(Schema::NOWHERE, |root| place(&trace.nodes, Some(root)));
        self.schema
    }

    fn piece(&mut self, nodes: &[Node], node: &Node, count: usize) -> Piece {
        let part = |way: usize, part: usize| {
            let way = &node.ways[way];
            let known = way.state == State::Done;
            place(nodes, way.parts.get(part).copied().filter(|_| known))
        };
        let element = |number: usize| Element {
            at: part(1, number),
            cost: Purse::cost(node.ways[1].sizes.get(number).copied().unwrap_or(0)),
        };
        match node.ask {
            Ask::Leaf(_) | Ask::Newtype => Piece::Unknown,
            Ask::Option => Piece::Option(part(1, 0)),
            Ask::Seq => Piece::Seq(element(0)),
            Ask::Map => Piece::Map(element(0), element(1)),
            Ask::Tuple | Ask::Struct => self.product(nodes, &node.ways[0], node.names),
            Ask::Enum => self.choice(nodes, node, count),
        }
    }

    fn product(&mut self, nodes: &[Node], way: &Way, names: &'static [&'static str]) -> Piece {
        if way.len != Some(way.parts.len()) {
            return Piece::Unknown;
        }
        let first = number(self.schema.parts.len());
        // With aliases there are more names than fields.
        let told_apart = names.len() == way.parts.len();
        let names: &[_] = if told_apart { names } else { &[] };
        let parts = way.parts.iter().enumerate().map(|(index, part)| Part {
            at: place(nodes, Some(*part)),
            name: names.get(index).copied().unwrap_or_default(),
        });
        self.schema.parts.extend(parts);
        Piece::Product {
            first,
            len: number(way.parts.len()),
            names,
        }
    }

    fn choice(&mut self, nodes: &[Node], node: &Node, count: usize) -> Piece {
        // With aliases there are more names than variants, so a name has no number.
        if node.ways.iter().any(|way| way.state == State::Absent) {
            return Piece::Unknown;
        }
        let variants: Vec<_> = node
            .ways
            .iter()
            .map(|way| (way.state == State::Done).then(|| self.variant(nodes, way, count)))
            .collect();
        let first = number(self.schema.variants.len());
        self.schema.variants.extend(variants);
        Piece::Enum {
            first,
            names: node.names,
        }
    }

    fn variant(&mut self, nodes: &[Node], way: &Way, count: usize) -> Variant {
        let at = match way.payload {
            Payload::Unit => Schema::NOWHERE,
            Payload::Newtype => place(nodes, way.parts.first().copied()),
            Payload::Tuple | Payload::Struct => {
                let product = self.product(nodes, way, way.fields);
                self.products.push(product);
                number(count + self.products.len() - 1)
            }
        };
        Variant {
            payload: way.payload,
            at,
        }
    }
}

fn number(number: usize) -> u32 {
    u32::try_from(number).expect("a trace is bounded far below this")
}

/// The place of a node; for a newtype, of what is in it, since it leaves no trace in the bytes.
fn place(nodes: &[Node], id: Option<Id>) -> At {
    let mut next = id;
    for _ in 0..nodes.len() {
        match next {
            Some(id) if nodes[id].ask == Ask::Newtype && !nodes[id].odd => {
                next = nodes[id].ways[0].parts.first().copied();
            }
            Some(id) => {
                return match nodes[id].ask {
                    Ask::Leaf(Kind::Any | Kind::Ignored | Kind::Identifier) => Schema::NOWHERE,
                    Ask::Leaf(kind) => Schema::place_of(kind),
                    _ => number(id),
                };
            }
            None => break,
        }
    }
    Schema::NOWHERE
}

/// Whether a type contains itself through nothing but `Option`s and newtypes.
fn endless(nodes: &[Node]) -> bool {
    let inner = |id: Id| match nodes[id].ask {
        Ask::Newtype => nodes[id].ways[0].parts.first().copied(),
        Ask::Option => nodes[id].ways[1].parts.first().copied(),
        _ => None,
    };
    (0..nodes.len()).any(|start| {
        let mut chain = std::iter::successors(Some(start), |id| inner(*id));
        chain.nth(nodes.len()).is_some()
    })
}
