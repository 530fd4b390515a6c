//! Another client reads what is written here, and what it writes is read here.

use bytes::Bytes;
use cache_backends::Memcached;
use memcache::Client;
use test_support::MemcachedServer;

use crate::probe::{MINE, invalidate, prepare, read, store};

#[tokio::test]
async fn what_one_client_writes_the_other_reads() {
    let server = MemcachedServer::start(&[]);
    let memcached = Memcached::connect(server.address()).unwrap();
    let url = format!("memcache://{}?protocol=ascii&timeout=10", server.address());
    let oracle = Client::connect(url).unwrap();
    let long = "k".repeat(250);
    let every: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (name, payload) in [
        ("empty", &b""[..]),
        ("larder:e:users:1%3A2", b"\r\nEND\r\nVA 3\r\nEN\r\n"),
        ("ü", b"\0\xff"),
        (&long, &every),
    ] {
        let stamp = [("group", 0x0102_0304_0506_0708)];
        assert!(prepare(&memcached, name, &stamp).await.unwrap().leased);
        let leased: Option<Vec<u8>> = oracle.get(name).unwrap();
        assert_eq!(leased.as_deref(), Some(&MINE[..]));
        assert!(store(&memcached, name, payload).await.unwrap());
        let stored: Option<Vec<u8>> = oracle.get(name).unwrap();
        assert!(stored == Some([&MINE[..], payload].concat()), "{name}");
        let stamp: Option<Vec<u8>> = oracle.get("group").unwrap();
        assert_eq!(stamp.as_deref(), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
        invalidate(&memcached, &[name], &[]).await.unwrap();
        assert_eq!(oracle.get::<Vec<u8>>(name).unwrap(), None);

        oracle.set(name, payload, 60).unwrap();
        let read_here = read(&memcached, name).await.unwrap();
        assert!(read_here == Some(Bytes::copy_from_slice(payload)), "{name}");
        assert!(oracle.delete(name).unwrap());
        assert_eq!(read(&memcached, name).await.unwrap(), None);
    }
}
