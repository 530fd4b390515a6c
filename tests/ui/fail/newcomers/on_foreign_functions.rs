use larder::cached;

#[cached(ttl = 60)]
unsafe extern "C" {
    safe fn abs(number: i32) -> i32;
}

fn main() {
    abs(1);
}
