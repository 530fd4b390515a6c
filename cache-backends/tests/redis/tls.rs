//! `rediss://` is encrypted; the server has to prove who it is, and asks the same of clients.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use cache_backends::{Redis, RedisBuilder};
use cache_core::ErrorKind;
use test_support::{Fault, FaultProxy, Links, RedisServer, Way};
use tokio::time::sleep;

use crate::probe::{back_within, call, invalidate, prepare, read, read_during, store};

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// Certificates that are made for one test alone.
struct Certificates(PathBuf);

impl Certificates {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, next) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(format!("larder-tls-{process}-{next}"));
        fs::create_dir_all(&directory).unwrap();
        let made = Self(directory);
        fs::write(made.path("names"), "subjectAltName = IP:127.0.0.1\n").unwrap();
        made.authority("authority");
        made.signed("server", "authority", 2);
        made
    }

    /// Makes somebody who vouches for others.
    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 {KEY} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ));
    }

    /// Makes somebody for whom `authority` vouches, for so many days from now.
    fn signed(&self, name: &str, authority: &str, days: i32) {
        self.openssl(&format!(
            "req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial \
             -days {days} -extfile names -out {name}.pem"
        ));
    }

    fn openssl(&self, words: &str) {
        let made = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(&self.0)
            .output()
            .expect("openssl has to be installed for this test");
        let complaint = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{complaint}");
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn pem(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        // A directory that stays behind is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that speaks tls on a port of its own.
struct Room {
    certificates: Certificates,
    server: RedisServer,
    port: u16,
}

impl Room {
    /// `clients` says whether clients have to have a certificate: `yes` or `no`.
    fn new(certificates: Certificates, clients: &str) -> Self {
        let port = free_port();
        let [certificate, key, authority] =
            ["server.pem", "server.key", "authority.pem"].map(|name| certificates.path(name));
        let server = RedisServer::start(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &authority,
            "--tls-auth-clients",
            clients,
        ]);
        Self {
            certificates,
            server,
            port,
        }
    }

    fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn url(&self) -> String {
        format!("rediss://{}", self.addr())
    }

    /// A client that knows the server's authority.
    fn client(&self, url: &str) -> RedisBuilder {
        Redis::builder(url).root_certificate(self.certificates.pem("authority.pem"))
    }

    /// One that shows this certificate as well.
    fn client_as(&self, name: &str) -> RedisBuilder {
        let pem = |kind: &str| self.certificates.pem(&format!("{name}.{kind}"));
        self.client(&self.url())
            .client_certificate(pem("pem"), pem("key"))
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Waits until calls fail for this reason. The server closes the line right after its word, which
/// a try may find closed before it has read the word.
async fn refused_for(redis: &Redis, why: &str) {
    let start = Instant::now();
    loop {
        let error = call(redis).await.error.expect("there is no trust");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let text = error.to_string();
        if text.contains(why) {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{text}");
        sleep(millis(10)).await;
    }
}

async fn works(redis: &Redis) {
    let prepared = prepare(redis, "slot", &[("group", 1)]).await.unwrap();
    assert!(prepared.leased);
    assert!(store(redis, "slot", b"value").await.unwrap());
    assert!(read(redis, "slot").await.unwrap().is_some());
    invalidate(redis, &["slot"], &[]).await.unwrap();
    assert_eq!(read(redis, "slot").await.unwrap(), None);
}

#[tokio::test]
async fn a_server_is_reached_by_tls_if_its_authority_is_known() {
    let room = Room::new(Certificates::new(), "no");
    let redis = room.client(&room.url()).build().unwrap();
    works(&redis).await;
    room.server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
    back_within(&redis, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_server_is_not_believed_without_proof() {
    let certificates = Certificates::new();
    certificates.authority("stranger");
    let room = Room::new(certificates, "no");

    let unknown = Redis::connect(room.url()).unwrap();
    refused_for(&unknown, "invalid peer certificate: UnknownIssuer").await;

    let stranger = room.certificates.pem("stranger.pem");
    let other = Redis::builder(room.url()).root_certificate(stranger);
    refused_for(&other.build().unwrap(), "UnknownIssuer").await;

    let elsewhere = format!("rediss://localhost:{}", room.port);
    let elsewhere = room.client(&elsewhere).build().unwrap();
    refused_for(&elsewhere, "not valid for name").await;

    let plain = format!("redis://{}", room.addr());
    assert!(call(&Redis::connect(plain).unwrap()).await.error.is_some());
}

#[tokio::test]
async fn a_server_whose_certificate_has_run_out_is_not_believed() {
    let certificates = Certificates::new();
    certificates.signed("server", "authority", -1);
    let room = Room::new(certificates, "no");
    let redis = room.client(&room.url()).build().unwrap();
    refused_for(&redis, "invalid peer certificate: Expired").await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let certificates = Certificates::new();
    certificates.signed("client", "authority", 2);
    let room = Room::new(certificates, "yes");
    let redis = room.client_as("client").build().unwrap();
    works(&redis).await;
    room.server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
    back_within(&redis, Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_server_that_refuses_a_certificate_is_quoted() {
    let certificates = Certificates::new();
    certificates.authority("nobody");
    certificates.signed("stranger", "nobody", 2);
    certificates.signed("late", "authority", -1);
    let room = Room::new(certificates, "yes");

    let without = room.client(&room.url()).build().unwrap();
    let stranger = room.client_as("stranger").build().unwrap();
    let late = room.client_as("late").build().unwrap();
    for (redis, why) in [
        (without, "CertificateRequired"),
        (stranger, "UnknownCA"),
        (late, "CertificateExpired"),
    ] {
        let text = format!("the server refuses the client certificate: {why}");
        refused_for(&redis, &text).await;
    }
}

/// The text of a key comes back in no error, however it was garbled on its way into the settings.
#[test]
fn certificates_that_are_none_are_refused_at_once_and_not_quoted() {
    let certificates = Certificates::new();
    certificates.signed("client", "authority", 2);
    certificates.signed("other", "authority", 2);
    let [certificate, key, other] =
        ["client.pem", "client.key", "other.key"].map(|name| certificates.pem(name));
    let in_one_line: Vec<u8> = key.iter().filter(|byte| **byte != b'\n').copied().collect();
    let secret = String::from_utf8(key[30..60].to_vec()).unwrap();
    let url = "rediss://127.0.0.1:1";
    let shown =
        |certificate: &[u8], key: &[u8]| Redis::builder(url).client_certificate(certificate, key);

    for (builder, what) in [
        (shown(&certificate, &other), "not the one"),
        (shown(&certificate, &certificate), "private key"),
        (shown(&certificate, &in_one_line), "private key"),
        (shown(&key, &key), "client certificate"),
        (shown(b"", &key), "client certificate"),
        (
            Redis::builder(url).root_certificate(&*key),
            "root certificate",
        ),
        (Redis::builder(url).root_certificate(""), "root certificate"),
        (
            Redis::builder("redis://127.0.0.1").client_certificate(&*certificate, &*key),
            "plain line",
        ),
    ] {
        let shown = format!("{builder:?}");
        let error = builder.build().expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = format!("{error} {error:?} {shown}");
        assert!(text.contains(what), "{text}");
        let bytes = format!("{:?}", &secret.as_bytes()[..8]);
        let quoted = text.contains(&secret) || text.contains(bytes.trim_matches(['[', ']']));
        assert!(!quoted, "{text}");
    }
}

#[tokio::test]
async fn a_tls_server_that_was_killed_is_found_again() {
    let room = Room::new(Certificates::new(), "no");
    let redis = room.client(&room.url()).build().unwrap();
    assert!(call(&redis).await.error.is_none());
    room.server.kill();
    let calls = read_during(&redis, sleep(Duration::from_secs(1))).await;
    assert!(
        calls
            .errors()
            .all(|error| error.kind() == ErrorKind::Unavailable)
    );
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );
    let server = tokio::task::spawn_blocking(move || {
        room.server.restart();
        room
    });
    let _room = server.await.unwrap();
    back_within(&redis, millis(1500)).await;
}

#[tokio::test]
async fn a_half_open_tls_link_is_replaced() {
    let room = Room::new(Certificates::new(), "no");
    let proxy = FaultProxy::start(room.addr());
    let redis = room.client(&format!("rediss://{}", proxy.addr()));
    let redis = redis.build().unwrap();
    assert!(call(&redis).await.error.is_none());
    let before = proxy.traffic().connections;
    proxy.set(Fault::Swallow {
        links: Links::Established,
        way: Way::Both,
    });
    back_within(&redis, Duration::from_secs(2)).await;
    assert!(proxy.traffic().connections > before);
}

/// The other side accepts and then says nothing: neither a handshake nor a greeting has an end.
#[tokio::test]
async fn a_handshake_that_hangs_keeps_nobody_waiting() {
    let room = Room::new(Certificates::new(), "no");
    let proxy = FaultProxy::start(room.addr());
    let redis = room.client(&format!("rediss://{}", proxy.addr()));
    let redis = redis.build().unwrap();
    assert!(call(&redis).await.error.is_none());

    proxy.set(Fault::Swallow {
        links: Links::All,
        way: Way::Both,
    });
    let calls = read_during(&redis, sleep(Duration::from_secs(3))).await;
    assert!(
        calls.median_failure() < millis(1),
        "{:?}",
        calls.median_failure()
    );
    proxy.set(Fault::None);
    back_within(&redis, millis(1500)).await;
}

/// Wherever the bytes of a handshake or a reply are cut, or come one by one, the link recovers.
#[tokio::test]
async fn a_tls_line_may_be_cut_anywhere() {
    let room = Room::new(Certificates::new(), "no");
    let proxy = FaultProxy::start(room.addr());
    let redis = room.client(&format!("rediss://{}", proxy.addr()));
    let redis = redis.build().unwrap();
    for bytes in [0, 1, 5, 100, 500, 900, 1500] {
        proxy.set(Fault::CutReplies(bytes));
        proxy.reset_links();
        sleep(millis(20)).await;
        proxy.set(Fault::None);
        back_within(&redis, Duration::from_secs(2)).await;
    }
    proxy.set(Fault::OneByte);
    proxy.reset_links();
    back_within(&redis, Duration::from_secs(2)).await;
}
