//! What url a protocol, hosts and a port make.

use std::borrow::Cow;

use cache_core::{Result, Settings};

use super::{HOST, MASTER, PORT, PROTOCOL, Topology};
use crate::settings::url::{Url, escaped};

const LOCALHOST: &str = "localhost";

/// The url of the parts, without what is added to every url.
pub(super) fn url(settings: &Settings, wanted: Option<Topology>) -> Result<Url<'_>> {
    let topology = match wanted {
        Some(topology) => topology,
        None if settings.text(MASTER)?.is_some() => Topology::Sentinel,
        None => Topology::One,
    };
    let protocol = protocol(settings)?;
    if protocol == "unix" {
        return socket(settings, topology);
    }
    let scheme = match topology {
        Topology::One => Cow::from(protocol),
        Topology::Sentinel => format!("{protocol}+sentinel").into(),
        Topology::Cluster => format!("{protocol}+cluster").into(),
    };
    Ok(Url {
        scheme,
        user: None,
        hosts: hosts(settings, topology)?.into(),
        path: Cow::default(),
        tail: Cow::default(),
    })
}

fn protocol(settings: &Settings) -> Result<&'static str> {
    let Some(text) = settings.text(PROTOCOL)? else {
        return Ok("redis");
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "redis" => Ok("redis"),
        "rediss" => Ok("rediss"),
        "unix" => Ok("unix"),
        _ => Err(settings.refuse(
            PROTOCOL,
            "write `redis`, `rediss` for tls, or `unix` for a socket",
        )),
    }
}

fn socket(settings: &Settings, topology: Topology) -> Result<Url<'_>> {
    if topology != Topology::One {
        let instead =
            "sentinels and clusters are not reached by one socket, write `redis` or `rediss`";
        return Err(settings.refuse(PROTOCOL, instead));
    }
    let instead = "write the path of the socket, from its `/` on";
    let path = settings.required(HOST, instead)?.trim();
    if !path.starts_with('/') {
        return Err(settings.refuse(HOST, instead));
    }
    let path: Vec<String> = path.split('/').map(escaped).collect();
    Ok(Url {
        scheme: "unix".into(),
        user: None,
        hosts: Cow::default(),
        path: path.join("/").into(),
        tail: Cow::default(),
    })
}

/// All hosts, each with its port.
fn hosts(settings: &Settings, topology: Topology) -> Result<String> {
    let port = port(settings)?.unwrap_or_else(|| topology.default_port());
    let mut hosts = settings.list(HOST)?;
    if hosts.is_empty() {
        hosts.push(LOCALHOST);
    }
    if hosts.len() > 1 && topology == Topology::One {
        let instead = "write one host, or choose `CACHE_TYPE=redis-sentinel` or \
             `CACHE_TYPE=redis-cluster` for several";
        return Err(settings.refuse(HOST, instead));
    }
    let mut places = Vec::with_capacity(hosts.len());
    for host in hosts {
        let (name, own) = split(host);
        if !is_host(&name) || own.is_some_and(|own| own.parse::<u16>().is_err()) {
            let instead = "write a host name or an address; a url goes into `REDIS_URL`, and the path \
                 of a socket needs `REDIS_PROTOCOL=unix`";
            return Err(settings.refuse(HOST, instead));
        }
        places.push(match own {
            Some(own) => format!("{name}:{own}"),
            None => format!("{name}:{port}"),
        });
    }
    Ok(places.join(","))
}

fn port(settings: &Settings) -> Result<Option<u16>> {
    if settings
        .text(PORT)?
        .is_some_and(|port| port.starts_with("tcp://"))
    {
        let instead = "Kubernetes sets it to a url where a service is called `redis`: give the pod \
             a value of its own, or `enableServiceLinks: false`";
        return Err(settings.refuse(PORT, instead));
    }
    settings.number(PORT, 1..=u16::MAX)
}

/// A host as it stands in a url, and its port, if it has one.
pub(super) fn split(host: &str) -> (Cow<'_, str>, Option<&str>) {
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return (format!("[{host}]").into(), None);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name.into(), Some(port)),
        _ => (host.into(), None),
    }
}

fn is_host(name: &str) -> bool {
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || "-_.".contains(c))
        }
    }
}
