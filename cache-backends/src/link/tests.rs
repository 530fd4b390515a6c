//! What a link does in moments that no server can be made to hit.

use std::sync::atomic::AtomicU32;

use super::*;

/// A server whose connections are numbered, from 1.
#[derive(Debug, Default)]
struct Numbered(AtomicU32);

impl Dial for Numbered {
    type Line = u32;

    const SERVER: &'static str = "numbered";

    fn address(&self) -> String {
        "here".to_owned()
    }

    async fn dial(&self, _: Ended) -> Result<u32, String> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }

    async fn beat(&self, _: u32) -> Result<(), String> {
        Ok(())
    }
}

#[tokio::test]
async fn what_was_being_made_when_it_was_to_be_made_anew_carries_nothing() {
    let link = Link::new("test", Numbered::default(), Duration::from_secs(5));
    let serial = link.serials.fetch_add(1, Ordering::SeqCst);
    link.renew();
    // As it stands when its installation has begun, and not yet looked at who is too old.
    let old = Current { line: 0, serial };
    link.current.store(Some(Arc::new(old)));
    assert!(!link.is_up());
    let until = Instant::now() + link.deadline();
    let carried = link.ask(until, |line| async move { Ok(line) }, |_| None);
    assert_eq!(carried.await.unwrap(), 1);
    link.close();
}
