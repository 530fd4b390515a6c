//! Which part a server plays: the master that takes writes, or a replica that follows it.

use redis::Value;

/// The answer to `ROLE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes, and so many replicas are in sync with it.
    Master { replicas: usize },
    /// It follows another server.
    Replica,
    /// It does not say, for want of the right to ask or of the command.
    Untold,
}

impl Role {
    pub(super) fn of(answer: &Value) -> Self {
        let Value::Array(parts) = answer else {
            return Self::Untold;
        };
        match &parts[..] {
            [
                Value::BulkString(role),
                Value::Int(written),
                Value::Array(replicas),
            ] if role == b"master" => {
                let answering = |one: &&Value| *written == 0 || has_answered(one);
                Self::Master {
                    replicas: replicas.iter().filter(answering).count(),
                }
            }
            [Value::BulkString(role), ..] if role == b"slave" => Self::Replica,
            _ => Self::Untold,
        }
    }
}

/// Whether a replica has ever said how far it is: one that still loads its first copy has not.
fn has_answered(replica: &Value) -> bool {
    match replica {
        Value::Array(parts) => parts.get(2) != Some(&Value::BulkString(b"0".to_vec())),
        _ => false,
    }
}
