//! Cached functions that share a return type: `benches/ir.sh` counts what each costs the compiler.

use std::{future::Future, pin::Pin};

use serde::{Deserialize, Serialize};

/// A value like many: the functions share it, as they do in a service. It can go far.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Which.
    pub id: u64,
    /// Called so.
    pub name: String,
}

/// Why there is none.
#[derive(Debug, Clone)]
pub struct Lost;

type Loading = Pin<Box<dyn Future<Output = Result<User, Lost>> + Send>>;

/// What a function does on a miss: compiled once, for all of them.
#[expect(clippy::unused_async, reason = "stands for a query")]
async fn load(id: u64, table: &'static str) -> Result<User, Lost> {
    if id == 0 {
        return Err(Lost);
    }
    let name = table.to_owned();
    Ok(User { id, name })
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(
                not(feature = "plain"),
                larder::cached(ttl = 600, key = "users:<id>:<table>")
            )]
            async fn $name(id: u64, table: &'static str) -> Result<User, Lost> {
                load(id, table).await
            }
        )*

        /// Uses each function once, so that all of it is compiled.
        fn used(id: u64) -> Vec<Loading> {
            vec![$(Box::pin($name(id, stringify!($name)))),*]
        }
    };
}

#[cfg(not(feature = "more"))]
functions! { f00 }

#[cfg(feature = "more")]
functions! {
    f00 f01 f02 f03 f04 f05 f06 f07 f08 f09
    f10 f11 f12 f13 f14 f15 f16 f17 f18 f19
    f20
}

fn main() {
    println!("{} functions", used(1).len());
}
