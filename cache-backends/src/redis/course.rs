//! Whether the connections of one process lead to the same server: after a switch each finds the
//! new master for itself, and what one has invalidated there must not be read by another from the
//! old one, which may not know yet that it is none.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::sentinel::Address;

/// Where the connection that was made last leads to.
#[derive(Debug, Default)]
pub(super) struct Course(ArcSwapOption<Address>);

/// Where a connection leads to, and where the last one does.
#[derive(Debug, Clone)]
pub(super) struct Bearing {
    pub(super) at: Arc<Address>,
    course: Arc<Course>,
}

impl Bearing {
    /// From now on all connections have to lead to this address.
    pub(super) fn set(at: Address, course: &Arc<Course>) -> Self {
        let (at, course) = (Arc::new(at), Arc::clone(course));
        course.0.store(Some(Arc::clone(&at)));
        Self { at, course }
    }

    /// Whether they have to lead elsewhere by now.
    pub(super) fn is_left(&self) -> bool {
        let last = self.course.0.load();
        last.as_ref().is_some_and(|last| **last != *self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_left_when_another_leads_elsewhere() {
        let course = Arc::default();
        let to = |port| Bearing::set(("master".to_owned(), port), &course);
        let (one, other) = (to(1), to(1));
        assert!(!one.is_left() && !other.is_left(), "to the same server");
        let new = to(2);
        assert!(one.is_left() && other.is_left() && !new.is_left());
    }
}
