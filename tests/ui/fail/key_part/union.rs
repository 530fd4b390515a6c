use larder::KeyPart;

#[derive(KeyPart)]
union Bits {
    whole: u32,
    half: u16,
}

fn main() {}
