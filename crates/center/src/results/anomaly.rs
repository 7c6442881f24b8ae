//! What can be odd about a sitting, with its words. Details hold numbers and codes, never answers.

mod words;

use words::WORDS;

/// Whether a score may stand before a person has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Listed.
    Note,
    /// The candidate's status becomes "to review".
    Severe,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    pub code: &'static str,
    pub severity: Severity,
    pub ticket_no: Option<String>,
    pub device: Option<String>,
    pub detail: String,
}

impl Anomaly {
    pub(super) fn note(code: &'static str) -> Anomaly {
        Anomaly {
            code,
            severity: Severity::Note,
            ticket_no: None,
            device: None,
            detail: String::new(),
        }
    }
    pub(super) fn severe(code: &'static str) -> Anomaly {
        Anomaly {
            severity: Severity::Severe,
            ..Anomaly::note(code)
        }
    }
    pub(super) fn ticket(self, ticket_no: &str) -> Anomaly {
        Anomaly {
            ticket_no: Some(ticket_no.to_owned()),
            ..self
        }
    }
    pub(super) fn device(self, device: &str) -> Anomaly {
        Anomaly {
            device: Some(device.to_owned()),
            ..self
        }
    }
    pub(super) fn detail(self, detail: impl Into<String>) -> Anomaly {
        Anomaly {
            detail: detail.into(),
            ..self
        }
    }

    /// Chinese and English.
    pub fn words(&self) -> (&'static str, &'static str) {
        WORDS
            .iter()
            .find(|row| row.0 == self.code)
            .map_or(("未说明的异常", "unnamed anomaly"), |row| {
                (row.1, row.2)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_used_has_words() {
        let sources = [
            include_str!("mod.rs"),
            include_str!("attempt.rs"),
            include_str!("books.rs"),
            include_str!("incoming.rs"),
            include_str!("ledger.rs"),
            include_str!("pictures.rs"),
        ];
        for source in sources {
            for code in source
                .split('"')
                .filter(|text| text.starts_with("results."))
            {
                assert!(WORDS.iter().any(|row| row.0 == code), "no words for {code}");
            }
        }
    }
}
