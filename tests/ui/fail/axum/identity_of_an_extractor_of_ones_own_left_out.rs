use axum::{Json, extract::FromRequestParts, http::request::Parts};
use larder::cached;

struct Claims {
    subject: u64,
}

impl<S: Sync> FromRequestParts<S> for Claims {
    type Rejection = ();

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, ()> {
        Ok(Self { subject: 0 })
    }
}

#[cached(key = "me")]
async fn me(claims: Claims) -> Result<Json<u64>, ()> {
    Ok(Json(claims.subject))
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = me(any());
}
