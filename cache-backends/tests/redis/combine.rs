//! Reads that come together share a command, and none of them suffers from another.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cache_backends::Redis;
use cache_core::{Backend, ErrorKind, Result};
use test_support::RedisServer;
use tokio::{task::JoinSet, time::timeout};

use crate::probe::{SLACK, call};

const CALLERS: usize = 200;

/// So many reads go at once; the next one waits for company.
const FLIGHTS: usize = 1;

/// A server with `name:0`, `name:2` and so on, and a store that is connected to it.
async fn room() -> (RedisServer, Redis) {
    let server = RedisServer::start(&[]);
    let fill = "for i = 0, 998, 2 do redis.call('SET', 'name:' .. i, 'value:' .. i) end";
    server.raw(&["EVAL", fill, "0"]);
    let redis = Redis::connect(server.url()).unwrap();
    assert!(call(&redis).await.error.is_none());
    (server, redis)
}

/// Reads a few names, of which each caller has its own and one that all have.
async fn read_own(redis: Redis, caller: usize) -> Result<()> {
    let numbers: Vec<usize> = (0..=caller % 4).map(|at| caller + at).chain([0]).collect();
    let names: Vec<String> = numbers.iter().map(|at| format!("name:{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let values = redis.read(&names).await?;
    let value = |at: &usize| {
        at.is_multiple_of(2)
            .then(|| Bytes::from(format!("value:{at}")))
    };
    let expected: Vec<Option<Bytes>> = numbers.iter().map(value).collect();
    assert_eq!(values, expected, "caller {caller}");
    Ok(())
}

fn spawn_readers(redis: &Redis, callers: usize) -> JoinSet<Result<()>> {
    (0..callers)
        .map(|caller| read_own(redis.clone(), caller))
        .collect()
}

async fn all_well(readers: JoinSet<Result<()>>) {
    for outcome in readers.join_all().await {
        outcome.unwrap();
    }
}

/// How many reading commands the server has seen.
fn commands(server: &RedisServer) -> u64 {
    let calls = |command: &str| {
        let stats = server.info(command)?;
        let calls = stats.strip_prefix("calls=")?.split(',').next()?;
        calls.parse::<u64>().ok()
    };
    ["cmdstat_get", "cmdstat_mget"]
        .into_iter()
        .filter_map(calls)
        .sum()
}

/// A read that comes alone does not wait: nobody has left the line taken.
async fn assert_free(redis: &Redis) {
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let call = call(redis).await;
        assert!(call.error.is_none(), "{:?}", call.error);
        fastest = fastest.min(call.took);
    }
    assert!(fastest < Duration::from_millis(1), "{fastest:?}");
}

/// Reads that have been sent and then stand still, and leave room for one more.
fn standing(redis: &Redis) -> Vec<Pin<Box<impl Future<Output = Result<()>>>>> {
    let mut reads: Vec<_> = (1..FLIGHTS)
        .map(|caller| Box::pin(read_own(redis.clone(), caller)))
        .collect();
    for read in &mut reads {
        assert!(!poll_once(read.as_mut()));
    }
    reads
}

/// Drops the inner future after so many polls.
struct Dropped<F>(Pin<Box<F>>, usize);

impl<F: Future> Future for Dropped<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.1 -= 1;
        match self.0.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.1 == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    future.poll(&mut context).is_ready()
}

#[tokio::test]
async fn callers_at_a_time_get_each_their_own_with_few_commands() {
    let (server, redis) = room().await;
    let before = commands(&server);
    all_well(spawn_readers(&redis, CALLERS)).await;
    let sent = commands(&server) - before;
    assert!(sent < 20, "{sent} commands for {CALLERS} callers");
    assert_free(&redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_on_several_threads_get_each_their_own() {
    let (_server, redis) = room().await;
    for _ in 0..50 {
        all_well(spawn_readers(&redis, CALLERS)).await;
    }
    assert_free(&redis).await;
}

#[tokio::test]
async fn a_caller_alone_sends_its_own_command_and_does_not_wait() {
    let (server, redis) = room().await;
    let before = commands(&server);
    assert_free(&redis).await;
    assert_eq!(commands(&server) - before, 20);
}

#[tokio::test]
async fn callers_that_are_dropped_at_any_moment_take_nobody_with_them() {
    let (_server, redis) = room().await;
    for first in 1..=5 {
        for second in 1..=5 {
            for third in 1..=3 {
                let mut dropped = JoinSet::new();
                for (caller, polls) in [first; FLIGHTS]
                    .into_iter()
                    .chain([second, third])
                    .enumerate()
                {
                    let read = read_own(redis.clone(), caller);
                    dropped.spawn(Dropped(Box::pin(read), polls));
                }
                let start = Instant::now();
                all_well(spawn_readers(&redis, 20)).await;
                let took = start.elapsed();
                assert!(took < SLACK, "{first}, {second}, {third}: {took:?}");
                dropped.join_all().await;
            }
        }
    }
    assert_free(&redis).await;
}

#[tokio::test]
async fn a_batch_of_which_all_are_gone_is_not_in_the_way() {
    let (_server, redis) = room().await;
    let standing = standing(&redis);
    let mut sender = pin!(read_own(redis.clone(), 0));
    assert!(!poll_once(sender.as_mut()));
    {
        let mut gone: Vec<_> = (0..70)
            .map(|caller| Box::pin(read_own(redis.clone(), caller)))
            .collect();
        for caller in &mut gone {
            assert!(!poll_once(caller.as_mut()));
        }
    }
    sender.await.unwrap();
    drop(standing);
    assert_free(&redis).await;
}

#[tokio::test]
async fn a_sender_that_stands_still_delays_others_by_a_moment() {
    let (_server, redis) = room().await;
    let standing = standing(&redis);
    let mut sender = pin!(read_own(redis.clone(), 0));
    assert!(!poll_once(sender.as_mut()));
    let start = Instant::now();
    all_well(spawn_readers(&redis, CALLERS)).await;
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
    sender.await.unwrap();
    drop(standing);
    assert_free(&redis).await;
}

#[tokio::test]
async fn a_sender_that_stands_still_with_the_reads_of_others_costs_them_the_deadline() {
    let (_server, redis) = room().await;
    let standing = standing(&redis);
    // On a busy machine the third loses its patience before the second takes its read along.
    for _ in 0..50 {
        let mut first = Box::pin(read_own(redis.clone(), 0));
        let mut second = Box::pin(read_own(redis.clone(), 1));
        assert!(!poll_once(first.as_mut()));
        assert!(!poll_once(second.as_mut()));
        let start = Instant::now();
        let third = tokio::spawn(read_own(redis.clone(), 2));
        tokio::task::yield_now().await;
        first.await.unwrap();
        // It sends for itself and the third.
        assert!(!poll_once(second.as_mut()));

        all_well(spawn_readers(&redis, 20)).await;
        assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
        let Err(error) = third.await.unwrap() else {
            second.await.unwrap();
            continue;
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let took = start.elapsed();
        assert!(took < Redis::DEADLINE + SLACK, "{took:?}");
        drop((second, standing));
        return assert_free(&redis).await;
    }
    panic!("the second never took the third along");
}

#[tokio::test]
async fn a_server_that_is_killed_under_reads_fails_all_of_them_in_time() {
    let (server, redis) = room().await;
    server.stop();
    let start = Instant::now();
    let readers = spawn_readers(&redis, CALLERS);
    assert!(
        timeout(Duration::from_millis(50), std::future::pending::<()>())
            .await
            .is_err()
    );
    server.kill();
    for outcome in readers.join_all().await {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let took = start.elapsed();
    assert!(took < Redis::DEADLINE + SLACK, "{took:?}");
}

#[tokio::test]
async fn a_server_that_hangs_costs_each_of_many_readers_the_deadline() {
    let (server, redis) = room().await;
    server.stop();
    let start = Instant::now();
    for outcome in spawn_readers(&redis, CALLERS).join_all().await {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    let took = start.elapsed();
    assert!(took < Redis::DEADLINE + SLACK, "{took:?}");
}

#[tokio::test]
async fn a_read_that_is_refused_is_so_for_its_own_caller_only() {
    let (server, _) = room().await;
    let user = [
        "ACL", "SETUSER", "narrow", "on", ">secret", "~name:*", "&*", "+@all",
    ];
    server.raw(&user);
    let redis = Redis::connect(format!("redis://narrow:secret@{}", server.addr())).unwrap();
    redis.read(&["name:0"]).await.unwrap();

    let mut readers = spawn_readers(&redis, 5);
    let stranger = redis.clone();
    let refused = tokio::spawn(async move { stranger.read(&["other", "name:0"]).await });
    for caller in 5..10 {
        readers.spawn(read_own(redis.clone(), caller));
    }
    all_well(readers).await;
    let error = refused.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("NOPERM"), "{error}");
}
