//! What a node is called.

use std::{fmt, sync::Arc};

/// Host and port of a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

impl Address {
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.into();
        Self { host, port }
    }

    /// The address of which the node at this one has told. A host that it does not know, or
    /// leaves out, is its own.
    pub(super) fn told(&self, host: &str, port: u16) -> Self {
        match host {
            "" | "?" => Self {
                host: Arc::clone(&self.host),
                port,
            },
            host => Self::new(host, port),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
