use crate::sync::SyncError;
use crate::upstream::UpstreamError;
use fengjuan_store::StoreError;
use tokio_tungstenite::tungstenite;

/// Why the channel to the hub is not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The hub ended it.
    #[error("the hub has closed the channel")]
    Closed,
    #[error("nothing was heard from the hub for too long")]
    Silent,
    #[error("a frame is larger than it may be")]
    TooLarge,
    #[error("what the hub says makes no sense: {detail}")]
    Malformed { detail: String },
    /// Not signed by the hub's issuer, or not for this machine.
    #[error("what the hub says is not authentic: {detail}")]
    NotAuthentic { detail: String },
    /// This machine has seen a later epoch, or another hub with the same one.
    #[error("the hub is not obeyed: {code}")]
    NotObeyed { code: String },
    /// A command is missing before one that came; both sides say again what they hold.
    #[error("command {no} is missing")]
    Missing { no: u64 },
    #[error(transparent)]
    Sync(SyncError),
}

impl ChannelError {
    pub fn code(&self) -> &str {
        match self {
            ChannelError::Upstream(error) => error.code(),
            ChannelError::Closed => "channel.closed",
            ChannelError::Silent => "channel.silent",
            ChannelError::TooLarge => "channel.too_large",
            ChannelError::Malformed { .. } => "channel.malformed",
            ChannelError::NotAuthentic { .. } => "channel.not_authentic",
            ChannelError::NotObeyed { code } => code,
            ChannelError::Missing { .. } => "channel.missing",
            ChannelError::Sync(error) => error.code(),
        }
    }

    /// True where a hub was heard that is not to be obeyed, or that does not take this machine.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            ChannelError::NotAuthentic { .. } | ChannelError::NotObeyed { .. } => true,
            ChannelError::Upstream(error) => matches!(
                error,
                UpstreamError::Pin
                    | UpstreamError::Delegation(_)
                    | UpstreamError::CertificateRefused { .. }
                    | UpstreamError::Refused { .. }
            ),
            _ => false,
        }
    }

    pub(super) fn malformed(detail: impl std::fmt::Display) -> ChannelError {
        ChannelError::Malformed {
            detail: detail.to_string(),
        }
    }

    pub(super) fn not_authentic(detail: impl std::fmt::Display) -> ChannelError {
        ChannelError::NotAuthentic {
            detail: detail.to_string(),
        }
    }
}

impl From<SyncError> for ChannelError {
    fn from(error: SyncError) -> ChannelError {
        match error {
            SyncError::Upstream(error) => ChannelError::Upstream(error),
            error => ChannelError::Sync(error),
        }
    }
}

impl From<StoreError> for ChannelError {
    fn from(error: StoreError) -> ChannelError {
        ChannelError::Sync(SyncError::Store(error))
    }
}

impl From<tungstenite::Error> for ChannelError {
    fn from(error: tungstenite::Error) -> ChannelError {
        use tungstenite::Error as E;
        match error {
            E::ConnectionClosed | E::AlreadyClosed => ChannelError::Closed,
            E::Capacity(_) => ChannelError::TooLarge,
            E::Io(error) => ChannelError::Upstream(UpstreamError::of_io(&error)),
            E::Http(answer) => {
                let body = answer.body().as_deref().unwrap_or_default();
                let refused = UpstreamError::refused(answer.status().as_u16(), body);
                ChannelError::Upstream(refused)
            }
            E::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
                ChannelError::Closed
            }
            other => ChannelError::malformed(other),
        }
    }
}
