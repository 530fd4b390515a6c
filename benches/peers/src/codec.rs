//! Values to bytes and back: larder's default codec, postcard, and bincode by itself.
//!
//! Every contender writes into a buffer that it has had before, and reads an owned value. larder
//! chooses a format by the shape of the type, writes against that shape, and reads under bounds of
//! memory and depth; the others do neither. "as a far tier" is what a cache does with a value:
//! behind a function pointer, unwinding caught, read into an `Arc`. The fingerprint of the type, which a
//! call asks for once, is shown apart.

use std::{
    any::Any,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use larder::codec::{Auto, Codec, Table};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::rounds::{Target, median, ratio, verdict};

/// How often a contender writes or reads in one turn.
const TIMES: u32 = 2_000;

/// A row as services cache it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
    email: String,
    age: u8,
    active: bool,
    score: f64,
    tags: Vec<String>,
    parent: Option<u64>,
}

fn user(id: u64) -> User {
    User {
        id: 1_000_000 + id,
        name: format!("User number {id}"),
        email: format!("user{id}@example.org"),
        age: 42,
        active: true,
        score: 0.75,
        tags: vec!["admin".into(), "staff".into()],
        parent: Some(id),
    }
}

/// Numbers alone: nothing to allocate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point {
    id: u32,
    x: f64,
    y: f64,
    level: u16,
    kind: Kind,
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Marked { by: u64 },
}

fn point(id: u32) -> Point {
    Point {
        id,
        x: 1.5,
        y: -7.25,
        level: 300,
        kind: if id % 2 == 0 {
            Kind::Plain
        } else {
            Kind::Marked { by: 70_000 }
        },
        open: true,
    }
}

pub(crate) fn run(rounds: usize) {
    // The targets are for small structs; what a list takes is shown.
    compare("a point of six fields", &point(7), rounds);
    compare("a user of eight fields", &user(7), rounds);
    let users: Vec<User> = (0..20).map(user).collect();
    compare("twenty users", &users, rounds);
}

fn nanos(mut once: impl FnMut()) -> f64 {
    let began = Instant::now();
    for _ in 0..TIMES {
        once();
    }
    let took: Duration = began.elapsed();
    took.as_secs_f64() * 1e9 / f64::from(TIMES)
}

fn compare<T>(what: &str, value: &T, rounds: usize)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    writing(what, value, rounds);
    reading(what, value, rounds);
}

fn writing<T>(what: &str, value: &T, rounds: usize)
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let table = Table::of::<T, Auto>();
    let mut out = Vec::with_capacity(4_096);
    let mut slice = vec![0; 65_536];
    let mut samples: [Vec<f64>; 5] = Default::default();
    for _ in 0..=rounds {
        samples[0].push(nanos(|| {
            out.clear();
            Auto::encode_as(black_box(value), &mut out).expect("it can be written");
            black_box(&out);
        }));
        samples[1].push(nanos(|| {
            out.clear();
            table
                .encode(black_box(value), &mut out)
                .expect("it can be written");
            black_box(&out);
        }));
        samples[2].push(nanos(|| {
            let mut taken = std::mem::take(&mut out);
            taken.clear();
            out = postcard::to_extend(black_box(value), taken).expect("it can be written");
            black_box(&out);
        }));
        samples[3].push(nanos(|| {
            let written = postcard::to_slice(black_box(value), &mut slice);
            black_box(written.expect("it can be written"));
        }));
        samples[4].push(nanos(|| {
            out.clear();
            let config = bincode::config::standard();
            let written = bincode::serde::encode_into_std_write(black_box(value), &mut out, config);
            black_box(written.expect("it can be written"));
        }));
    }
    // The first round warms up, and traces the type.
    let [auto, far, extend, in_slice, bincode] = samples.map(|mut round| round.split_off(1));
    println!(
        "write {what}: larder {:.0} ns, as a far tier {:.0}, postcard {:.0} (into a slice {:.0}), bincode {:.0}",
        median(&auto),
        median(&far),
        median(&extend),
        median(&in_slice),
        median(&bincode),
    );
    verdict(
        "  larder to postcard",
        ratio(&auto, &extend),
        Target::AtMost(1.3),
    );
    verdict(
        "  as a far tier to postcard",
        ratio(&far, &extend),
        Target::AtMost(1.3),
    );
}

fn reading<T>(what: &str, value: &T, rounds: usize)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Send + Sync + 'static,
{
    let table = Table::of::<T, Auto>();
    let mut bytes = Vec::new();
    let format = Auto::encode_as(value, &mut bytes).expect("it can be written");
    let posted = postcard::to_allocvec(value).expect("it can be written");
    let (config, fingerprint) = (bincode::config::standard(), table.fingerprint());
    let mut samples: [Vec<f64>; 6] = Default::default();
    for _ in 0..=rounds {
        samples[0].push(nanos(|| {
            let read: T = Auto::decode_as(format, black_box(&bytes)).expect("it was written");
            black_box(read);
        }));
        samples[1].push(nanos(|| {
            black_box(
                table
                    .decode(format, black_box(&bytes))
                    .expect("it was written"),
            );
        }));
        samples[2].push(nanos(|| {
            let read = bincode::serde::decode_from_slice(black_box(&bytes), config);
            let (read, _): (T, usize) = read.expect("it is bincode");
            black_box(read);
        }));
        samples[3].push(nanos(|| {
            let read = bincode::serde::decode_from_slice(black_box(&bytes), config);
            let (read, _): (T, usize) = read.expect("it is bincode");
            black_box(Arc::new(read) as Arc<dyn Any + Send + Sync>);
        }));
        samples[4].push(nanos(|| {
            let read: T = postcard::from_bytes(black_box(&posted)).expect("it was written");
            black_box(read);
        }));
        samples[5].push(nanos(|| {
            assert_eq!(table.fingerprint(), black_box(fingerprint));
        }));
    }
    let [auto, far, bincode, shared, postcard, fingerprint] =
        samples.map(|mut round| round.split_off(1));
    println!(
        "read {what}: larder {:.0} ns, as a far tier {:.0}, bincode {:.0}, into an `Arc` {:.0}, postcard {:.0}; the fingerprint {:.0}",
        median(&auto),
        median(&far),
        median(&bincode),
        median(&shared),
        median(&postcard),
        median(&fingerprint),
    );
    verdict(
        "  larder to bincode",
        ratio(&auto, &bincode),
        Target::AtMost(1.2),
    );
    verdict(
        "  as a far tier to bincode into an `Arc`",
        ratio(&far, &shared),
        Target::AtMost(1.2),
    );
}
