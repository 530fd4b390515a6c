//! Over a real HTTP server, on the bytes of the wire.

use axum::{Router, extract::State, routing::get};
use larder::cached;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::app::App;

#[cached(key = "page", ttl = 60, cache = app.cache)]
async fn page(State(app): State<App>) -> axum::response::Html<String> {
    axum::response::Html(format!("<p>{}</p>", app.run()))
}

/// What a server sends on one connection to these requests, one after the other.
async fn talk(requests: &[&str]) -> Vec<String> {
    let router = Router::new()
        .route("/page", get(page))
        .with_state(App::new());
    let router = router.layer(larder::axum::layer());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let mut replies = Vec::new();
    for request in requests {
        let request = format!("{request}\r\nhost: test\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        replies.push(reply(&mut stream, request.starts_with("HEAD")).await);
    }
    replies
}

/// One response: its head, and as much of a body as the head says.
async fn reply(stream: &mut TcpStream, head: bool) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.expect("more"));
    }
    let mut text = String::from_utf8(text).expect("text").to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().expect("a number"));
    if !head && !text.starts_with("http/1.1 304") {
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.expect("the body");
        text.push_str(str::from_utf8(&body).expect("text"));
    }
    text
}

#[tokio::test]
async fn a_client_speaks_of_tags_on_one_connection() {
    let first = talk(&["GET /page HTTP/1.1"]).await.remove(0);
    assert!(
        first.starts_with("http/1.1 200") && first.ends_with("<p>1</p>"),
        "{first}"
    );
    let etag = first
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .expect("a tag");
    let conditional = format!("GET /page HTTP/1.1\r\nif-none-match: {etag}");
    let head = conditional.replace("GET", "HEAD");
    let replies = talk(&[
        &conditional,
        &head,
        "HEAD /page HTTP/1.1",
        "GET /page HTTP/1.1",
    ])
    .await;
    for unchanged in &replies[..2] {
        assert!(unchanged.starts_with("http/1.1 304"), "{unchanged}");
        assert!(!unchanged.contains("content-"), "{unchanged}");
        assert!(unchanged.contains(etag) && unchanged.contains("cache-control: max-age=60"));
    }
    assert!(
        replies[2].contains("content-length: 8\r\n"),
        "{}",
        replies[2]
    );
    assert!(replies[3].ends_with("<p>1</p>"), "{}", replies[3]);
    assert!(
        replies[3].contains("cache-status: larder; hit; ttl=60\r\n"),
        "{}",
        replies[3]
    );
}
