//! Collects mistakes, so that all of an attribute's are shown together.

use syn::{Error, Result};

#[derive(Default)]
pub(crate) struct Errors {
    all: Option<Error>,
    /// Whether something could not be read, so that nobody knows what is missing.
    unread: bool,
}

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.all {
            Some(all) => all.combine(error),
            None => self.all = Some(error),
        }
    }

    /// A mistake in something that is therefore left out.
    pub(crate) fn unread(&mut self, error: Error) {
        self.unread = true;
        self.push(error);
    }

    /// Whether what is not there was not written either.
    pub(crate) fn all_was_read(&self) -> bool {
        !self.unread
    }

    /// The value, or a note of why there is none.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Succeeds with what was built if nothing was wrong.
    pub(crate) fn finish<T>(self, built: T) -> Result<T> {
        match self.all {
            Some(all) => Err(all),
            None => Ok(built),
        }
    }
}
