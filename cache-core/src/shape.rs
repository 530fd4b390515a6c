//! The kind of a return type without the type itself, for what is compiled once.

use std::any::Any;

use crate::outcome::{Loaded, Outcome};

/// An [`Outcome`] that has forgotten its types. What stands for a result is an
/// `Option<Outcome::Return>` behind `dyn Any`.
pub(crate) trait Shape: Send + Sync {
    /// Whether a result can be made of this.
    fn can_join(&self, loaded: &Loaded) -> bool;
    /// Takes the result out of `output` and apart; `None` if it is of another type.
    fn split_any(&self, output: &mut dyn Any) -> Option<Loaded>;
    /// Makes a result in `output`; `false` if that wants one of another type.
    fn join_any(&self, loaded: Loaded, output: &mut dyn Any) -> bool;
}

impl<S: Outcome> Shape for S {
    fn can_join(&self, loaded: &Loaded) -> bool {
        self.accepts(loaded)
    }

    fn split_any(&self, output: &mut dyn Any) -> Option<Loaded> {
        let output = output.downcast_mut::<Option<S::Return>>()?;
        output.take().map(|output| self.split(output))
    }

    fn join_any(&self, loaded: Loaded, output: &mut dyn Any) -> bool {
        let output = output.downcast_mut::<Option<S::Return>>();
        output.map(|output| *output = self.join(loaded)).is_some()
    }
}
