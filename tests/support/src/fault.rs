//! What a proxy does to the bytes that pass it, and when.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How a [`FaultProxy`](crate::FaultProxy) breaks the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Not at all.
    #[default]
    None,
    /// Each byte arrives later, as over a long line: the rate stays, the order too.
    Delay {
        /// How much later the server gets what the client sent.
        requests: Duration,
        /// How much later the client gets what the server sent.
        replies: Duration,
    },
    /// Each link carries only so many bytes per second in each direction, in small steps.
    Rate(u32),
    /// Bytes vanish and nobody is told. A link that lost bytes stays dead in that direction,
    /// also under later faults, as no real line loses bytes and then goes on; it is never
    /// closed by the proxy, so its ends have to find out by themselves.
    Swallow {
        /// Which links.
        links: Links,
        /// Which bytes: with [`Way::Replies`] the server does what it is asked, unheard.
        way: Way,
    },
    /// Each link is closed once so many bytes of replies have passed since the fault was set.
    CutReplies(usize),
    /// New connections are reset (RST) as soon as they are accepted; links that stand pass.
    Reset,
    /// Each byte travels in a segment of its own.
    OneByte,
}

/// Which links a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Those that stand when the fault is set: the half-open case, new links work.
    Established,
    /// These and the new ones.
    All,
}

/// Which direction a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Requests,
    /// From the server to the client.
    Replies,
    /// Both.
    Both,
}

impl Way {
    fn covers(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

/// The fault in force, and how many were set before it: by that number a link knows whether it
/// is older than the fault.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting {
    pub(crate) fault: Fault,
    pub(crate) number: u64,
}

impl Setting {
    /// How much later a byte arrives that is sent now.
    pub(crate) fn delay(self, way: Way) -> Duration {
        match (self.fault, way) {
            (Fault::Delay { requests, .. }, Way::Requests) => requests,
            (Fault::Delay { replies, .. }, Way::Replies) => replies,
            _ => Duration::ZERO,
        }
    }

    /// Whether bytes of this way vanish on a link that was accepted under fault number `born`.
    pub(crate) fn swallows(self, way: Way, born: u64) -> bool {
        match self.fault {
            Fault::Swallow { links, way: struck } => {
                struck.covers(way) && (links == Links::All || born < self.number)
            }
            _ => false,
        }
    }
}

/// The switch that a test moves and the links look at.
#[derive(Debug, Default)]
pub(crate) struct Switch(Mutex<Setting>);

impl Switch {
    pub(crate) fn set(&self, fault: Fault) {
        let mut setting = self.lock();
        setting.fault = fault;
        setting.number += 1;
    }

    pub(crate) fn get(&self) -> Setting {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Setting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
