//! On which server a name lies.

use xxhash_rust::xxh3::xxh3_64;

use super::address::{Address, PORT};

/// How names are spread over servers.
///
/// Either way a name stays on its server when that one is away: it is a miss then. Were it to
/// move, the server that comes back would bring old values and old stamps, which agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Distribution {
    /// By rendezvous hashing: even, and a server that is added or removed for good moves only
    /// its own share of the names. The order of the servers does not matter, their spelling does.
    #[default]
    Rendezvous,
    /// As libmemcached's weighted ketama with equal weights (and what is compatible with it, in
    /// PHP, Python, Ruby, …) spreads them, for finding one's way to a name in another language.
    Ketama,
}

/// The servers, by their places, as names see them.
#[derive(Debug)]
pub(super) enum Ring {
    /// The hash of each server.
    Rendezvous(Vec<u64>),
    /// Points on a circle, in order, each the end of an arc that belongs to a server.
    Ketama(Vec<(u32, usize)>),
}

impl Ring {
    pub(super) fn new(distribution: Distribution, servers: &[Address]) -> Self {
        match distribution {
            Distribution::Rendezvous => {
                let hash = |server: &Address| xxh3_64(server.to_string().as_bytes());
                Self::Rendezvous(servers.iter().map(hash).collect())
            }
            Distribution::Ketama => Self::Ketama(continuum(servers)),
        }
    }

    /// The place of the server on which a name lies.
    pub(super) fn place(&self, name: &str) -> usize {
        match self {
            Self::Rendezvous(servers) if servers.len() == 1 => 0,
            Self::Rendezvous(servers) => {
                let name = xxh3_64(name.as_bytes());
                let score = |(_, server): &(usize, &u64)| mix(**server ^ name);
                let best = servers.iter().enumerate().max_by_key(score);
                best.map_or(0, |(place, _)| place)
            }
            Self::Ketama(points) => {
                let [hash, ..] = quarters(name);
                let next = points.partition_point(|(point, _)| *point < hash);
                let (_, place) = points.get(next).unwrap_or(&points[0]);
                *place
            }
        }
    }
}

/// Spreads what differs in any bits over all of them: the finish of `SplitMix64`.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Forty hashes of each server, four points from each.
fn continuum(servers: &[Address]) -> Vec<(u32, usize)> {
    let mut points = Vec::with_capacity(160 * servers.len());
    for (place, Address { host, port }) in servers.iter().enumerate() {
        for index in 0..40 {
            // The default port is left out, as libmemcached does.
            let point = match *port {
                PORT => format!("{host}-{index}"),
                port => format!("{host}:{port}-{index}"),
            };
            points.extend(quarters(&point).map(|quarter| (quarter, place)));
        }
    }
    points.sort_unstable();
    points
}

/// The four numbers in the MD5 hash of a text.
fn quarters(text: &str) -> [u32; 4] {
    let digest = md5::compute(text).0;
    std::array::from_fn(|at| {
        let [a, b, c, d] = std::array::from_fn(|byte| digest[4 * at + byte]);
        u32::from_le_bytes([a, b, c, d])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(list: &str) -> Vec<Address> {
        Address::list(list).unwrap()
    }

    fn counts(ring: &Ring, servers: usize) -> Vec<usize> {
        let mut counts = vec![0; servers];
        for at in 0..30_000 {
            counts[ring.place(&format!("larder:e:users:{at}"))] += 1;
        }
        counts
    }

    #[test]
    fn rendezvous_spreads_evenly_and_moves_no_more_than_it_must() {
        let three = servers("a:1,b:1,c:1");
        let ring = Ring::new(Distribution::Rendezvous, &three);
        for count in counts(&ring, 3) {
            assert!((9_500..10_500).contains(&count), "{count} of 30000");
        }
        let turned = Ring::new(Distribution::Rendezvous, &servers("c:1,a:1,b:1"));
        let four = Ring::new(Distribution::Rendezvous, &servers("a:1,b:1,c:1,d:1"));
        for at in 0..10_000 {
            let name = format!("name:{at}");
            let place = ring.place(&name);
            assert_eq!((turned.place(&name) + 2) % 3, place, "whatever the order");
            let now = four.place(&name);
            assert!(now == place || now == 3, "only to the new one");
        }
    }

    /// What libmemcached 1.1.4 says, with `MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED` on.
    #[test]
    fn ketama_finds_the_servers_that_libmemcached_finds() {
        let servers = servers("10.0.1.1:11211,10.0.1.2:11212,cache3.internal:11211");
        let ring = Ring::new(Distribution::Ketama, &servers);
        let places = (0..40).map(|at| ring.place(&format!("name:{at}")).to_string());
        let expected = "2022201120221020100122112220011001220101";
        assert_eq!(places.collect::<String>(), expected);
    }

    #[test]
    fn ketama_spreads_over_all_servers() {
        let ring = Ring::new(Distribution::Ketama, &servers("a:1,b:1,c:1"));
        let Ring::Ketama(points) = &ring else {
            unreachable!("it was asked for");
        };
        assert_eq!(points.len(), 3 * 160);
        for count in counts(&ring, 3) {
            assert!((6_000..14_000).contains(&count), "{count} of 30000");
        }
    }
}
