//! How single commands reach the nodes of their names, wherever these have moved to.

use std::sync::Arc;

use cache_core::ErrorKind;
use redis::{Cmd, Pipeline, ServerError, Value};
use tokio::time::Instant;

use super::{Chart, Cluster, Member, redirect::Redirect, slot::slot, split::split};
use crate::{
    link::{Fault, Refusal},
    together::together,
};

/// How often a command follows a redirection before it is given up.
const REDIRECTIONS: usize = 2;

/// A command and the node that is to have it.
pub(super) struct Order {
    /// What goes wherever the command goes, right before it, though no node would say whether it
    /// is the right one for this.
    pub(super) ahead: Option<Cmd>,
    pub(super) command: Cmd,
    pub(super) goal: Goal,
}

/// Where a command goes.
pub(super) struct Goal {
    /// Nobody, if no node has its slot.
    member: Option<Arc<Member>>,
    /// Whether it goes there only this once.
    asking: bool,
}

/// How orders are carried out.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) until: Instant,
    /// Whether what a node has done counts only when a replica of it has it, too.
    pub(super) replicated: bool,
}

impl Terms {
    pub(super) fn until(until: Instant) -> Self {
        Self {
            until,
            replicated: false,
        }
    }
}

/// What has become of an order in one round.
struct Outcome {
    order: usize,
    answer: Result<Value, Fault>,
    redirect: Option<Redirect>,
}

impl Order {
    fn add_to(&self, pipeline: &mut Pipeline) {
        for command in self.ahead.iter().chain([&self.command]) {
            if self.goal.asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(command.clone());
        }
    }

    /// How many answers it has.
    fn length(&self) -> usize {
        (1 + usize::from(self.ahead.is_some())) * (1 + usize::from(self.goal.asking))
    }
}

impl Chart {
    /// Where a command about this name goes.
    pub(super) fn goal(&self, name: &str) -> Goal {
        Goal {
            member: self.member(slot(name)).map(Arc::clone),
            asking: false,
        }
    }
}

impl Cluster {
    /// Sends each command to the node of its name, all nodes at once, and follows redirections.
    /// An answer for each, errors of the servers among them.
    pub(super) async fn send<'a>(
        self: &Arc<Self>,
        chart: &Chart,
        commands: impl IntoIterator<Item = (&'a str, Cmd)>,
        terms: Terms,
    ) -> Vec<Result<Value, Fault>> {
        let orders = commands.into_iter().map(|(name, command)| Order {
            ahead: None,
            command,
            goal: chart.goal(name),
        });
        self.follow(orders.collect(), terms).await
    }

    /// The same for commands whose first goals are known.
    pub(super) async fn follow(
        self: &Arc<Self>,
        mut orders: Vec<Order>,
        terms: Terms,
    ) -> Vec<Result<Value, Fault>> {
        let mut answers: Vec<_> = orders.iter().map(|_| Err(unserved())).collect();
        let mut open: Vec<usize> = (0..orders.len()).collect();
        for left in (0..=REDIRECTIONS).rev() {
            let mut again = Vec::new();
            for outcome in self.round(&orders, &open, terms).await {
                let at = outcome.order;
                answers[at] = match outcome.redirect {
                    None => outcome.answer,
                    Some(redirect) => {
                        orders[at].goal = self.goal(&redirect);
                        again.push(at);
                        Err(restless())
                    }
                };
            }
            if left == 0 || again.is_empty() {
                break;
            }
            open = again;
        }
        answers
    }

    /// Sends the orders at these places once.
    async fn round(
        self: &Arc<Self>,
        orders: &[Order],
        open: &[usize],
        terms: Terms,
    ) -> Vec<Outcome> {
        let member = |at: &usize| orders[*at].goal.member.as_ref();
        let parts = split(open.iter().map(|at| member(at).map(Arc::as_ptr)));
        let sending = parts.into_iter().filter_map(|(_, places)| {
            let places: Vec<usize> = places.into_iter().map(|place| open[place]).collect();
            let Some(member) = member(&places[0]) else {
                // By now somebody may have the slot.
                self.doubt();
                return None;
            };
            Some(self.part(member, places, orders, terms))
        });
        let outcomes = together(sending.collect()).await;
        outcomes.into_iter().flatten().collect()
    }

    /// Sends orders that have the same goal.
    async fn part(
        self: &Arc<Self>,
        member: &Arc<Member>,
        places: Vec<usize>,
        orders: &[Order],
        terms: Terms,
    ) -> Vec<Outcome> {
        let mut pipeline = Pipeline::with_capacity(places.len());
        for order in places.iter().map(|place| &orders[*place]) {
            order.add_to(&mut pipeline);
        }
        let outcome = |order, answer: Result<Value, Fault>| {
            let redirect = match &answer {
                Ok(Value::ServerError(error)) => self.heard(error, member),
                _ => None,
            };
            Outcome {
                order,
                answer,
                redirect,
            }
        };
        let sent = if terms.replicated {
            member.node.change_until(pipeline, terms.until).await
        } else {
            let answers = member.node.writes().all_until(&pipeline, terms.until).await;
            answers.map(|answers| (answers, Ok(())))
        };
        match sent {
            Ok((answers, replicated)) => {
                let mut answers = answers.into_iter();
                let answered = |order: usize| {
                    let own = answers.by_ref().take(orders[order].length());
                    let answer = outcome(order, own.reduce(telling).ok_or(Fault::Garbled));
                    match (&answer.redirect, &replicated) {
                        (None, Err(fault)) => outcome(order, Err(fault.clone())),
                        _ => answer,
                    }
                };
                places.into_iter().map(answered).collect()
            }
            Err(fault) => {
                let fault = self.away(member, fault);
                let failed = |order| outcome(order, Err(fault.clone()));
                places.into_iter().map(failed).collect()
            }
        }
    }

    /// Where an error sends us, if it does. That a node cannot serve what it has by the map may be
    /// because the others have given it to another one.
    pub(super) fn heard(
        self: &Arc<Self>,
        error: &ServerError,
        member: &Member,
    ) -> Option<Redirect> {
        if error.code() == "CLUSTERDOWN" {
            self.doubt();
        }
        Redirect::of(error, &member.address)
    }

    /// Where a redirection leads. One for good means that the map is out of date.
    pub(super) fn goal(self: &Arc<Self>, redirect: &Redirect) -> Goal {
        let (address, asking) = match redirect {
            Redirect::Moved(address) => {
                self.doubt();
                (address, false)
            }
            Redirect::Ask(address) => (address, true),
        };
        Goal {
            member: Some(self.member(address)),
            asking,
        }
    }

    /// What it means that a node cannot be asked: while others can, it is no more than that what
    /// lies there is out of reach.
    pub(super) fn away(self: &Arc<Self>, member: &Arc<Member>, fault: Fault) -> Fault {
        self.doubt();
        if !self.lives_without(member) {
            return match fault {
                Fault::Away(why) => Fault::Away(format!("{}: {why}", member.address).into()),
                fault => fault,
            };
        }
        Fault::Refused(Refusal {
            text: format!("the node {} that has it is away: {fault}", member.address).into(),
            kind: ErrorKind::Rejected,
        })
    }

    fn lives_without(&self, member: &Arc<Member>) -> bool {
        let chart = self.chart.load();
        let members = chart.as_ref().map_or(&[][..], |chart| &chart.members);
        members
            .iter()
            .any(|other| !Arc::ptr_eq(other, member) && other.node.is_up())
    }
}

/// Which of an order's answers is the order's: that of its command, unless what went ahead was
/// refused by itself.
fn telling(earlier: Value, later: Value) -> Value {
    match &earlier {
        Value::ServerError(error) if !matches!(error.code(), "MOVED" | "ASK") => earlier,
        _ => later,
    }
}

/// Why what lies in a slot without a node is out of reach.
pub(super) fn unserved() -> Fault {
    Fault::Refused(Refusal {
        text: "no node of the cluster has its slot".into(),
        kind: ErrorKind::Rejected,
    })
}

fn restless() -> Fault {
    Fault::Refused(Refusal {
        text: "its slot is on the move between nodes".into(),
        kind: ErrorKind::Unavailable,
    })
}
