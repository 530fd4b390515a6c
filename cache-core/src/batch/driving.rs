//! One run of the user's function for several flights: polled by their leader, and dropped with
//! it.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use super::Turn;
use crate::{
    ask,
    flight::{Inside, Panic},
    outcome::{Failure, Loaded},
};

/// One run, erased: what it gives for each key, in their order, or its error.
pub(super) type Run<'a> = Pin<Box<dyn Future<Output = Ended> + Send + 'a>>;

pub(super) type Ended = Result<Vec<Loaded>, Failure>;

/// A run on its way. Dropped in the middle, its flights are left to those who wait for them.
pub(super) struct Driving<'a> {
    turns: Vec<Turn>,
    run: Run<'a>,
}

impl<'a> Driving<'a> {
    pub(super) fn new(turns: Vec<Turn>, run: Run<'a>) -> Self {
        Self { turns, run }
    }
}

impl Future for Driving<'_> {
    type Output = (Vec<Turn>, Result<Ended, Panic>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let driving = &mut *self;
        let _quiet = ask::quiet();
        let _inside = Inside::enter(driving.turns.iter().filter_map(|turn| turn.lead.as_ref()));
        let polled = catch_unwind(AssertUnwindSafe(|| driving.run.as_mut().poll(context)));
        let ended = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => Ok(ended),
            Err(panic) => Err(panic),
        };
        Poll::Ready((std::mem::take(&mut driving.turns), ended))
    }
}
