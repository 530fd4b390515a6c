use larder::cached;

struct Point {
    x: f64,
}

#[cached(key = "points:<point.x>:<number>")]
async fn by_template(point: Point, number: f32) -> f32 {
    number
}

#[cached]
async fn by_default(id: u64, point: Point) -> f64 {
    point.x
}

struct Users;

impl Users {
    #[cached]
    async fn by_instance(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = by_template(any(), 1.0);
    let _ = by_default(1, any());
}
