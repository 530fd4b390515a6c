use larder::KeyPart;

#[derive(KeyPart)]
struct Page {
    #[key(skip)]
    number: u32,
    #[key(skip)]
    size: u32,
}

fn main() {}
