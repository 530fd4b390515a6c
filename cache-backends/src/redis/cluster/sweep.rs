//! How a cluster is swept: one master after the other.

use std::sync::Arc;

use redis::Value;

use super::{Chart, Cluster, Member, calls::answered, route::Terms};
use crate::{link::Fault, redis::commands};

impl Cluster {
    pub(in crate::redis) async fn sweep(
        self: &Arc<Self>,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<u64, Fault> {
        let chart = self.chart(self.until()).await?;
        let mut removed = 0;
        for member in &chart.members {
            removed += self.sweep_at(member, &chart, prefix, matches).await?;
        }
        Ok(removed)
    }

    async fn sweep_at(
        self: &Arc<Self>,
        member: &Arc<Member>,
        chart: &Chart,
        prefix: &str,
        matches: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<u64, Fault> {
        let writes = member.node.writes();
        let (mut cursor, mut removed) = (b"0".to_vec(), 0);
        loop {
            let page = writes.one(&commands::scan(&cursor, prefix)).await;
            let page = page.map_err(|fault| self.away(member, fault))?;
            let (next, names) = commands::page(page).ok_or_else(|| writes.garbled())?;
            let doomed = names
                .iter()
                .map(String::as_str)
                .filter(|name| name.starts_with(prefix) && matches(name));
            let orders = doomed.map(|name| (name, commands::unlink(&[name])));
            for answer in self.send(chart, orders, Terms::until(self.until())).await {
                match answered(answer)? {
                    Value::Int(count) => removed += u64::try_from(count).unwrap_or(0),
                    _ => return Err(Fault::Garbled),
                }
            }
            if next == b"0" {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}
