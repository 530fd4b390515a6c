use larder::cached;

#[cached(ttl = 0, key = "users:<usr>:*", tags = ["team:<tem>", "a b"], skip(db), local, codec = Json)]
fn get_user(user: u64, team: u64) -> &str {
    ""
}

fn main() {
    let _ = get_user(1, 1);
}
