use larder::KeyPart;

#[derive(KeyPart)]
enum Find {
    #[key(skip)]
    All,
    One(u64),
}

fn main() {}
