//! How much of a body is waited for: all of it if it says that it is short, and none otherwise.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{Error, body::Body};
use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;

/// What became of a body.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// It is these bytes.
    Whole(Bytes),
    /// It goes on to the client as it comes, with what was read of it in front.
    Passing(Body),
}

/// Reads a body of a known length of at most `bound` bytes. Any other is not touched: one of
/// unknown length may be an endless stream of events, which must not wait here.
pub(crate) async fn gather(body: Body, bound: usize) -> Gathered {
    let known = body.size_hint().exact();
    if known.is_none_or(|length| usize::try_from(length).map_or(true, |length| length > bound)) {
        return Gathered::Passing(body);
    }
    let mut reading = Reading::new(body);
    while let Some(frame) = reading.rest.frame().await {
        let length = reading.length;
        let fits = |data: &Bytes| data.len() <= bound - length;
        let short = matches!(&frame, Ok(frame) if frame.data_ref().is_some_and(fits));
        reading.push(frame);
        if !short {
            return Gathered::Passing(Body::new(reading));
        }
    }
    Gathered::Whole(reading.whole())
}

/// A body of which the first frames have been read.
struct Reading {
    read: VecDeque<Result<Frame<Bytes>, Error>>,
    /// The bytes in it.
    length: usize,
    rest: Body,
}

impl Reading {
    fn new(rest: Body) -> Self {
        Self {
            read: VecDeque::new(),
            length: 0,
            rest,
        }
    }

    fn push(&mut self, frame: Result<Frame<Bytes>, Error>) {
        if let Ok(Some(data)) = frame.as_ref().map(Frame::data_ref) {
            self.length += data.len();
        }
        self.read.push_back(frame);
    }

    /// All that was read: one frame, as most bodies are, without copying it.
    fn whole(self) -> Bytes {
        let length = self.length;
        let mut frames = self.read.into_iter().flatten().filter_map(|frame| {
            let data = frame.into_data().ok()?;
            (!data.is_empty()).then_some(data)
        });
        let first = frames.next().unwrap_or_default();
        if first.len() == length {
            return first;
        }
        let mut whole = BytesMut::with_capacity(length);
        whole.extend_from_slice(&first);
        frames.for_each(|data| whole.extend_from_slice(&data));
        whole.freeze()
    }
}

impl http_body::Body for Reading {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Context, Poll},
    };

    use axum::body::Body;
    use bytes::Bytes;
    use http::HeaderMap;
    use http_body::{Frame, SizeHint};
    use http_body_util::BodyExt as _;

    use super::{Gathered, gather};

    /// Gives one frame after another, and says of its length what it is told to say.
    struct Script {
        frames: Vec<Result<Frame<Bytes>, axum::Error>>,
        hint: Option<u64>,
        given: Arc<AtomicUsize>,
    }

    impl http_body::Body for Script {
        type Data = Bytes;
        type Error = axum::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
            if self.frames.is_empty() {
                return Poll::Ready(None);
            }
            self.given.fetch_add(1, Ordering::SeqCst);
            Poll::Ready(Some(self.frames.remove(0)))
        }

        fn size_hint(&self) -> SizeHint {
            self.hint
                .map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    #[allow(clippy::unnecessary_wraps, reason = "a frame among others that failed")]
    fn data(text: &'static str) -> Result<Frame<Bytes>, axum::Error> {
        Ok(Frame::data(Bytes::from_static(text.as_bytes())))
    }

    fn frames(
        frames: Vec<Result<Frame<Bytes>, axum::Error>>,
        hint: Option<u64>,
    ) -> (Body, Arc<AtomicUsize>) {
        let given = Arc::new(AtomicUsize::new(0));
        let body = Script {
            frames,
            hint,
            given: given.clone(),
        };
        (Body::new(body), given)
    }

    async fn whole(body: Body, bound: usize) -> Option<Bytes> {
        match gather(body, bound).await {
            Gathered::Whole(bytes) => Some(bytes),
            Gathered::Passing(_) => None,
        }
    }

    #[tokio::test]
    async fn a_body_of_up_to_the_bound_is_read_whole() {
        assert_eq!(whole(Body::from("12345"), 5).await.unwrap(), "12345");
        assert_eq!(whole(Body::empty(), 5).await.unwrap(), "");
        let (body, _) = frames(vec![data("12"), data(""), data("345")], Some(5));
        assert_eq!(whole(body, 5).await.unwrap(), "12345");
    }

    #[tokio::test]
    async fn one_frame_is_not_copied() {
        let bytes = Bytes::from(vec![7; 100]);
        let read = whole(Body::from(bytes.clone()), 100).await.unwrap();
        assert_eq!(read.as_ptr(), bytes.as_ptr());
    }

    #[tokio::test]
    async fn a_longer_body_and_one_of_unknown_length_are_not_touched() {
        for hint in [Some(6), None] {
            let (body, given) = frames(vec![data("123456")], hint);
            assert!(matches!(gather(body, 5).await, Gathered::Passing(_)));
            assert_eq!(given.load(Ordering::SeqCst), 0, "{hint:?}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_longer_than_it_says_is_read_to_the_bound_and_passed_on_whole() {
        let many = vec![data("1234"), data("5678"), data("9")];
        let (body, given) = frames(many, Some(5));
        let Gathered::Passing(body) = gather(body, 5).await else {
            panic!("it is longer than the bound");
        };
        assert_eq!(given.load(Ordering::SeqCst), 2);
        let all = body.collect().await.unwrap().to_bytes();
        assert_eq!(all, "123456789");
    }

    #[tokio::test]
    async fn trailers_are_passed_on() {
        let trailers = HeaderMap::from_iter([(http::header::ETAG, "\"a\"".parse().unwrap())]);
        let (body, _) = frames(
            vec![data("1"), Ok(Frame::trailers(trailers.clone()))],
            Some(1),
        );
        let Gathered::Passing(body) = gather(body, 5).await else {
            panic!("trailers cannot be kept");
        };
        let all = body.collect().await.unwrap();
        assert_eq!(all.trailers(), Some(&trailers));
        assert_eq!(all.to_bytes(), "1");
    }

    #[tokio::test]
    async fn a_body_that_fails_fails_for_the_client() {
        let failed = Err(axum::Error::new(std::io::Error::other("gone")));
        let (body, _) = frames(vec![data("1"), failed], Some(2));
        let Gathered::Passing(mut body) = gather(body, 5).await else {
            panic!("half a body cannot be kept");
        };
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().is_err());
    }
}
