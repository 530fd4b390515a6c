//! A moment of fuzzing, the same each time: the seeds and what is made of them by a seeded
//! generator, through every reader.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use allocation_counter::measure;
use fuzz_targets::{TARGETS, Target};
use test_support::Random;

/// How many spoilt inputs each reader is given.
const ROUNDS: usize = 10_000;
/// The largest input.
const LONGEST: usize = 4096;
/// The most memory that one input may take at a time. The readers allow 16 MiB to what lists and
/// maps hold, three times of it while these grow, and here the value is written again, twice.
const MEMORY: u64 = 64 << 20;
/// The longest that one input may take, on a busy machine. 50 ms are promised of a quiet one.
const TIME: Duration = Duration::from_secs(2);

/// Numbers that lengths and counts go wrong by.
const AWKWARD: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

fn folder(target: &Target) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    root.join(target.name)
}

/// What lies in the folder of a reader, in an order that is the same everywhere.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let files = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}: see fuzz/README.md", folder.display()));
    let mut files: Vec<_> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, fs::read(path).expect("it can be read"))
        })
        .collect();
    files.sort();
    files
}

/// Gives an input to a reader, and looks at what that cost.
fn run(target: &Target, input: &[u8]) -> bool {
    let began = Instant::now();
    let mut understood = false;
    let cost = measure(|| understood = (target.run)(input));
    let took = began.elapsed();
    let name = target.name;
    assert!(
        cost.bytes_max <= MEMORY,
        "{name}: {cost:?} for {input:02x?}"
    );
    assert!(took <= TIME, "{name}: {took:?} for {input:02x?}");
    understood
}

/// One of several ways to spoil an input.
fn spoil(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(9) {
        0 => input.truncate(at),
        1 => input.insert(at, random.bits().to_le_bytes()[0]),
        2 => {
            let end = at + random.below(input.len() - at + 1);
            input.drain(at..end);
        }
        3 => {
            let copy = input[at..].to_vec();
            input.extend_from_slice(&copy);
        }
        4 => {
            input.truncate(at);
            input.extend_from_slice(&other[random.below(other.len() + 1)..]);
        }
        5 | 6 => {
            let number = AWKWARD[random.below(AWKWARD.len())];
            let bytes = match random.below(2) {
                0 => number.to_le_bytes(),
                _ => number.to_be_bytes(),
            };
            let width = 1 << random.below(4);
            let bytes = if random.below(2) == 0 {
                &bytes[..width]
            } else {
                &bytes[8 - width..]
            };
            for (byte, new) in input.iter_mut().skip(at).zip(bytes) {
                *byte = *new;
            }
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
    input.truncate(LONGEST);
}

fn replay(target: &Target) {
    let mut corpus = corpus(target);
    for (_, input) in &corpus {
        run(target, input);
    }
    corpus.retain(|(name, _)| !name.starts_with("hostile"));
    let mut random = Random::new(42);
    let mut understood = 0;
    for _ in 0..ROUNDS {
        let mut input = corpus[random.below(corpus.len())].1.clone();
        let (_, other) = &corpus[random.below(corpus.len())];
        for _ in 0..=random.below(4) {
            spoil(&mut input, other, &mut random);
        }
        understood += usize::from(run(target, &input));
    }
    println!(
        "{}: {understood} of {ROUNDS} spoilt inputs were understood",
        target.name
    );
}

#[test]
fn no_reader_is_harmed_by_spoilt_bytes() {
    for target in TARGETS {
        replay(target);
    }
}

/// Or else the corpus is of another version, and what is made of it is noise.
#[test]
fn the_seeds_are_what_is_written_today() {
    for target in TARGETS {
        let corpus = corpus(target);
        let written = target.files();
        for file in &written {
            let (folder, name) = (target.name, &file.0);
            let kept = corpus.contains(file);
            assert!(kept, "{folder}/{name} is out of date: see fuzz/README.md");
        }
        let understood = written.iter().filter(|(_, bytes)| (target.run)(bytes));
        assert!(
            understood.count() > 0,
            "{}: no seed is understood",
            target.name
        );
    }
}

#[test]
fn every_reader_has_a_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("there are fuzzers");
    for Target { name, .. } in TARGETS {
        let fuzzer = folder.join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(&fuzzer);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", fuzzer.display()));
        assert!(text.contains(&format!("run(\"{name}\", data)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
