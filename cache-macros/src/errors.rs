//! Collects mistakes, so that all of an attribute's are shown together.

use syn::{Error, Result};

#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or a note of why there is none.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Succeeds with what was built if nothing was wrong.
    pub(crate) fn finish<T>(self, built: T) -> Result<T> {
        match self.0 {
            Some(all) => Err(all),
            None => Ok(built),
        }
    }
}
