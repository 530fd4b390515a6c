use larder::cache_put;

#[derive(Clone)]
struct User {
    id: u64,
}

#[cache_put(key = "a:b:<ret.id>", tags = ["t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13"])]
async fn save(user: User) -> Result<User, String> {
    Ok(user)
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = save(any());
}
