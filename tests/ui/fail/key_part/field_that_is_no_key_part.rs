use std::marker::PhantomData;

use larder::KeyPart;

#[derive(KeyPart)]
struct Point {
    x: f64,
    name: String,
}

#[derive(KeyPart)]
enum Shape {
    Circle(Point, f32),
}

#[derive(KeyPart)]
struct Id<T>(u64, PhantomData<T>);

fn cached(_: impl KeyPart) {}

fn main() {
    cached(Id::<u8>(1, PhantomData));
}
