//! Which node has which slots, by a node's own word.

use redis::Value;

use super::{
    address::Address,
    slot::{SLOTS, Slot},
};

/// No node has this slot.
const NOBODY: u16 = u16::MAX;

/// The masters of a cluster and their slots.
pub(super) struct Map {
    /// For each slot, where in `masters` its node stands.
    slots: Box<[u16]>,
    masters: Vec<Address>,
    replicas: Vec<Address>,
    /// Grows with every change of masters on which the cluster agrees.
    pub(super) epoch: u64,
    /// Whether the node that told it belongs to a cluster that works, as far as it knows.
    pub(super) works: bool,
}

impl Map {
    /// Reads the answer of the node at `asked` to `CLUSTER SLOTS`; `None` if it is none, or says
    /// that nobody has any slot.
    pub(super) fn read(answer: &Value, asked: &Address) -> Option<Self> {
        let mut map = Self {
            slots: vec![NOBODY; SLOTS].into(),
            masters: Vec::new(),
            replicas: Vec::new(),
            epoch: 0,
            works: true,
        };
        for range in list(answer)? {
            let [first, last, master, replicas @ ..] = list(range)? else {
                return None;
            };
            let (first, last) = (index(first)?, index(last)?);
            if first > last {
                return None;
            }
            let master = place(&mut map.masters, node(master, asked)?)?;
            map.slots.get_mut(first..=last)?.fill(master);
            for replica in replicas {
                place(&mut map.replicas, node(replica, asked)?)?;
            }
        }
        (!map.masters.is_empty()).then_some(map)
    }

    /// Where in [`masters`](Self::masters) the node of a slot stands, if it has one.
    pub(super) fn master(&self, slot: Slot) -> Option<usize> {
        let at = *self.slots.get(usize::from(slot))?;
        (at != NOBODY).then_some(usize::from(at))
    }

    pub(super) fn masters(&self) -> &[Address] {
        &self.masters
    }

    pub(super) fn replicas(&self) -> &[Address] {
        &self.replicas
    }
}

/// The epoch of the answer to `CLUSTER INFO`; zero where it has none.
pub(super) fn epoch(info: &Value) -> u64 {
    let epoch = field(info, "cluster_current_epoch:");
    epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or(0)
}

/// Whether the answer to `CLUSTER INFO` does not say that the cluster is down.
pub(super) fn works(info: &Value) -> bool {
    field(info, "cluster_state:") != Some("fail")
}

fn field<'a>(info: &'a Value, name: &str) -> Option<&'a str> {
    let fields = text(info)?.lines();
    fields
        .filter_map(|line| line.strip_prefix(name))
        .map(str::trim)
        .next()
}

fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

fn index(value: &Value) -> Option<usize> {
    match value {
        Value::Int(int) => usize::try_from(*int).ok().filter(|int| *int < SLOTS),
        _ => None,
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Some(text),
        _ => None,
    }
}

/// Host and port, and whatever else is told of a node. A host of nil is the one that was asked.
fn node(value: &Value, asked: &Address) -> Option<Address> {
    let [host, Value::Int(port), ..] = list(value)? else {
        return None;
    };
    let host = match host {
        Value::Nil => "",
        host => text(host)?,
    };
    let port = u16::try_from(*port).ok().filter(|port| *port != 0)?;
    Some(asked.told(host, port))
}

/// Where a node stands among others, to which it is added if it is not there.
fn place(nodes: &mut Vec<Address>, node: Address) -> Option<u16> {
    let at = nodes.iter().position(|other| *other == node);
    let at = at.unwrap_or_else(|| {
        nodes.push(node);
        nodes.len() - 1
    });
    u16::try_from(at).ok().filter(|at| *at != NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn told(host: Value, port: i64) -> Value {
        let metadata = Value::Array(vec![bulk("hostname"), bulk("x")]);
        Value::Array(vec![host, Value::Int(port), bulk("id"), metadata])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        let bounds = [Value::Int(first), Value::Int(last)];
        Value::Array(bounds.into_iter().chain(nodes).collect())
    }

    fn asked() -> Address {
        Address::new("seed", 1)
    }

    fn read(ranges: Vec<Value>) -> Option<Map> {
        Map::read(&Value::Array(ranges), &asked())
    }

    #[test]
    fn every_slot_has_the_master_that_is_named_first() {
        let (one, two) = (|| told(bulk("a"), 1), || told(bulk("b"), 2));
        let map = read(vec![
            range(0, 99, vec![one(), told(bulk("c"), 3)]),
            range(100, 100, vec![two()]),
            range(200, 16_383, vec![one(), told(bulk("c"), 3)]),
        ]);
        let map = map.unwrap();
        assert_eq!(map.masters(), [Address::new("a", 1), Address::new("b", 2)]);
        assert_eq!(map.replicas(), [Address::new("c", 3)]);
        let master = |slot| map.master(slot);
        assert_eq!(
            [0, 99, 100, 200, 16_383].map(master),
            [0, 0, 1, 0, 0].map(Some)
        );
        assert_eq!([101, 199, 16_384, u16::MAX].map(master), [None; 4]);
    }

    #[test]
    fn a_host_that_is_not_known_is_the_one_that_was_asked() {
        for host in [Value::Nil, bulk(""), bulk("?")] {
            let map = read(vec![range(0, 16_383, vec![told(host, 7)])]).unwrap();
            assert_eq!(map.masters(), [Address::new("seed", 7)]);
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_map() {
        let node = || vec![told(bulk("a"), 1)];
        let ranges = [
            range(-1, 5, node()),
            range(0, 16_384, node()),
            range(6, 5, node()),
            range(0, 5, vec![]),
            range(0, 5, vec![told(bulk("a"), 0)]),
            range(0, 5, vec![told(bulk("a"), 65_536)]),
            range(0, 5, vec![told(Value::BulkString(vec![0xff]), 1)]),
            range(0, 5, vec![Value::Nil]),
            range(0, 5, vec![Value::Array(vec![bulk("a")])]),
            Value::Array(vec![bulk("0"), bulk("5"), told(bulk("a"), 1)]),
            Value::Nil,
        ];
        for range in ranges {
            assert!(read(vec![range.clone()]).is_none(), "{range:?}");
        }
        assert!(read(vec![]).is_none(), "a node alone");
        assert!(Map::read(&bulk("x"), &asked()).is_none());
    }

    #[test]
    fn the_epoch_is_found_among_the_rest() {
        let info = "cluster_state:ok\r\ncluster_current_epoch:12\r\ncluster_my_epoch:2\r\n";
        assert_eq!(epoch(&bulk(info)), 12);
        assert_eq!(epoch(&bulk("cluster_current_epoch:x")), 0);
        assert_eq!(epoch(&Value::Nil), 0);
    }

    #[test]
    fn a_node_that_does_not_tell_is_taken_to_work() {
        assert!(!works(&bulk("cluster_state:fail\r\ncluster_size:3\r\n")));
        for info in [bulk("cluster_size:3\r\ncluster_state:ok\r\n"), Value::Nil] {
            assert!(works(&info), "{info:?}");
        }
    }
}
