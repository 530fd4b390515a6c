//! A process that has committed, and dies before it invalidates.

use std::{
    env,
    future::pending,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::atomic::Ordering::SeqCst,
};

use larder::{Cache, Error, invalidate_cache};
use test_support::RedisServer;
use tokio::{runtime::Builder, sync::Semaphore, task::block_in_place};

use super::{Source, account};
use crate::{
    driver::{Far, build},
    suite::Row,
};

/// What a writer says when it has committed.
const COMMITTED: &str = "committed";
/// Where the store of a process is that is nothing but a writer, and how it writes.
const WRITER: &str = "FAULTS_WRITER";
const STRICT: &str = "FAULTS_STRICT";

/// Writes, and never comes to invalidate.
#[invalidate_cache(keys = ["accounts:<id>"], cache = cache)]
async fn write_and_hang(cache: &Cache, id: u64) -> Result<(), Error> {
    println!("{COMMITTED}");
    pending().await
}

#[invalidate_cache(keys = ["accounts:<id>"], strict, cache = cache)]
async fn write_strictly_and_hang(cache: &Cache, id: u64) -> Result<(), Error> {
    println!("{COMMITTED}");
    pending().await
}

/// Whether this process is a writer that is to be killed; then it has been one.
pub(crate) fn was_a_writer() -> bool {
    let Ok(url) = env::var(WRITER) else {
        return false;
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system lets us have a runtime");
    let written = runtime.block_on(async {
        let cache = build(Far::Redis(url).patient());
        match env::var_os(STRICT) {
            Some(_) => write_strictly_and_hang(&cache, 7).await,
            None => write_and_hang(&cache, 7).await,
        }
    });
    written.expect("it hangs, and is killed");
    true
}

/// A process that has committed, and is killed before it invalidates.
pub(super) async fn killed(strict: bool) -> Row {
    let server = RedisServer::start(&[]);
    let reader = build(Far::Redis(server.url()).patient());
    let source = Source::with_gate(Semaphore::MAX_PERMITS);
    let mut row = Row::default();
    for _ in 0..2 {
        let read = account(reader.clone(), source.clone(), 7).await;
        assert_eq!(read, Ok(1), "loaded and stored");
    }
    let mut writer = Command::new(env::current_exe().expect("this program has a file"));
    writer.env(WRITER, server.url()).stdout(Stdio::piped());
    if strict {
        writer.env(STRICT, "1");
    }
    block_in_place(|| kill_when_committed(&mut writer));
    source.version.fetch_add(1, SeqCst);
    let mut old = 0;
    for _ in 0..100 {
        let read = account(reader.clone(), source.clone(), 7).await;
        old += usize::from(read != Ok(2));
    }
    row.calls = 102;
    row.stale = Some(old);
    // Nobody has promised anything to who reads what is written without two phases.
    let expected = if strict { 0 } else { 100 };
    row.must(old == expected, || format!("{old} reads of the old value"));
    row
}

fn kill_when_committed(command: &mut Command) {
    let mut writer = command.spawn().expect("this program runs once more");
    let mut said = String::new();
    let words = writer.stdout.take().expect("it is piped");
    let heard = BufReader::new(words).read_line(&mut said);
    writer.kill().expect("it runs");
    writer.wait().expect("it has ended");
    heard.expect("it speaks text");
    assert_eq!(said.trim(), COMMITTED);
}
