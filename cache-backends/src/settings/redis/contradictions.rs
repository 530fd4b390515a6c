//! Which parts say something else than the url.

use cache_core::{Result, Settings};

use super::{DB, HOST, MASTER, PASSWORD, PORT, PROTOCOL, Topology, USER, hosts::split};
use crate::settings::url::Url;

/// The names of the parts that do, if any. What the url leaves out is contradicted by nobody, save
/// for the port, which is the usual one then.
pub(super) fn contradictions(settings: &Settings, url: &Url<'_>) -> Result<Vec<&'static str>> {
    let [user, password] = url.credentials();
    let (master, db) = master_and_db(url);
    let mut differ = Vec::new();
    for (name, said) in [
        (PROTOCOL, Some(url.protocol().to_owned())),
        (HOST, Some(hosts_of(url))),
        (PORT, Some(ports_of(url))),
        (USER, user),
        (PASSWORD, password),
        (DB, db),
        (MASTER, master),
    ] {
        let (Some(said), Some(part)) = (said, settings.text(name)?) else {
            continue;
        };
        let part = match name {
            PASSWORD | USER => part.to_owned(),
            HOST => names(part),
            _ => part.trim().to_owned(),
        };
        if part != said {
            differ.push(name);
        }
    }
    Ok(differ)
}

fn master_and_db(url: &Url<'_>) -> (Option<String>, Option<String>) {
    if url.is_socket() {
        return (None, url.parameter("db"));
    }
    let mut segments = url.segments().into_iter().map(str::to_owned);
    let master = match Topology::of(url) {
        Topology::Sentinel => segments.next(),
        Topology::One | Topology::Cluster => None,
    };
    (master, segments.next())
}

fn hosts_of(url: &Url<'_>) -> String {
    if url.is_socket() {
        url.path.to_string()
    } else {
        names(&url.hosts)
    }
}

/// The hosts without their ports.
fn names(hosts: &str) -> String {
    let names = hosts.split(',').map(|host| split(host.trim()).0);
    names.collect::<Vec<_>>().join(",")
}

/// The port of the hosts, or all if they differ.
fn ports_of(url: &Url<'_>) -> String {
    let usual = Topology::of(url).default_port().to_string();
    let hosts = url.hosts.split(',');
    let mut ports: Vec<&str> = hosts.map(|host| split(host).1.unwrap_or(&usual)).collect();
    ports.dedup();
    ports.join(",")
}
