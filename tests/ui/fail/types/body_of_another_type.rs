use larder::{cached, invalidate_cache};

#[cached(key = "users:<id>")]
async fn tail(id: u64) -> String {
    id
}

#[cached(key = "users:<id>")]
async fn no_tail(id: u64) -> String {
    id.to_string();
}

#[cached(key = "users:<id>")]
async fn early(id: u64) -> Option<u64> {
    if id == 0 {
        return 0;
    }
    Some(id)
}

#[invalidate_cache(prefix = "users")]
async fn write(id: u64) -> Result<u64, String> {
    id
}

fn main() {
    let _ = tail(1);
    let _ = no_tail(1);
    let _ = early(1);
    let _ = write(1);
}
