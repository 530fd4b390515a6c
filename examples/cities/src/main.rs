//! Starts the service, or measures it with `--load`.

fn main() {}
