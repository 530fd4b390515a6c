//! What a server is asked for each of the [`Backend`](cache_core::Backend)'s operations, and what
//! its answers mean.
//!
//! Every function makes its round trips on one connection. That matters where a write names the
//! CAS value that an earlier answer gave: values are unique in one life of a server, and a
//! connection does not outlive that life. What is conditional is decided by the server, so it
//! does not matter when a write arrives that its caller has given up.

use bytes::Bytes;
use cache_core::{ErrorKind, Header, Lease, Over, Stamp, Write};

use super::{
    codec::{Batch, Flags, If, Life, Name, Reply},
    line::Line,
};
use crate::link::{Fault, Refusal};

/// How often something is tried anew that others change at the same moment.
const ATTEMPTS: usize = 4;

type Answer = Reply<Bytes>;

/// Reads names.
pub(super) async fn read(line: Line, names: &[Name<'_>]) -> Result<Vec<Option<Bytes>>, Fault> {
    let value = |reply| match reply {
        Reply::Value(bytes, _) => Ok(Some(bytes)),
        Reply::Missing => Ok(None),
        other => Err(unexpected(other)),
    };
    let replies = line.ask(Batch::gets(names)).await?;
    replies.into_iter().map(value).collect()
}

/// Makes a stamp unless it is there, and gives the one that is.
pub(super) async fn make(
    line: Line,
    name: Name<'_>,
    nonce: Stamp,
    life: Life,
) -> Result<Stamp, Fault> {
    for _ in 0..ATTEMPTS {
        let mut batch = Batch::default();
        batch.set(name, &nonce.to_be_bytes(), life, If::Missing);
        batch.get(name);
        let [added, found] = ask(&line, batch).await?;
        let added = match added {
            Reply::Done(_) => true,
            Reply::NotStored => false,
            other => return Err(unexpected(other)),
        };
        match found {
            Reply::Value(bytes, _) => return stamp(&bytes),
            // Lost as soon as made: it stood, and matches nothing from now on.
            Reply::Missing if added => return Ok(nonce),
            // It was there, and has gone since.
            Reply::Missing => {}
            other => return Err(unexpected(other)),
        }
    }
    Err(busy())
}

/// Takes a lease, in one round trip, or two where it replaces something.
pub(super) async fn lease(line: Line, slot: Name<'_>, lease: &Lease<'_>) -> Result<bool, Fault> {
    let life = Life::at_least(lease.ttl);
    let put = async |condition, also: Option<Name<'_>>| {
        let mut batch = Batch::default();
        batch.set(slot, &lease.header, life, condition);
        if let Some(name) = also {
            batch.get_cas(name);
        }
        line.ask(batch).await
    };
    let taken = |flags: Flags| {
        if let Some(cas) = flags.cas {
            line.leases().remember(slot.as_str(), lease.header, cas);
        }
        Ok(true)
    };
    let seen = match lease.over {
        Over::Anything => {
            return match only(put(If::Always, None).await?)? {
                Reply::Done(flags) => taken(flags),
                other => Err(unexpected(other)),
            };
        }
        Over::Empty => None,
        Over::Seen(header) => Some(header),
    };
    for _ in 0..ATTEMPTS {
        let mut replies = put(If::Missing, seen.map(|_| slot)).await?.into_iter();
        match replies.next().ok_or(Fault::Garbled)? {
            Reply::Done(flags) => return taken(flags),
            Reply::NotStored => {}
            other => return Err(unexpected(other)),
        }
        let Some(seen) = seen else {
            return Ok(false);
        };
        let standing = match replies.next().ok_or(Fault::Garbled)? {
            Reply::Value(bytes, flags) if bytes.starts_with(&seen) => cas(flags)?,
            Reply::Value(..) => return Ok(false),
            // It has gone since: the slot is empty.
            Reply::Missing => continue,
            other => return Err(unexpected(other)),
        };
        match only(put(If::Cas(standing), None).await?)? {
            Reply::Done(flags) => return taken(flags),
            Reply::Exists => return Ok(false),
            Reply::NotFound => {}
            other => return Err(unexpected(other)),
        }
    }
    Ok(false)
}

/// Writes an envelope if the slot still starts with the expected header: in one round trip where
/// the lease was taken on this connection, else in two.
pub(super) async fn store(line: Line, slot: Name<'_>, write: &Write<'_>) -> Result<bool, Fault> {
    let life = Life::at_least(write.ttl);
    let commit = async |cas| {
        let mut batch = Batch::default();
        batch.set(slot, &write.envelope, life, If::Cas(cas));
        match only(line.ask(batch).await?)? {
            Reply::Done(_) => Ok(Some(true)),
            Reply::NotFound => Ok(Some(false)),
            Reply::Exists => Ok(None),
            other => Err(unexpected(other)),
        }
    };
    // Who has the CAS value of the lease knows that nothing else stands there. If something else
    // does, it may still start with the same header.
    if let Some(cas) = line.leases().take(slot.as_str(), write.expected)
        && let Some(stored) = commit(cas).await?
    {
        return Ok(stored);
    }
    match standing(&line, slot, write.expected).await? {
        Some(cas) => Ok(commit(cas).await?.unwrap_or(false)),
        None => Ok(false),
    }
}

/// The CAS value of what stands in a slot, if that starts with this header.
async fn standing(line: &Line, slot: Name<'_>, header: Header) -> Result<Option<u64>, Fault> {
    let mut batch = Batch::default();
    batch.get_cas(slot);
    match only(line.ask(batch).await?)? {
        Reply::Value(bytes, flags) if bytes.starts_with(&header) => cas(flags).map(Some),
        Reply::Value(..) | Reply::Missing => Ok(None),
        other => Err(unexpected(other)),
    }
}

/// Sees to it that a stamp lives at least so long; one that is gone stays gone.
///
/// It is written anew, as it is, under its CAS value: `mg` with `T` would need no second round
/// trip, but would shorten a life that somebody else has raised meanwhile. With a little more
/// than what was asked, so that the next stores need not raise it again.
pub(super) async fn raise(line: Line, name: Name<'_>, life: Life) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS {
        let mut batch = Batch::default();
        batch.inspect(name);
        let (bytes, flags) = match only(line.ask(batch).await?)? {
            Reply::Value(bytes, flags) => (bytes, flags),
            Reply::Missing => return Ok(()),
            other => return Err(unexpected(other)),
        };
        if flags.left.is_some_and(|left| life.is_within(left)) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.set(name, &bytes, life.with_slack(), If::Cas(cas(flags)?));
        match only(line.ask(batch).await?)? {
            Reply::Done(_) | Reply::NotFound => return Ok(()),
            // Somebody else has raised or moved it.
            Reply::Exists => {}
            other => return Err(unexpected(other)),
        }
    }
    Err(busy())
}

/// Removes slots and moves stamps, each whatever stands there.
pub(super) async fn invalidate(
    line: Line,
    slots: &[Name<'_>],
    stamps: &[(Name<'_>, Stamp)],
    life: Life,
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    for slot in slots {
        batch.delete(*slot);
    }
    for (name, nonce) in stamps {
        batch.set(*name, &nonce.to_be_bytes(), life, If::Always);
    }
    let mut replies = line.ask(batch).await?.into_iter();
    for reply in replies.by_ref().take(slots.len()) {
        removed(reply)?;
    }
    // A server that is full keeps the stamp from being written. One that is missing never agrees
    // with an entry either.
    let mut batch = Batch::default();
    for ((name, _), reply) in stamps.iter().zip(replies) {
        match reply {
            Reply::Done(_) => {}
            Reply::Refused(_) => batch.delete(*name),
            other => return Err(unexpected(other)),
        }
    }
    if batch.replies() > 0 {
        for reply in line.ask(batch).await? {
            removed(reply)?;
        }
    }
    Ok(())
}

fn removed(reply: Answer) -> Result<(), Fault> {
    match reply {
        Reply::Done(_) | Reply::NotFound => Ok(()),
        other => Err(unexpected(other)),
    }
}

async fn ask<const N: usize>(line: &Line, batch: Batch) -> Result<[Answer; N], Fault> {
    let replies = line.ask(batch).await?;
    replies.try_into().map_err(|_| Fault::Garbled)
}

fn only(replies: Vec<Answer>) -> Result<Answer, Fault> {
    let [reply] = <[Answer; 1]>::try_from(replies).map_err(|_| Fault::Garbled)?;
    Ok(reply)
}

fn stamp(bytes: &[u8]) -> Result<Stamp, Fault> {
    match <[u8; 8]>::try_from(bytes) {
        Ok(stamp) => Ok(Stamp::from_be_bytes(stamp)),
        Err(_) => Err(Fault::Foreign),
    }
}

/// What was asked for; a server without it (`memcached -C`) cannot be a far tier.
fn cas(flags: Flags) -> Result<u64, Fault> {
    flags.cas.ok_or_else(|| {
        refused(
            "the server gives no CAS values: start it without `-C`",
            ErrorKind::Rejected,
        )
    })
}

fn busy() -> Fault {
    refused(
        "a stamp changes faster than it can be read",
        ErrorKind::Unavailable,
    )
}

/// An answer that is none to its command, or a refusal.
fn unexpected(reply: Answer) -> Fault {
    match reply {
        Reply::Refused(words) => {
            // What says of itself that it is over soon is not the caller's fault.
            let full = words.contains("too large") || words.contains("out of memory");
            let kind = if full {
                ErrorKind::Rejected
            } else {
                ErrorKind::Unavailable
            };
            refused(&words, kind)
        }
        _ => Fault::Garbled,
    }
}

fn refused(text: &str, kind: ErrorKind) -> Fault {
    Fault::Refused(Refusal {
        text: text.into(),
        kind,
    })
}
