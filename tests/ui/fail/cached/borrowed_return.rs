use larder::cached;

#[cached(key = "names:<name>")]
async fn first(name: &str) -> Option<&str> {
    name.split(' ').next()
}

#[cached(key = "names:<name>")]
async fn lower<'a>(name: &'a str) -> std::borrow::Cow<'a, str> {
    name.to_lowercase().into()
}

#[cached(key = "constant:<id>")]
async fn constant(id: u64) -> &'static str {
    if id == 0 { "nothing" } else { "something" }
}

fn main() {
    drop((first(""), lower(""), constant(1)));
}
