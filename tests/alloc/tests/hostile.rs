//! What hostile bytes in a far tier may cost: under 64 MB of memory, and no time to speak of.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use larder::{
    Cache,
    codec::{Auto, Bincode, Codec, Json, MsgPack, Raw},
    testkit::MemoryFar,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The system's allocator, which knows how much is taken and how much was at most.
struct Watching;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn taken(size: usize) {
    let now = NOW.fetch_add(size, Ordering::Relaxed) + size;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call is handed on to the system's allocator as it came, whose contract is that of
// this one. Counting touches two atomics.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While it is moved, both are there.
        taken(size);
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// The most that reading one entry may take, beside the entry itself.
const MEMORY: usize = 64 << 20;
/// The most time, in an optimised build on an idle machine; a test is neither.
const TIME: Duration = Duration::from_millis(50);
const PATIENCE: u32 = 40;

/// What reading costs is bounded, whatever comes of it.
fn bounded(what: &str, read: impl FnOnce()) {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let began = Instant::now();
    read();
    let took = began.elapsed();
    let most = MOST.load(Ordering::Relaxed) - before;
    println!("{what}: {} KiB, {took:?}", most >> 10);
    assert!(most < MEMORY, "{what} takes {most} bytes");
    assert!(took < PATIENCE * TIME, "{what} takes {took:?}");
}

#[derive(Debug, Serialize, Deserialize)]
enum Tree {
    Leaf(u64),
    Node(Box<Tree>, Box<Tree>),
    Many(Vec<Tree>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(u64),
    Text(String),
    List(Vec<Loose>),
}

/// Half a kilobyte of memory for each byte.
type Wide = Vec<Option<[u128; 32]>>;

/// Bytes that claim more than they are: in bincode, `MessagePack` and JSON, flat and deep, short
/// and as long as anything may be.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let long = 16 << 20;
    let claim = |claimed: u64| [&[253][..], &claimed.to_le_bytes()].concat();
    let fill = |head: &[u8], byte: u8, length: usize| {
        let mut bytes = head.to_vec();
        bytes.resize(head.len() + length, byte);
        bytes
    };
    vec![
        ("bincode, 2^40 elements", claim(1 << 40)),
        ("bincode, 2^64 - 1 elements", claim(u64::MAX)),
        (
            "bincode, 2^20 absent ones",
            fill(&claim(1 << 20), 0, 1 << 20),
        ),
        (
            "bincode, 15 Mi absent ones",
            fill(&claim(15 << 20), 0, long - 9),
        ),
        ("msgpack, 2^32 - 1 elements", vec![0xdd, 255, 255, 255, 255]),
        ("msgpack, 2^32 - 1 pairs", vec![0xdf, 255, 255, 255, 255]),
        ("msgpack, 4 GiB of text", vec![0xdb, 255, 255, 255, 255]),
        (
            "msgpack, 15 Mi absent ones",
            fill(&[0xdd, 0, 0xf0, 0, 0], 0xc0, 15 << 20),
        ),
        ("ones", vec![1; 1 << 20]),
        ("branches", [1, 1].repeat(1 << 19)),
        ("lists of lists", [2, 1].repeat(1 << 19)),
        ("lists in lists, msgpack", vec![0x91; 1 << 20]),
        ("lists of 15 in lists, msgpack", vec![0x9f; 1 << 20]),
        ("lists in lists, json", vec![b'['; 1 << 20]),
        ("objects in objects, json", b"{\"a\":".repeat(1 << 18)),
        (
            "nulls, json",
            [&b"["[..], &b"null,".repeat(3 << 20), b"null]"].concat(),
        ),
        ("zeros", vec![0; long]),
        ("too many", vec![b'a'; long + 1]),
    ]
}

fn read_with<T: Serialize + DeserializeOwned + Debug + 'static>(name: &str) {
    for (what, bytes) in hostile() {
        bounded(&format!("{name}, bincode: {what}"), || {
            drop(<Bincode as Codec<T>>::decode(&bytes));
        });
        bounded(&format!("{name}, msgpack: {what}"), || {
            drop(<MsgPack as Codec<T>>::decode(&bytes));
        });
        bounded(&format!("{name}, json: {what}"), || {
            drop(<Json as Codec<T>>::decode(&bytes));
        });
        for format in 0..=255 {
            let short = &bytes[..bytes.len().min(1_000)];
            drop(<Auto as Codec<T>>::decode_as(format, short));
        }
    }
}

/// An entry that is right but for its body: compressed, if what it holds is believed.
fn compressed(original: &[u8], claimed: usize, body: &[u8]) -> Vec<u8> {
    const PAYLOAD: usize = 44 + 2 * 8;
    let claimed = u32::try_from(claimed).expect("an entry cannot claim more");
    let mut bytes = original[..PAYLOAD].to_vec();
    bytes[13] |= 1;
    bytes[40..44].copy_from_slice(&claimed.to_le_bytes());
    bytes.extend_from_slice(body);
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = zstd::bulk::compress(&vec![0; 1 << 28], 1).expect("zeros");
    // Four frames of a quarter, one behind the other, are a gibibyte.
    let gibibyte = zeros.repeat(4);
    vec![
        (
            "lz4, a size of 2 GiB in 12 bytes",
            b"\x01\0\0\0\x80\x1f\0\x01\0\xff\xff\0".to_vec(),
        ),
        (
            "lz4, one byte again and again",
            [&b"\x01\x1f\0\x01\0"[..], &[255; 70_000], &[0]].concat(),
        ),
        ("zstd, a gibibyte of zeros", [&[2][..], &gibibyte].concat()),
        ("zstd, a quarter", [&[2][..], &zeros].concat()),
    ]
}

/// One test, because it counts what the whole process takes.
#[test]
fn what_hostile_entries_take_is_bounded() {
    read_with::<Vec<u64>>("numbers");
    read_with::<Vec<()>>("nothings");
    read_with::<Wide>("wide ones");
    read_with::<String>("text");
    read_with::<HashMap<String, Vec<String>>>("a map");
    read_with::<BTreeMap<u8, Tree>>("trees by number");
    read_with::<Tree>("a tree");
    read_with::<Loose>("an untagged tree");
    for (what, bytes) in hostile() {
        bounded(&format!("bytes: {what}"), || {
            drop(<Raw as Codec<Vec<u8>>>::decode(&bytes));
        });
    }
    let bombs = bombs();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(async {
        let far = MemoryFar::default();
        let cache = Cache::builder()
            .far(far.clone())
            .build()
            .expect("the settings are in order");
        cache
            .set("bombs:1", &"value".to_owned())
            .await
            .expect("it is reachable");
        let read = larder::Backend::read(&far, &["larder:e:bombs:1"])
            .await
            .expect("it is reachable");
        let original = read[0].clone().expect("it was stored");
        for (what, body) in &bombs {
            for claimed in [100, 16 << 20, (16 << 20) + 1, 1 << 30, u32::MAX as usize] {
                far.plant("larder:e:bombs:1", compressed(&original, claimed, body));
                let before = NOW.load(Ordering::Relaxed);
                MOST.store(before, Ordering::Relaxed);
                let began = Instant::now();
                let read = cache
                    .get::<String>("bombs:1")
                    .await
                    .expect("it is reachable");
                let (took, most) = (began.elapsed(), MOST.load(Ordering::Relaxed) - before);
                println!("{what}, as {claimed}: {} KiB, {took:?}", most >> 10);
                assert_eq!(read, None, "{what}");
                assert!(
                    most < MEMORY && took < PATIENCE * TIME,
                    "{what}: {most}, {took:?}"
                );
            }
        }
        assert_eq!(cache.stats().total.undecodable, 20);
    });
}
