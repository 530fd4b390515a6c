use larder::KeyPart;

#[derive(KeyPart)]
#[key(skip)]
struct Page {
    number: u32,
}

fn main() {}
