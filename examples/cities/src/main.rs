//! Starts the service, or measures it with `--load`.

use std::{env, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use cities::{
    Cached, Db, cache,
    load::{Failure, Load},
    web,
};
use larder::Redis;
use tokio::net::TcpListener;

const USAGE: &str = "\
usage: cities [--listen <address>] [--db <file>]     serve, from 127.0.0.1:3000 unless told otherwise
       cities --load [--seconds <n>] [--clients <n>] measure, with and without the cache

`REDIS_URL` in the environment names a Redis server to share the cache with other processes.
Without `--db` the database is a temporary file.";

/// A query to a database on another machine takes about this long.
const LATENCY: Duration = Duration::from_millis(20);

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Options::read(env::args().skip(1)) {
        Ok(options) => options.run().await,
        Err(why) => Err(format!("{why}\n\n{USAGE}").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    listen: SocketAddr,
    db: Option<PathBuf>,
    load: bool,
    seconds: u64,
    clients: u32,
}

impl Options {
    fn read(mut args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            db: None,
            load: false,
            seconds: 10,
            clients: 32,
        };
        while let Some(option) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("`{option}` needs a value"))
            };
            match option.as_str() {
                "--listen" => options.listen = value()?.parse()?,
                "--db" => options.db = Some(value()?.into()),
                "--load" => options.load = true,
                "--seconds" => options.seconds = value()?.parse()?,
                "--clients" => options.clients = value()?.parse()?,
                _ => return Err(format!("there is no option `{option}`").into()),
            }
        }
        Ok(options)
    }

    async fn run(self) -> Result<(), Failure> {
        let redis = Redis::from_env()?;
        if self.load {
            self.measure(redis).await
        } else {
            self.serve(redis).await
        }
    }

    async fn serve(self, redis: Option<Redis>) -> Result<(), Failure> {
        let db = self.db.map_or_else(Db::temporary, |file| Db::open(&file))?;
        let cities = Cached::new(db, cache("cities", redis)?);
        let listener = TcpListener::bind(self.listen).await?;
        println!("listening on http://{}", listener.local_addr()?);
        let stop = async {
            // Without this signal the service runs until it is killed.
            let _ = tokio::signal::ctrl_c().await;
        };
        axum::serve(listener, web::router(cities))
            .with_graceful_shutdown(stop)
            .await?;
        Ok(())
    }

    async fn measure(self, redis: Option<Redis>) -> Result<(), Failure> {
        println!(
            "{} clients for {} s each, {} ms a query, 2 % changes, ids by Zipf's law\n",
            self.clients,
            self.seconds,
            LATENCY.as_millis(),
        );
        let load = Load {
            clients: self.clients,
            time: Duration::from_secs(self.seconds),
            requests: 1_000_000,
        };
        load.table(LATENCY, redis).await
    }
}
