//! What an expanded `#[cached(batch = …)]` calls: the typed edge of a batch.

use std::{borrow::Borrow, fmt};

use super::{
    Answer, Flights, Keys, Many, Wants,
    list::{List, Named},
};
use crate::{
    ask::{self, Ask},
    cache::Cache,
    codec::Table,
    flight::Kind,
    key::KeyWriter,
    near::KeyRef,
    outcome::{Loaded, Outcome},
    site::{Body, Miss, Site, Tags},
    witness::What,
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
    copy: fn(&L::Element) -> L::Element,
    keys: Keys,
    flights: Flights,
    way: Way<A::Return>,
}

/// How a batch comes to its answer.
enum Way<R> {
    /// By its flights.
    Flights(Kind),
    /// By its body, for the whole list: it has nothing to do with the cache.
    Past,
    /// So it did.
    Passed(R),
    /// Not at all: it was asked for its key, and has none of its own.
    Refuses,
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
pub fn near<'l, L, A, S>(
    site: &'static Site,
    cache: &Cache,
    list: &'l L,
    answer: A,
    shape: S,
    write: impl Fn(&mut KeyWriter, &L::Element),
) -> Result<A::Return, Box<Batch<'l, L, A, S>>>
where
    L: List<Element: Named<Key<A>>> + ?Sized,
    A: Answer,
    S: Outcome<Return = Value<A>>,
{
    let kind = match ask::take(site) {
        None => Kind::Load,
        Some(Ask::Refresh) => Kind::Refresh,
        Some(Ask::Uncached) => return Err(whole(list, answer, shape, Way::Past)),
        Some(Ask::Capture) => return Err(whole(list, answer, shape, Way::Refuses)),
    };
    let mut batch = Batch::new(answer, shape, Way::Flights(kind));
    let counts = site.counts(&cache.0);
    let elements = list.elements();
    batch.parts.reserve(elements.size_hint().0);
    for element in elements {
        let mut writer = KeyWriter::new();
        write(&mut writer, element);
        let key = writer.key();
        let known = match kind {
            Kind::Load => known(cache, key, shape),
            Kind::Refresh => None,
        };
        let state = if let Some(known) = known {
            counts.near_hit();
            cache.0.witness.note(What::HitNear, site.path, key.text);
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
        Ok(finish(batch))
    } else {
        Err(Box::new(batch))
    }
}

/// What the near tier has for a key: nothing, or an absence, or a value.
#[allow(clippy::option_option, reason = "an absence is known, too")]
fn known<S: Outcome>(cache: &Cache, key: KeyRef<'_>, shape: S) -> Option<Option<S::Return>> {
    let mut known = None;
    cache.0.look_near(key, &mut |value| {
        known = match value {
            Some(live) => shape.of_live(live).map(Some),
            None => Some(shape.of_absent()),
        };
    });
    known
}

/// A batch that has nothing to do with the cache: its body runs once, for the whole list.
pub fn bypass<L, A, S>(list: &L, answer: A, shape: S) -> Box<Batch<'_, L, A, S>>
where
    L: List<Element: Named<Key<A>>> + ?Sized,
    A: Answer,
{
    ask::take_any();
    whole(list, answer, shape, Way::Past)
}

fn whole<L, A, S>(list: &L, answer: A, shape: S, way: Way<A::Return>) -> Box<Batch<'_, L, A, S>>
where
    L: List<Element: Named<Key<A>>> + ?Sized,
    A: Answer,
{
    let mut batch = Batch::new(answer, shape, way);
    batch.first = list.elements().map(|element| (0, element)).collect();
    Box::new(batch)
}

impl<L: List + ?Sized, A: Answer, S> Batch<'_, L, A, S> {
    fn new(answer: A, shape: S, way: Way<A::Return>) -> Self
    where
        L::Element: Named<Key<A>>,
    {
        Self {
            answer,
            shape,
            parts: Vec::new(),
            first: Vec::new(),
            copy: L::Element::copy,
            keys: Keys::default(),
            flights: Flights::default(),
            way,
        }
    }
}

/// Adds tags to each element that was not in the near tier.
pub fn tags<L, A, S>(batch: &mut Batch<'_, L, A, S>, add: impl Fn(&mut Tags, &L::Element))
where
    L: List + ?Sized,
    A: Answer,
{
    for (miss, (_, element)) in batch.keys.misses.iter_mut().zip(&batch.first) {
        add(&mut miss.tags, element);
    }
}

/// A part as the list that the function takes.
pub fn lend<'p, L, A, S>(_: &Batch<'_, L, A, S>, part: &'p L::Part) -> &'p L
where
    L: List + ?Sized,
    A: Answer,
{
    part.borrow()
}

/// The elements that the body is to be run for; `None` when the answer is complete. `table` says
/// how the values become bytes.
pub async fn ask<L, A, S>(batch: &mut Batch<'_, L, A, S>, table: &'static Table) -> Option<L::Part>
where
    L: List + ?Sized,
    A: Answer,
    S: Outcome,
{
    let kind = match batch.way {
        Way::Flights(kind) => kind,
        Way::Past => {
            let all = batch.first.iter();
            return Some(L::part(all.map(|(_, element)| (batch.copy)(element))));
        }
        Way::Passed(_) => return None,
        Way::Refuses => ask::refuse().await,
    };
    let (answer, shape) = (batch.answer, batch.shape);
    batch.keys.table = table;
    let next = async {
        let wants = Wants {
            kind,
            accepts: &|loaded: &_| accepts(answer, shape, loaded),
            fails: &|loaded: &_| fails(answer, shape, loaded),
        };
        batch.flights.next(&batch.keys, wants).await
    };
    let asked = Box::pin(next).await;
    let elements = asked.iter().map(|at| (batch.copy)(batch.first[*at].1));
    (!asked.is_empty()).then(|| L::part(elements))
}

/// Runs the body for the elements that were asked for.
pub async fn run<L, A, S>(batch: &mut Batch<'_, L, A, S>, body: Body<'_, A::Return>)
where
    L: List + ?Sized,
    A: Answer,
    S: Outcome<Return = Value<A>>,
{
    let Way::Flights(kind) = batch.way else {
        batch.way = Way::Passed(body.await);
        return;
    };
    let (answer, shape) = (batch.answer, batch.shape);
    let asked = batch.flights.turns.iter();
    let names: Vec<_> = asked
        .map(|turn| &batch.parts[batch.first[turn.at].0].name)
        .collect();
    let load = Box::pin(async move {
        let mut take = answer.open(body.await)?.taker();
        let split = |name| take(name).map_or(Loaded::Absent, |value| shape.split(value));
        Ok(names.into_iter().map(split).collect())
    });
    Box::pin(batch.flights.run(&batch.keys, kind, load)).await;
}

/// The answer, from whatever tier and load.
///
/// # Panics
///
/// Never: only errors that the function can return become those of its batch.
pub fn finish<L, A, S>(mut batch: Batch<'_, L, A, S>) -> A::Return
where
    L: List + ?Sized,
    A: Answer,
    S: Outcome<Return = Value<A>>,
{
    if let Way::Passed(output) = batch.way {
        return output;
    }
    if let Some(failure) = batch.flights.failed.take() {
        return (batch.answer.fail(failure)).expect("only an error of this function fails it");
    }
    let (shape, found) = (batch.shape, &mut batch.flights.found);
    let pairs = batch.parts.into_iter().filter_map(|part| {
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
    batch.answer.close(A::Map::of(pairs))
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
