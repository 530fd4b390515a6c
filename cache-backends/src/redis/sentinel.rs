//! Which server is the master: the one that its sentinels name and that says so itself.

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cache_core::Result;
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, PushInfo, Value,
    aio::{AsyncPushSender, MultiplexedConnection},
};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};

use super::{
    access::{Access, Credentials},
    course::{Bearing, Course},
    fault::{explain, refused},
    line::Line,
    role::Role,
    target::{open, open_line, parse, set_up, wrong},
};

/// How long a sentinel may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// How long the others are waited for when one has answered and too few agree.
const OTHERS: Duration = Duration::from_millis(100);
/// How long they may all take while there is a connection: they are no reason to give it up.
const MEANWHILE: Duration = Duration::from_millis(2 * 100);
/// Where sentinels listen, unless the url says otherwise.
const PORT: &str = "26379";

const FORM: &str = "write `redis+sentinel://[[user]:password@]host[:port][,host[:port]…]/master\
                    [/database]`, or `rediss+sentinel://…` for tls";

/// Host and port of a server.
pub(super) type Address = (String, u16);

/// The sentinels of one master.
pub(super) struct Sentinels {
    /// What they call it.
    name: String,
    list: Vec<Arc<Sentinel>>,
    /// A connection to the master, but for its address.
    master: ConnectionInfo,
    access: Access,
    course: Arc<Course>,
}

/// One sentinel.
struct Sentinel {
    address: String,
    client: Client,
    access: Access,
    /// The connection over which it was last asked.
    line: Mutex<Option<MultiplexedConnection>>,
}

impl fmt::Display for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the master `{}` of ", self.name)?;
        for (at, sentinel) in self.list.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}", sentinel.address)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sentinels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest may hold passwords.
        f.debug_tuple("Sentinels").field(&self.to_string()).finish()
    }
}

impl Sentinels {
    /// Reads a url; `None` if it is of another form.
    pub(super) fn of(url: &str, access: &Access) -> Result<Option<Self>> {
        let Some((scheme, rest)) = url.split_once("+sentinel://") else {
            return Ok(None);
        };
        let Some((authority, path)) = rest.split_once('/') else {
            return Err(wrong("names no master", FORM));
        };
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let (name, database) = path.split_once('/').unwrap_or((path, ""));
        let plain = |sign: char| sign.is_ascii_alphanumeric() || ".-_".contains(sign);
        if name.is_empty() || !name.chars().all(plain) {
            return Err(wrong("names no master of letters, digits, and `.-_`", FORM));
        }
        let mut list = Vec::new();
        for host in hosts.split(',') {
            let info = parse(&format!("{scheme}://{}", with_port(host)), FORM)?;
            let address = info.addr().to_string();
            let info = logged_in(info, access.sentinel.as_ref());
            let client = open(set_up(info), access)?;
            list.push(Arc::new(Sentinel {
                address,
                client,
                access: access.clone(),
                line: Mutex::default(),
            }));
        }
        let master = parse(&format!("{scheme}://{user}master/{database}"), FORM)?;
        Ok(Some(Self {
            name: name.to_owned(),
            list,
            master: set_up(master),
            access: access.clone(),
            course: Arc::default(),
        }))
    }

    /// How the master is reached, but for its address.
    pub(super) fn master(&self) -> &ConnectionInfo {
        &self.master
    }

    /// A connection to the master. The sentinels are asked once more when it stands: it may have
    /// taken long, and what was the master must not be spoken to after it was replaced.
    pub(super) async fn connect(&self, hear: impl AsyncPushSender) -> Result<Line, String> {
        let at = self.locate().await?;
        let addr = match self.master.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host: at.0.clone(),
                port: at.1,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(at.0.clone(), at.1),
        };
        let info = self.master.clone().set_addr(addr);
        let client = open(info, &self.access).map_err(|error| error.to_string())?;
        let mut line = Line::new(open_line(&client, &self.access, hear).await?);
        is_master(line.role().await?, &at)?;
        if self.locate().await? != at {
            return Err(replaced(&at));
        }
        line.bearing = Some(Bearing::set(at, &self.course));
        Ok(line)
    }

    /// Whether the server of this connection is still the master. It may have been replaced
    /// without having been told.
    pub(super) async fn still(&self, line: &Line, role: Role) -> Result<Role, String> {
        let at = &*line.bearing.as_ref().expect("it was located").at;
        is_master(role, at)?;
        match timeout(MEANWHILE, self.locate()).await {
            Ok(Ok(now)) if now != *at => Err(replaced(at)),
            // Sentinels that do not answer are no reason to do without a master that does.
            _ => Ok(role),
        }
    }

    /// Where the master is, as most of the sentinels have it. All are asked at once; none that
    /// hangs is waited for if enough others agree, nor for long if not.
    async fn locate(&self) -> Result<Address, String> {
        let (answer, mut answers) = mpsc::channel(self.list.len());
        for sentinel in &self.list {
            let (sentinel, name) = (Arc::clone(sentinel), self.name.clone());
            let answer = answer.clone();
            // Not ended when enough others have answered, so that it keeps its connection.
            tokio::spawn(async move { answer.send(sentinel.answer(&name).await).await });
        }
        drop(answer);
        let mut votes = HashMap::<Address, usize>::new();
        let mut until = Instant::now() + ANSWER;
        let mut why = "no answer".to_owned();
        while let Ok(Some(answer)) = timeout_at(until, answers.recv()).await {
            match answer {
                Ok(address) => {
                    let named = votes.entry(address.clone()).or_default();
                    *named += 1;
                    if *named > self.list.len() / 2 {
                        return Ok(address);
                    }
                    until = until.min(Instant::now() + OTHERS);
                }
                Err(reason) => why = reason,
            }
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
        most.map(|(address, _)| address)
            .ok_or_else(|| format!("no sentinel knows where the master is: {why}"))
    }
}

impl Sentinel {
    /// Where the master is, if it says so soon.
    async fn answer(&self, name: &str) -> Result<Address, String> {
        let answer = timeout(ANSWER, self.ask(name)).await;
        answer.unwrap_or_else(|_| {
            // One on which no answer comes is not used again.
            *self.line() = None;
            Err("no answer".to_owned())
        })
    }

    /// Where the master is, over the connection of the last time if that works.
    async fn ask(&self, name: &str) -> Result<Address, String> {
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let kept = self.line().clone();
        if let Some(line) = kept
            && let Ok(answer) = self.send(line, &command).await
        {
            return named(&answer, name);
        }
        let nobody = |_: PushInfo| Ok::<(), Infallible>(());
        let line = open_line(&self.client, &self.access, nobody).await?;
        named(&self.send(line, &command).await?, name)
    }

    async fn send(&self, mut line: MultiplexedConnection, command: &Cmd) -> Result<Value, String> {
        let answer = line.send_packed_command(command).await;
        let answer = answer.map_err(|error| explain(&error))?;
        *self.line() = Some(line);
        Ok(answer)
    }

    fn line(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a sentinel says that the master is.
fn named(answer: &Value, name: &str) -> Result<Address, String> {
    match answer {
        Value::Array(parts) => address(parts).ok_or_else(|| "an answer made no sense".to_owned()),
        Value::Nil => Err(format!("it watches none called `{name}`")),
        Value::ServerError(error) => Err(refused(error).to_string()),
        _ => Err("an answer made no sense".to_owned()),
    }
}

fn address(parts: &[Value]) -> Option<Address> {
    let [Value::BulkString(host), Value::BulkString(port)] = parts else {
        return None;
    };
    let host = String::from_utf8(host.clone()).ok()?;
    let port = std::str::from_utf8(port).ok()?.parse().ok()?;
    Some((host, port))
}

fn is_master(role: Role, (host, port): &Address) -> Result<(), String> {
    match role {
        Role::Master { .. } => Ok(()),
        Role::Replica => Err(format!("{host}:{port} is a replica")),
        Role::Untold => Err(format!(
            "{host}:{port} does not tell its role: give the user `+role`"
        )),
    }
}

fn replaced((host, port): &Address) -> String {
    format!("{host}:{port} is not the master any more")
}

/// The same host with the port of sentinels, if it has none.
fn with_port(host: &str) -> String {
    if host.ends_with(']') || !host.contains(':') {
        format!("{host}:{PORT}")
    } else {
        host.to_owned()
    }
}

fn logged_in(info: ConnectionInfo, credentials: Option<&Credentials>) -> ConnectionInfo {
    let Some((user, password)) = credentials else {
        return info;
    };
    let mut settings = info.redis_settings().clone().set_password(password);
    if !user.is_empty() {
        settings = settings.set_username(user);
    }
    info.set_redis_settings(settings)
}
