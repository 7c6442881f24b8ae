//! A span of a file as the body of an answer, read piece by piece while it is sent: memory stays flat however large the
//! packages are and however slowly they are fetched.

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::task::JoinHandle;

const PIECE: u64 = 256 * 1024;

struct FileBody {
    file: Arc<File>,
    at: u64,
    to: u64,
    reading: Option<JoinHandle<io::Result<Vec<u8>>>>,
}

/// The bytes `from..to` of a file. One that is shorter by then breaks the answer off.
pub(crate) fn span(file: File, from: u64, to: u64) -> Body {
    Body::new(FileBody {
        file: Arc::new(file),
        at: from,
        to,
        reading: None,
    })
}

impl http_body::Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if this.at >= this.to {
            return Poll::Ready(None);
        }
        let (file, at, length) = (this.file.clone(), this.at, PIECE.min(this.to - this.at));
        let reading = this.reading.get_or_insert_with(|| {
            tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; length as usize];
                file.read_exact_at(&mut bytes, at).map(|()| bytes)
            })
        });
        let read = ready!(Pin::new(reading).poll(context));
        this.reading = None;
        match read.map_err(io::Error::other).flatten() {
            Ok(bytes) => {
                this.at += bytes.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
            }
            Err(error) => {
                tracing::error!(%error, "a file could not be sent to its end");
                this.at = this.to;
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.to
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.to - self.at)
    }
}
