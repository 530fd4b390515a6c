use axum::response::Html;
use axum_extra::extract::CookieJar;
use larder::cached;

#[cached(key = "start")]
async fn start(jar: CookieJar) -> Html<&'static str> {
    drop(jar);
    Html("")
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = start(any());
}
