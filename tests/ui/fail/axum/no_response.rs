use larder::cached;

struct Count;

type Answer = Result<Count, ()>;

#[cached(response)]
async fn count() -> Answer {
    Ok(Count)
}

fn main() {
    let _ = count();
}
