//! How names are read that lie on several nodes.

use std::sync::Arc;

use bytes::Bytes;
use cache_core::ErrorKind;
use redis::{ServerError, Value};
use tokio::time::Instant;

use super::{
    Chart, Cluster, Member,
    calls::is_unserved,
    redirect::Redirect,
    route::{Order, Terms},
    slot::slot,
    split::split,
};
use crate::{
    link::Fault,
    redis::{combine::Piece, commands, fault::refused},
    together::together,
};

/// The names of one call, by their places, that lie on one node.
type Part<'a> = (&'a Arc<Member>, Vec<usize>);

impl Cluster {
    /// What is out of reach is absent while other nodes live.
    pub(in crate::redis) async fn read(
        self: &Arc<Self>,
        names: &[&str],
    ) -> Result<Vec<Option<Bytes>>, Fault> {
        let until = self.until();
        let chart = self.chart(until).await?;
        let parts = self.parts(&chart, names);
        let ready = ready(&parts, until).await;
        let reading = parts
            .into_iter()
            .zip(ready)
            .map(async |((member, places), ready)| {
                let wanted: Vec<&str> = places.iter().map(|place| names[*place]).collect();
                let pieces = match ready {
                    Ok(()) => member.node.pieces(&wanted).await,
                    Err(fault) => Err(fault),
                };
                (member, places, pieces)
            });
        let mut values = vec![None; names.len()];
        let (mut late, mut orders) = (Vec::new(), Vec::new());
        for (member, places, pieces) in together(reading.collect()).await {
            let pieces = match pieces {
                Ok(pieces) => pieces,
                Err(fault) => {
                    absent(self.away(member, fault))?;
                    continue;
                }
            };
            for (place, piece) in places.into_iter().zip(pieces) {
                match self.value_or_redirect(member, piece)? {
                    Ok(value) => values[place] = value,
                    Err(redirect) => {
                        late.push(place);
                        orders.push(Order {
                            ahead: None,
                            command: commands::read(&[names[place]]),
                            goal: self.goal(&redirect),
                        });
                    }
                }
            }
        }
        if !orders.is_empty() {
            for (place, answer) in late
                .into_iter()
                .zip(self.follow(orders, Terms::until(until)).await)
            {
                values[place] = late_value(answer)?;
            }
        }
        Ok(values)
    }

    /// What lies where. What lies nowhere is in no part.
    fn parts<'a>(self: &Arc<Self>, chart: &'a Chart, names: &[&str]) -> Vec<Part<'a>> {
        let parts = split(names.iter().map(|name| chart.map.master(slot(name))));
        let parts = parts.into_iter().filter_map(|(master, places)| {
            if master.is_none() {
                // By now somebody may have the slot.
                self.doubt();
            }
            Some((&chart.members[master?], places))
        });
        parts.collect()
    }

    /// What a node says of one name: its value, or where to ask for it.
    fn value_or_redirect(
        self: &Arc<Self>,
        member: &Arc<Member>,
        piece: Piece,
    ) -> Result<Result<Option<Bytes>, Redirect>, Fault> {
        match piece {
            Ok(value) => Ok(Ok(value)),
            Err(error) => match self.heard(&error, member) {
                Some(redirect) => Ok(Err(redirect)),
                None => no_value(&error).map(|()| Ok(None)),
            },
        }
    }
}

/// Waits until the nodes of all parts are connected, and tells of each whether it is. No stamp
/// may be read before the node of an entry is connected: that node may hold what agrees with a
/// stamp that is removed, elsewhere, before it is asked for anything. So one that takes too long
/// is not asked.
async fn ready(parts: &[Part<'_>], until: Instant) -> Vec<Result<(), Fault>> {
    if parts.len() < 2 || parts.iter().all(|(member, _)| member.node.reads().is_up()) {
        return parts.iter().map(|_| Ok(())).collect();
    }
    // What is left is for reading.
    let until = until - until.saturating_duration_since(Instant::now()) / 2;
    let connecting = parts
        .iter()
        .map(|(member, _)| member.node.reads().reached(until));
    together(connecting.collect()).await
}

/// What a redirected read has brought.
fn late_value(answer: Result<Value, Fault>) -> Result<Option<Bytes>, Fault> {
    match answer {
        Ok(answer) => match commands::piece(answer).ok_or(Fault::Garbled)? {
            Ok(value) => Ok(value),
            Err(error) => no_value(&error).map(|()| None),
        },
        Err(fault) => absent(fault).map(|()| None),
    }
}

/// Whether a node says by this error that there is no value.
fn no_value(error: &ServerError) -> Result<(), Fault> {
    // What is not of our making is not there, as `MGET` has it too.
    if error.code() == "WRONGTYPE" || is_unserved(error) {
        return Ok(());
    }
    Err(refused(error))
}

/// Whether what cannot be reached counts as absent.
pub(super) fn absent(fault: Fault) -> Result<(), Fault> {
    match fault.kind() {
        ErrorKind::Rejected => Ok(()),
        _ => Err(fault),
    }
}
