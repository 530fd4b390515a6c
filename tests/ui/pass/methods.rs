#![deny(warnings)]

use std::sync::Arc;

use larder::{cached, invalidate_cache};

#[derive(Clone)]
struct Users {
    region: String,
}

impl Users {
    #[cached(key = "users:<self.region>:<id>")]
    async fn by_reference(&self, id: u64) -> String {
        format!("{}{id}", self.region)
    }

    #[cached(key = "users:<id>")]
    async fn by_mutable_reference(&mut self, id: u64) -> String {
        self.region.push('x');
        format!("{}{id}", self.region)
    }

    #[cached(key = "users:<id>")]
    async fn by_value(mut self, id: u64) -> String {
        self.region.push('x');
        format!("{}{id}", self.region)
    }

    #[cached(key = "users:<id>", tags = ["region:<self.region>"])]
    async fn by_arc(self: Arc<Self>, id: u64) -> String {
        format!("{}{id}", self.region)
    }

    #[cached(skip(self))]
    async fn without_the_instance(&self, id: u64) -> String {
        format!("{}{id}", self.region)
    }

    #[cached]
    async fn associated(id: u64) -> Option<u64> {
        Some(id)
    }

    #[cached(skip(self), local)]
    async fn itself(&self) -> Arc<Self> {
        Arc::new(self.clone())
    }

    #[invalidate_cache(prefix = "users:<self.region>")]
    async fn rename(&mut self, region: String) -> Result<(), std::fmt::Error> {
        self.region = region;
        Ok(())
    }
}

trait Sum: Sync {
    fn sum(&self, a: u64, b: u64) -> impl Future<Output = u64> + Send;

    #[cached(skip(self))]
    async fn twice(&self, a: u64) -> u64 {
        self.sum(a, a).await
    }
}

impl Sum for Users {
    #[cached(skip(self))]
    async fn sum(&self, a: u64, b: u64) -> u64 {
        a + b
    }
}

fn main() {
    let users = Users {
        region: String::new(),
    };
    drop((users.by_reference(1), users.clone().by_mutable_reference(1)));
    drop((users.clone().by_value(1), Arc::new(users.clone()).by_arc(1)));
    drop((
        users.without_the_instance(1),
        Users::associated(1),
        users.itself(),
    ));
    drop((users.clone().rename(String::new()), users.twice(1)));
}
