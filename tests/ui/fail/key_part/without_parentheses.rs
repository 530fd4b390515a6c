use larder::KeyPart;

#[derive(KeyPart)]
struct Page {
    number: u32,
    #[key]
    size: u32,
}

fn main() {}
