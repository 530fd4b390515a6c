use larder::KeyPart;

#[derive(KeyPart)]
struct Page {
    number: u32,
    #[key(skip)]
    #[key(skip)]
    size: u32,
}

fn main() {}
