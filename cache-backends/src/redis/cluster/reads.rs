//! How names are read that lie on several nodes.

use std::sync::Arc;

use bytes::Bytes;
use cache_core::ErrorKind;
use redis::{ServerError, Value};

use super::{
    Cluster, Member,
    calls::is_unserved,
    redirect::Redirect,
    route::{Order, Terms},
    slot::slot,
    split::split,
    together::together,
};
use crate::{
    link::Fault,
    redis::{combine::Piece, commands, fault::refused},
};

impl Cluster {
    /// What is out of reach is absent while other nodes live.
    pub(in crate::redis) async fn read(
        self: &Arc<Self>,
        names: &[&str],
    ) -> Result<Vec<Option<Bytes>>, Fault> {
        let until = self.until();
        let chart = self.chart(until).await?;
        let parts = split(names.iter().map(|name| chart.map.master(slot(name))));
        let reading = parts.into_iter().filter_map(|(master, places)| {
            let member = &chart.members[master?];
            Some(async move {
                let wanted: Vec<&str> = places.iter().map(|place| names[*place]).collect();
                (member, places, member.node.pieces(&wanted).await)
            })
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
                match value_or_redirect(member, piece)? {
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
}

/// What a node says of one name: its value, or where to ask for it.
fn value_or_redirect(
    member: &Arc<Member>,
    piece: Piece,
) -> Result<Result<Option<Bytes>, Redirect>, Fault> {
    match piece {
        Ok(value) => Ok(Ok(value)),
        Err(error) => match Redirect::of(&error, &member.address) {
            Some(redirect) => Ok(Err(redirect)),
            None => no_value(&error).map(|()| Ok(None)),
        },
    }
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
