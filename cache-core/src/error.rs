//! The one error type: a kind to act on, a context to read, a source to dig in.

use std::{error::Error as StdError, fmt, sync::Arc};

/// What went wrong, as far as a caller would act differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Settings, a key or a ttl that cannot work. Fix the program.
    Config,
    /// The far tier could not be reached or did not answer in time. May succeed if tried again;
    /// a write may have been applied all the same.
    Unavailable,
    /// The far tier is reachable and said no (out of memory, read-only, no permission, too
    /// large). The same call will fail again until somebody changes something.
    Rejected,
    /// A value could not be written as bytes, or bytes not be read as the wanted type.
    Codec,
}

impl ErrorKind {
    fn text(self) -> &'static str {
        match self {
            Self::Config => "cache misconfigured",
            Self::Unavailable => "cache unavailable",
            Self::Rejected => "cache refused",
            Self::Codec => "cache cannot convert",
        }
    }
}

/// A failure of the cache, never of the function behind it.
///
/// `Display` is one lower-case line: `cache unavailable: reading from redis at 127.0.0.1:6379:
/// no answer within 50ms`. It holds no value and no secret. Cloning costs one count.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    context: String,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The result of a call that only the cache can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; `context` says what was tried and what to do.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            context: context.into(),
            source: None,
        }))
    }

    /// The same, caused by `source`.
    pub fn caused(
        kind: ErrorKind,
        context: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            context: context.into(),
            source: Some(Arc::from(source.into())),
        }))
    }

    /// The same error, said of `what`: a setting, or a store among several.
    #[must_use]
    pub fn within(self, what: impl fmt::Display) -> Self {
        Self(Arc::new(Inner {
            kind: self.0.kind,
            context: format!("{what}: {}", self.0.context),
            source: self.0.source.clone(),
        }))
    }

    /// What went wrong, to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.text(), self.0.context)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("context", &self.0.context)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
