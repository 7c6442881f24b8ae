use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fengjuan_envelope::cbor;
use fengjuan_wire::upstream::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::path::Path;

/// The server's own failure, whatever it was.
pub const FAULT: &str = "upstream.fault";

/// An answer that is not a success: a status, a stable code, and English for the log.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Refused {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Refused {
        Refused {
            status,
            code,
            detail: detail.into(),
        }
    }
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::BAD_REQUEST, code, detail)
    }
    pub fn forbidden(code: &'static str) -> Refused {
        Refused::new(StatusCode::FORBIDDEN, code, "")
    }
    pub fn not_found(code: &'static str) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, code, "")
    }
    pub fn code(&self) -> &'static str {
        self.code
    }
    /// The code, where the server is at fault and not the caller.
    pub fn fault_code(&self) -> Option<&'static str> {
        self.status.is_server_error().then_some(self.code)
    }
    /// What goes wrong at the server is logged there in full; the caller learns only that it did.
    pub fn fault(error: &dyn Error) -> Refused {
        tracing::error!(error = %in_full(error), "request failed");
        Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            FAULT,
            "the server could not do it",
        )
    }
    /// A fault of a file.
    pub fn fault_at(path: &Path, error: &dyn Error) -> Refused {
        tracing::error!(path = %path.display(), "a file failed");
        Refused::fault(error)
    }
    pub fn too_many() -> Refused {
        Refused::new(
            StatusCode::TOO_MANY_REQUESTS,
            "upstream.too_many_requests",
            "slow down",
        )
    }
    pub fn timeout() -> Refused {
        Refused::new(
            StatusCode::REQUEST_TIMEOUT,
            "upstream.timeout",
            "the request took too long",
        )
    }
}

/// An error with what lies behind it. Some errors repeat their source in their own words, which does no harm in a log.
fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Refused {
        Refused::fault(&error)
    }
}

impl From<fengjuan_store::StoreError> for Refused {
    fn from(error: fengjuan_store::StoreError) -> Refused {
        Refused::fault(&error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Refusal {
            code: self.code.to_owned(),
            detail: self.detail,
        };
        (self.status, Cbor(body)).into_response()
    }
}

/// A body in deterministic CBOR.
pub struct Cbor<T>(pub T);

impl<T: Serialize> IntoResponse for Cbor<T> {
    fn into_response(self) -> Response {
        match cbor::to_vec(&self.0) {
            Ok(bytes) => ([(header::CONTENT_TYPE, "application/cbor")], bytes).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Signed bytes as they are.
pub fn signed(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/cose")], bytes).into_response()
}

/// A body in deterministic CBOR, read strictly.
///
/// # Errors
/// 400 `upstream.malformed`.
pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    cbor::from_slice(body).map_err(|error| Refused::bad("upstream.malformed", error.to_string()))
}
