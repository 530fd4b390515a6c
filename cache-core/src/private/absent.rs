//! What stands for a parameter that a `#[cfg(…)]` removed.

use crate::key::{KeyPart, KeyWriter};

/// Such a parameter, as a value that has no fields and is the same everywhere.
#[derive(Debug, Clone, Copy)]
pub struct ParameterRemovedByCfg;

impl KeyPart for ParameterRemovedByCfg {
    fn write_key(&self, key: &mut KeyWriter) {
        ().write_key(key);
    }
}
