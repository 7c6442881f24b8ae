//! `paper://localhost/…`: pictures of the present screen, from memory to the page and never to a cache.

use crate::role::Role;
use tauri::http::{Request, Response, StatusCode, header};

/// Serves what the present screen shows and nothing else.
pub fn respond(role: &Role, request: &Request<Vec<u8>>) -> Response<Vec<u8>> {
    let (status, mime, bytes) = match role.resource(request.uri().path()) {
        Some((mime, bytes)) => (StatusCode::OK, mime, bytes),
        None => (StatusCode::NOT_FOUND, "text/plain", Vec::new()),
    };
    let mut response = Response::new(bytes);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(mime));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        header::HeaderValue::from_static("nosniff"),
    );
    response
}
