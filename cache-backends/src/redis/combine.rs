//! Which reads travel together: those that come while another is on its way share one command.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use redis::{Cmd, Pipeline, ServerError};
use tokio::{
    runtime::Handle,
    sync::oneshot::{self, error::RecvError},
    time::{Instant, timeout_at},
};

use super::{commands, line::Server};
use crate::link::{Fault, Link, Wait};

/// So many commands are on their way before reads begin to wait for company.
const FLIGHTS: usize = 1;
/// How long a read waits for company, whatever becomes of the others. On a long line commands
/// follow each other after this time, and on one that is shorter nobody waits so long.
const PATIENCE: Duration = Duration::from_millis(1);
/// The most callers of one command.
const CALLERS: usize = 64;
/// The most names of one command, unless one caller has more.
const NAMES: usize = 512;
/// How often a read goes with others that do not bring it home, before it goes alone.
const ATTEMPTS: usize = 3;

/// What stands under a name, or why the server does not tell.
pub(super) type Piece = Result<Option<Bytes>, ServerError>;

type Values = Vec<Piece>;

/// How several names are read at once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// In one command, which is done or refused as a whole.
    Together,
    /// In a command for each, as a node of a cluster has it; each may be refused by itself.
    Each,
}

/// The reads of many callers on one link.
///
/// There is no work in the background: a caller who finds the line free sends its own read at
/// once. Those who come meanwhile gather in a batch, and one of them, woken when the line is free
/// again, sends it and hands the others what is theirs. Any of them may be dropped at any time:
/// its part passes to another one.
pub(super) struct Combine {
    link: Arc<Link<Server>>,
    manner: Manner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many commands are on their way, or about to be sent.
    flights: usize,
    /// Full ones first; only the last one takes in more.
    queue: VecDeque<Batch>,
    serials: u64,
}

/// Reads that are sent in one command, in which no name occurs twice: much of what callers read
/// is the same for many of them.
struct Batch {
    serial: u64,
    command: Command,
    /// Where in the command each name stands.
    places: HashMap<Box<str>, usize, foldhash::fast::RandomState>,
    /// The places of the names of all members, in order.
    asked: Vec<usize>,
    /// For each place, how many times it is asked for.
    uses: Vec<usize>,
    members: Vec<Member>,
}

/// Reads as they are sent.
enum Command {
    Together(Cmd),
    Each(Pipeline),
}

struct Member {
    names: usize,
    /// Taken from the one who sends, and from those found to be gone.
    sender: Option<oneshot::Sender<Turn>>,
}

/// What a caller is woken for.
enum Turn {
    Send(Box<Flight>),
    Done(Values),
    Failed(Fault),
    /// The read is to be sent by itself.
    Alone,
}

/// A batch that is to be sent, by the member at `leader`.
struct Flight {
    role: Role,
    batch: Batch,
    leader: usize,
}

/// Where a waiting caller stands.
struct Place {
    batch: u64,
    index: usize,
    turn: oneshot::Receiver<Turn>,
}

enum Entry {
    Free(Role),
    Queued(Place),
}

/// One of the commands on their way. When it is dropped, the next batch may go.
struct Role(Option<Arc<Combine>>);

impl fmt::Debug for Combine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Combine")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

impl Combine {
    pub(super) fn new(link: Arc<Link<Server>>, manner: Manner) -> Arc<Self> {
        Arc::new(Self {
            link,
            manner,
            state: Mutex::default(),
        })
    }

    pub(super) fn link(&self) -> &Arc<Link<Server>> {
        &self.link
    }

    /// The values of these names, within the deadline of the link, which ends at `until` or later.
    pub(super) async fn read(
        self: &Arc<Self>,
        names: &[&str],
        until: Instant,
    ) -> Result<Values, Fault> {
        let deadline = self.link.deadline();
        for _ in 0..ATTEMPTS {
            let place = match self.enter(names) {
                Entry::Free(_role) => return self.alone(names, until).await,
                // There is no waiting outside of a runtime.
                Entry::Queued(_) if Handle::try_current().is_err() => break,
                Entry::Queued(place) => place,
            };
            match self.turn(place, until).await? {
                Ok(Turn::Send(flight)) => {
                    if let Some(outcome) = self.lead(flight, until).await {
                        return outcome;
                    }
                    break;
                }
                Ok(Turn::Done(values)) => return Ok(values),
                Ok(Turn::Failed(fault)) => return Err(fault),
                Ok(Turn::Alone) => break,
                // The sender is gone, or had less time than this read.
                Err(_) if Instant::now() + deadline / 2 > until => {
                    return Err(Fault::Silent(deadline));
                }
                Err(_) => {}
            }
        }
        self.alone(names, until).await
    }

    async fn alone(&self, names: &[&str], until: Instant) -> Result<Values, Fault> {
        let command = match self.manner {
            Manner::Together => Command::Together(commands::read(names)),
            Manner::Each => {
                let mut each = Pipeline::with_capacity(names.len());
                for name in names {
                    each.add_command(commands::read(&[name]));
                }
                Command::Each(each)
            }
        };
        self.send(&command, names.len(), until).await
    }

    async fn send(&self, command: &Command, names: usize, until: Instant) -> Result<Values, Fault> {
        let pieces = match command {
            Command::Together(command) => {
                let answer = self.link.one_until(command, until).await?;
                commands::values(answer, names)
            }
            Command::Each(pipeline) => {
                let answers = self.link.all_until(pipeline, until).await?;
                answers.into_iter().map(commands::piece).collect()
            }
        };
        pieces.ok_or_else(|| self.link.garbled())
    }

    fn enter(self: &Arc<Self>, names: &[&str]) -> Entry {
        let mut state = self.lock();
        if state.flights < FLIGHTS {
            state.flights += 1;
            return Entry::Free(Role(Some(Arc::clone(self))));
        }
        Entry::Queued(state.add(names, self.manner))
    }

    /// Waits until somebody has something for the caller at `place`, or its patience ends and it
    /// sends the batch itself.
    async fn turn(
        self: &Arc<Self>,
        mut place: Place,
        until: Instant,
    ) -> Result<Result<Turn, RecvError>, Fault> {
        let wait = Wait::new(&self.link, until);
        let patience = until.min(Instant::now() + PATIENCE);
        let turn = match timeout_at(patience, &mut place.turn).await {
            Ok(turn) => turn,
            Err(_) => match self.take(&place) {
                Some(flight) => Ok(Turn::Send(flight)),
                None => timeout_at(until, &mut place.turn)
                    .await
                    .map_err(|_| Fault::Silent(self.link.deadline()))?,
            },
        };
        wait.end();
        Ok(turn)
    }

    /// The batch of the caller at `place`, if nobody has taken it yet.
    fn take(self: &Arc<Self>, place: &Place) -> Option<Box<Flight>> {
        let mut state = self.lock();
        let waiting = |batch: &Batch| batch.serial == place.batch;
        let at = state.queue.iter().position(waiting)?;
        let mut batch = state.queue.remove(at)?;
        batch.members[place.index].sender = None;
        state.flights += 1;
        Some(Box::new(Flight {
            role: Role(Some(Arc::clone(self))),
            batch,
            leader: place.index,
        }))
    }

    /// Sends a batch; `None` if the caller is to send its own read by itself.
    async fn lead(&self, flight: Box<Flight>, until: Instant) -> Option<Result<Values, Fault>> {
        let names = flight.batch.uses.len();
        let values = self.send(&flight.batch.command, names, until).await;
        let Flight {
            role,
            batch,
            leader,
        } = *flight;
        // The next batch goes before this one is dealt out.
        drop(role);
        match values {
            Ok(values) => Some(Ok(batch.deal(values, leader))),
            // The others may have more time.
            Err(fault @ Fault::Silent(_)) => Some(Err(fault)),
            // What is refused may be the read of one among them.
            Err(Fault::Refused(_)) if batch.members.len() > 1 => {
                batch.tell(|| Turn::Alone);
                None
            }
            Err(fault) => {
                batch.tell(|| Turn::Failed(fault.clone()));
                Some(Err(fault))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, names: &[&str], manner: Manner) -> Place {
        let room = |batch: &Batch| {
            batch.members.len() < CALLERS && batch.asked.len() + names.len() <= NAMES
        };
        if !self.queue.back().is_some_and(room) {
            self.serials += 1;
            self.queue.push_back(Batch::new(self.serials, manner));
        }
        let batch = self.queue.back_mut().expect("one was just added");
        let (sender, turn) = oneshot::channel();
        for name in names {
            batch.ask(name);
        }
        batch.members.push(Member {
            names: names.len(),
            sender: Some(sender),
        });
        Place {
            batch: batch.serial,
            index: batch.members.len() - 1,
            turn,
        }
    }
}

impl Command {
    fn new(manner: Manner) -> Self {
        match manner {
            Manner::Together => {
                let mut command = Cmd::with_capacity(CALLERS, 64 * CALLERS);
                command.arg("MGET");
                Self::Together(command)
            }
            Manner::Each => Self::Each(Pipeline::with_capacity(CALLERS)),
        }
    }

    fn ask(&mut self, name: &str) {
        match self {
            Self::Together(command) => drop(command.arg(name)),
            Self::Each(pipeline) => drop(pipeline.add_command(commands::read(&[name]))),
        }
    }
}

impl Batch {
    fn new(serial: u64, manner: Manner) -> Self {
        Self {
            serial,
            command: Command::new(manner),
            places: HashMap::with_capacity_and_hasher(
                CALLERS,
                foldhash::fast::RandomState::default(),
            ),
            asked: Vec::with_capacity(2 * CALLERS),
            uses: Vec::with_capacity(CALLERS),
            members: Vec::with_capacity(CALLERS / 2),
        }
    }

    fn ask(&mut self, name: &str) {
        let place = if let Some(place) = self.places.get(name) {
            *place
        } else {
            let place = self.uses.len();
            self.places.insert(name.into(), place);
            self.uses.push(0);
            self.command.ask(name);
            place
        };
        self.uses[place] += 1;
        self.asked.push(place);
    }

    /// Gives each member its values, and returns those of the one who has sent the batch.
    fn deal(mut self, mut values: Values, leader: usize) -> Values {
        let mut asked = self.asked.into_iter().map(|place| {
            self.uses[place] -= 1;
            match self.uses[place] {
                0 => std::mem::replace(&mut values[place], Ok(None)),
                _ => values[place].clone(),
            }
        });
        let mut own = Vec::new();
        for (index, member) in self.members.into_iter().enumerate() {
            let share = asked.by_ref().take(member.names).collect();
            match member.sender {
                // Whoever is gone needs no answer.
                Some(sender) => drop(sender.send(Turn::Done(share))),
                None if index == leader => own = share,
                None => {}
            }
        }
        own
    }

    fn tell(self, turn: impl Fn() -> Turn) {
        let senders = self.members.into_iter().filter_map(|member| member.sender);
        for sender in senders {
            // Whoever is gone needs no answer.
            drop(sender.send(turn()));
        }
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let Some(combine) = &self.0 else {
            return;
        };
        loop {
            let mut state = combine.lock();
            let Some(batch) = state.queue.pop_front() else {
                state.flights -= 1;
                return;
            };
            drop(state);
            if Flight::offer(combine, batch) {
                return;
            }
        }
    }
}

impl Flight {
    /// Hands a batch to the first of its members that is still there, and with it a role that
    /// has been counted already; `false` if none is.
    fn offer(combine: &Arc<Combine>, batch: Batch) -> bool {
        let mut flight = Box::new(Self {
            role: Role(Some(Arc::clone(combine))),
            batch,
            leader: 0,
        });
        for leader in 0..flight.batch.members.len() {
            flight.leader = leader;
            let Some(sender) = flight.batch.members[leader].sender.take() else {
                continue;
            };
            match sender.send(Turn::Send(flight)) {
                Ok(()) => return true,
                Err(Turn::Send(back)) => flight = back,
                Err(_) => unreachable!("what was sent comes back"),
            }
        }
        // It stays with whoever offers.
        flight.role.0 = None;
        false
    }
}
