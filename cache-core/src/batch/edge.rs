//! What an expanded `#[cached(batch = …)]` calls: the typed edge of a batch.

use std::fmt;

use super::{
    Answer, Flights, Keys, Many, Wants,
    list::{List, Named},
};
use crate::{
    cache::Cache,
    codec::Table,
    key::KeyWriter,
    outcome::{Loaded, Outcome},
    site::{Body, Miss, Site, Tags},
};

type Key<A> = <<A as Answer>::Map as Many>::Key;
type Value<A> = <<A as Answer>::Map as Many>::Value;

/// A batch of which the near tier could not answer everything.
pub struct Batch<'l, L: List + ?Sized, A: Answer, S> {
    answer: A,
    shape: S,
    /// All that was asked for.
    parts: Vec<Part<A>>,
    /// Where in `parts` each of `keys` was first asked for, and for which element.
    first: Vec<(usize, &'l L::Element)>,
    keys: Keys,
    flights: Flights,
    bypass: Bypass<A::Return>,
}

/// Whether a batch has nothing to do with the cache, so that its body runs once for everything.
enum Bypass<R> {
    No,
    Due,
    Ran(R),
}

struct Part<A: Answer> {
    name: Key<A>,
    state: State<Value<A>>,
}

enum State<V> {
    /// In the near tier; without a value, it is known to be absent.
    Known(Option<V>),
    /// Not there: where its key stands.
    Asked(usize),
}

/// Looks for each element in the near tier.
///
/// # Errors
///
/// What is needed to go on if some are not there.
pub fn batch<'l, L, A, S>(
    site: &'static Site,
    cache: &Cache,
    list: &'l L,
    (answer, shape): (A, S),
    table: &'static Table,
    write: impl Fn(&mut KeyWriter, &L::Element),
) -> Result<A::Return, Box<Batch<'l, L, A, S>>>
where
    L: List<Element: Named<Key<A>>> + ?Sized,
    A: Answer,
    S: Outcome<Return = Value<A>>,
{
    let mut batch = Batch::new(answer, shape, table);
    let counts = site.counts(&cache.0);
    for element in list.elements() {
        let mut writer = KeyWriter::new();
        write(&mut writer, element);
        let key = writer.key();
        let mut known = None;
        cache.0.look_near(key, &mut |value| {
            known = match value {
                Some(live) => shape.of_live(live).map(Some),
                None => Some(shape.of_absent()),
            };
        });
        let state = if let Some(known) = known {
            counts.near_hit();
            State::Known(known)
        } else {
            let (at, new) = batch.keys.add(key, || Miss::new(site, cache, key));
            if new {
                batch.first.push((batch.parts.len(), element));
            }
            State::Asked(at)
        };
        batch.parts.push(Part {
            name: element.name(),
            state,
        });
    }
    if batch.first.is_empty() {
        Ok(batch.finish())
    } else {
        Err(Box::new(batch))
    }
}

impl<'l, L, A, S> Batch<'l, L, A, S>
where
    L: List + ?Sized,
    A: Answer,
    S: Outcome<Return = Value<A>>,
{
    fn new(answer: A, shape: S, table: &'static Table) -> Self {
        Self {
            answer,
            shape,
            parts: Vec::new(),
            first: Vec::new(),
            keys: Keys::new(table),
            flights: Flights::default(),
            bypass: Bypass::No,
        }
    }

    /// A batch that has nothing to do with the cache: its body runs once, for the whole list.
    pub fn bypass(list: &'l L, (answer, shape): (A, S), table: &'static Table) -> Box<Self> {
        let mut batch = Self::new(answer, shape, table);
        batch.first = list.elements().map(|element| (0, element)).collect();
        batch.bypass = Bypass::Due;
        Box::new(batch)
    }

    /// Adds tags to each element that was not in the near tier.
    pub fn tags(&mut self, add: impl Fn(&mut Tags, &L::Element)) {
        for (miss, (_, element)) in self.keys.misses.iter_mut().zip(&self.first) {
            add(&mut miss.tags, element);
        }
    }

    /// The elements that the body is to be run for; `None` when the answer is complete.
    pub async fn ask(&mut self) -> Option<L::Part> {
        match self.bypass {
            Bypass::No => {}
            Bypass::Due => return Some(L::part(self.first.iter().map(|(_, element)| *element))),
            Bypass::Ran(_) => return None,
        }
        let (answer, shape) = (self.answer, self.shape);
        let next = async {
            let fails = |loaded: &_| fails(answer, shape, loaded);
            let accepts = |loaded: &_| accepts(answer, shape, loaded);
            let wants = Wants {
                accepts: &accepts,
                fails: &fails,
            };
            self.flights.next(&self.keys, wants).await
        };
        let asked = Box::pin(next).await;
        let elements = asked.iter().map(|at| self.first[*at].1);
        (!asked.is_empty()).then(|| L::part(elements))
    }

    /// A part as the list that the function takes.
    pub fn lend<'p>(&self, part: &'p L::Part) -> &'p L {
        std::borrow::Borrow::borrow(part)
    }

    /// Runs the body for the elements that were asked for.
    pub async fn run(&mut self, body: Body<'_, A::Return>) {
        if let Bypass::Due = self.bypass {
            self.bypass = Bypass::Ran(body.await);
            return;
        }
        let (answer, shape) = (self.answer, self.shape);
        let asked = self.flights.turns.iter();
        let names: Vec<_> = asked
            .map(|turn| &self.parts[self.first[turn.at].0].name)
            .collect();
        let load = Box::pin(async move {
            let mut take = answer.open(body.await)?.taker();
            let split = |name| take(name).map_or(Loaded::Absent, |value| shape.split(value));
            Ok(names.into_iter().map(split).collect())
        });
        Box::pin(self.flights.run(&self.keys, load)).await;
    }

    /// The answer, from whatever tier and load.
    ///
    /// # Panics
    ///
    /// Never: only errors that the function can return become those of its batch.
    pub fn finish(mut self) -> A::Return {
        if let Bypass::Ran(output) = self.bypass {
            return output;
        }
        if let Some(failure) = self.flights.failed.take() {
            return (self.answer.fail(failure)).expect("only an error of this function fails it");
        }
        let (shape, found) = (self.shape, &mut self.flights.found);
        let pairs = self.parts.into_iter().filter_map(|part| {
            let value = match part.state {
                State::Known(value) => value,
                State::Asked(at) => {
                    let shared = found.get(&at).and_then(Loaded::share);
                    // An error that cannot be copied is for the first who asked for it.
                    shape.join(shared.or_else(|| found.remove(&at))?)
                }
            };
            Some((part.name, value?))
        });
        self.answer.close(A::Map::of(pairs))
    }
}

/// Whether this can be an element's part of the answer, or the error of all.
fn accepts<A: Answer, S: Outcome>(answer: A, shape: S, loaded: &Loaded) -> bool {
    matches!(loaded, Loaded::Absent) || shape.accepts(loaded) || fails(answer, shape, loaded)
}

/// Whether this is the error of the whole batch.
fn fails<A: Answer, S: Outcome>(answer: A, shape: S, loaded: &Loaded) -> bool {
    match loaded {
        Loaded::Failed(failure) => !shape.accepts(loaded) && answer.fails(failure),
        _ => false,
    }
}

impl<L: List + ?Sized, A: Answer, S> fmt::Debug for Batch<'_, L, A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("parts", &self.parts.len())
            .field("missing", &self.first.len())
            .finish_non_exhaustive()
    }
}
