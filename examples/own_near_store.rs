//! A near tier of one's own: boards of thirty-two entries, of which the oldest falls off.
//! `cargo run --example own_near_store`.
//!
//! larder decides what is valid; a near store keeps what it is given, within its bound, and gives it
//! back. What it must not do is to make a reader wait for a writer, or a writer for a reader.

use std::{
    sync::{Arc, PoisonError, RwLock, Weak},
    thread,
    time::Duration,
};

use larder::{Cache, Clock, Entry, Error, ErrorKind, KeyRef, NearStore, Result, cached, register};

/// How many entries stand on one board.
const WIDTH: usize = 32;
/// How often expired entries are taken away.
const TIDY: Duration = Duration::from_secs(1);

type Board = RwLock<Vec<Arc<Entry>>>;

/// A near tier of boards. A key's hash says on which of them its entry stands.
#[derive(Debug)]
struct Shelves {
    boards: Arc<[Board]>,
}

impl Shelves {
    /// Room for at least this many entries, and at most 31 more.
    fn new(entries: usize) -> Result<Self> {
        if entries == 0 {
            let wrong = "shelves without room keep nothing: leave out the near tier instead";
            return Err(Error::new(ErrorKind::Config, wrong));
        }
        let boards: Arc<[Board]> = (0..entries.div_ceil(WIDTH))
            .map(|_| Board::default())
            .collect();
        let tidied = Arc::downgrade(&boards);
        thread::spawn(move || tidy(&tidied));
        Ok(Self { boards })
    }

    fn board_of(&self, hash: u64) -> &Board {
        let count = self.boards.len() as u64;
        let index = usize::try_from(hash % count).expect("less than the number of boards");
        &self.boards[index]
    }

    /// Changes the board of a key. What leaves it is dropped when nothing is locked any more.
    fn change(&self, key: KeyRef<'_>, new: Option<Arc<Entry>>) {
        let mut left = Vec::with_capacity(2);
        let mut board = self
            .board_of(key.hash)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = board.iter().position(|entry| entry.key() == key) {
            left.push(board.remove(place));
        }
        if let Some(new) = new {
            if board.len() == WIDTH {
                left.push(board.remove(0));
            }
            board.push(new);
        }
        drop(board);
    }
}

impl NearStore for Shelves {
    fn read(&self, key: KeyRef<'_>, seen: &mut dyn FnMut(&Entry)) {
        // A board that is being changed is not waited for: then this is a miss.
        let Ok(board) = self.board_of(key.hash).try_read() else {
            return;
        };
        let found = board.iter().find(|entry| entry.key() == key).cloned();
        drop(board);
        // Looked at when nothing is locked, so that no writer waits for what is done with it.
        if let Some(entry) = found {
            seen(&entry);
        }
    }

    fn insert(&self, entry: Arc<Entry>) {
        self.change(entry.clone().key(), Some(entry));
    }

    fn remove(&self, key: KeyRef<'_>) {
        self.change(key, None);
    }

    fn clear(&self) {
        for board in &*self.boards {
            let mut board = board.write().unwrap_or_else(PoisonError::into_inner);
            let left = std::mem::take(&mut *board);
            drop(board);
            drop(left);
        }
    }

    fn len(&self) -> u64 {
        let boards = self.boards.iter();
        let len = |board: &Board| board.read().unwrap_or_else(PoisonError::into_inner).len() as u64;
        boards.map(len).sum()
    }
}

/// Takes away what has expired, for as long as somebody has the boards.
fn tidy(boards: &Weak<[Board]>) {
    let clock = Clock::system();
    loop {
        thread::sleep(TIDY);
        let Some(boards) = boards.upgrade() else {
            return;
        };
        for board in &*boards {
            let now = clock.now();
            let mut board = board.write().unwrap_or_else(PoisonError::into_inner);
            let left: Vec<_> = board.extract_if(.., |entry| entry.expired(now)).collect();
            drop(board);
            drop(left);
        }
    }
}

/// Makes `CACHE_TYPE=shelves` mean this store.
fn make_known() -> Result<()> {
    register("shelves", |settings| {
        let entries = settings.number("CACHE_MAX_ENTRIES", 1..=1_000_000)?;
        Ok(settings
            .builder()?
            .near(Shelves::new(entries.unwrap_or(10_000))?))
    })
}

#[cached(key = "squares:<n>", cache = cache, skip(cache))]
async fn square(cache: &Cache, n: u64) -> u64 {
    println!("  multiplying {n} by itself");
    n * n
}

#[tokio::main]
async fn main() -> Result<()> {
    make_known()?;
    let settings = larder::Settings::new([("CACHE_TYPE", "shelves"), ("CACHE_MAX_ENTRIES", "100")]);
    let cache = Cache::from_settings(&settings)?;
    println!("the first call: {}", square(&cache, 12).await);
    println!("the second: {}", square(&cache, 12).await);
    for n in 0..1_000 {
        cache.set(&format!("squares:{n}"), &(n * n)).await?;
    }
    println!("of 1,000 values it holds {}", cache.stats().near_entries);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    larder::testkit::near_conformance!(Shelves::new(960));

    #[tokio::test]
    async fn it_is_chosen_by_its_name() {
        make_known().unwrap();
        let settings = larder::Settings::new([("CACHE_TYPE", "shelves")]);
        let cache = Cache::from_settings(&settings).unwrap();
        assert!(format!("{cache:?}").contains("Shelves"));
        assert_eq!(square(&cache, 7).await, 49);
        assert_eq!(square(&cache, 7).await, 49);
        assert_eq!(cache.stats().total.loads, 1);
    }
}
