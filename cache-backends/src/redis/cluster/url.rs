//! How the url of a cluster is read.

use cache_core::{Error, ErrorKind, Result};

use crate::redis::target::Target;

const FORM: &str = "write `redis+cluster://[[user]:password@]host:port[,host:port…]`, or \
                    `rediss+cluster://…` for tls";

/// The servers in `rest`, which is what follows the `+cluster://` of a url whose scheme starts
/// with `scheme`. No text of it comes back in an error, for it may hold a password.
pub(in crate::redis) fn seeds(
    scheme: &str,
    rest: &str,
    target: impl Fn(&str) -> Result<Target>,
) -> Result<Vec<Target>> {
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (format!("{user}@"), rest),
        None => (String::new(), rest),
    };
    let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !path.is_empty() {
        return Err(wrong(
            "has something after its hosts, though a cluster has no databases",
        ));
    }
    hosts
        .split(',')
        .map(|host| {
            if host.is_empty() {
                return Err(wrong("names no host, or has a comma too many"));
            }
            target(&format!("{scheme}://{user}{host}"))
        })
        .collect()
}

fn wrong(what: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the url of the redis cluster {what}: {FORM}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::access::Access;

    fn read(rest: &str) -> Result<Vec<String>> {
        let anywhere = Access {
            insecure: true,
            ..Access::default()
        };
        let seeds = seeds("redis", rest, |url| Target::new(url, &anywhere))?;
        Ok(seeds.iter().map(|seed| seed.address().to_owned()).collect())
    }

    #[test]
    fn every_server_is_read_with_the_same_user() {
        assert_eq!(read("a:1").unwrap(), ["a:1"]);
        assert_eq!(read("u:p@a:1,b:2,c").unwrap(), ["a:1", "b:2", "c:6379"]);
        assert_eq!(read(":p%40@a:1/").unwrap(), ["a:1"]);
    }

    #[test]
    fn a_wrong_url_is_refused_in_words_without_its_password() {
        let urls = [
            ("u:hunter2@", "names no host"),
            ("u:hunter2@a:1,", "comma"),
            ("u:hunter2@a:1,,b:1", "comma"),
            ("u:hunter2@a:1/2", "databases"),
            ("u:hunter2@a:port", "port"),
            ("u:hunter2/x@a:1", "percent-escaped"),
        ];
        for (url, what) in urls {
            let error = read(url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            let message = error.to_string();
            assert!(message.contains(what), "{url} gives {message}");
            assert!(!message.contains("hunter2"), "{url} gives {message}");
        }
    }
}
