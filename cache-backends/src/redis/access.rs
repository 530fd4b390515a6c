//! What a connection shows of itself, and what it asks of the server before it trusts it.

use std::fmt;

use cache_core::{Error, ErrorKind, Result};
use redis::Cmd;

/// The name of connections for which none was chosen.
const NAME: &str = "larder";

/// How connections are made, whichever server they lead to.
#[derive(Clone)]
pub(super) struct Access {
    /// The authority that vouches for the server, in PEM.
    pub(super) root: Option<Vec<u8>>,
    /// A certificate and its key, in PEM.
    pub(super) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// What the server lists its connections as; nothing if empty.
    pub(super) name: String,
    /// Whether a line to another machine may be plain.
    pub(super) insecure: bool,
    /// What sentinels want to be told before they answer.
    pub(super) sentinel: Option<Credentials>,
}

/// User, which may be empty, and password.
pub(super) type Credentials = (String, String);

impl Default for Access {
    fn default() -> Self {
        Self {
            root: None,
            identity: None,
            name: NAME.to_owned(),
            insecure: false,
            sentinel: None,
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest is not for logs, a key or a password least of all.
        f.debug_struct("Access")
            .field("name", &self.name)
            .field("insecure", &self.insecure)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Checks what can be checked without a server.
    pub(super) fn check(&self) -> Result<()> {
        // What the server itself demands: it lists its clients one per line, field by field.
        if !self.name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong(
                "the client name holds a space or what cannot be printed: write ASCII letters, \
                 digits and punctuation",
            ));
        }
        Ok(())
    }

    /// What tells the server how to list the connection, if anything is to.
    pub(super) fn introduction(&self) -> Option<Cmd> {
        let mut naming = redis::cmd("CLIENT");
        naming.arg("SETNAME").arg(&self.name);
        (!self.name.is_empty()).then_some(naming)
    }

    /// Whether there is anything in here that means nothing on a plain line.
    pub(super) fn wants_tls(&self) -> bool {
        self.root.is_some() || self.identity.is_some()
    }

    /// The certificates as the client wants them, or what is wrong with them. The reasons of
    /// whoever reads PEM are left out, for they quote it.
    #[cfg(feature = "redis-rustls")]
    pub(super) fn certificates(&self) -> Result<redis::TlsCertificates> {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

        let chain = |pem: &[u8]| {
            let read: std::result::Result<Vec<_>, _> =
                CertificateDer::pem_slice_iter(pem).collect();
            read.ok().filter(|chain| !chain.is_empty())
        };
        let mut roots = rustls::RootCertStore::empty();
        if let Some(root) = &self.root {
            let authorities = chain(root)
                .ok_or_else(|| wrong("the root certificate is no certificate in PEM"))?;
            let (_, unreadable) = roots.add_parsable_certificates(authorities);
            if unreadable > 0 {
                return Err(wrong("the root certificate is not one of an authority"));
            }
        }
        if let Some((certificate, key)) = &self.identity {
            let chain = chain(certificate)
                .ok_or_else(|| wrong("the client certificate is no certificate in PEM"))?;
            let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
                wrong(
                    "the key of the client certificate is no private key in PEM without a password",
                )
            })?;
            // Otherwise it would only be found out by the first connection.
            rustls::ClientConfig::builder()
                .with_root_certificates(roots)
                .with_client_auth_cert(chain, key)
                .map_err(|_| wrong("the key is not the one of the client certificate"))?;
        }
        let identity = self.identity.clone();
        Ok(redis::TlsCertificates {
            client_tls: identity.map(|(client_cert, client_key)| redis::ClientTlsConfig {
                client_cert,
                client_key,
            }),
            root_cert: self.root.clone(),
        })
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Config, what.to_owned())
}
