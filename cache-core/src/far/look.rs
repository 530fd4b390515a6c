//! Reading: what stands under a key, and whether it may be seen.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    Budget, FLUX, Far, Found, LEASE_BITS, Look, NOBODY, Place, Seen, TAG_END, Typed, WRITER,
};
use crate::{
    backend::{Header, Over, Stamp},
    envelope::{self, Bad, Envelope, Kind},
    error::{Error, ErrorKind, Result},
    event,
    key::slot_text,
    names::tag_group,
    packing::expand,
};

/// How far the clocks of processes that share a store may differ, in milliseconds, before sealed
/// entries of one count as expired for another.
const CLOCKS_DIFFER: u64 = 300_000;

impl Far {
    /// Reads the entry of a place and its stamps, in one round trip. (Two, if the entry was
    /// stored with tags that the caller does not know of.)
    ///
    /// # Errors
    ///
    /// If the far tier cannot be asked or is not to be believed: an invalidation of this place
    /// has not reached it yet. That is not a miss, and gives no right to store.
    pub(crate) async fn look(
        self: &Arc<Self>,
        place: &Place,
        typed: Typed<'_>,
        budget: &mut Budget,
    ) -> Result<Look> {
        let read = self.read(&[place], budget).await?;
        match self.judge(place, &read, None, typed) {
            Ok(look) => Ok(look),
            // Boxed, because it is rare and would make every look larger.
            Err(tags) => Box::pin(self.look_again(place, &read, &tags, typed, budget)).await,
        }
    }

    /// The same for several places, together.
    pub(crate) async fn look_many(
        self: &Arc<Self>,
        places: &[Place],
        typed: &[Typed<'_>],
        budget: &mut Budget,
    ) -> Result<Vec<Look>> {
        let read = self
            .read(&places.iter().collect::<Vec<_>>(), budget)
            .await?;
        let mut rest = &read[..];
        let mut looks = Vec::with_capacity(places.len());
        for (place, typed) in places.iter().zip(typed) {
            let (mine, others) = rest.split_at(place.len());
            rest = others;
            looks.push(match self.judge(place, mine, None, *typed) {
                Ok(look) => look,
                Err(tags) => self.look_again(place, mine, &tags, *typed, budget).await?,
            });
        }
        Ok(looks)
    }

    /// The header of the entry in a place, of whatever kind, and the place's stamps.
    pub(super) async fn standing(
        self: &Arc<Self>,
        place: &Place,
        budget: &mut Budget,
    ) -> Result<(Option<Header>, Vec<Option<Stamp>>)> {
        let read = self.read(&[place], budget).await?;
        let entry = read[0].as_ref().filter(|bytes| {
            envelope::decode(bytes).is_ok_and(|entry| entry.meta.kind != Kind::Lease)
        });
        let stamps = read[1..].iter().map(|read| stamp(read.as_ref()));
        Ok((entry.and_then(|bytes| head(bytes)), stamps.collect()))
    }

    async fn read(
        self: &Arc<Self>,
        places: &[&Place],
        budget: &mut Budget,
    ) -> Result<Vec<Option<Bytes>>> {
        let names = places.iter().flat_map(|place| place.names());
        if places.len() == 1 {
            return self.ask(&names.collect::<Vec<_>>(), budget).await;
        }
        // Keys that are asked for together mostly belong to the same groups.
        let mut known: HashMap<_, _, foldhash::fast::RandomState> = HashMap::default();
        let mut once = Vec::new();
        let at: Vec<usize> = names
            .map(|name| {
                *known.entry(name).or_insert_with(|| {
                    once.push(name);
                    once.len() - 1
                })
            })
            .collect();
        let read = self.ask(&once, budget).await?;
        Ok(at.into_iter().map(|at| read[at].clone()).collect())
    }

    /// Whether no invalidation of this place is still on its way to the far tier; if one is, it is
    /// sent again.
    pub(crate) fn believes(self: &Arc<Self>, place: &Place) -> bool {
        let names: Vec<&str> = place.names().collect();
        let held = self.flux.holds(&names);
        if held {
            self.flux.kick(self);
        }
        !held
    }

    pub(super) async fn ask(
        self: &Arc<Self>,
        names: &[&str],
        budget: &mut Budget,
    ) -> Result<Vec<Option<Bytes>>> {
        if self.flux.holds(names) {
            self.flux.kick(self);
            return Err(Error::new(
                ErrorKind::Unavailable,
                "an invalidation has not reached the far tier yet",
            ));
        }
        let read = self.guarded(budget, self.backend.read_dyn(names)).await?;
        if read.len() != names.len() {
            return Err(Error::new(
                ErrorKind::Codec,
                format!("asked for {} names, got {}", names.len(), read.len()),
            ));
        }
        Ok(read)
    }

    /// Decides about an entry with other tags than the caller's, whose stamps it asks for.
    async fn look_again(
        self: &Arc<Self>,
        place: &Place,
        read: &[Option<Bytes>],
        tags: &[String],
        typed: Typed<'_>,
        budget: &mut Budget,
    ) -> Result<Look> {
        let names: Vec<&str> = tags.iter().map(String::as_str).collect();
        let tags = match names[..] {
            [] => Vec::new(),
            _ => self.ask(&names, budget).await?,
        };
        let look = self.judge(place, read, Some(&tags), typed);
        Ok(look.unwrap_or_else(|_| unreachable!("its tags are known now")))
    }

    /// Decides what it is that was read: the slot and the stamps of a place, and those of the
    /// entry's own tags where they differ from the place's. `Err` names these if they are needed.
    fn judge(
        &self,
        place: &Place,
        read: &[Option<Bytes>],
        tags: Option<&[Option<Bytes>]>,
        typed: Typed<'_>,
    ) -> Result<Look, Vec<String>> {
        let stamps: Vec<_> = read[1..].iter().map(|read| stamp(read.as_ref())).collect();
        let Some(bytes) = &read[0] else {
            return Ok(Look::Miss(Seen {
                stamps,
                over: Some(Over::Empty),
                marked: false,
            }));
        };
        let mut marked = false;
        let over = match envelope::decode(bytes) {
            Ok(entry) if entry.meta.kind == Kind::Lease => {
                let owner = entry.meta.id & !LEASE_BITS;
                marked = owner == WRITER;
                (owner == self.owner || owner == NOBODY).then(|| over(bytes))
            }
            Ok(entry) => {
                let known = entry.meta.tags == place.tags;
                let stands = match (known, tags) {
                    (true, _) => valid(&entry, stamps.iter().copied(), typed),
                    (false, None) => return Err(self.stamps_of_tags(entry.meta.tags)),
                    (false, Some(tags)) => {
                        let own = &stamps[..stamps.len() - place.tagged];
                        let tags = tags.iter().map(|read| stamp(read.as_ref()));
                        valid(&entry, own.iter().copied().chain(tags), typed)
                    }
                };
                if stands {
                    match self.open(&entry, typed) {
                        Ok(body) => match self.found(&entry, &body, bytes, place, typed) {
                            Ok(found) => return Ok(Look::Hit(found)),
                            Err(error) => undecodable(typed, &error),
                        },
                        Err(bad) => damaged(typed, bad),
                    }
                }
                Some(over(bytes))
            }
            Err(bad) => {
                damaged(typed, bad);
                Some(over(bytes))
            }
        };
        Ok(Look::Miss(Seen {
            stamps,
            over,
            marked,
        }))
    }

    fn stamps_of_tags(&self, tags: &str) -> Vec<String> {
        tags.split_terminator(TAG_END)
            .map(|tag| self.names.stamp(&tag_group(tag)))
            .collect()
    }

    /// What the codec wrote, if the entry is packed as this cache packs. Where a seal vouches for
    /// its times, they are believed: an old entry that somebody kept and put back is none.
    fn open<'a>(&self, entry: &Envelope<'a>, typed: Typed<'_>) -> Result<Cow<'a, [u8]>, Bad> {
        let body = self.packing.unseal(self.owner_of(typed.key), entry)?;
        if entry.sealed && self.age(entry) > u64::from(entry.meta.hard) + CLOCKS_DIFFER {
            return Err(Bad::Expired);
        }
        // Whoever does not ask for the value need not have it expanded.
        match typed.fingerprint {
            Some(_) => expand(entry, body),
            None => Ok(body),
        }
    }

    /// How old an entry is by this machine's clock, in milliseconds.
    fn age(&self, entry: &Envelope<'_>) -> u64 {
        self.clock.wall_millis().saturating_sub(entry.meta.created)
    }

    fn found(
        &self,
        entry: &Envelope<'_>,
        body: &[u8],
        bytes: &Bytes,
        place: &Place,
        typed: Typed<'_>,
    ) -> Result<Found> {
        let value = match entry.meta.kind {
            Kind::Value if typed.fingerprint.is_some() => {
                Some(typed.table.decode(entry.codec, body)?)
            }
            _ => None,
        };
        let left = u64::from(entry.meta.hard).saturating_sub(self.age(entry));
        Ok(Found {
            value,
            known: entry.meta.tags == place.tags,
            left: Duration::from_millis(left),
            header: head(bytes).expect("an envelope has a header"),
            entry: bytes.clone(),
        })
    }
}

/// Whether an entry may be seen: it is of this key and this shape, and each of its groups still
/// has the stamp that it had before the load. Nothing else decides it.
fn valid(entry: &Envelope<'_>, now: impl Iterator<Item = Option<Stamp>>, typed: Typed<'_>) -> bool {
    let same_key = match entry.meta.key {
        Some(written) => written == typed.key,
        None => matches!(slot_text(typed.key), Cow::Borrowed(_)),
    };
    let same_shape = typed
        .fingerprint
        .is_none_or(|shape| shape == entry.meta.fingerprint);
    let then = entry.meta.stamps.iter().map(|stamp| Some(*stamp));
    let in_flux = entry.meta.stamps.contains(&FLUX);
    same_key && same_shape && !in_flux && then.eq(now)
}

/// What a lease may replace if these bytes stand in the slot.
fn over(bytes: &Bytes) -> Over {
    // Less than a header is nobody's: only a stranger put it there.
    head(bytes).map_or(Over::Anything, Over::Seen)
}

fn head(bytes: &[u8]) -> Option<Header> {
    bytes.first_chunk().copied()
}

/// Stamps are written big-endian; what is not eight bytes long is no stamp and matches nothing.
pub(super) fn stamp(bytes: Option<&Bytes>) -> Option<Stamp> {
    bytes
        .and_then(|bytes| <[u8; 8]>::try_from(&**bytes).ok())
        .map(Stamp::from_be_bytes)
}

fn undecodable(typed: Typed<'_>, error: &Error) {
    typed.counts.undecodable.one();
    event::undecodable(typed.key, error);
}

fn damaged(typed: Typed<'_>, bad: Bad) {
    if bad == Bad::Seal {
        typed.counts.forged.one();
        event::forged(typed.key);
    } else {
        typed.counts.undecodable.one();
        event::damaged(typed.key, &bad);
    }
}
