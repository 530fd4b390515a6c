use axum::response::IntoResponse;
use axum_extra::{
    TypedHeader,
    headers::{Authorization, authorization::Bearer},
};
use larder::cached;

#[cached(key = "me")]
async fn me(
    TypedHeader(Authorization(token)): TypedHeader<Authorization<Bearer>>,
) -> impl IntoResponse {
    token.token().len().to_string()
}

fn main() {
    fn any<T>() -> T {
        unimplemented!()
    }
    let _ = me(any());
}
