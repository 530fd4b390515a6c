//! What a server is really asked: its own account of the commands it gets.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
};

use crate::RedisServer;

/// One command: its name and its arguments, as the server got them.
pub type Command = Vec<String>;

/// A connection that is told of every command of every client.
#[derive(Debug)]
pub struct Monitor<'a> {
    server: &'a RedisServer,
    lines: BufReader<TcpStream>,
}

impl<'a> Monitor<'a> {
    /// Listens from now on.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn new(server: &'a RedisServer) -> Self {
        let mut stream = TcpStream::connect(server.addr()).expect("the server runs");
        stream.write_all(b"MONITOR\r\n").expect("the server runs");
        let mut lines = BufReader::new(stream);
        let mut ready = String::new();
        lines.read_line(&mut ready).expect("the server answers");
        assert_eq!(ready, "+OK\r\n");
        Self { server, lines }
    }

    /// The commands since the last call, without those that a script gave.
    ///
    /// # Panics
    ///
    /// If the server does not answer.
    pub fn commands(&mut self) -> Vec<Command> {
        const END: &str = "the end of the account";
        self.server.raw(&["ECHO", END]);
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).expect("the server answers");
            // `+1700000000.000001 [0 127.0.0.1:50000] "GET" "key"`; a script's have `[0 lua]`.
            let command: Command = line
                .split('"')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect();
            if command.last().is_some_and(|last| last == END) {
                return commands;
            }
            if !line.contains(" lua] ") {
                commands.push(command);
            }
        }
    }
}
