use larder::cached;

#[cached(key = "names:<name>", local)]
async fn first(name: &str) -> Option<&str> {
    name.split(' ').next()
}

fn main() {
    drop(first(""));
}
