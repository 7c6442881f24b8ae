//! Files that sites fetch, whole or in ranges.

use crate::file_body;
use crate::refusal::Refused;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::fs::File;
use std::io;
use std::path::Path;

/// Most of one object in one answer; a longer range is answered with its beginning.
const LONGEST_RANGE: u64 = 8 * 1024 * 1024;

/// Answers with a file of `total` bytes, or with the part of it that a `Range` header asks for.
///
/// # Errors
/// A fault where the file is missing or of another length. A range that is none is answered with 416 `object.range`.
pub fn send(path: &Path, total: u64, range: Option<&str>) -> Result<Response, Refused> {
    let unreadable = |error: io::Error| Refused::fault_at(path, &error);
    let (from, to) = match range {
        None => (0, total),
        Some(range) => match parse_range(range, total) {
            Some(span) => span,
            None => {
                let refused = Refused::new(
                    StatusCode::RANGE_NOT_SATISFIABLE,
                    "object.range",
                    format!("of {total} bytes"),
                );
                return Ok((
                    [(header::CONTENT_RANGE, format!("bytes */{total}"))],
                    refused,
                )
                    .into_response());
            }
        },
    };
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?.len();
    if found != total {
        let damaged = io::Error::other(format!("{found} bytes, of {total}"));
        return Err(unreadable(damaged));
    }
    let length = (header::CONTENT_LENGTH, (to - from).to_string());
    let body = file_body::span(file, from, to);
    let kind = (header::CONTENT_TYPE, "application/octet-stream".to_owned());
    let ranges = (header::ACCEPT_RANGES, "bytes".to_owned());
    Ok(match range {
        None => ([kind, ranges, length], body).into_response(),
        Some(_) => {
            let place = (
                header::CONTENT_RANGE,
                format!("bytes {from}-{}/{total}", to - 1),
            );
            (
                StatusCode::PARTIAL_CONTENT,
                [kind, ranges, length, place],
                body,
            )
                .into_response()
        }
    })
}

/// One range `bytes=a-b` or `bytes=a-` (RFC 9110 §14.1.2) as `from..to`; at most [`LONGEST_RANGE`] of it.
fn parse_range(range: &str, total: u64) -> Option<(u64, u64)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let digits = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())?
    };
    let from = digits(from)?;
    let to = if to.is_empty() {
        total
    } else {
        digits(to)?.checked_add(1)?.min(total)
    };
    (from < to && from < total).then(|| (from, to.min(from + LONGEST_RANGE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-0", 10), Some((0, 1)));
        assert_eq!(parse_range("bytes=3-", 10), Some((3, 10)));
        assert_eq!(parse_range("bytes=3-99", 10), Some((3, 10)));
        assert_eq!(
            parse_range("bytes=0-", LONGEST_RANGE + 5),
            Some((0, LONGEST_RANGE))
        );
        for bad in [
            "bytes=10-",
            "bytes=5-4",
            "bytes=-5",
            "bytes=a-b",
            "items=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
            "",
        ] {
            assert_eq!(parse_range(bad, 10), None, "{bad}");
        }
        assert_eq!(parse_range("bytes=18446744073709551615-", 10), None);
        assert_eq!(parse_range("bytes=0-18446744073709551615", 10), None);
    }
}
