//! Cached functions that share a return type: `benches/ir.sh` counts what each costs the compiler.

use std::{future::Future, pin::Pin, sync::Arc};

/// A value like many: the functions share it, as they do in a service.
#[derive(Debug)]
pub struct User {
    /// Which.
    pub id: u64,
    /// Called so.
    pub name: String,
}

/// Why there is none.
#[derive(Debug)]
pub struct Lost;

type Loading = Pin<Box<dyn Future<Output = Result<Arc<User>, Lost>> + Send>>;

/// What a function does on a miss: compiled once, for all of them.
#[expect(clippy::unused_async, reason = "stands for a query")]
async fn load(id: u64, table: &'static str) -> Result<Arc<User>, Lost> {
    if id == 0 {
        return Err(Lost);
    }
    let name = table.to_owned();
    Ok(Arc::new(User { id, name }))
}

macro_rules! functions {
    ($($name:ident)*) => {
        $(
            #[cfg_attr(
                not(feature = "plain"),
                larder::cached(ttl = 600, key = "users:<id>:<table>")
            )]
            async fn $name(id: u64, table: &'static str) -> Result<Arc<User>, Lost> {
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
