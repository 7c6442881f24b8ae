use crate::CenterError;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use fengjuan_envelope::cbor;
use fengjuan_wire::upstream::Refusal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The center's own failure, whatever it was.
pub(super) const FAULT: &str = "center.fault";

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
    /// The code, where the center is at fault and not the caller.
    pub fn fault(&self) -> Option<&'static str> {
        self.status.is_server_error().then_some(self.code)
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

/// What goes wrong at the center is logged there in full; the device learns only that it did.
impl From<CenterError> for Refused {
    fn from(error: CenterError) -> Refused {
        tracing::error!(%error, code = error.code(), "request failed");
        Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            FAULT,
            "the center could not do it",
        )
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Refused {
        CenterError::from(error).into()
    }
}

impl From<fengjuan_store::StoreError> for Refused {
    fn from(error: fengjuan_store::StoreError) -> Refused {
        CenterError::from(error).into()
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

pub fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    cbor::from_slice(body).map_err(|error| Refused::bad("upstream.malformed", error.to_string()))
}
