use larder::KeyPart;

#[derive(KeyPart)]
struct Page {
    #[key(crate = larder)]
    number: u32,
    size: u32,
}

fn main() {}
