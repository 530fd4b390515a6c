//! Where the server is, how a socket to it is set up, and whether it is still the right one.

use std::time::Duration;

use cache_core::{Error, ErrorKind, Result};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    ProtocolVersion,
    aio::{AsyncPushSender, MultiplexedConnection},
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use tokio::time::timeout;

use super::{
    access::Access, fault::explain, follower::Follower, line::Line, role::Role, sentinel::Sentinels,
};
use crate::loopback::is_loopback;

/// How long a connection may take to be made: names, TCP, TLS and log-in, and with sentinels
/// all that is asked of them.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// A peer that acknowledges nothing for this long is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(2);
/// An idle peer is asked this often whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// Commands that wait to be written: more than callers of one busy process, so that none of
/// them waits for a place.
const QUEUE: usize = 1024;

const FORM: &str = "write `redis://[[user]:password@]host[:port][/database]`, `rediss://…` for tls, \
     `redis+sentinel://…` for the master that sentinels name, or `redis+cluster://…` for a cluster";

/// A server, by its url.
#[derive(Debug)]
pub(super) struct Target {
    place: Place,
    address: String,
    access: Access,
}

#[derive(Debug)]
enum Place {
    /// Always the same server.
    Fixed(Client),
    /// Whichever is the master.
    Sentinels(Box<Sentinels>),
    /// Whichever follows the master.
    Follower(Follower),
    /// A server that cannot be spoken to, and why not.
    Nowhere(String),
}

impl Target {
    /// Reads a url. No text of it but a scheme comes back in an error, for it may hold a password.
    pub(super) fn new(url: &str, access: &Access) -> Result<Self> {
        access.check()?;
        if let Some(sentinels) = Sentinels::of(url, access)? {
            return Ok(Self {
                address: sentinels.to_string(),
                place: Place::Sentinels(Box::new(sentinels)),
                access: access.clone(),
            });
        }
        let info = parse(url, FORM)?;
        let address = info.addr().to_string();
        let client = open(set_up(info), access)?;
        Ok(Self {
            place: Place::Fixed(client),
            address,
            access: access.clone(),
        })
    }

    /// The replicas of the server that is here.
    pub(super) fn following(follower: Follower, home: &Self) -> Self {
        Self {
            place: Place::Follower(follower),
            address: format!("a replica of {}", home.address),
            access: home.access.clone(),
        }
    }

    /// Host and port, the path of the socket, or what the sentinels call the master.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Host and port, if it is always the same server and not a socket of this machine.
    pub(super) fn endpoint(&self) -> Option<(&str, u16)> {
        let Place::Fixed(client) = &self.place else {
            return None;
        };
        match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some((host, *port))
            }
            _ => None,
        }
    }

    /// Another server, reached in the same way and by the same user. Where that may not be, its
    /// connections fail.
    pub(super) fn beside(&self, host: &str, port: u16) -> Self {
        let client = self.client_beside(host, port);
        Self {
            address: format!("{host}:{port}"),
            place: match client {
                Ok(client) => Place::Fixed(client),
                Err(error) => Place::Nowhere(error.to_string()),
            },
            access: self.access.clone(),
        }
    }

    /// The client of such a server.
    pub(super) fn client_beside(&self, host: &str, port: u16) -> Result<Client> {
        let info = match &self.place {
            Place::Fixed(client) => client.get_connection_info(),
            Place::Sentinels(sentinels) => sentinels.master(),
            Place::Follower(follower) => return follower.home().client_beside(host, port),
            Place::Nowhere(why) => return Err(Error::new(ErrorKind::Config, why.clone())),
        };
        let host = host.to_owned();
        let addr = match info.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: None,
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        open(info.clone().set_addr(addr), &self.access)
    }

    /// How connections from here are made.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// Makes a connection, in at most [`CONNECT`]. Pushes go to `hear`, on the task that reads the
    /// socket, so that `hear` has had them all before any later reply is given.
    pub(super) async fn connect(&self, hear: impl AsyncPushSender) -> Result<Line, String> {
        let connecting = async {
            match &self.place {
                Place::Fixed(client) => {
                    let connection = open_line(client, &self.access, hear).await?;
                    Ok(Line::new(connection))
                }
                Place::Sentinels(sentinels) => sentinels.connect(hear).await,
                Place::Follower(follower) => follower.connect(hear).await,
                Place::Nowhere(why) => Err(why.clone()),
            }
        };
        let connected = timeout(CONNECT, connecting).await;
        connected.unwrap_or_else(|_| Err("no answer".to_owned()))
    }

    /// Asks a server for a sign of life and for its role; an error tells why the connection is
    /// of no use, for example because the server is not the master any more.
    pub(super) async fn beat(&self, line: &mut Line) -> Result<Role, String> {
        let role = line.role().await?;
        match &self.place {
            Place::Fixed(_) | Place::Nowhere(_) => Ok(role),
            Place::Sentinels(sentinels) => sentinels.still(line, role).await,
            Place::Follower(follower) => follower.still(role),
        }
    }
}

/// A connection of this client; the time it takes is for the caller to bound.
pub(super) async fn open_line(
    client: &Client,
    access: &Access,
    hear: impl AsyncPushSender,
) -> Result<MultiplexedConnection, String> {
    let config = AsyncConnectionConfig::new()
        // Both bounds are ours: the client's own are held by nobody while it waits inside.
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
        .set_push_sender(hear);
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    let connecting = async {
        let mut connection = connecting.await?;
        if let Some(naming) = access.introduction() {
            // The server may refuse: a name helps whoever looks at the server, and nobody else.
            connection.send_packed_command(&naming).await?;
        }
        Ok(connection)
    };
    connecting.await.map_err(|error| explain(&error))
}

/// How every socket is set up, and which protocol is spoken on it.
pub(super) fn set_up(info: ConnectionInfo) -> ConnectionInfo {
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        // Two commands less to allow, which servers before 7.2 do not know.
        .set_skip_set_lib_name();
    info.set_redis_settings(settings)
        .set_tcp_settings(tcp_settings())
}

/// What a url says; `form` tells in errors what to write instead.
pub(super) fn parse(url: &str, form: &str) -> Result<ConnectionInfo> {
    let wrong = |what: &str| wrong(what, form);
    let Some((scheme, _)) = url.split_once("://") else {
        return Err(wrong("has no scheme"));
    };
    match scheme {
        "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => {}
        "rediss" | "valkeys" if cfg!(feature = "redis-rustls") => {}
        "rediss" | "valkeys" => {
            return Err(Error::new(
                ErrorKind::Config,
                "`rediss://` needs tls: switch on the feature `redis-rustls`",
            ));
        }
        _ => return Err(wrong("has a scheme that is not redis's")),
    }
    let Some(parsed) = redis::parse_redis_url(url) else {
        return Err(wrong(
            "has no such host or port, or a user name or password in which `/`, `?`, `#` or `@` \
             is not percent-escaped",
        ));
    };
    let info = parsed
        .into_connection_info()
        // The client's text is a fixed phrase, then its kind, then perhaps a piece of the url.
        .map_err(|error| match error.to_string().split(" - ").next() {
            Some(phrase) => wrong(&format!("is refused: {}", phrase.to_lowercase())),
            None => wrong("is refused"),
        })?;
    match info.addr() {
        ConnectionAddr::TcpTls { insecure: true, .. } => {
            Err(wrong("ends in `#insecure`, which is not supported"))
        }
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } if host.is_empty() => {
            Err(wrong("names no host"))
        }
        _ => Ok(info),
    }
}

/// A url that cannot be understood.
pub(super) fn wrong(what: &str, form: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the url of the redis server {what}: {form}"),
    )
}

fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(TcpKeepalive::new().with_time(KEEPALIVE));
    #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
    let settings = settings.set_user_timeout(UNACKNOWLEDGED);
    settings
}

/// A client of one server, if it may be spoken to in this way.
pub(super) fn open(info: ConnectionInfo, access: &Access) -> Result<Client> {
    match info.addr() {
        ConnectionAddr::TcpTls { .. } => encrypted(info, access),
        _ if access.wants_tls() => Err(wrong(
            "leads to a plain line, where no certificate counts",
            FORM,
        )),
        ConnectionAddr::Tcp(host, _) if !access.insecure && !is_loopback(host) => Err(plain(host)),
        _ => Client::open(info).map_err(refused),
    }
}

/// Secrets and values do not cross a network in the clear without a word.
fn plain(host: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!(
            "`{host}` is another machine, and what goes there in plain text can be read and \
             changed on the way: write `rediss://` for tls, or say `.insecure()` where the \
             network is trusted"
        ),
    )
}

#[cfg(not(feature = "redis-rustls"))]
fn encrypted(info: ConnectionInfo, _access: &Access) -> Result<Client> {
    Client::open(info).map_err(refused)
}

#[cfg(feature = "redis-rustls")]
fn encrypted(info: ConnectionInfo, access: &Access) -> Result<Client> {
    // Without a provider the client would panic at its first connection. An application that
    // has installed another keeps it.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Client::build_with_tls(info, access.certificates()?).map_err(refused)
}

fn refused(error: redis::RedisError) -> Error {
    Error::caused(
        ErrorKind::Config,
        "the redis client refuses the settings",
        error,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(url: &str) -> String {
        let error = Target::new(url, &Access::default()).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        error.to_string()
    }

    #[test]
    fn a_wrong_url_is_refused_in_words_without_its_password() {
        let urls = [
            ("localhost:6379", "no scheme"),
            (":hunter2@localhost", "no scheme"),
            ("http://user:hunter2@localhost", "scheme"),
            ("hunter2://localhost", "scheme"),
            ("redis://user:hunter2@localhost:port", "port"),
            ("redis://user:hunter2@localhost:65536", "port"),
            ("redis://:hunter2/x@localhost:1", "percent-escaped"),
            ("redis://user:hunter2@localhost/one", "database number"),
            (
                "redis://user:hunter2@localhost/?protocol=hunter2",
                "protocol",
            ),
            ("redis://user:hunter2@0.0.0.0", "wildcard"),
            ("redis://:hunter2@", "host"),
            ("redis:///hunter2", "host"),
        ];
        for (url, what) in urls {
            let message = message(url);
            assert!(message.contains(what), "{url} gives {message}");
            assert!(!message.contains("hunter2"), "{url} gives {message}");
        }
    }

    #[test]
    fn neither_debug_nor_address_shows_the_password() {
        let target =
            Target::new("redis://user:hunter2@localhost:7000/3", &Access::default()).unwrap();
        assert_eq!(target.address(), "localhost:7000");
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[cfg(not(feature = "redis-rustls"))]
    #[test]
    fn tls_without_its_feature_names_the_feature() {
        assert!(message("rediss://localhost").contains("`redis-rustls`"));
    }

    #[cfg(feature = "redis-rustls")]
    #[test]
    fn tls_is_always_verified() {
        assert!(Target::new("rediss://localhost", &Access::default()).is_ok());
        assert!(message("rediss://localhost/#insecure").contains("`#insecure`"));
    }
}
