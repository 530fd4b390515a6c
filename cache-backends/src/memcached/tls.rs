//! Whether what is sent is encrypted, and who has to vouch for the server.

#[cfg(feature = "memcached-rustls")]
pub(super) use self::rustls::Tls;

/// Never, without the feature.
#[cfg(not(feature = "memcached-rustls"))]
#[derive(Debug, Clone)]
pub(super) enum Tls {}

#[cfg(not(feature = "memcached-rustls"))]
impl Tls {
    #[expect(clippy::unused_async, reason = "its like with the feature waits")]
    pub(super) async fn encrypt(
        &self,
        _host: &str,
        _stream: tokio::net::TcpStream,
    ) -> Result<tokio::net::TcpStream, String> {
        match *self {}
    }
}

#[cfg(feature = "memcached-rustls")]
mod rustls {
    use std::{fmt, sync::Arc};

    use cache_core::{Error, ErrorKind, Result};
    use rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    };
    use tokio::net::TcpStream;
    use tokio_rustls::{TlsConnector, client::TlsStream};

    /// The trust in one authority, or in the well-known ones.
    #[derive(Clone)]
    pub(in crate::memcached) struct Tls(TlsConnector);

    impl fmt::Debug for Tls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Tls")
        }
    }

    impl Tls {
        /// `root` is the certificate of one's own authority, in PEM.
        pub(in crate::memcached) fn new(root: Option<&[u8]>) -> Result<Self> {
            let mut roots = RootCertStore::empty();
            match root {
                None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Some(pem) => {
                    for certificate in CertificateDer::pem_slice_iter(pem) {
                        let certificate = certificate.map_err(|_| wrong())?;
                        roots.add(certificate).map_err(|_| wrong())?;
                    }
                    if roots.is_empty() {
                        return Err(wrong());
                    }
                }
            }
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring has what the default versions need")
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok(Self(TlsConnector::from(Arc::new(config))))
        }

        pub(in crate::memcached) async fn encrypt(
            &self,
            host: &str,
            stream: TcpStream,
        ) -> Result<TlsStream<TcpStream>, String> {
            let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
            let connected = self.0.connect(name, stream).await;
            connected.map_err(|error| format!("tls: {error}"))
        }
    }

    fn wrong() -> Error {
        Error::new(
            ErrorKind::Config,
            "the root certificate is not one: give it as PEM, `-----BEGIN CERTIFICATE-----…`",
        )
    }
}
