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
    ttl: Life,
) -> Result<Stamp, Fault> {
    for _ in 0..ATTEMPTS {
        let mut batch = Batch::default();
        batch.set(name, &nonce.to_be_bytes(), ttl, If::Missing);
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

/// Takes a lease: in one round trip, or two where it replaces something.
pub(super) async fn lease(line: Line, slot: Name<'_>, lease: &Lease<'_>) -> Result<bool, Fault> {
    let condition = match lease.over {
        Over::Anything => If::Always,
        Over::Empty => If::Missing,
        Over::Seen(header) => return succeed(&line, slot, lease, header).await,
    };
    let [answer] = ask(&line, claim(slot, lease, condition)).await?;
    match answer {
        Reply::Done(flags) => Ok(taken(&line, slot, lease, flags)),
        Reply::NotStored => Ok(false),
        other => Err(unexpected(other)),
    }
}

/// Takes a lease where nothing stands, or what starts with the header that was seen.
async fn succeed(
    line: &Line,
    slot: Name<'_>,
    lease: &Lease<'_>,
    seen: Header,
) -> Result<bool, Fault> {
    for _ in 0..ATTEMPTS {
        let mut batch = claim(slot, lease, If::Missing);
        batch.get_cas(slot);
        let [added, found] = ask(line, batch).await?;
        match added {
            Reply::Done(flags) => return Ok(taken(line, slot, lease, flags)),
            Reply::NotStored => {}
            other => return Err(unexpected(other)),
        }
        let cas = match found {
            Reply::Value(bytes, flags) if bytes.starts_with(&seen) => cas(flags)?,
            Reply::Value(..) => return Ok(false),
            // It has gone since: the slot is empty.
            Reply::Missing => continue,
            other => return Err(unexpected(other)),
        };
        let [replaced] = ask(line, claim(slot, lease, If::Cas(cas))).await?;
        match replaced {
            Reply::Done(flags) => return Ok(taken(line, slot, lease, flags)),
            Reply::Exists => return Ok(false),
            Reply::NotFound => {}
            other => return Err(unexpected(other)),
        }
    }
    Ok(false)
}

fn claim(slot: Name<'_>, lease: &Lease<'_>, condition: If) -> Batch {
    let mut batch = Batch::default();
    batch.set(slot, &lease.header, Life::at_least(lease.ttl), condition);
    batch
}

fn taken(line: &Line, slot: Name<'_>, lease: &Lease<'_>, flags: Flags) -> bool {
    if let Some(cas) = flags.cas {
        line.leases().remember(slot.as_str(), lease.header, cas);
    }
    true
}

/// Writes an envelope if the slot still starts with the expected header: in one round trip where
/// the lease was taken on this connection, else in two.
pub(super) async fn store(line: Line, slot: Name<'_>, write: &Write<'_>) -> Result<bool, Fault> {
    let ttl = Life::at_least(write.ttl);
    let commit = async |cas| {
        let mut batch = Batch::default();
        batch.set(slot, &write.envelope, ttl, If::Cas(cas));
        let [answer] = ask(&line, batch).await?;
        match answer {
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
    let [answer] = ask(line, batch).await?;
    match answer {
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
pub(super) async fn raise(line: Line, name: Name<'_>, ttl: Life) -> Result<(), Fault> {
    for _ in 0..ATTEMPTS {
        let mut batch = Batch::default();
        batch.inspect(name);
        let [found] = ask(&line, batch).await?;
        let (bytes, flags) = match found {
            Reply::Value(bytes, flags) => (bytes, flags),
            Reply::Missing => return Ok(()),
            other => return Err(unexpected(other)),
        };
        if flags.left.is_some_and(|left| ttl.is_within(left)) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.set(name, &bytes, ttl.with_slack(), If::Cas(cas(flags)?));
        let [answer] = ask(&line, batch).await?;
        match answer {
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
    ttl: Life,
) -> Result<(), Fault> {
    let mut batch = Batch::default();
    for slot in slots {
        batch.delete(*slot);
    }
    for (name, nonce) in stamps {
        batch.set(*name, &nonce.to_be_bytes(), ttl, If::Always);
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
