//! What can go wrong, and what the client is told.

use std::{fmt, sync::Arc};

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// `Result` with the error of this service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request has no answer. `Clone`, so that all who waited for one load can share it.
#[derive(Debug, Clone)]
pub enum Error {
    /// There is no such city or country.
    Missing(&'static str),
    /// The request makes no sense: the status, and what to send instead.
    Invalid(StatusCode, String),
    /// Others changed the same city again and again while we tried. The client may repeat it.
    Busy,
    /// The database failed.
    Database(Arc<rusqlite::Error>),
    /// A task of the service panicked.
    Panicked,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(f, "there is no such {what}"),
            Self::Invalid(_, why) => f.write_str(why),
            Self::Busy => f.write_str("the city is being changed by others: try again"),
            Self::Database(_) | Self::Panicked => f.write_str("the service failed"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::Invalid(status, _) => *status,
            Self::Busy => StatusCode::CONFLICT,
            Self::Database(_) | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Database(error) = &self {
            // The client has no use for the details, and no right to them.
            eprintln!("database: {error}");
        }
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|error| error.extended_code);
        if code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY) {
            return Self::Invalid(
                StatusCode::UNPROCESSABLE_ENTITY,
                "`country` must be the code of a country that exists".to_owned(),
            );
        }
        Self::Database(Arc::new(error))
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(_: tokio::task::JoinError) -> Self {
        Self::Panicked
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Self::Invalid(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::Invalid(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        Self::Invalid(rejection.status(), rejection.body_text())
    }
}
