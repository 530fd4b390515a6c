//! The rules of [`Backend::read`], and what dropping any call may do.

use std::task::{Context, Waker};

use super::{MINE, OTHER, envelope, fresh, put, read};
use crate::Backend;

/// A name under which nothing stands is `None`, not an error.
pub async fn what_is_missing_reads_as_none(store: &impl Backend) {
    let (a, b) = (fresh("a"), fresh("b"));
    assert_eq!(read(store, &a).await, None);
    let both = store.read(&[&a, &b]).await.expect("reads two names");
    assert_eq!(both, [None, None]);
}

/// No names, no values, no error.
pub async fn reading_nothing_gives_nothing(store: &impl Backend) {
    assert_eq!(store.read(&[]).await.expect("reads nothing"), []);
}

/// Values stand at the place of their names, also where a name is missing or asked for twice.
pub async fn values_come_back_in_the_order_asked(store: &impl Backend) {
    let (a, b, missing) = (fresh("a"), fresh("b"), fresh("missing"));
    put(store, &a, envelope(MINE, b"a")).await;
    put(store, &b, envelope(MINE, b"b")).await;
    let names = [&*b, &*missing, &*a, &*b];
    let read = store.read(&names).await.expect("reads four names");
    let (a, b) = (envelope(MINE, b"a"), envelope(MINE, b"b"));
    assert_eq!(read, [Some(b.clone()), None, Some(a), Some(b)]);
}

/// Zeros, line ends, all 256 bytes and a megabyte are only bytes.
pub async fn any_bytes_come_back_as_they_were_stored(store: &impl Backend) {
    let all: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = all.iter().copied().cycle().take(1 << 20).collect();
    for payload in [&b""[..], b"\0\r\n$-1\r\n", &all, &large] {
        let slot = fresh("bytes");
        put(store, &slot, envelope(OTHER, payload)).await;
        let read = read(store, &slot).await.expect("was stored");
        assert!(read == envelope(OTHER, payload), "{} bytes", payload.len());
    }
}

/// Names have up to 200 bytes.
pub async fn a_name_of_200_bytes_is_as_good_as_any(store: &impl Backend) {
    let mut name = fresh("long:ü:%3A{}*?[]^$'\"\\");
    while name.len() < 200 {
        name.push('x');
    }
    let mut other = name.clone();
    other.replace_range(199.., "y");
    put(store, &name, envelope(MINE, b"long")).await;
    assert_eq!(read(store, &name).await, Some(envelope(MINE, b"long")));
    assert_eq!(read(store, &other).await, None);
}

/// A caller who goes away leaves the answers to the others as they are.
pub async fn a_dropped_call_never_shifts_the_answers_of_others(store: &impl Backend) {
    let (mine, other) = (fresh("mine"), fresh("other"));
    put(store, &mine, envelope(MINE, b"mine")).await;
    put(store, &other, envelope(OTHER, b"other")).await;
    for _ in 0..50 {
        let names = [&*other];
        let mut dropped = Box::pin(store.read(&names));
        let _ = dropped
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        drop(dropped);
        assert_eq!(read(store, &mine).await, Some(envelope(MINE, b"mine")));
    }
}
