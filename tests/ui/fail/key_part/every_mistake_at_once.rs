use larder::KeyPart;

#[derive(KeyPart)]
#[key(krate = larder)]
enum Find {
    #[key(name = "everything")]
    All,
    One(#[key(ski)] u64, #[key(skip = true)] u64),
}

fn main() {}
