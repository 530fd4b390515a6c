//! The rules of [`Backend::watch`].

use std::{
    pin::Pin,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use super::{LONG, MINE, all, envelope, fresh, put, read};
use crate::{Backend, Invalidate, Listener};

type Pinned<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What a listener was told.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Notice(Vec<u8>),
    Flushed,
    Connected,
    Alive,
    Lost,
}

struct Recorder(mpsc::UnboundedSender<Told>);

impl Recorder {
    fn record(&self, told: Told) {
        // The rule that listened may have ended.
        let _ = self.0.send(told);
    }
}

impl Listener for Recorder {
    fn notice(&self, message: &[u8]) {
        self.record(Told::Notice(message.to_vec()));
    }
    fn flushed(&self) {
        self.record(Told::Flushed);
    }
    fn connected(&self) {
        self.record(Told::Connected);
    }
    fn alive(&self, ago: Duration) {
        assert!(ago < LONG, "a heartbeat is answered soon: {ago:?}");
        self.record(Told::Alive);
    }
    fn lost(&self) {
        self.record(Told::Lost);
    }
}

/// A feed under observation; the listener lives as long as this.
struct Feed {
    told: mpsc::UnboundedReceiver<Told>,
    _listener: Arc<dyn Listener>,
}

impl Feed {
    /// Watches `channel`, or says that the store cannot.
    fn watch(store: &impl Backend, channel: &str) -> Option<Self> {
        let (sender, told) = mpsc::unbounded_channel();
        let listener: Arc<dyn Listener> = Arc::new(Recorder(sender));
        let weak: Weak<dyn Listener> = Arc::downgrade(&listener);
        store.watch(channel, weak).then_some(Self {
            told,
            _listener: listener,
        })
    }

    async fn next(&mut self) -> Told {
        let next = timeout(Duration::from_secs(10), self.told.recv()).await;
        next.expect("hears something within ten seconds")
            .expect("is never forgotten")
    }

    async fn connected(&mut self) {
        while self.next().await != Told::Connected {}
    }

    /// The next notice; everything else is skipped.
    async fn notice(&mut self) -> Vec<u8> {
        loop {
            if let Told::Notice(notice) = self.next().await {
                return notice;
            }
        }
    }
}

async fn publish(store: &impl Backend, channel: &str, notice: &[u8], slots: &[&str]) {
    let change = Invalidate {
        slots,
        stamps: &[],
        stamp_ttl: LONG,
        channel,
        notice,
    };
    store
        .invalidate(change)
        .await
        .expect("invalidates and publishes");
}

/// Whoever hears of a change and asks again is never given what was before it.
pub async fn a_notice_arrives_after_the_change_it_announces(store: &impl Backend) {
    let (channel, slot) = (fresh("channel"), fresh("slot"));
    let Some(mut feed) = Feed::watch(store, &channel) else {
        return;
    };
    feed.connected().await;
    for round in 0..20u8 {
        put(store, &slot, envelope(MINE, &[round])).await;
        let asking: Pinned<'_> = Box::pin(async {
            assert_eq!(feed.notice().await, [round]);
            assert_eq!(read(store, &slot).await, None, "gone when it is announced");
        });
        let publishing: Pinned<'_> =
            Box::pin(async { publish(store, &channel, &[round], &[&slot]).await });
        all([asking, publishing]).await;
    }
}

/// A feed brings what its channel brought, no more, in the order of the server.
pub async fn notices_arrive_in_order_and_on_their_channel_only(store: &impl Backend) {
    let (mine, other) = (fresh("channel"), fresh("channel"));
    let Some(mut feed) = Feed::watch(store, &mine) else {
        return;
    };
    feed.connected().await;
    for round in 0..100u8 {
        publish(store, &other, b"for somebody else", &[]).await;
        publish(store, &mine, &[0, round, b'\r', b'\n', 255], &[]).await;
    }
    for round in 0..100u8 {
        assert_eq!(feed.notice().await, [0, round, b'\r', b'\n', 255]);
    }
}

/// The first word is `connected`; the feed then says again and again that it is alive.
pub async fn a_feed_is_connected_and_then_alive(store: &impl Backend) {
    let Some(mut feed) = Feed::watch(store, &fresh("channel")) else {
        return;
    };
    assert_eq!(feed.next().await, Told::Connected);
    for _ in 0..3 {
        assert_eq!(feed.next().await, Told::Alive);
    }
}
