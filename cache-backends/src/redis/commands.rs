//! What is sent, and what its answers mean.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use cache_core::{Invalidate, Lease, Over, Prepare, Stamp, Write};
use redis::{Cmd, Pipeline, Script, Value};

use super::{combine::Piece, fault};
use crate::link::Fault;

/// Takes a lease, if the slot is empty or starts with the header that was seen.
const ACQUIRE: &str = "\
local header = redis.call('GETRANGE', KEYS[1], 0, 11)
if header == '' or header == ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0";

/// Stores an envelope, if the slot still starts with the expected header.
const COMMIT: &str = "\
if redis.call('GETRANGE', KEYS[1], 0, 11) == ARGV[3] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0";

static ACQUIRE_HASH: LazyLock<String> = LazyLock::new(|| hash(ACQUIRE));
static COMMIT_HASH: LazyLock<String> = LazyLock::new(|| hash(COMMIT));

fn hash(script: &str) -> String {
    Script::new(script).get_hash().to_owned()
}

/// The longest life that is given to anything: ten years. The server refuses what overflows.
const LONGEST: u64 = 10 * 365 * 24 * 3600 * 1000;

/// A life in the server's unit, at least one, rounded up.
fn millis(life: Duration) -> u64 {
    let millis = life.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).map_or(LONGEST, |millis| millis.clamp(1, LONGEST))
}

/// A one-key script: by its hash, which the server may have forgotten, or by its text.
#[derive(Debug, Clone, Copy)]
pub(super) enum By {
    Hash,
    Text,
}

/// Reads all names at once.
pub(super) fn read(names: &[&str]) -> Cmd {
    let bytes: usize = names.iter().map(|name| name.len()).sum();
    let mut command = Cmd::with_capacity(names.len() + 1, bytes + 4);
    command.arg(if names.len() == 1 { "GET" } else { "MGET" });
    for name in names {
        command.arg(*name);
    }
    command
}

/// Makes one stamp unless it is there; answers with what is there, or nil.
fn make(stamp: &str, nonce: Stamp, ttl: Duration) -> Cmd {
    let mut command = redis::cmd("SET");
    command
        .arg(stamp)
        .arg(&nonce.to_be_bytes())
        .arg("NX")
        .arg("GET")
        .arg("PX")
        .arg(millis(ttl));
    command
}

/// A `SET` for each stamp, then the wish for the lease, if there is one.
pub(super) fn prepare(prepare: &Prepare<'_>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(prepare.stamps.len() + 1);
    for (stamp, nonce) in prepare.stamps {
        pipeline.add_command(make(stamp, *nonce, prepare.stamp_ttl));
    }
    if let Some(lease) = &prepare.lease {
        pipeline.add_command(acquire(lease, By::Hash));
    }
    pipeline
}

/// The wish for a lease.
pub(super) fn acquire(lease: &Lease<'_>, by: By) -> Cmd {
    let seen: &[u8] = match &lease.over {
        Over::Empty => b"",
        Over::Seen(header) => header,
        Over::Anything => {
            let mut command = redis::cmd("SET");
            command.arg(lease.slot).arg(&lease.header);
            command.arg("PX").arg(millis(lease.ttl));
            return command;
        }
    };
    let mut command = script(ACQUIRE, &ACQUIRE_HASH, by, lease.slot);
    command.arg(&lease.header).arg(millis(lease.ttl)).arg(seen);
    command
}

/// The conditional write, then a `PEXPIRE` for each stamp.
pub(super) fn store(write: &Write<'_>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(write.stamps.len() + 1);
    pipeline.add_command(commit(write, By::Hash));
    for stamp in write.stamps {
        let mut raise = redis::cmd("PEXPIRE");
        raise.arg(*stamp).arg(millis(write.stamp_ttl)).arg("GT");
        pipeline.add_command(raise);
    }
    pipeline
}

/// The conditional write.
pub(super) fn commit(write: &Write<'_>, by: By) -> Cmd {
    let mut command = script(COMMIT, &COMMIT_HASH, by, write.slot);
    command
        .arg(&write.envelope[..])
        .arg(millis(write.ttl))
        .arg(&write.expected);
    command
}

fn script(text: &str, hash: &str, by: By, slot: &str) -> Cmd {
    let mut command = match by {
        By::Hash => redis::cmd("EVALSHA"),
        By::Text => redis::cmd("EVAL"),
    };
    command.arg(match by {
        By::Hash => hash,
        By::Text => text,
    });
    command.arg(1).arg(slot);
    command
}

/// Slots, then stamps, then the notice.
pub(super) fn invalidate(change: &Invalidate<'_>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(change.stamps.len() + 2);
    if !change.slots.is_empty() {
        pipeline.add_command(unlink(change.slots));
    }
    for (stamp, nonce) in change.stamps {
        pipeline.add_command(set(stamp, *nonce, change.stamp_ttl));
    }
    publish(&mut pipeline, change);
    pipeline
}

/// Moves a stamp.
pub(super) fn set(stamp: &str, nonce: Stamp, ttl: Duration) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(stamp).arg(&nonce.to_be_bytes());
    command.arg("PX").arg(millis(ttl));
    command
}

/// What does the work of [`invalidate`] in a server that is full: a stamp that is missing never
/// agrees with an entry either. The notice goes out once more, for whoever has come after the
/// first has found the old stamps.
pub(super) fn invalidate_full(change: &Invalidate<'_>) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(2);
    let stamps: Vec<&str> = change.stamps.iter().map(|(stamp, _)| *stamp).collect();
    pipeline.add_command(unlink(&stamps));
    publish(&mut pipeline, change);
    pipeline
}

fn publish(pipeline: &mut Pipeline, change: &Invalidate<'_>) {
    if !change.notice.is_empty() {
        let mut command = redis::cmd("PUBLISH");
        command.arg(change.channel).arg(change.notice);
        pipeline.add_command(command);
    }
}

/// Writes down a moment, for a replica to show.
pub(super) fn beat(name: &str, moment: u64, life: Duration) -> Cmd {
    let mut command = redis::cmd("SET");
    command.arg(name).arg(&moment.to_be_bytes());
    command.arg("PX").arg(millis(life));
    command
}

/// Removes names.
pub(super) fn unlink(names: &[&str]) -> Cmd {
    let mut command = redis::cmd("UNLINK");
    command.arg(names);
    command
}

/// One page of the names that start with `prefix`.
pub(super) fn scan(cursor: &[u8], prefix: &str) -> Cmd {
    let mut command = redis::cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(pattern(prefix));
    command.arg("COUNT").arg(1000);
    command
}

/// The pattern of all names that start with `prefix`, in which no character has a meaning.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 8);
    for character in prefix.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('*');
    pattern
}

/// The values of [`read`]; `None` if the answer makes no sense.
pub(super) fn values(answer: Value, names: usize) -> Option<Vec<Piece>> {
    let values = match answer {
        Value::Array(values) if values.len() == names => values,
        value if names == 1 => vec![value],
        _ => return None,
    };
    values.into_iter().map(piece).collect()
}

/// What stands under one name; `None` if the answer makes no sense.
pub(super) fn piece(answer: Value) -> Option<Piece> {
    match answer {
        Value::BulkString(bytes) => Some(Ok(Some(Bytes::from(bytes)))),
        Value::Nil => Some(Ok(None)),
        Value::ServerError(error) => Some(Err(error)),
        _ => None,
    }
}

/// What stands under a stamp that [`prepare`] asked to make from `nonce`; `None` if it is
/// something else than a stamp.
pub(super) fn stamp(answer: &Value, nonce: Stamp) -> Option<Stamp> {
    match answer {
        Value::Nil => Some(nonce),
        Value::BulkString(bytes) => Some(Stamp::from_be_bytes(bytes[..].try_into().ok()?)),
        _ => None,
    }
}

/// Whether a script, or the `SET` that takes its place, has written.
pub(super) fn written(answer: &Value) -> Option<bool> {
    match answer {
        Value::Int(1) | Value::Okay => Some(true),
        Value::Int(0) => Some(false),
        _ => None,
    }
}

/// The next cursor and the names of a page.
pub(super) fn page(answer: Value) -> Option<(Vec<u8>, Vec<String>)> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let Ok([Value::BulkString(cursor), Value::Array(names)]) = <[Value; 2]>::try_from(parts) else {
        return None;
    };
    // A name that is not text is none of ours.
    let text = |name| match name {
        Value::BulkString(name) => String::from_utf8(name).ok(),
        _ => None,
    };
    Some((cursor, names.into_iter().filter_map(text).collect()))
}

/// The first refusal among the answers.
pub(super) fn refused<'a>(answers: impl IntoIterator<Item = &'a Value>) -> Result<(), Fault> {
    for answer in answers {
        if let Value::ServerError(error) = answer {
            return Err(fault::refused(error));
        }
    }
    Ok(())
}

/// Whether the server refuses for this reason.
pub(super) fn is_refusal(answer: &Value, code: &str) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == code)
}
