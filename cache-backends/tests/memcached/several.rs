//! Names are spread over servers, and stay where they are while one of them is away.

use std::time::Duration;

use cache_backends::{Distribution, Memcached};
use cache_core::{Backend, ErrorKind};
use test_support::MemcachedServer;
use tokio::time::{sleep, timeout};

use crate::probe::{invalidate, prepare, read, store};

struct Room {
    servers: Vec<MemcachedServer>,
    memcached: Memcached,
}

fn room(distribution: Distribution) -> Room {
    let servers: Vec<_> = (0..3).map(|_| MemcachedServer::start(&[])).collect();
    let memcached = Memcached::builder(servers.iter().map(MemcachedServer::address))
        .distribution(distribution)
        .deadline(Duration::from_secs(5))
        .build()
        .unwrap();
    Room { servers, memcached }
}

impl Room {
    /// For each server, the names that lie on it, of so many.
    async fn fill(&self, names: usize) -> Vec<Vec<String>> {
        let mut places = vec![Vec::new(); self.servers.len()];
        for at in 0..names {
            let name = format!("name:{at}");
            assert!(prepare(&self.memcached, &name, &[]).await.unwrap().leased);
            assert!(store(&self.memcached, &name, b"value").await.unwrap());
            let question = format!("mg {name} s");
            let holds = |server: &MemcachedServer| server.ask(&question, 1)[0] != "EN";
            let mut holders = (0..self.servers.len()).filter(|at| holds(&self.servers[*at]));
            let holder = holders.next().expect("somebody holds it");
            assert_eq!(holders.next(), None, "one alone");
            places[holder].push(name);
        }
        places
    }
}

#[tokio::test]
async fn names_are_spread_over_all_servers_and_found_again() {
    for distribution in [Distribution::Rendezvous, Distribution::Ketama] {
        let room = room(distribution);
        let places = room.fill(60).await;
        assert!(places.iter().all(|names| names.len() > 5), "{places:?}");
        let names: Vec<&str> = places.iter().flatten().map(String::as_str).collect();
        let read = room.memcached.read(&names).await.unwrap();
        assert!(read.iter().all(Option::is_some));
    }
}

/// Case 53, without a load.
#[tokio::test]
async fn what_lies_on_a_dead_server_is_missing_and_the_rest_works() {
    let room = room(Distribution::Rendezvous);
    let places = room.fill(30).await;
    let (dead, living) = (&places[0], &places[1]);
    room.servers[0].kill();
    while read(&room.memcached, &dead[0]).await.unwrap().is_some() {
        sleep(Duration::from_millis(5)).await;
    }

    let names: Vec<&str> = dead.iter().chain(living).map(String::as_str).collect();
    let values = room.memcached.read(&names).await.unwrap();
    let (lost, kept) = values.split_at(dead.len());
    assert!(lost.iter().all(Option::is_none) && kept.iter().all(Option::is_some));

    let refused = [
        prepare(&room.memcached, &dead[0], &[]).await.unwrap_err(),
        prepare(&room.memcached, &living[0], &[(&dead[0], 1)])
            .await
            .unwrap_err(),
        store(&room.memcached, &dead[0], b"x").await.unwrap_err(),
        invalidate(&room.memcached, &[&living[0], &dead[0]], &[])
            .await
            .unwrap_err(),
        invalidate(&room.memcached, &[], &[(&dead[0], 1)])
            .await
            .unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Rejected, "{error}");
        assert!(
            error.to_string().contains(&room.servers[0].address()),
            "{error}"
        );
    }
    assert_eq!(
        read(&room.memcached, &living[0]).await.unwrap(),
        None,
        "told all the same"
    );
    assert!(
        store(&room.memcached, &living[1], b"fresher")
            .await
            .unwrap()
    );

    room.servers[0].restart();
    while prepare(&room.memcached, &dead[0], &[]).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(store(&room.memcached, &dead[0], b"again").await.unwrap());
    let question = format!("mg {} s", dead[0]);
    assert_ne!(
        room.servers[0].ask(&question, 1)[0],
        "EN",
        "where it always was"
    );
}

/// Whoever asks for nothing but what lies there would else not know that the others live.
#[tokio::test]
async fn a_server_that_is_dead_from_the_start_is_no_reason_to_leave_the_others_alone() {
    let room = room(Distribution::Rendezvous);
    let places = room.fill(30).await;
    room.servers[0].kill();
    let builder = Memcached::builder(room.servers.iter().map(MemcachedServer::address));
    let memcached = builder.build().unwrap();
    let asked = async {
        while read(&memcached, &places[0][0]).await.is_err() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let patience = Duration::from_secs(10);
    assert!(timeout(patience, asked).await.is_ok(), "a miss");
}

#[tokio::test]
async fn with_all_servers_away_calls_fail() {
    let room = room(Distribution::Rendezvous);
    room.fill(10).await;
    for server in &room.servers {
        server.kill();
    }
    let names: Vec<String> = (0..10).map(|at| format!("name:{at}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let error = loop {
        if let Err(error) = room.memcached.read(&names).await {
            break error;
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[test]
fn debug_tells_the_servers() {
    let memcached = Memcached::connect("localhost:1,127.0.0.1").unwrap();
    let text = format!("{memcached:?}");
    assert!(
        text.contains("localhost:1") && text.contains("127.0.0.1:11211"),
        "{text}"
    );
}
