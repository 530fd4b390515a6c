//! Who is asked for the map of a cluster, and whose answer is taken.

use std::{convert::Infallible, sync::Arc, time::Duration};

use redis::{Pipeline, PushInfo, ServerError, Value};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{
    Cluster,
    address::Address,
    map::{Map, epoch, works},
};
use crate::{
    link::Link,
    redis::{fault::refused, line::Server, target::Target},
};

/// When a node has not answered for this long, the next is asked as well.
const IMPATIENCE: Duration = Duration::from_millis(50);
/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A node that may know the map.
struct Source {
    address: Address,
    target: Arc<Target>,
    /// A connection to it, if there is one.
    link: Option<Arc<Link<Server>>>,
}

/// Asks one node after the other, each while those before it still may answer, and takes the
/// first map that is no older than the one in use, from a node to which the cluster works. A
/// master that was cut off has not heard of its successor: to it the cluster is down, or its map
/// is older. Such a map is better than none, the newest first: if nobody has another, all of the
/// cluster is down, or it was built anew.
pub(super) async fn fetch(cluster: Arc<Cluster>) -> Result<Map, String> {
    let chart = cluster.chart.load_full();
    let least = chart.map_or(0, |chart| chart.map.epoch);
    let mut sources = cluster.sources().into_iter();
    let mut asked = JoinSet::new();
    let (mut older, mut why): (Option<Map>, _) = (None, String::new());
    loop {
        if let Some(source) = sources.next() {
            asked.spawn(source.ask());
        } else if asked.is_empty() {
            return older.ok_or(why);
        }
        let Ok(Some(answer)) = timeout(IMPATIENCE, asked.join_next()).await else {
            continue;
        };
        match answer.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(map) if map.works && map.epoch >= least => return Ok(map),
            Ok(map) => {
                let newer = older.filter(|older| older.epoch >= map.epoch);
                older = newer.or(Some(map));
            }
            Err(error) => why = error,
        }
    }
}

impl Cluster {
    /// Whom to ask: nodes that are connected, then all others that are known, each once.
    fn sources(&self) -> Vec<Source> {
        let chart = self.chart.load_full();
        let members = chart.iter().flat_map(|chart| &chart.members);
        let members = members.map(|member| {
            let link = member.node.writes();
            Source {
                address: member.address.clone(),
                target: Arc::clone(&member.target),
                link: link.is_up().then(|| Arc::clone(link)),
            }
        });
        let seeds = self.seeds.iter().map(|(address, target)| Source {
            address: address.clone(),
            target: Arc::clone(target),
            link: None,
        });
        let replicas = chart.iter().flat_map(|chart| chart.map.replicas());
        let replicas = replicas.map(|address| Source {
            address: address.clone(),
            target: Arc::new(self.target(address)),
            link: None,
        });
        let mut sources: Vec<Source> = Vec::new();
        for source in members.chain(seeds).chain(replicas) {
            if sources.iter().all(|other| other.address != source.address) {
                sources.push(source);
            }
        }
        sources.sort_by_key(|source| source.link.is_none());
        sources
    }
}

impl Source {
    async fn ask(self) -> Result<Map, String> {
        let answers = timeout(PATIENCE, self.answers()).await;
        let answers = answers.unwrap_or_else(|_| Err("no answer".to_owned()));
        let map = answers.and_then(|answers| self.read(&answers));
        map.map_err(|why| format!("{}: {why}", self.address))
    }

    fn read(&self, answers: &[Value]) -> Result<Map, String> {
        let [slots, info] = answers else {
            return Err("an answer made no sense".to_owned());
        };
        if let Value::ServerError(error) = slots {
            return Err(refusal(error));
        }
        let mut map = Map::read(slots, &self.address).ok_or("it knows of no slots")?;
        map.epoch = epoch(info);
        map.works = works(info);
        Ok(map)
    }

    async fn answers(&self) -> Result<Vec<Value>, String> {
        let mut questions = Pipeline::with_capacity(2);
        questions.cmd("CLUSTER").arg("SLOTS");
        questions.cmd("CLUSTER").arg("INFO");
        if let Some(link) = &self.link {
            let until = Instant::now() + PATIENCE;
            let answers = link.all_until(&questions, until).await;
            return answers.map_err(|fault| fault.to_string());
        }
        let deaf = |_: PushInfo| Ok::<(), Infallible>(());
        self.target.connect(deaf).await?.send(&questions).await
    }
}

fn refusal(error: &ServerError) -> String {
    if error
        .details()
        .is_some_and(|words| words.contains("support disabled"))
    {
        return "it is part of no cluster: write `redis://` instead of `redis+cluster://`"
            .to_owned();
    }
    refused(error).to_string()
}
