use larder::{cached, invalidate_cache};

#[cached]
async fn serve(port: u16) -> ! {
    loop {
        println!("{port}");
    }
}

#[invalidate_cache(prefix = "users")]
fn stop(code: i32) -> ! {
    std::process::exit(code)
}

fn main() {
    drop(serve(1));
    stop(1);
}
