//! How the bytes of one link travel: read at once, held until they are due, written as the fault
//! of that moment allows.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep_until},
};

use crate::{
    fault::{Fault, Way},
    proxy::Shared,
};

/// How many chunks of at most [`CHUNK`] bytes wait in one direction before its sender does.
const QUEUE: usize = 256;
const CHUNK: usize = 16 * 1024;
/// How many steps a rate-limited link makes in a second.
const STEPS: u32 = 100;
/// How late a timer may be without making a rate-limited link slower.
const LATE: Duration = Duration::from_millis(20);

/// Why a link ends before both sides have closed it.
enum End {
    /// The fault says so.
    Cut,
    /// One side has reset it.
    Broken,
}

/// What was read, and when the other side may see it.
struct Parcel {
    due: Instant,
    news: News,
}

enum News {
    Bytes(Vec<u8>),
    Closed,
    Broken,
}

/// Carries bytes between the two until both have closed, the link is cut, or one side breaks;
/// then the other side's connection is reset too.
pub(crate) async fn carry(
    shared: &Shared,
    born: u64,
    client: &mut TcpStream,
    server: &mut TcpStream,
) {
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            pump(shared, born, Way::Requests, from_client, to_server),
            pump(shared, born, Way::Replies, from_server, to_client),
        )
    };
    match ended {
        Ok(_) => {}
        // The client reads what was let through, and then the end.
        Err(End::Cut) => drop(client.shutdown().await),
        Err(End::Broken) => reset(client, server),
    }
}

/// Makes the drop of both streams a reset (RST) instead of a close.
pub(crate) fn reset(client: &TcpStream, server: &TcpStream) {
    for stream in [client, server] {
        // An error means that the stream is already dead.
        let _ = stream.set_zero_linger();
    }
}

async fn pump(
    shared: &Shared,
    born: u64,
    way: Way,
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
) -> Result<(), End> {
    let (parcels, due) = mpsc::channel(QUEUE);
    let writer = Writer {
        shared,
        born,
        way,
        to,
        dead: false,
        since: (0, 0),
        free_at: Instant::now(),
    };
    tokio::try_join!(receive(shared, way, from, parcels), writer.run(due))?;
    Ok(())
}

async fn receive(
    shared: &Shared,
    way: Way,
    mut from: ReadHalf<'_>,
    parcels: mpsc::Sender<Parcel>,
) -> Result<(), End> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let news = match from.read(&mut chunk).await {
            Ok(0) => News::Closed,
            Ok(length) => News::Bytes(chunk[..length].to_vec()),
            Err(_) => News::Broken,
        };
        let last = !matches!(news, News::Bytes(_));
        let due = Instant::now() + shared.switch.get().delay(way);
        if parcels.send(Parcel { due, news }).await.is_err() || last {
            return Ok(());
        }
    }
}

/// What may be done with the bytes at hand.
enum Step {
    Write(usize),
    Swallow,
    Cut,
}

/// The writing end of one direction.
struct Writer<'a> {
    shared: &'a Shared,
    born: u64,
    way: Way,
    to: WriteHalf<'a>,
    /// Whether bytes were lost here, so that nothing may follow them.
    dead: bool,
    /// The number of the fault last seen, and the bytes written since.
    since: (u64, usize),
    /// When a rate-limited link may carry the next bytes.
    free_at: Instant,
}

impl Writer<'_> {
    async fn run(mut self, mut parcels: mpsc::Receiver<Parcel>) -> Result<(), End> {
        while let Some(Parcel { due, news }) = parcels.recv().await {
            // The timer rounds up to its next tick, also for what is already due.
            if due > Instant::now() {
                sleep_until(due).await;
            }
            match news {
                News::Bytes(bytes) => self.deliver(&bytes).await?,
                // A dead link tells nobody anything: the other direction, or the test, ends it.
                _ if matches!(self.step(1), Step::Swallow) => std::future::pending().await,
                News::Broken => return Err(End::Broken),
                // An error means that the other side has closed before.
                News::Closed => drop(self.to.shutdown().await),
            }
        }
        Ok(())
    }

    async fn deliver(&mut self, mut bytes: &[u8]) -> Result<(), End> {
        while !bytes.is_empty() {
            let length = match self.step(bytes.len()) {
                Step::Cut => return Err(End::Cut),
                Step::Swallow => {
                    self.dead = true;
                    let lost = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    self.shared.counters.swallowed.fetch_add(lost, Relaxed);
                    return Ok(());
                }
                Step::Write(length) => length,
            };
            let (now, later) = bytes.split_at(length);
            // Counted before, so that whoever has seen a byte sees it counted.
            self.count(length);
            self.to.write_all(now).await.map_err(|_| End::Broken)?;
            self.pause(length).await;
            bytes = later;
        }
        // A link that has had its share is cut at once, not when more is to come.
        match self.step(1) {
            Step::Cut => Err(End::Cut),
            Step::Write(_) | Step::Swallow => Ok(()),
        }
    }

    /// What the fault of this moment allows for the next `length` bytes.
    fn step(&mut self, length: usize) -> Step {
        let setting = self.shared.switch.get();
        if self.since.0 != setting.number {
            self.since = (setting.number, 0);
        }
        if self.dead || setting.swallows(self.way, self.born) {
            return Step::Swallow;
        }
        match setting.fault {
            Fault::Rate(rate) => Step::Write(length.min(share(rate))),
            Fault::OneByte => Step::Write(1),
            Fault::CutReplies(after) if self.way == Way::Replies => {
                match after.saturating_sub(self.since.1) {
                    0 => Step::Cut,
                    left => Step::Write(length.min(left)),
                }
            }
            _ => Step::Write(length),
        }
    }

    fn count(&mut self, length: usize) {
        self.since.1 += length;
        let counter = match self.way {
            Way::Requests => &self.shared.counters.requests,
            _ => &self.shared.counters.replies,
        };
        counter.fetch_add(u64::try_from(length).unwrap_or(u64::MAX), Relaxed);
    }

    /// Waits until the next bytes may follow `length` bytes.
    async fn pause(&mut self, length: usize) {
        match self.shared.switch.get().fault {
            Fault::Rate(rate) => {
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                let time = Duration::from_secs(1) * length / rate.max(1);
                // Late timers are made up for; the time when nothing was sent is not.
                let earliest = Instant::now() - LATE;
                self.free_at = self.free_at.max(earliest) + time;
                sleep_until(self.free_at).await;
            }
            // The reader gets a chance to see this byte alone.
            Fault::OneByte => tokio::task::yield_now().await,
            _ => {}
        }
    }
}

/// How many bytes a link with this rate carries in one step.
fn share(rate: u32) -> usize {
    usize::try_from(rate / STEPS).unwrap_or(usize::MAX).max(1)
}
