//! Which settings there are, and which go together.

use std::{fmt, sync::Arc, time::Duration};

use cache_core::{Error, ErrorKind, Result};

use super::{
    Inner, Memcached, Node,
    address::Address,
    ring::{Distribution, Ring},
    server::{Credentials, Server},
    tls::Tls,
};
use crate::link::Link;

/// What is as good as for ever, and still makes a moment that a clock can show.
const LONGEST_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// Settings of a [`Memcached`].
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemcachedBuilder {
    servers: String,
    deadline: Duration,
    distribution: Distribution,
    credentials: Option<Credentials>,
    insecure: bool,
    #[cfg(feature = "memcached-rustls")]
    encrypted: bool,
    #[cfg(feature = "memcached-rustls")]
    root: Option<Vec<u8>>,
}

impl fmt::Debug for MemcachedBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The list may hold what it should not, such as a password.
        f.debug_struct("MemcachedBuilder")
            .field("deadline", &self.deadline)
            .field("distribution", &self.distribution)
            .finish_non_exhaustive()
    }
}

impl MemcachedBuilder {
    pub(super) fn new(servers: String) -> Self {
        Self {
            servers,
            deadline: Memcached::DEADLINE,
            distribution: Distribution::default(),
            credentials: None,
            insecure: false,
            #[cfg(feature = "memcached-rustls")]
            encrypted: false,
            #[cfg(feature = "memcached-rustls")]
            root: None,
        }
    }

    /// How long a call may take before it fails, 250 ms by default. What is slower than this
    /// three times in a row is taken for dead and connected anew.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How names are spread over several servers, [`Distribution::Rendezvous`] by default. All
    /// processes that share the servers have to say the same, and to spell the servers alike.
    pub fn distribution(mut self, distribution: Distribution) -> Self {
        self.distribution = distribution;
        self
    }

    /// Who to be to servers that ask (`memcached -Y`). Without tls this can be read on the way.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials {
            user: user.into(),
            password: password.into(),
        });
        self
    }

    /// Allows what is sent to leave this machine in plain text: whoever is on the way can read
    /// and change it. Not needed for loopback addresses, nor with tls.
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Encrypts what is sent, to servers for which one of the well-known authorities vouches.
    #[cfg(feature = "memcached-rustls")]
    pub fn tls(mut self) -> Self {
        self.encrypted = true;
        self
    }

    /// Encrypts what is sent, to servers for which one's own authority vouches, whose
    /// certificate this is, in PEM.
    #[cfg(feature = "memcached-rustls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.encrypted = true;
        self.root = Some(pem.into());
        self
    }

    /// Checks the settings. Nothing is sent, so a server that is away is no error.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] if the list of servers cannot be understood, the deadline is zero,
    /// a user name or password is none, a certificate is none, or plain text would leave this
    /// machine and nobody has said [`insecure`](Self::insecure).
    pub fn build(self) -> Result<Memcached> {
        if self.deadline.is_zero() {
            return Err(wrong(
                "a deadline of zero fails every call: give memcached some time, 250 ms for example",
            ));
        }
        let addresses = Address::list(&self.servers)?;
        let tls = self.encryption()?;
        let local = addresses.iter().all(Address::is_loopback);
        if tls.is_none() && !local && !self.insecure {
            return Err(wrong(
                "a memcached server on another machine would be sent plain text: say \
                 `root_certificate(…)` or `tls()` (feature `memcached-rustls`), or `insecure()`",
            ));
        }
        if let Some(credentials) = &self.credentials {
            credentials.check()?;
        }
        let deadline = self.deadline.min(LONGEST_DEADLINE);
        let ring = Ring::new(self.distribution, &addresses);
        let node = |address: Address| Node {
            address: address.to_string(),
            link: Link::new(
                "requests",
                Server {
                    address,
                    credentials: self.credentials.clone(),
                    tls: tls.clone(),
                },
                deadline,
            ),
        };
        let nodes = addresses.into_iter().map(node).collect();
        Ok(Memcached(Arc::new(Inner { nodes, ring })))
    }

    #[cfg(feature = "memcached-rustls")]
    fn encryption(&self) -> Result<Option<Tls>> {
        self.encrypted
            .then(|| Tls::new(self.root.as_deref()))
            .transpose()
    }

    #[cfg(not(feature = "memcached-rustls"))]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "its like with the feature can fail"
    )]
    #[expect(clippy::unused_self, reason = "its like with the feature looks")]
    fn encryption(&self) -> Result<Option<Tls>> {
        Ok(None)
    }
}

impl Credentials {
    /// The server takes what it is told at its first space, from a line of a file.
    fn check(&self) -> Result<()> {
        let Self { user, password } = self;
        let unfit = |character: char| character.is_control();
        if user.is_empty() || user.contains([' ', ':']) || user.contains(unfit) {
            return Err(wrong(
                "the user name for memcached is empty, or has a space, a `:` or a line end in it",
            ));
        }
        if password.is_empty() || password.contains(unfit) {
            return Err(wrong(
                "the password for memcached is empty, or has a line end in it",
            ));
        }
        if user.len() + password.len() > 200 {
            return Err(wrong(
                "the user name and the password for memcached are longer than 200 bytes together",
            ));
        }
        Ok(())
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Config, what)
}
