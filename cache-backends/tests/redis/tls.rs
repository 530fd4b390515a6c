//! `rediss://` is encrypted, and the server has to prove who it is.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use cache_backends::Redis;
use test_support::RedisServer;

use crate::probe::{back_within, call, invalidate, prepare};

/// A certificate for 127.0.0.1, made for this test alone.
struct Identity(PathBuf);

impl Identity {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("larder-tls-{}", std::process::id()));
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

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_server_is_reached_by_tls_if_its_authority_is_known() {
    let identity = Identity::new();
    let port = free_port().to_string();
    let (certificate, key) = (identity.path("server.pem"), identity.path("server.key"));
    let authority = identity.path("authority.pem");
    let server = RedisServer::start(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
        "--tls-auth-clients",
        "no",
    ]);
    let url = format!("rediss://127.0.0.1:{port}");

    let known = Redis::builder(&*url).root_certificate(fs::read(&authority).unwrap());
    let redis = known.build().unwrap();
    assert!(
        prepare(&redis, "slot", &[("group", 1)])
            .await
            .unwrap()
            .leased
    );
    invalidate(&redis, &["slot"], &[]).await.unwrap();
    back_within(&redis, Duration::from_secs(1)).await;
    server.raw(&["CLIENT", "KILL", "TYPE", "normal"]);
    back_within(&redis, Duration::from_secs(1)).await;

    let unknown = Redis::connect(url).unwrap();
    let error = call(&unknown)
        .await
        .error
        .expect("nobody vouches for the server");
    assert!(error.to_string().contains("certificate"), "{error}");
}
