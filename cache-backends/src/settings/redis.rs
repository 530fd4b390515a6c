//! What the settings of Redis are, and which of them counts where two say the same thing.

mod contradictions;
mod hosts;

use std::borrow::Cow;

use cache_core::{CacheBuilder, Result, Settings};

use self::contradictions::contradictions;
use super::{
    allowed,
    url::{Url, escaped},
};
use crate::Redis;

const URL: &str = "REDIS_URL";
const PROTOCOL: &str = "REDIS_PROTOCOL";
const HOST: &str = "REDIS_HOST";
const PORT: &str = "REDIS_PORT";
const USER: &str = "REDIS_USER";
const PASSWORD: &str = "REDIS_PASSWORD";
const DB: &str = "REDIS_DB";
const MASTER: &str = "REDIS_SENTINEL_MASTER";

/// The highest database that can be asked for: servers are set up for sixteen of them.
const LAST_DB: u32 = 9_999;

/// How the servers belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topology {
    One,
    Sentinel,
    Cluster,
}

impl Topology {
    /// What a url of it looks like.
    fn form(self) -> &'static str {
        match self {
            Self::One => "redis://[[user]:password@]host[:port][/database]",
            Self::Sentinel => "redis+sentinel://[[user]:password@]host[:port],…/master[/database]",
            Self::Cluster => "redis+cluster://[[user]:password@]host[:port],…",
        }
    }

    fn of(url: &Url<'_>) -> Self {
        match url.topology() {
            "sentinel" => Self::Sentinel,
            "cluster" => Self::Cluster,
            _ => Self::One,
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Sentinel => 26_379,
            Self::One | Self::Cluster => 6_379,
        }
    }
}

/// Adds the far tier, of whatever topology the url or the parts are.
pub(super) fn add(settings: &Settings, builder: CacheBuilder) -> Result<CacheBuilder> {
    add_as(settings, builder, None)
}

/// Adds the far tier behind sentinels.
pub(super) fn add_sentinel(settings: &Settings, builder: CacheBuilder) -> Result<CacheBuilder> {
    add_as(settings, builder, Some(Topology::Sentinel))
}

/// Adds the far tier on a cluster.
pub(super) fn add_cluster(settings: &Settings, builder: CacheBuilder) -> Result<CacheBuilder> {
    add_as(settings, builder, Some(Topology::Cluster))
}

fn add_as(
    settings: &Settings,
    builder: CacheBuilder,
    wanted: Option<Topology>,
) -> Result<CacheBuilder> {
    let builder = builder.far(store(settings, wanted)?);
    Ok(match settings.duration("REDIS_TTL")? {
        Some(ttl) => builder.ttl(ttl),
        None => builder,
    })
}

/// The Redis that the settings describe.
fn store(settings: &Settings, wanted: Option<Topology>) -> Result<Redis> {
    let (url, named) = url(settings, wanted)?;
    let mut redis = Redis::builder(url);
    if let Some(password) = settings.text("REDIS_SENTINEL_PASSWORD")? {
        let user = settings.text("REDIS_SENTINEL_USER")?.unwrap_or_default();
        redis = redis.sentinel_credentials(user, password);
    }
    let encrypted = match named {
        URL => "write `rediss://` for tls",
        _ => "set `REDIS_PROTOCOL=rediss` for tls",
    };
    allowed(settings, named, encrypted, |plain| {
        let redis = redis.clone();
        if plain { redis.insecure() } else { redis }.build()
    })
}

impl Redis {
    /// What `REDIS_URL`, or else `REDIS_HOST`, `REDIS_PORT` and so on describe, as for
    /// [`Cache::from_env`](cache_core::Cache::from_env); `None` if neither is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](cache_core::ErrorKind::Config) if one of the variables cannot be
    /// understood.
    pub fn from_env() -> Result<Option<Self>> {
        let settings = Settings::from_env();
        match (settings.text(URL)?, settings.text(HOST)?) {
            (None, None) => Ok(None),
            _ => store(&settings, None).map(Some),
        }
    }
}

/// The url with all that is known, and the variable that most of it comes from.
fn url(settings: &Settings, wanted: Option<Topology>) -> Result<(String, &'static str)> {
    let (url, named) = match settings.text(URL)? {
        Some(url) => (given(settings, url.trim(), wanted)?, URL),
        None => (hosts::url(settings, wanted)?, HOST),
    };
    let url = complete(settings, url)?;
    Ok((url.to_string(), named))
}

/// The url that was given. Parts that say something else do not count.
fn given<'a>(settings: &Settings, url: &'a str, wanted: Option<Topology>) -> Result<Url<'a>> {
    let form = wanted.unwrap_or(Topology::One).form();
    let instead = format!("write `{form}`");
    let url = Url::of(url).ok_or_else(|| settings.refuse(URL, &instead))?;
    if wanted.is_some_and(|wanted| Topology::of(&url) != wanted) {
        let instead = format!("`CACHE_TYPE` asks for another kind of url, {instead}");
        return Err(settings.refuse(URL, &instead));
    }
    let unused = contradictions(settings, &url)?;
    if !unused.is_empty() {
        tracing::warn!(
            target: "larder",
            ?unused,
            "`REDIS_URL` says something else and is what counts: these variables are not used"
        );
    }
    Ok(url)
}

/// The url with what it leaves out: user, password, master and database.
fn complete<'a>(settings: &'a Settings, url: Url<'a>) -> Result<Url<'a>> {
    let url = with_credentials(settings, url)?;
    if url.is_socket() {
        return Ok(match (url.parameter("db"), db(settings)?) {
            (None, Some(db)) => url.with_parameter("db", &db.to_string()),
            _ => url,
        });
    }
    with_path(settings, url)
}

fn with_credentials<'a>(settings: &'a Settings, mut url: Url<'a>) -> Result<Url<'a>> {
    let [given_user, given_password] = url.credentials();
    let user = if given_user.is_some() {
        None
    } else {
        settings.text(USER)?
    };
    let password = if given_password.is_some() {
        None
    } else {
        settings.text(PASSWORD)?
    };
    if user.is_none() && password.is_none() {
        return Ok(url);
    }
    if password.is_none() && given_password.is_none() {
        return Err(settings.refuse(PASSWORD, "`REDIS_USER` needs one to log in with"));
    }
    if url.is_socket() {
        for (name, value) in [("user", user), ("pass", password)] {
            if let Some(value) = value {
                url = url.with_parameter(name, value);
            }
        }
    } else {
        let user = user.or(given_user.as_deref()).unwrap_or_default();
        let password = password.or(given_password.as_deref()).unwrap_or_default();
        url.user = Some(format!("{}:{}", escaped(user), escaped(password)).into());
    }
    Ok(url)
}

fn with_path<'a>(settings: &'a Settings, mut url: Url<'a>) -> Result<Url<'a>> {
    let topology = Topology::of(&url);
    let segments = url.segments();
    let in_path = usize::from(topology == Topology::Sentinel);
    if segments.len() > in_path {
        return Ok(url);
    }
    let master = match (topology, segments.first()) {
        (Topology::Sentinel, None) => {
            let master = settings.required(
                MASTER,
                "write the name that the sentinels know the master by",
            )?;
            Cow::from(format!("/{}", escaped(master.trim())))
        }
        (Topology::Sentinel, Some(master)) => Cow::from(format!("/{master}")),
        (Topology::One | Topology::Cluster, _) => Cow::default(),
    };
    let db = db(settings)?;
    if topology == Topology::Cluster && db.is_some_and(|db| db > 0) {
        return Err(settings.refuse(DB, "a cluster has database 0 only, so leave it out"));
    }
    url.path = match db.filter(|_| topology != Topology::Cluster) {
        Some(db) => format!("{master}/{db}").into(),
        None => master,
    };
    Ok(url)
}

fn db(settings: &Settings) -> Result<Option<u32>> {
    settings.number(DB, 0..=LAST_DB)
}
