//! How the parts of one call run side by side.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::Poll,
};

/// Runs all of `futures` at once, in the caller's task, so that dropping the call drops them all.
pub(crate) async fn together<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let several = match <[F; 1]>::try_from(futures) {
        Ok([only]) => return vec![pin!(only).await],
        Err(several) => several,
    };
    let mut running: Vec<Pin<Box<F>>> = several.into_iter().map(Box::pin).collect();
    let mut ended: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, end) in running.iter_mut().zip(&mut ended) {
            if end.is_none()
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *end = Some(output);
            }
        }
        if ended.iter().all(Option::is_some) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    ended.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::together;

    #[tokio::test(start_paused = true)]
    async fn the_whole_takes_as_long_as_the_longest_and_keeps_the_order() {
        let began = Instant::now();
        let wait = |secs| async move {
            sleep(Duration::from_secs(secs)).await;
            secs
        };
        assert_eq!(together(vec![wait(3), wait(1), wait(2)]).await, [3, 1, 2]);
        assert_eq!(together(vec![wait(1)]).await, [1]);
        assert_eq!(together(Vec::from([(); 0].map(|()| wait(1)))).await, [0; 0]);
        assert_eq!(began.elapsed(), Duration::from_secs(4));
    }
}
