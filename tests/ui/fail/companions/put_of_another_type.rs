use larder::cached;

#[derive(Clone)]
struct User;

#[cached(local)]
async fn get_user(id: u64) -> Result<Option<User>, String> {
    Ok((id > 0).then_some(User))
}

async fn puts() -> larder::Result<()> {
    get_user::put(1, User).await?;
    get_user::put(1, "ada").await?;
    larder::entry(get_user(1)).put(7).await
}

fn main() {
    drop(puts());
}
