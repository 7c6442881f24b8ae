//! Objects by their hash: documents and grants from memory, packages in pieces from the disk. Only so many pieces of
//! packages are under way at once, and a terminal that does not take its piece keeps its place for a short time only.

use super::Caller;
use crate::core::Core;
use crate::received;
use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use fengjuan_core::event::Hash32;
use fengjuan_serve::{Refused, hash_of, send, signed};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long somebody may wait for a place.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long one answer may keep a place that others wait for.
const LONGEST_PLACE: Duration = Duration::from_secs(10);

enum Found {
    Bytes(Vec<u8>),
    File(PathBuf, u64),
}

pub(super) async fn object(
    State(core): State<Arc<Core>>,
    Extension(caller): Extension<Caller>,
    Path(hash): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let hash = hash_of(&hash)?;
    let found = match find(&core, &caller, &hash) {
        None if caller.is_hub => {
            let sealed = core.off_thread(move |core| received::bytes_of(core, &hash));
            sealed.await?.map(Found::Bytes)
        }
        found => found,
    };
    let found = found.ok_or_else(|| Refused::not_found("object.unknown"))?;
    let (path, total) = match found {
        Found::Bytes(bytes) => return Ok(signed(bytes)),
        Found::File(path, total) => (path, total),
    };
    let place = Place::wait_for(&core.fetches, LONGEST_PLACE).await?;
    let range = headers.get(header::RANGE);
    let range = range.map(|value| value.to_str().unwrap_or("").to_owned());
    let sending = core.off_thread(move |_| send(&path, total, range.as_deref()));
    Ok(sending.await?.map(|body| Body::new(Kept { body, place })))
}

/// What this caller may fetch from memory or disk: the papers, and its own grants.
fn find(core: &Core, caller: &Caller, hash: &Hash32) -> Option<Found> {
    for held in core.papers.held() {
        if held.document_hash == *hash {
            return Some(Found::Bytes(held.document_bytes.to_vec()));
        }
        let package = held.packages.iter().find(|package| package.hash == *hash);
        if let Some(package) = package {
            return Some(Found::File(package.path.clone(), package.bytes));
        }
    }
    let grant = core.grants.bytes(&caller.terminal.device(), hash)?;
    Some(Found::Bytes(grant.to_vec()))
}

/// A place among the answers that are under way; free again when it is dropped, or after a time.
struct Place {
    permit: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Place {
    async fn wait_for(places: &Arc<Semaphore>, at_most: Duration) -> Result<Place, Refused> {
        let waiting = tokio::time::timeout(LONGEST_WAIT, places.clone().acquire_owned());
        let Ok(Ok(permit)) = waiting.await else {
            let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "upstream.busy");
            return Err(Refused::new(status, code, "too many fetches at once"));
        };
        let permit = Arc::new(Mutex::new(Some(permit)));
        let late = Arc::downgrade(&permit);
        tokio::spawn(async move {
            tokio::time::sleep(at_most).await;
            if let Some(permit) = late.upgrade() {
                permit.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        });
        Ok(Place { permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut permit = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        permit.take();
    }
}

/// A body that keeps its place until it is sent or dropped.
struct Kept {
    body: Body,
    place: Place,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            let mut permit = self
                .place
                .permit
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            permit.take();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_is_free_again_when_its_answer_is_sent_or_takes_too_long() {
        let places = Arc::new(Semaphore::new(1));
        let place = async |at_most| Place::wait_for(&places, at_most).await.ok().unwrap();
        drop(place(LONGEST_PLACE).await);
        let stalled = place(Duration::from_millis(1)).await;
        assert_eq!(places.available_permits(), 0);
        // Whoever waits gets the stalled one's place.
        let next = place(LONGEST_PLACE).await;
        drop(stalled);
        assert_eq!(places.available_permits(), 0, "given back once");
        drop(next);
        assert_eq!(places.available_permits(), 1);
    }
}
