//! Objects come over a connection of their own, which is made for bytes: what the kernel holds is read in one go below
//! TLS, and what TLS has opened is handed over where it lies. A room of terminals that pull at once is as slow as the
//! processor of the hub, and the general client needs twice its work for the same bytes.

use super::client::Patience;
use super::{Sink, UpstreamError};
use fengjuan_wire::upstream::LARGEST_BODY_BYTES;
use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Four of the largest TLS records.
const BELOW_TLS: usize = 64 * 1024;
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 32;

/// Fetches ranges of objects over HTTP/1.1 (RFC 9112) inside the pinned TLS.
pub(super) struct Objects {
    tls: Arc<ClientConfig>,
    url: String,
    patience: Patience,
    /// The connection of the last range, for the next one.
    kept: Mutex<Option<Line>>,
}

/// A range of an object.
#[derive(Clone, Copy)]
pub(super) struct Span<'a> {
    pub(super) path: &'a str,
    pub(super) from: u64,
    /// Not included.
    pub(super) to: u64,
}

struct Line {
    stream: TlsStream<BufReader<TcpStream>>,
    silence: Duration,
}

/// What an answer says before its body.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of the body.
    length: u64,
    /// The first byte that `Content-Range: bytes A-B/C` (RFC 9110 §14.4) says.
    start: Option<u64>,
    /// Another request may follow on this connection.
    stays: bool,
}

impl Objects {
    pub(super) fn new(tls: Arc<ClientConfig>, url: &str, patience: Patience) -> Objects {
        Objects {
            tls,
            url: url.to_owned(),
            patience,
            kept: Mutex::default(),
        }
    }

    /// Hands over the bytes of a range as they come: never more than asked for, fewer where the answer is shorter.
    ///
    /// # Errors
    /// [`UpstreamError`]; what was handed over before is good.
    pub(super) async fn fetch(
        &self,
        span: Span<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        let fetching = timeout(self.patience.long_call, self.fetch_patiently(span, sink));
        fetching.await.map_err(|_| UpstreamError::Timeout)?
    }

    async fn fetch_patiently(
        &self,
        span: Span<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), UpstreamError> {
        let (mut line, head) = self.ask(span).await?;
        match head.status {
            206 if head.start == Some(span.from) => {}
            200 if span.from == 0 => {}
            200..=299 => {
                return Err(UpstreamError::malformed("not the range that was asked for"));
            }
            status => {
                let body = line.refusal(head.length).await?;
                return Err(UpstreamError::refused(status, &body));
            }
        }
        let wanted = head.length.min(span.to - span.from);
        line.body(wanted, sink).await?;
        if head.stays && wanted == head.length {
            *self.kept() = Some(line);
        }
        Ok(())
    }

    async fn ask(&self, span: Span<'_>) -> Result<(Line, Head), UpstreamError> {
        let url = Url::parse(&self.url);
        let url = url.map_err(|error| UpstreamError::malformed(error.to_string()))?;
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: {}\r\nrange: bytes={}-{}\r\n\r\n",
            span.path,
            url.authority(),
            span.from,
            span.to.saturating_sub(1)
        );
        let kept = self.kept().take();
        if let Some(mut line) = kept
            && let Ok(head) = line.ask(&request).await
        {
            return Ok((line, head));
        }
        // Whoever has closed the kept connection meanwhile has answered nothing: asking anew repeats nothing.
        let mut line = Line::connect(&self.tls, &url, self.patience).await?;
        let head = line.ask(&request).await?;
        Ok((line, head))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Line>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    async fn connect(
        tls: &Arc<ClientConfig>,
        url: &Url,
        patience: Patience,
    ) -> Result<Line, UpstreamError> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(443);
        let tcp = timeout(patience.connect, TcpStream::connect((host, port)));
        let tcp = waited(tcp.await)?;
        let name = ServerName::try_from("fengjuan")
            .map_err(|error| UpstreamError::malformed(error.to_string()))?;
        let below = BufReader::with_capacity(BELOW_TLS, tcp);
        let connecting = TlsConnector::from(tls.clone()).connect(name, below);
        let stream = waited(timeout(patience.silence, connecting).await)?;
        Ok(Line {
            stream,
            silence: patience.silence,
        })
    }

    async fn ask(&mut self, request: &str) -> Result<Head, UpstreamError> {
        waited(timeout(self.silence, self.send(request)).await)?;
        let mut head = Vec::new();
        loop {
            let silence = self.silence;
            let came = waited(timeout(silence, self.stream.fill_buf()).await)?;
            if came.is_empty() {
                return Err(broken_off());
            }
            // The head's last byte may be anywhere in what came; the body begins after it.
            let before = head.len();
            head.extend_from_slice(&came[..came.len().min(LARGEST_HEAD)]);
            let (used, answer) = match read_head(&head)? {
                Some((end, answer)) => (end - before, Some(answer)),
                None if head.len() > LARGEST_HEAD => {
                    return Err(UpstreamError::malformed("an answer's head without end"));
                }
                None => (head.len() - before, None),
            };
            self.stream.consume(used);
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    async fn send(&mut self, request: &str) -> io::Result<()> {
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await
    }

    async fn body(&mut self, bytes: u64, sink: &mut Sink<'_>) -> Result<(), UpstreamError> {
        let mut left = bytes;
        while left > 0 {
            let silence = self.silence;
            let came = waited(timeout(silence, self.stream.fill_buf()).await)?;
            if came.is_empty() {
                return Err(broken_off());
            }
            let wanted = came.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            sink(&came[..wanted]).map_err(|error| UpstreamError::storage(&error))?;
            self.stream.consume(wanted);
            left -= wanted as u64;
        }
        Ok(())
    }

    async fn refusal(&mut self, length: u64) -> Result<Vec<u8>, UpstreamError> {
        if length > LARGEST_BODY_BYTES as u64 {
            return Err(UpstreamError::malformed("the answer is too long"));
        }
        let mut body = Vec::new();
        let mut sink = |chunk: &[u8]| {
            body.extend_from_slice(chunk);
            Ok(())
        };
        self.body(length, &mut sink).await?;
        Ok(body)
    }
}

fn waited<T>(
    result: Result<io::Result<T>, tokio::time::error::Elapsed>,
) -> Result<T, UpstreamError> {
    let result = result.map_err(|_| UpstreamError::Timeout)?;
    result.map_err(|error| UpstreamError::of_io(&error))
}

fn broken_off() -> UpstreamError {
    let detail = "the answer broke off".to_owned();
    UpstreamError::Unreachable { detail }
}

/// The head of an answer and where it ends; none where it has not come whole. A body must have a length.
fn read_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, UpstreamError> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(bytes);
    let parsed = parsed.map_err(|error| UpstreamError::malformed(error.to_string()))?;
    let httparse::Status::Complete(end) = parsed else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut found = answer.headers.iter();
        let found = found.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let length = value("content-length").and_then(|length| length.trim().parse().ok());
    let (Some(length), None) = (length, value("transfer-encoding")) else {
        return Err(UpstreamError::malformed("an answer without a length"));
    };
    let closes = value("connection").is_some_and(|word| word.eq_ignore_ascii_case("close"));
    let start = value("content-range").and_then(|range| {
        let (from, _) = range.strip_prefix("bytes ")?.split_once('-')?;
        from.parse().ok()
    });
    let head = Head {
        status: answer.code.unwrap_or_default(),
        length,
        start,
        stays: !closes && answer.version == Some(1),
    };
    Ok(Some((end, head)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_head_is_read_when_it_is_whole_and_says_a_length() {
        let whole = b"HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 10-19/90\r\nContent-Length: 10\r\n\r\nbody";
        let (end, head) = read_head(whole).unwrap().unwrap();
        assert_eq!(&whole[end..], b"body");
        assert_eq!(
            head,
            Head {
                status: 206,
                length: 10,
                start: Some(10),
                stays: true
            }
        );
        for cut in 0..end {
            assert_eq!(read_head(&whole[..cut]).unwrap(), None, "{cut}");
        }
        let closing = b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n";
        assert!(!read_head(closing).unwrap().unwrap().1.stays);
        for bad in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            let code = read_head(bad.as_bytes()).unwrap_err();
            assert_eq!(code.code(), "upstream.malformed", "{bad}");
        }
    }
}
