//! Finds out what a type's `Deserialize` asks for, by answering it with made-up values.
//!
//! `Deserialize` is run again and again, each time into a corner not seen yet: `Some` and `None`,
//! an element and none, each variant. A made-up value that a type refuses (a date, a `NonZero`)
//! is replaced by the next candidate; a corner that refuses all of them stays unknown. What comes
//! out depends on the type alone, not on the process or the build.

use std::{
    any::type_name,
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::de::{DeserializeOwned, Visitor};

use super::{
    made_up,
    schema::Kind,
    sink::Payload,
    tracer::{Refusal, Traced, Tracer},
};

/// Bounds on the work for one type. Real types need a few dozen runs.
const MAX_RUNS: usize = 5_000;
const MAX_STEPS: usize = 500_000;
const MAX_NODES: usize = 10_000;
const MAX_NESTING: usize = 100;

pub(super) type Id = usize;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    Leaf(Kind),
    Newtype,
    Tuple,
    Struct,
    Option,
    Seq,
    Map,
    Enum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Not looked into yet.
    Pending,
    /// Being looked into in this run.
    Active,
    Done,
    /// Refuses every made-up value.
    Refused,
    /// There is no variant of this number.
    Absent,
}

/// One way a node can go: a variant, `None` or `Some`, no element or one. Other nodes have one.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) state: State,
    pub(super) payload: Payload,
    pub(super) fields: &'static [&'static str],
    pub(super) parts: Vec<Id>,
    /// What the parts take in memory; not part of the fingerprint.
    pub(super) sizes: Vec<usize>,
    /// How many parts were asked for when it first succeeded.
    pub(super) len: Option<usize>,
}

/// One piece of a type. Two requests that look alike are one node, which also ends recursion.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) ask: Ask,
    /// The name of the type, as serde knows it.
    pub(super) name: &'static str,
    pub(super) names: &'static [&'static str],
    pub(super) ways: Vec<Way>,
    /// Asked for different things at different times.
    pub(super) odd: bool,
    /// The way that must be gone to meet it.
    via: Option<(Id, usize)>,
}

/// What makes two requests the same. Types have no identity here, since they may borrow; the
/// names of the visitor and of what it makes come closest.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    ask: Ask,
    name: &'static str,
    visitor: &'static str,
    value: &'static str,
    len: usize,
}

/// Where a part is wanted: node, way, number of the part.
pub(super) type Place = (Id, usize, usize);

/// The last decision, which is to blame for what is refused after it.
enum Event {
    MadeUp(Place, Kind),
    Chose(Id, usize),
}

/// What was found out about a type.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) nodes: Vec<Node>,
    /// The whole type, if it could be followed to its end at least once.
    pub(super) root: Option<Id>,
    keys: HashMap<Key, Id>,
    /// How many made-up values were refused at a place.
    refused: HashMap<Place, usize>,
    run: Run,
}

/// What concerns one run only.
#[derive(Default)]
struct Run {
    forced: HashMap<Id, usize>,
    /// The ways being gone, outermost first.
    path: Vec<(Id, usize)>,
    place: Place,
    event: Option<Event>,
    /// The node that was finished last.
    last: Id,
    nesting: usize,
    steps: usize,
}

/// What a node was entered with, to be given back when it is left.
pub(super) struct Entered {
    pub(super) id: Id,
    pub(super) way: usize,
    place: Place,
    path: usize,
}

/// Traces `T`.
pub(super) fn trace<T: DeserializeOwned>() -> Trace {
    let mut trace = Trace::default();
    trace.explore(|trace| T::deserialize(Tracer(trace)).map(drop));
    trace
}

impl Trace {
    fn explore(&mut self, run: fn(&mut Trace) -> Traced<()>) {
        for _ in 0..MAX_RUNS {
            let target = match self.root {
                None => None,
                Some(_) => match self.pending() {
                    None => return,
                    target => target,
                },
            };
            self.begin(target);
            match catch_unwind(AssertUnwindSafe(|| run(self))) {
                Ok(Ok(())) => {
                    self.root = Some(self.run.last);
                    self.give_up(target);
                }
                Ok(Err(Refusal)) if self.blame() => {}
                Ok(Err(Refusal)) if target.is_some() => self.give_up(target),
                Ok(Err(Refusal)) => return,
                Err(_panic) => {
                    self.root = None;
                    return;
                }
            }
        }
    }

    fn pending(&self) -> Option<(Id, usize)> {
        self.nodes.iter().enumerate().find_map(|(id, node)| {
            let pending = |way: &Way| way.state == State::Pending;
            Some((id, node.ways.iter().position(pending)?))
        })
    }

    /// Gets ready for a run that is to go `target`'s way, wherever that is met.
    fn begin(&mut self, target: Option<(Id, usize)>) {
        for way in self.nodes.iter_mut().flat_map(|node| &mut node.ways) {
            if way.state == State::Active {
                way.state = State::Pending;
            }
        }
        let steps = self.run.steps;
        self.run = Run {
            steps,
            ..Run::default()
        };
        let mut next = target;
        while let Some((id, way)) = next {
            self.run.forced.insert(id, way);
            next = self.nodes[id].via;
        }
    }

    /// A target that was not reached, or not to its end, will not be.
    fn give_up(&mut self, target: Option<(Id, usize)>) {
        if let Some((id, way)) = target {
            let state = &mut self.nodes[id].ways[way].state;
            if matches!(state, State::Pending | State::Active) {
                *state = State::Refused;
            }
        }
    }

    /// Changes the decision that led to a refusal. `false` if none can be changed.
    fn blame(&mut self) -> bool {
        match self.run.event {
            Some(Event::MadeUp(place, kind)) => {
                let refused = self.refused.entry(place).or_default();
                *refused += 1;
                if *refused < made_up::count(kind) {
                    return true;
                }
                self.refused.remove(&place);
                self.run
                    .path
                    .last()
                    .copied()
                    .is_some_and(|(id, way)| self.refuse(id, way))
            }
            Some(Event::Chose(id, way)) => self.refuse(id, way),
            None => false,
        }
    }

    fn refuse(&mut self, id: Id, way: usize) -> bool {
        let ways = &mut self.nodes[id].ways;
        if ways[way].state != State::Absent {
            ways[way].state = State::Refused;
        }
        if ways
            .iter()
            .any(|way| !matches!(way.state, State::Refused | State::Absent))
        {
            return true;
        }
        while let Some((outer, way)) = self.run.path.pop() {
            if outer != id {
                return self.refuse(outer, way);
            }
        }
        false
    }

    /// One request more. Also the end of requests that do not end by themselves.
    pub(super) fn step(&mut self) -> Traced<()> {
        self.run.steps += 1;
        if self.run.steps > MAX_STEPS || self.nodes.len() > MAX_NODES {
            self.run.event = None;
            return Err(Refusal);
        }
        if self.run.nesting > MAX_NESTING {
            self.run.event = self.run.path.last().map(|&(id, way)| Event::Chose(id, way));
            return Err(Refusal);
        }
        Ok(())
    }

    /// A value without parts is asked for here: which candidate to make up.
    pub(super) fn leaf(&mut self, kind: Kind, name: &'static str) -> Traced<usize> {
        self.step()?;
        let key = Key {
            ask: Ask::Leaf(kind),
            name,
            visitor: "",
            value: "",
            len: 0,
        };
        self.run.last = self.node(key, &[], 0);
        self.run.event = Some(Event::MadeUp(self.run.place, kind));
        Ok(self.refused.get(&self.run.place).copied().unwrap_or(0))
    }

    /// A value with parts is asked for by `V`: begins it, the way it has to go.
    pub(super) fn enter<'de, V: Visitor<'de>>(
        &mut self,
        ask: Ask,
        name: &'static str,
        names: &'static [&'static str],
        len: usize,
    ) -> Traced<Entered> {
        let key = Key {
            ask,
            name,
            visitor: type_name::<V>(),
            value: type_name::<V::Value>(),
            len,
        };
        self.enter_node(key, names)
    }

    fn enter_node(&mut self, key: Key, names: &'static [&'static str]) -> Traced<Entered> {
        self.step()?;
        let (place, path) = (self.run.place, self.run.path.len());
        let ways = match key.ask {
            Ask::Enum => names.len(),
            Ask::Option | Ask::Seq | Ask::Map => 2,
            _ => 1,
        };
        let choice = matches!(key.ask, Ask::Enum | Ask::Option | Ask::Seq | Ask::Map);
        let id = self.node(key, names, ways);
        let way = if choice { self.choose(id)? } else { 0 };
        self.run.nesting += 1;
        Ok(Entered {
            id,
            way,
            place,
            path,
        })
    }

    fn node(&mut self, key: Key, names: &'static [&'static str], ways: usize) -> Id {
        let (next, ask, name) = (self.nodes.len(), key.ask, key.name);
        let id = *self.keys.entry(key).or_insert(next);
        if id == next {
            let way = |number: usize| Way {
                // What is absent or empty holds nothing to look into.
                state: match ask {
                    Ask::Enum => State::Pending,
                    Ask::Option | Ask::Seq | Ask::Map if number == 1 => State::Pending,
                    _ => State::Done,
                },
                payload: Payload::Unit,
                fields: &[],
                parts: Vec::new(),
                sizes: Vec::new(),
                len: None,
            };
            self.nodes.push(Node {
                ask,
                name,
                names,
                ways: (0..ways).map(way).collect(),
                odd: false,
                via: self.run.path.last().copied(),
            });
        }
        id
    }

    /// The way to go: the one that this run is for, else one not seen yet, else a known one.
    fn choose(&mut self, id: Id) -> Traced<usize> {
        let ways = &mut self.nodes[id].ways;
        let find = |state| ways.iter().position(|way| way.state == state);
        let forced = self.run.forced.remove(&id);
        let chosen = forced
            .or_else(|| find(State::Pending))
            .or_else(|| find(State::Done));
        let Some(way) = chosen else {
            self.run.event = self.run.path.last().map(|&(id, way)| Event::Chose(id, way));
            return Err(Refusal);
        };
        if ways[way].state == State::Pending {
            ways[way].state = State::Active;
        }
        self.run.path.push((id, way));
        self.run.event = Some(Event::Chose(id, way));
        Ok(way)
    }

    /// A part is asked for next.
    pub(super) fn at(&mut self, id: Id, way: usize, part: usize) {
        self.run.place = (id, way, part);
    }

    /// The part that was asked for last is finished; it takes `size` bytes in memory.
    pub(super) fn part(&mut self, id: Id, way: usize, part: usize, size: usize) {
        let node = &mut self.nodes[id];
        let Way { parts, sizes, .. } = &mut node.ways[way];
        match parts.get(part) {
            None if parts.len() == part => {
                parts.push(self.run.last);
                sizes.push(size);
            }
            Some(known) if *known == self.run.last => {}
            _ => node.odd = true,
        }
    }

    /// No more than `len` parts were asked for.
    pub(super) fn ended(&mut self, id: Id, way: usize, len: usize) {
        let node = &mut self.nodes[id];
        let known = node.ways[way].len.get_or_insert(len);
        if *known != len {
            node.odd = true;
        }
    }

    /// What kind of variant it is.
    pub(super) fn payload(&mut self, id: Id, way: usize, payload: Payload) -> &mut Way {
        let way = &mut self.nodes[id].ways[way];
        way.payload = payload;
        way
    }

    /// There is no variant of this number, whatever the list of names says.
    pub(super) fn absent(&mut self, id: Id, way: usize) {
        self.nodes[id].ways[way].state = State::Absent;
    }

    /// Ends what [`enter`](Self::enter) began.
    pub(super) fn leave(&mut self, entered: &Entered) {
        let state = &mut self.nodes[entered.id].ways[entered.way].state;
        if *state == State::Active {
            *state = State::Done;
        }
        self.run.path.truncate(entered.path);
        self.run.place = entered.place;
        self.run.last = entered.id;
        self.run.nesting -= 1;
    }
}
