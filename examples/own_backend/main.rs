//! A far tier of one's own: a directory that the programs of one machine share, as
//! `CACHE_TYPE=directory`. `cargo run --example own_backend`, and once more to see what the first run
//! left there.
//!
//! This file is the [`Backend`]: a hundred lines over anything that can get a name and *compare and
//! swap* it in one step. What does that in a directory is `directory.rs`; yours may be a client of the
//! store that you have.

mod directory;
#[cfg(test)]
mod tests;

use larder::{
    Backend, Bytes, Cache, Invalidate, Over, Prepare, Prepared, Result, Settings, Write, cached,
    register,
};

use self::directory::Directory;

/// There is no feed (`watch` says so by default), so what another process invalidates leaves the near
/// tier within five seconds; and no `sweep`.
impl Backend for Directory {
    async fn read(&self, names: &[&str]) -> Result<Vec<Option<Bytes>>> {
        let get = |name: &&str| Ok(self.get(name)?.bytes);
        names.iter().map(get).collect()
    }

    async fn prepare(&self, prepare: Prepare<'_>) -> Result<Prepared> {
        let mut stamps = Vec::with_capacity(prepare.stamps.len());
        for (name, nonce) in prepare.stamps {
            // Whoever comes first makes the stamp, all others get what stands there.
            stamps.push(loop {
                let seen = self.get(name)?;
                if let Some(standing) = seen.number() {
                    break standing;
                }
                if self.swap(name, &seen, &nonce.to_be_bytes(), prepare.stamp_ttl)? {
                    break *nonce;
                }
            });
        }
        let Some(lease) = prepare.lease else {
            let leased = false;
            return Ok(Prepared { stamps, leased });
        };
        let leased = loop {
            let seen = self.get(lease.slot)?;
            let may = match lease.over {
                Over::Anything => true,
                Over::Empty => seen.bytes.is_none(),
                Over::Seen(header) => seen.bytes.is_none() || seen.starts_with(&header),
            };
            if !may || self.swap(lease.slot, &seen, &lease.header, lease.ttl)? {
                break may;
            }
            // Somebody else changed the slot in between: look again.
        };
        Ok(Prepared { stamps, leased })
    }

    async fn store(&self, write: Write<'_>) -> Result<bool> {
        let seen = self.get(write.slot)?;
        // Whatever came between the lease and this, an invalidation above all, changed the header.
        let stored = seen.starts_with(&write.expected)
            && self.swap(write.slot, &seen, &write.envelope, write.ttl)?;
        for stamp in write.stamps {
            self.prolong(stamp, write.stamp_ttl)?;
        }
        Ok(stored)
    }

    async fn invalidate(&self, change: Invalidate<'_>) -> Result<()> {
        for slot in change.slots {
            self.remove(slot)?;
        }
        for (name, nonce) in change.stamps {
            let nonce = nonce.to_be_bytes();
            while !self.swap(name, &self.get(name)?, &nonce, change.stamp_ttl)? {}
        }
        Ok(())
    }
}

/// Makes `CACHE_TYPE=directory` mean this store, at the path in `CACHE_DIRECTORY`.
fn make_known() -> Result<()> {
    register("directory", |settings| {
        let path = settings.required("CACHE_DIRECTORY", "write the path of a directory")?;
        Ok(settings.builder()?.far(Directory::open(path)?))
    })
}

#[cached(key = "squares:<n>", ttl = "1h", cache = cache, skip(cache))]
async fn square(cache: &Cache, n: u64) -> u64 {
    println!("  multiplying {n} by itself");
    n * n
}

#[tokio::main]
async fn main() -> Result<()> {
    make_known()?;
    let path = std::env::temp_dir().join("larder-own-backend");
    // A service would say `Cache::from_env()`, and its environment the rest.
    let settings = Settings::new([("CACHE_TYPE", "directory")])
        .with("CACHE_DIRECTORY", path.to_string_lossy());
    let one = Cache::from_settings(&settings)?;
    let other = Cache::from_settings(&settings)?;

    println!("one process: {}", square(&one, 12).await);
    println!("another: {}", square(&other, 12).await);
    one.remove_prefix("squares").await?;
    println!("after an invalidation: {}", square(&one, 12).await);
    println!("{} keeps it for the next run", path.display());
    Ok(())
}
