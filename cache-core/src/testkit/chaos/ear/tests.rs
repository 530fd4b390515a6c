//! A feed's faults, on a paused clock.

use tokio::time::sleep;

use super::*;
use crate::{
    Backend, Invalidate,
    testkit::{ChaosFar, MemoryFar, Plan},
};

const SECOND: Duration = Duration::from_secs(1);

/// Writes down what it hears, and when.
#[derive(Default)]
struct Diary(Mutex<Vec<(Duration, String)>>, Mutex<Option<Instant>>);

impl Diary {
    fn write(&self, said: String) {
        let began = *lock(&self.1).get_or_insert_with(Instant::now);
        lock(&self.0).push((began.elapsed(), said));
    }

    /// All but heartbeats.
    fn heard(&self) -> Vec<String> {
        let diary = lock(&self.0);
        let heard = diary.iter().map(|(_, said)| said.clone());
        heard.filter(|said| !said.starts_with("alive")).collect()
    }

    fn forget(&self) {
        lock(&self.0).clear();
    }
}

impl Listener for Diary {
    fn notice(&self, message: &[u8]) {
        self.write(String::from_utf8_lossy(message).into_owned());
    }
    fn flushed(&self) {
        self.write("flushed".to_owned());
    }
    fn connected(&self) {
        self.write("connected".to_owned());
    }
    fn alive(&self, ago: Duration) {
        self.write(format!("alive {}", ago.as_millis()));
    }
    fn lost(&self) {
        self.write("lost".to_owned());
    }
}

struct Room {
    store: MemoryFar,
    chaos: Chaos,
    far: ChaosFar<MemoryFar>,
    diary: Arc<Diary>,
}

impl Room {
    fn new(plan: Plan) -> Self {
        let (store, chaos) = (MemoryFar::default(), Chaos::seeded(1));
        let far = ChaosFar::new(store.clone(), &chaos);
        let diary = Arc::new(Diary::default());
        let listener: Weak<dyn Listener> = Arc::downgrade(&(diary.clone() as Arc<dyn Listener>));
        assert!(far.watch("channel", listener));
        assert_eq!(diary.heard(), ["connected"]);
        diary.forget();
        chaos.set(plan);
        Self {
            store,
            chaos,
            far,
            diary,
        }
    }

    async fn publish(&self, notice: &str) {
        let change = Invalidate {
            slots: &[],
            stamps: &[],
            stamp_ttl: SECOND,
            channel: "channel",
            notice: notice.as_bytes(),
        };
        self.far.invalidate(change).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_notice_is_lost_in_silence() {
    let room = Room::new(Plan::new().lose_notices(1.0));
    room.publish("one").await;
    room.chaos.rest();
    room.publish("two").await;
    assert_eq!(room.diary.heard(), ["two"]);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_notice_arrives_twice() {
    let room = Room::new(Plan::new().repeat_notices(1.0));
    room.publish("one").await;
    assert_eq!(room.diary.heard(), ["one", "one"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_overtakes_a_late_notice_and_no_heartbeat_hides_that_it_is_late() {
    let room = Room::new(Plan::new().late_notices(1.0, 4 * SECOND));
    room.publish("one").await;
    room.chaos.rest();
    room.publish("two").await;
    room.store.beat();
    assert_eq!(room.diary.heard(), [""; 0]);
    sleep(5 * SECOND).await;
    assert_eq!(room.diary.heard(), ["one", "two"]);
    let diary = lock(&room.diary.0);
    let place = |said: &str| diary.iter().position(|(_, is)| is == said).unwrap();
    let (two_at, _) = diary[place("two")];
    let (heard_at, beat) = &diary[place("two") + 1];
    assert_eq!(*heard_at, two_at);
    let ago: u64 = beat.strip_prefix("alive ").unwrap().parse().unwrap();
    assert!(ago > 0, "it was sent when the first notice was");
}

#[tokio::test(start_paused = true)]
async fn a_feed_that_breaks_says_so_and_comes_back() {
    let room = Room::new(Plan::new().break_feed(1.0, 3 * SECOND));
    room.publish("one").await;
    room.publish("two").await;
    room.chaos.rest();
    assert_eq!(room.diary.heard(), ["lost"]);
    sleep(4 * SECOND).await;
    assert_eq!(room.diary.heard(), ["lost", "connected"]);
    room.publish("three").await;
    assert_eq!(room.diary.heard(), ["lost", "connected", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_gone_is_let_go() {
    let room = Room::new(Plan::new());
    let ears = Arc::new(Ears::default());
    let weak = ears.grow(
        Arc::downgrade(&(room.diary.clone() as Arc<dyn Listener>)),
        &room.chaos,
    );
    assert_eq!(weak.strong_count(), 1);
    drop(room);
    ears.prune();
    assert_eq!(weak.strong_count(), 0);
}
