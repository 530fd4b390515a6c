use larder::cached;

#[cached(key = "names:<name>")]
fn trimmed(name: &str) -> &str {
    name.trim()
}

fn main() {
    trimmed("");
}
