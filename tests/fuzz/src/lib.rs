//! Every reader of bytes that others may have written, and what must hold of it whatever the
//! bytes are.

mod value;

use larder::{
    codec::{Auto, Bincode, Json, MsgPack, Raw},
    testkit::fuzz,
};

pub use value::Value;

/// One reader.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its fuzzer and of its seeds.
    pub name: &'static str,
    /// Reads, and panics if what must hold does not. Whether the bytes were understood.
    pub run: fn(&[u8]) -> bool,
    /// Bytes that are understood, or close to it, as their writer wrote them.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes that are meant to harm: read once, because to refuse them takes its time.
    pub hostile: fn() -> Vec<Vec<u8>>,
}

impl Target {
    /// The names and contents of what its writers write today.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let named = |name: &'static str, files: Vec<Vec<u8>>| {
            let files = files.into_iter().enumerate();
            files.map(move |(at, bytes)| (format!("{name}-{at}"), bytes))
        };
        let seeds = named("seed", (self.seeds)());
        seeds.chain(named("hostile", (self.hostile)())).collect()
    }
}

/// All readers.
pub const TARGETS: &[Target] = &[
    Target {
        name: "envelope",
        run: fuzz::envelope,
        seeds: fuzz::envelopes,
        hostile: Vec::new,
    },
    Target {
        name: "codec_auto",
        run: fuzz::codec::<Auto, Value>,
        seeds: value::seeds::<Auto>,
        hostile: value::claims::<Auto>,
    },
    Target {
        name: "codec_bincode",
        run: fuzz::codec::<Bincode, Value>,
        seeds: value::seeds::<Bincode>,
        hostile: value::claims::<Bincode>,
    },
    Target {
        name: "codec_msgpack",
        run: fuzz::codec::<MsgPack, Value>,
        seeds: value::seeds::<MsgPack>,
        hostile: Vec::new,
    },
    Target {
        name: "codec_json",
        run: fuzz::codec::<Json, Value>,
        seeds: value::seeds::<Json>,
        hostile: Vec::new,
    },
    Target {
        name: "codec_raw",
        run: fuzz::codec::<Raw, String>,
        seeds: || {
            ["", "a text", "ü"]
                .map(|text| fuzz::encoded::<Raw, String>(&text.into()))
                .into()
        },
        hostile: Vec::new,
    },
    Target {
        name: "key",
        run: fuzz::key,
        seeds: keys,
        hostile: Vec::new,
    },
    Target {
        name: "memcached",
        run: cache_backends::fuzz::replies,
        seeds: || REPLIES.map(|reply| reply.as_bytes().to_vec()).into(),
        hostile: Vec::new,
    },
    Target {
        name: "redirect",
        run: cache_backends::fuzz::redirects,
        seeds: || REDIRECTS.map(|words| words.as_bytes().to_vec()).into(),
        hostile: Vec::new,
    },
    Target {
        name: "notice",
        run: fuzz::notice,
        seeds: fuzz::notices,
        hostile: Vec::new,
    },
];

/// What a server of memcached answers.
const REPLIES: [&str; 6] = [
    "VA 5 c12 t-1\r\nvalue\r\nEN\r\nMN\r\n",
    "VA 0 c1 t30\r\n\r\nHD c7\r\n",
    "VA 4\r\n\r\n\r\n\r\nNS\r\nEX\r\nNF\r\n",
    "SERVER_ERROR out of memory storing object\r\nHD\r\n",
    "CLIENT_ERROR bad data chunk\r\nERROR\r\n",
    "VA 16777216 c1\r\nnot so much",
];

/// What a node of a Redis Cluster says behind `MOVED`.
const REDIRECTS: [&str; 4] = [
    "3999 127.0.0.1:6381",
    "16383 2001:db8::1:6381",
    "1 :6381",
    "1 ?:65535",
];

/// The reader of this name.
///
/// # Panics
///
/// If there is none.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(bytes);
}

/// Kinds, a number, and texts with 255 between them.
fn keys() -> Vec<Vec<u8>> {
    let texts: [&[&str]; 4] = [
        &["users", "7"],
        &["", "%-", "%+", "%_", "a,b"],
        &["a:b*?[]{}\\\"~", " \n\0", "ü🦀\u{85}\u{2003}"],
        &["()", ",", "%2C", "%", "-"],
    ];
    let of = |(kinds, texts): (u8, &[&str])| {
        let head = [&[kinds][..], b"12345678"].concat();
        let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        [&head[..], &texts.join(&0xff)].concat()
    };
    b"012\xff".iter().copied().zip(texts).map(of).collect()
}
