//! A redis-server of the test's own: on a free loopback port, in a directory of its own, and
//! ended by its process id when the test ends, however it ends.

#![allow(
    dead_code,
    reason = "each test binary uses its own part of what they share"
)]

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A running server.
pub struct Server {
    child: Child,
    pub port: u16,
    directory: PathBuf,
    settings: Vec<String>,
}

impl Server {
    /// Starts a server with the usual settings, and waits until it answers.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with more settings, given like on its command line.
    pub fn with(settings: &[&str]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("larder-redis-{}-{next}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("makes a directory for the server");
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        loop {
            // Another process may take a free port before the server does.
            let port = free_port();
            let child = spawn(port, &directory, &settings);
            let mut server = Self {
                child,
                port,
                directory: directory.clone(),
                settings: settings.clone(),
            };
            if server.answers(Duration::from_secs(10)) {
                return server;
            }
            server.directory = PathBuf::new();
        }
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the server like a power cut does.
    pub fn kill(&mut self) {
        self.child.kill().expect("is ours to kill");
        self.child.wait().expect("ends");
    }

    /// Starts the server anew on the same port, and waits until it answers.
    pub fn restart(&mut self) {
        self.revive();
        assert!(self.answers(Duration::from_secs(10)), "the server starts");
    }

    /// Starts the server anew on the same port, without waiting.
    pub fn revive(&mut self) {
        self.child = spawn(self.port, &self.directory, &self.settings);
    }

    /// Stops the process where it stands.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets the process go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([format!("-{signal}"), self.child.id().to_string()])
            .status();
        assert!(sent.expect("runs kill").success());
    }

    /// Runs commands, one per line of words, on a connection of their own; gives all replies raw.
    pub fn run(&self, commands: &[&[&str]]) -> String {
        self.try_run(commands).expect("the server answers")
    }

    fn try_run(&self, commands: &[&[&str]]) -> std::io::Result<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        for words in commands.iter().chain([&&["QUIT"][..]]) {
            let mut bytes = format!("*{}\r\n", words.len());
            for word in *words {
                bytes += &format!("${}\r\n{word}\r\n", word.len());
            }
            socket.write_all(bytes.as_bytes())?;
        }
        let mut replies = Vec::new();
        socket.read_to_end(&mut replies)?;
        Ok(String::from_utf8_lossy(&replies).into_owned())
    }

    fn answers(&mut self, within: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < within {
            if self.child.try_wait().expect("can be asked").is_some() {
                return false;
            }
            // A server that wants a password or still loads has started too.
            if self
                .try_run(&[&["PING"]])
                .is_ok_and(|reply| !reply.is_empty())
            {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail if the server has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.directory.as_os_str().len() > 0 {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn spawn(port: u16, directory: &PathBuf, settings: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(directory)
        .args(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server 7.0 or later has to be installed for these tests")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    listener.local_addr().expect("has an address").port()
}
