use larder::cached;

struct Users {
    region: String,
}

impl Users {
    #[cached]
    fn count(&self) -> usize {
        self.region.len()
    }
}

fn main() {
    let users = Users { region: String::new() };
    users.count();
}
