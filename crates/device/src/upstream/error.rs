use super::DelegationError;
use fengjuan_envelope::cbor;
use fengjuan_wire::upstream::Refusal;

/// Why a call to the upstream gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or it broke.
    #[error("upstream cannot be reached: {detail}")]
    Unreachable { detail: String },
    #[error("upstream did not answer in time")]
    Timeout,
    /// Whoever answered does not hold the key that the directory names: not our center.
    #[error("whoever answered is not the center")]
    Pin,
    /// The upstream closed the connection because of this device's certificate.
    #[error("upstream refused this device's certificate: {detail}")]
    CertificateRefused { detail: String },
    /// The hub is not trusted, whatever it answers.
    #[error("the hub is not trusted: {0}")]
    Delegation(#[from] DelegationError),
    /// The upstream understood, and said no.
    #[error("upstream refused ({status}): {code}")]
    Refused { status: u16, code: String },
    /// The answer is not what the protocol says.
    #[error("upstream's answer makes no sense: {detail}")]
    Malformed { detail: String },
    /// The answer's signature, nonce or hash does not verify.
    #[error("upstream's answer is not authentic: {detail}")]
    NotAuthentic { detail: String },
    /// This machine could not take the answer in.
    #[error("storage failed: {detail}")]
    Storage { detail: String, full: bool },
}

impl UpstreamError {
    pub fn code(&self) -> &str {
        match self {
            UpstreamError::Unreachable { .. } => "upstream.unreachable",
            UpstreamError::Timeout => "upstream.timeout",
            UpstreamError::Pin => "upstream.pin",
            UpstreamError::CertificateRefused { .. } => "upstream.certificate_refused",
            UpstreamError::Delegation(error) => error.code(),
            UpstreamError::Refused { code, .. } => code,
            UpstreamError::Malformed { .. } => "upstream.malformed",
            UpstreamError::NotAuthentic { .. } => "upstream.not_authentic",
            UpstreamError::Storage { full: true, .. } => "store.full",
            UpstreamError::Storage { .. } => "store.io",
        }
    }

    /// True where the upstream was not heard at all, so that nothing else will succeed now either.
    pub fn is_link(&self) -> bool {
        matches!(
            self,
            UpstreamError::Unreachable { .. }
                | UpstreamError::Timeout
                | UpstreamError::Pin
                | UpstreamError::CertificateRefused { .. }
                | UpstreamError::Delegation(_)
        )
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> UpstreamError {
        UpstreamError::Malformed {
            detail: detail.into(),
        }
    }

    pub(crate) fn storage(error: &std::io::Error) -> UpstreamError {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let full = matches!(error.kind(), StorageFull | QuotaExceeded);
        UpstreamError::Storage {
            detail: error.to_string(),
            full,
        }
    }

    /// The refusal of an answer that is not a success.
    pub(crate) fn refused(status: u16, body: &[u8]) -> UpstreamError {
        let code = cbor::from_slice::<Refusal>(body).map_or_else(
            |_| "upstream.refused".to_owned(),
            |refusal| printable(&refusal.code),
        );
        UpstreamError::Refused { status, code }
    }

    /// What a failed HTTP call means, by its cause chain.
    pub(super) fn of_call(error: &reqwest::Error) -> UpstreamError {
        if let Some(tls) = tls_cause(error) {
            return Self::of_tls(tls);
        }
        if error.is_timeout() {
            return UpstreamError::Timeout;
        }
        let mut detail = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            detail.push_str(": ");
            detail.push_str(&inner.to_string());
            cause = inner.source();
        }
        UpstreamError::Unreachable { detail }
    }

    /// What a failed connection means.
    pub(crate) fn of_io(error: &std::io::Error) -> UpstreamError {
        if let Some(tls) = tls_cause(error) {
            return Self::of_tls(tls);
        }
        match error.kind() {
            std::io::ErrorKind::TimedOut => UpstreamError::Timeout,
            _ => UpstreamError::Unreachable {
                detail: error.to_string(),
            },
        }
    }

    fn of_tls(error: &rustls::Error) -> UpstreamError {
        match error {
            rustls::Error::InvalidCertificate(_) => UpstreamError::Pin,
            rustls::Error::AlertReceived(alert) if about_certificate(*alert) => {
                UpstreamError::CertificateRefused {
                    detail: format!("{alert:?}"),
                }
            }
            other => UpstreamError::Unreachable {
                detail: other.to_string(),
            },
        }
    }
}

/// RFC 8446 §6.2: alerts by which a server turns a client's certificate down.
fn about_certificate(alert: rustls::AlertDescription) -> bool {
    use rustls::AlertDescription as A;
    matches!(
        alert,
        A::AccessDenied
            | A::BadCertificate
            | A::CertificateExpired
            | A::CertificateRequired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::DecryptError
            | A::UnknownCA
            | A::UnsupportedCertificate
    )
}

/// Codes come from outside: what is shown or logged is short and plain.
fn printable(code: &str) -> String {
    let plain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(*c);
    code.chars().filter(plain).take(60).collect()
}

/// The TLS library's error in a cause chain. An `io::Error` hides what it wraps from `source`.
fn tls_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        if let Some(wrapped) = inner
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.get_ref())
            && let Some(tls) = tls_cause(wrapped)
        {
            return Some(tls);
        }
        cause = inner.source();
    }
    None
}
