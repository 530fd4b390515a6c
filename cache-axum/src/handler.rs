//! What an attribute knows of its handler, as constants.

use http::HeaderName;

/// What matters to caches of a handler's signature and key.
#[derive(Debug)]
pub struct Handler {
    /// Who asks is part of the key.
    pub(crate) identity: bool,
    /// The response is the same for everybody, says its author.
    pub(crate) shared: bool,
    /// The header fields in the key.
    pub(crate) vary: &'static [fn() -> HeaderName],
}

impl Handler {
    /// A handler that nobody's identity reaches.
    pub const fn new() -> Self {
        Self {
            identity: false,
            shared: false,
            vary: &[],
        }
    }

    /// Who asks is part of the key.
    #[must_use]
    pub const fn identity(mut self) -> Self {
        self.identity = true;
        self
    }

    /// The response is the same for everybody.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The header fields in the key.
    #[must_use]
    pub const fn vary(mut self, fields: &'static [fn() -> HeaderName]) -> Self {
        self.vary = fields;
        self
    }
}

impl Default for Handler {
    fn default() -> Self {
        Self::new()
    }
}
