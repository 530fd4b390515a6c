//! How a real memcached lives in a test: its port, its directory, its end, its admin line.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::{
    process::{Process, TempDir},
    server::{ATTEMPTS, Failed, PATIENCE, await_stopped, free_port, lock},
};

/// What is said where tests cannot run.
const MISSING: &str = "`memcached` is not on the PATH: run the tests by `./test`, which sees to it";

/// A `memcached` of one's own, on a free loopback port and in a directory of its own. It is
/// killed and its directory removed on drop, also after a panic; if the test process itself
/// dies, by a watchdog.
///
/// The methods block for some milliseconds. They take `&self`, so that a server can be killed
/// while a load runs against it.
#[derive(Debug)]
pub struct MemcachedServer {
    // The process ends before its directory goes: fields are dropped in this order.
    process: Mutex<Option<Process>>,
    args: Vec<String>,
    dir: TempDir,
    port: u16,
}

impl MemcachedServer {
    /// Starts a server and waits until it listens. `args` follow, and so override, our own
    /// arguments: `&["-m", "8", "-I", "2m"]`.
    ///
    /// # Panics
    ///
    /// If `memcached` is missing or refuses to start; the message holds its log.
    pub fn start(args: &[&str]) -> Self {
        Self::start_with(&[], args)
    }

    /// The same, with files (name and text) in the server's directory, which is the one it runs
    /// in: `MemcachedServer::start_with(&[("users", "app:secret\n")], &["-Y", "users"])`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn start_with(files: &[(&str, &str)], args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let dir = TempDir::new().expect("the system's temporary directory is writable");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("our own directory is writable");
        }
        for _ in 0..ATTEMPTS {
            let port = free_port();
            match launch(&dir, port, &args) {
                Err(Failed::PortTaken) => {}
                Err(Failed::Otherwise(reason)) => panic!("{reason}"),
                Ok(process) => {
                    return Self {
                        process: Mutex::new(Some(process)),
                        args,
                        dir,
                        port,
                    };
                }
            }
        }
        panic!("memcached found no free port in {ATTEMPTS} attempts");
    }

    /// Where it listens, as text: `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.addr().to_string()
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its process id.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn pid(&self) -> u32 {
        self.running(Process::pid)
    }

    /// Kills it at once (SIGKILL), with everything it holds. Nothing happens if it is dead.
    pub fn kill(&self) {
        drop(lock(&self.process).take());
    }

    /// Freezes it (SIGSTOP): the system still accepts connections and bytes for it, but nothing
    /// is answered until [`cont`](Self::cont). Returns when it stands still.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn stop(&self) {
        self.running(|process| {
            process
                .signal("STOP")
                .expect("a running server can be stopped");
            await_stopped(process.pid());
        });
    }

    /// Lets it go on after [`stop`](Self::stop) (SIGCONT): it then does all it was asked meanwhile.
    ///
    /// # Panics
    ///
    /// If it was killed.
    pub fn cont(&self) {
        self.running(|process| process.signal("CONT").expect("a running server can go on"));
    }

    /// Kills it, if it still runs, and starts it again, empty, on the same port with the same
    /// arguments. Its CAS values count from one again.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn restart(&self) {
        self.kill();
        match launch(&self.dir, self.port, &self.args) {
            Ok(process) => *lock(&self.process) = Some(process),
            Err(Failed::PortTaken) => panic!("another process has taken port {}", self.port),
            Err(Failed::Otherwise(reason)) => panic!("{reason}"),
        }
    }

    /// Sends one line over a new connection and gives the lines of the answer, up to `last`
    /// lines or a line `END`.
    ///
    /// ```no_run
    /// # let server = test_support::MemcachedServer::start(&[]);
    /// assert_eq!(server.ask("flush_all", 1), ["OK"]);
    /// assert_eq!(server.ask("ms name 5 T60\r\nvalue", 1), ["HD"]);
    /// assert_eq!(server.ask("mg name v t", 2)[1], "value");
    /// ```
    ///
    /// # Panics
    ///
    /// If it does not answer within 10 s, because it was killed or stopped.
    pub fn ask(&self, line: &str, last: usize) -> Vec<String> {
        let answer = self.try_ask(line, last);
        answer.unwrap_or_else(|error| panic!("memcached did not answer `{line}`: {error}"))
    }

    /// The value of one field of `stats`, such as `evictions`; `None` if there is no such field.
    ///
    /// # Panics
    ///
    /// As [`ask`](Self::ask).
    pub fn stat(&self, field: &str) -> Option<String> {
        let wanted = format!("STAT {field} ");
        let lines = self.ask("stats", usize::MAX);
        let mut values = lines.iter().filter_map(|line| line.strip_prefix(&wanted));
        values.next().map(ToOwned::to_owned)
    }

    fn try_ask(&self, line: &str, last: usize) -> io::Result<Vec<String>> {
        let mut stream = TcpStream::connect_timeout(&self.addr(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        let mut lines = Vec::new();
        let mut answer = BufReader::new(stream);
        while lines.len() < last {
            let mut bytes = Vec::new();
            if answer.read_until(b'\n', &mut bytes)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if line == "END" {
                break;
            }
            lines.push(line);
        }
        Ok(lines)
    }

    fn running<T>(&self, act: impl FnOnce(&Process) -> T) -> T {
        act(lock(&self.process)
            .as_ref()
            .expect("the server runs, it was not killed"))
    }
}

fn launch(dir: &TempDir, port: u16, args: &[String]) -> Result<Process, Failed> {
    let log = dir.path().join("memcached.log");
    let ports = dir.path().join("memcached.port");
    // What an earlier life left there would say too early that the server listens.
    let _ = fs::remove_file(&ports);
    let output = File::create(&log).expect("our own directory is writable");
    let errors = output.try_clone().expect("a file has more than one handle");
    let mut command = Command::new("memcached");
    command
        .args(["-l", "127.0.0.1", "-p", &port.to_string(), "-U", "0"])
        // Heard by a root user only, who has to say whom it wants to be.
        .args(["-u", "root", "-t", "2"])
        .args(args)
        .env("MEMCACHED_PORT_FILENAME", &ports)
        .stdout(output)
        .stderr(errors);
    let mut process = Process::spawn(&mut command, dir.path()).map_err(|error| {
        Failed::Otherwise(match error.kind() {
            io::ErrorKind::NotFound => MISSING.to_owned(),
            _ => format!("memcached could not be started: {error}"),
        })
    })?;
    await_listening(&mut process, &ports, &log)?;
    Ok(process)
}

/// Waits for the server's own word that it listens, since whatever answers on its port may be
/// another test's server.
fn await_listening(process: &mut Process, ports: &PathBuf, log: &PathBuf) -> Result<(), Failed> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Asked before the log is read, so that the last words of a dead server are in it.
        let ended = process.has_ended().unwrap_or(true);
        let told = fs::read_to_string(ports).unwrap_or_default();
        if told.contains("TCP INET: ") && !ended {
            return Ok(());
        }
        if ended || Instant::now() > deadline {
            let words = fs::read_to_string(log).unwrap_or_default();
            return Err(if words.contains("Address already in use") {
                Failed::PortTaken
            } else {
                Failed::Otherwise(format!("memcached did not start:\n{words}"))
            });
        }
        thread::sleep(Duration::from_millis(1));
    }
}
