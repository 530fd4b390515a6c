//! What is sent is encrypted, and the server has to prove who it is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use cache_backends::Memcached;
use cache_core::{ErrorKind, testkit::far};
use test_support::MemcachedServer;

use crate::probe::{back_within, call};

/// A certificate for 127.0.0.1, made for this test alone.
struct Identity(PathBuf);

impl Identity {
    fn new() -> Self {
        let name = format!("larder-memcached-tls-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let identity = Self(directory);
        // An authority, then a server that it vouches for.
        identity.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN=authority -keyout authority.key -out authority.pem",
        );
        identity.openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server \
             -keyout server.key -out server.csr",
        );
        fs::write(identity.path("names"), "subjectAltName = IP:127.0.0.1\n").unwrap();
        identity.openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
             -days 2 -extfile names -out server.pem",
        );
        identity
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
        Path::new(&self.0).join(name).display().to_string()
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // A directory that stays behind is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_server_is_reached_by_tls_if_its_authority_is_known() {
    let identity = Identity::new();
    let options = format!(
        "ssl_chain_cert={},ssl_key={}",
        identity.path("server.pem"),
        identity.path("server.key")
    );
    let server = MemcachedServer::start(&["-Z", "-o", &options, "-I", "2m"]);
    let authority = fs::read(identity.path("authority.pem")).unwrap();
    let builder = || Memcached::builder([server.address()]).deadline(Duration::from_secs(5));

    let memcached = builder().root_certificate(&*authority).build().unwrap();
    far::values_come_back_in_the_order_asked(&memcached).await;
    far::any_bytes_come_back_as_they_were_stored(&memcached).await;
    far::stamps_are_given_in_the_order_asked(&memcached).await;
    far::of_many_who_store_over_one_header_one_does(&memcached).await;
    far::a_dropped_call_never_shifts_the_answers_of_others(&memcached).await;
    server.restart();
    back_within(&memcached, Duration::from_secs(2)).await;

    let unknown = builder().tls().build().unwrap();
    let error = call(&unknown).await.error.expect("nobody vouches for it");
    assert!(error.to_string().contains("certificate"), "{error}");
    let plain = builder().build().unwrap();
    let error = call(&plain)
        .await
        .error
        .expect("it is spoken to in plain text");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[test]
fn a_certificate_that_is_none_is_refused() {
    for pem in [&b""[..], b"hunter2", b"-----BEGIN CERTIFICATE-----\nxx\n"] {
        let builder = Memcached::builder(["cache.internal"]).root_certificate(pem);
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("PEM"), "{error}");
    }
    // Encrypted, it may leave the machine.
    assert!(Memcached::builder(["cache.internal"]).tls().build().is_ok());
}
