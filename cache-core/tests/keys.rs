//! Keys are injective: two values of one type share a key only if they are equal.

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    fmt::Debug,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU16,
    sync::Arc,
};

use cache_core::{
    __private::{hashed, lower},
    KeyPart, KeyWriter,
};
use proptest::prelude::*;

/// What the arguments of a function might be.
type Args = (
    Option<Option<String>>,
    Vec<Option<String>>,
    i8,
    String,
    Vec<Vec<char>>,
);

fn text<T: KeyPart + ?Sized>(value: &T) -> String {
    let mut key = KeyWriter::new();
    key.part(value);
    key.as_str().to_owned()
}

/// What a value never holds, besides white space and control characters.
const MARKS: [char; 15] = [
    ':', '*', '?', '[', ']', '\\', '{', '}', '(', ')', ',', '<', '>', '"', '~',
];

/// Pieces of strings that a careless encoding would take for its own marks.
const AWKWARD: &[&str] = &[
    "", "a", "1", "%", "-", "+", "_", "%-", "%+", "%_", "%2C", "2", "C", ":", ",", "(", ")", "()",
    "(,)", "*", "?", "[", "]", "\\", "{", "}", "<", ">", "\"", "~", " ", "\n", "\0", "\u{7f}",
    "\u{85}", "\u{2003}", "ü", "🦀", "None", "true", "..",
];

#[test]
fn values_that_look_alike_differ() {
    let none = text(&None::<&str>);
    let all = [
        none,
        text(""),
        text("None"),
        text(&["1", "2"]),
        text("1:2"),
        text("%-"),
    ];
    assert_eq!(all, ["%-", "%_", "None", "(1,2,)", "1%3A2", "%25-"]);
}

#[test]
fn every_kind_of_value_has_its_spelling() {
    let mut one = 1;
    let checks: &[(&dyn KeyPart, &str)] = &[
        (&u128::MAX, "340282366920938463463374607431768211455"),
        (&i128::MIN, "-170141183460469231731687303715884105728"),
        (&usize::MIN, "0"),
        (&NonZeroU16::MAX, "65535"),
        (&true, "true"),
        (&'*', "%2A"),
        (&"a b\u{2003}ü", "a%20b%E2%80%83ü"),
        (&String::new(), "%_"),
        (&Cow::Borrowed("x"), "x"),
        (&Arc::<str>::from("x"), "x"),
        (&Box::new(&mut one), "1"),
        (&(), "()"),
        (&(1, "b", [(); 0]), "(1,b,(),)"),
        (&vec![""], "(%_,)"),
        (&Some("%-"), "%25-"),
        (&Some(None::<u8>), "%+%-"),
        (&Some(Some(None::<u8>)), "%+%+%-"),
        (&Some(Some(1)), "1"),
        (&Ipv4Addr::LOCALHOST, "127.0.0.1"),
        (&IpAddr::from(Ipv6Addr::LOCALHOST), "%3A%3A1"),
        (&lower("ÄB*"), "äb%2A"),
        (&lower(""), "%_"),
        (
            &(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
            "(1,2,3,4,5,6,7,8,9,10,11,12,)",
        ),
    ];
    for (value, expected) in checks {
        assert_eq!(text(*value), *expected);
    }
}

#[cfg(feature = "uuid")]
#[test]
fn an_id_is_spelt_as_usual() {
    let id = uuid::Uuid::from_u128(0xA1A2_A3A4_B1B2_C1C2_D1D2_D3D4_D5D6_D7D8);
    assert_eq!(text(&id), "a1a2a3a4-b1b2-c1c2-d1d2-d3d4d5d6d7d8");
}

#[cfg(feature = "chrono")]
#[test]
fn dates_of_chrono_are_parts_of_keys() {
    let day = chrono::NaiveDate::from_ymd_opt(2024, 2, 29).expect("a day");
    let time = day.and_hms_nano_opt(1, 2, 3, 4).expect("a time");
    assert_eq!(text(&day), "2024-02-29");
    assert_eq!(text(&time), "2024-02-29%2001%3A02%3A03.000000004");
    assert_eq!(text(&time.and_utc()), text(&time) + "%20UTC");
}

#[cfg(feature = "jiff")]
#[test]
fn dates_of_jiff_are_parts_of_keys() {
    let time = jiff::civil::date(2024, 2, 29).at(1, 2, 3, 4);
    assert_eq!(text(&time.date()), "2024-02-29");
    assert_eq!(text(&time), "2024-02-29T01%3A02%3A03.000000004");
    assert_eq!(
        text(&jiff::Timestamp::UNIX_EPOCH),
        "1970-01-01T00%3A00%3A00Z"
    );
}

#[cfg(feature = "time")]
#[test]
fn dates_of_time_are_parts_of_keys() {
    assert_eq!(text(&time::Date::MIN), "-9999-01-01");
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    assert_eq!(text(&epoch), "1970-01-01%200%3A00%3A00.0%20+00%3A00%3A00");
}

#[test]
fn a_hashed_value_is_32_digits_and_its_own() {
    let all: Vec<String> = ["", "a", "a b", &"x".repeat(1_000)]
        .map(|value| text(&hashed(value)))
        .into();
    for (at, hash) in all.iter().enumerate() {
        assert_eq!(hash.len(), 32);
        assert!(hash.chars().all(|c| c.is_ascii_hexdigit()));
        assert!(!all[..at].contains(hash));
    }
    assert_eq!(
        text(&hashed(&1)),
        text(&hashed("1")),
        "it hashes the part's text"
    );
    // The beginning of `printf 1 | sha256sum`, and of the same for `token%3Aabc`.
    assert_eq!(text(&hashed(&1)), "6b86b273ff34fce19d6b804eff5a3f57");
    assert_eq!(
        text(&hashed("token:abc")),
        "ae3c3442587a8bb2a46539151cbc97ba"
    );
}

#[test]
fn a_million_awkward_values_share_a_key_only_if_they_are_equal() {
    let mut dice = Dice(1);
    let mut seen: HashMap<String, Args> = HashMap::new();
    let mut again = 0;
    for _ in 0..1_000_000 {
        let args = dice.args();
        match seen.entry(text(&args)) {
            Entry::Vacant(entry) => {
                entry.insert(args);
            }
            Entry::Occupied(entry) => {
                assert_eq!(*entry.get(), args, "share the key {}", entry.key());
                again += 1;
            }
        }
    }
    assert!(
        seen.len() > 500_000 && again > 10_000,
        "{} and {again}",
        seen.len()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_was_written_can_be_read_back(args: Args) {
        let text = text(&args);
        let mut rest = text.as_str();
        prop_assert_eq!(Args::read(&mut rest), args);
        prop_assert_eq!(rest, "");
    }

    #[test]
    fn no_string_can_hold_what_has_a_meaning(value: String) {
        let text = text(&value);
        prop_assert!(!text.is_empty());
        let marked = text.contains(MARKS);
        prop_assert!(!marked, "{}", text);
        prop_assert!(!text.contains(char::is_whitespace) && !text.contains(char::is_control));
    }

    #[test]
    fn lower_case_forgets_the_case_and_nothing_else(value: String) {
        let per_char: String = value.chars().flat_map(char::to_lowercase).collect();
        prop_assert_eq!(text(&lower(&value)), text(&per_char));
    }
}

/// A stream of awkward values: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((x ^ (x >> 31)) % sides as u64).expect("less than a usize")
    }

    fn list<T>(&mut self, longest: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(longest + 1)).map(|_| item(self)).collect()
    }

    fn option<T>(&mut self, item: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| item(self))
    }

    fn string(&mut self) -> String {
        self.list(2, |dice| AWKWARD[dice.below(AWKWARD.len())])
            .concat()
    }

    fn args(&mut self) -> Args {
        (
            self.option(|dice| dice.option(Self::string)),
            self.list(2, |dice| dice.option(Self::string)),
            [0, 1, -1][self.below(3)],
            self.string(),
            self.list(2, |dice| dice.list(1, |dice| [',', ')'][dice.below(2)])),
        )
    }
}

/// Reads back what [`KeyPart`] wrote.
trait Read: Sized + Debug {
    fn read(rest: &mut &str) -> Self;
}

fn took(rest: &mut &str, mark: &str) -> bool {
    rest.strip_prefix(mark).map(|after| *rest = after).is_some()
}

impl Read for String {
    fn read(rest: &mut &str) -> Self {
        let (text, after) = rest.split_at(rest.find([',', ')']).unwrap_or(rest.len()));
        *rest = after;
        if text == "%_" {
            return Self::new();
        }
        let mut bytes = Vec::new();
        let mut parts = text.split('%');
        bytes.extend(parts.next().unwrap_or_default().bytes());
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits"));
            bytes.extend(part[2..].bytes());
        }
        Self::from_utf8(bytes).expect("whole characters")
    }
}

impl Read for char {
    fn read(rest: &mut &str) -> Self {
        let text = String::read(rest);
        text.parse().expect("one character")
    }
}

impl Read for i8 {
    fn read(rest: &mut &str) -> Self {
        String::read(rest).parse().expect("a number")
    }
}

impl<T: Read> Read for Option<T> {
    fn read(rest: &mut &str) -> Self {
        let some = took(rest, "%+") || !took(rest, "%-");
        some.then(|| T::read(rest))
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(rest: &mut &str) -> Self {
        assert!(took(rest, "("));
        let mut list = Self::new();
        while !took(rest, ")") {
            list.push(T::read(rest));
            assert!(took(rest, ","));
        }
        list
    }
}

impl Read for Args {
    fn read(rest: &mut &str) -> Self {
        fn field<T: Read>(rest: &mut &str) -> T {
            let value = T::read(rest);
            assert!(took(rest, ","));
            value
        }
        assert!(took(rest, "("));
        let args = (
            field(rest),
            field(rest),
            field(rest),
            field(rest),
            field(rest),
        );
        assert!(took(rest, ")"));
        args
    }
}
