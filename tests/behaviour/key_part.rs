//! One's own types in keys: derived, injective, and readable.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt::Debug,
    sync::Arc,
};

use larder::{Cache, KeyPart, KeyWriter, cached};

use crate::world::{Source, near_cache};

/// What two values may differ in without being different.
#[derive(Debug, Clone, Copy, Default)]
struct Trace(#[expect(dead_code, reason = "what it holds does not matter")] f64);

impl PartialEq for Trace {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug, Clone, PartialEq, KeyPart)]
struct Name(String);

#[derive(Debug, Clone, PartialEq, KeyPart)]
struct Page<T> {
    list: T,
    #[key(skip)]
    trace: Trace,
    number: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, KeyPart)]
#[allow(clippy::option_option, reason = "two absences are to be told apart")]
enum Find {
    All,
    Al(Name),
    One(Option<Name>),
    Both(Name, Option<Box<Find>>),
    None,
    Some { none: Option<Option<u8>> },
    Near(#[key(skip)] Trace),
    Page(Page<Vec<Find>>),
}

fn text(part: &(impl KeyPart + ?Sized)) -> String {
    let mut key = KeyWriter::new();
    key.part(part);
    key.as_str().to_owned()
}

/// A stream of awkward values: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % sides
    }

    fn name(&mut self) -> Name {
        let pieces = [
            "", "All", "Al", "One", "(", ")", ",", "()", "%-", "%", "1", ":",
        ];
        let pieces: Vec<&str> = (0..self.below(3))
            .map(|_| pieces[usize::try_from(self.below(12)).expect("small")])
            .collect();
        Name(pieces.concat())
    }

    fn page(&mut self, depth: u64) -> Page<Vec<Find>> {
        Page {
            list: (0..self.below(3)).map(|_| self.find(depth)).collect(),
            trace: self.trace(),
            number: [None, Some(0), Some(1)][usize::try_from(self.below(3)).expect("small")],
        }
    }

    fn trace(&mut self) -> Trace {
        Trace(if self.below(2) == 0 { 0.0 } else { 0.5 })
    }

    /// At most `depth` finds deep.
    fn find(&mut self, depth: u64) -> Find {
        match self.below(6 + 2 * depth.min(1)) {
            0 => Find::All,
            1 => Find::Al(self.name()),
            2 => Find::One((self.below(3) > 0).then(|| self.name())),
            3 => Find::None,
            4 => Find::Some {
                none: (self.below(3) > 0).then(|| (self.below(2) > 0).then_some(1)),
            },
            5 => Find::Near(self.trace()),
            6 => Find::Page(self.page(depth - 1)),
            _ => Find::Both(
                self.name(),
                (self.below(3) > 0).then(|| Box::new(self.find(depth - 1))),
            ),
        }
    }
}

/// How many different texts `values` have; none is shared by different values.
fn distinct<T: KeyPart + PartialEq + Debug>(values: impl Iterator<Item = T>) -> usize {
    let mut seen: HashMap<String, T> = HashMap::new();
    for value in values {
        match seen.entry(text(&value)) {
            Entry::Vacant(entry) => drop(entry.insert(value)),
            Entry::Occupied(entry) => {
                assert_eq!(*entry.get(), value, "share the key {}", entry.key());
            }
        }
    }
    seen.len()
}

#[test]
fn values_of_a_derived_type_share_a_key_only_if_they_are_equal() {
    const VALUES: usize = 200_000;
    let mut dice = Dice(1);
    let finds = distinct((0..VALUES).map(|_| dice.find(3)));
    let options = distinct((0..VALUES).map(|_| Some(dice.name()).filter(|it| it.0 != "1")));
    let pages = distinct((0..VALUES).map(|_| (dice.page(2), dice.name())));
    // Enough of them are different, and some are met again.
    assert!((10_000..VALUES).contains(&finds), "{finds}");
    assert!((100..VALUES).contains(&options), "{options}");
    assert!((10_000..VALUES).contains(&pages), "{pages}");
}

#[test]
fn a_derived_type_is_spelt_so_that_people_can_read_it() {
    let name = |text: &str| Name(text.to_owned());
    let page = Page {
        list: "new ones",
        trace: Trace::default(),
        number: Some(2),
    };
    assert_eq!(text(&page), "(new%20ones,2,)");
    assert_eq!(text(&name("ann")), "ann");
    assert_eq!(text(&Find::All), "All");
    assert_eq!(text(&Find::Al(name("l"))), "Al(l,)");
    assert_eq!(text(&Find::Some { none: Some(None) }), "Some(%+%-,)");
    assert_eq!(text(&Find::Near(Trace(1.0))), "Near");
    let both = Find::Both(name(""), Some(Box::new(Find::One(None))));
    assert_eq!(text(&both), "Both(%_,One(%-,),)");
}

#[derive(Debug, Clone, Copy, KeyPart)]
enum Sort {
    Newest,
    By {
        column: u8,
        #[key(skip)]
        #[expect(dead_code, reason = "what it holds does not matter")]
        trace: f64,
    },
}

#[cached(key = "finds:<name>:<sort>", cache = cache, skip(cache, source))]
async fn find(cache: &Cache, source: &Source, name: Arc<Name>, sort: Sort) -> u64 {
    source.load().await
}

#[tokio::test]
async fn calls_that_differ_in_a_skipped_field_share_a_value_and_others_do_not() {
    let (cache, source) = (near_cache(), Source::open());
    let name = Arc::new(Name("ann:1".to_owned()));
    let by = |column, trace| Sort::By { column, trace };
    for sort in [Sort::Newest, by(1, 0.0), by(1, 0.5), by(2, 0.5)] {
        find(&cache, &source, name.clone(), sort).await;
    }
    assert_eq!(source.loads(), 3);
    let kept = cache.get::<u64>("finds:ann%3A1:By(1,)").await;
    assert_eq!(kept.expect("near"), Some(1));
    let told = cache.remove_prefix("finds:ann%3A1").await;
    told.expect("near");
    find(&cache, &source, name, by(1, 0.5)).await;
    assert_eq!(source.loads(), 4);
}
