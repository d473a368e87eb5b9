//! Evidence: a message or a part of a conversation with everything that is known of it, and the record of a file that was
//! made of it; knows no page.

use sha2::{Digest, Sha256};

use super::conversation::{Conversation, Part};
use super::{ViewError, Viewer};
use crate::model::audit::{Action, Filter};
use crate::model::trail::Trail;
use crate::model::{Sight, hexadecimal};

/// What evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Message(i64),
    /// The newest messages of the person whose message it is.
    Conversation(i64),
}

impl Subject {
    pub fn message(self) -> i64 {
        match self {
            Self::Message(id) | Self::Conversation(id) => id,
        }
    }

    fn filter(self) -> Filter {
        let word = if matches!(self, Self::Message(_)) { "message" } else { "conversation" };
        Filter::default().with("of", word)
    }
}

/// A sheet of evidence.
pub struct Evidence {
    /// By ascending id.
    pub trails: Vec<Trail>,
    pub is_masked: bool,
}

impl Viewer {
    /// Evidence as this session sees it: masked, unless the person's data was revealed. Recorded before it is returned.
    pub async fn evidence(&self, subject: Subject) -> Result<Evidence, ViewError> {
        if !self.may_reveal() {
            return Err(ViewError::NotAllowed);
        }
        let shown = self.shown_person(subject.message()).await?;
        let ids: Vec<i64> = match subject {
            Subject::Message(id) => vec![id],
            Subject::Conversation(id) => {
                let Conversation { trails, .. } = self.conversation(id, Part::Newest).await?;
                trails.iter().map(|trail| trail.item.message_id()).collect()
            }
        };
        let trails = self.trails(ids, shown.grants.clone()).await?;
        if trails.is_empty() {
            return Err(ViewError::NotFound);
        }
        let mut record = self.record(Action::Evidence);
        record.message = Some(subject.message());
        record.rows = Some(trails.len() as u64);
        record.filter = subject.filter();
        self.name(&mut record, &shown.person)?;
        self.write(record).await?;
        Ok(Evidence { trails, is_masked: shown.grants.sight == Sight::Masked })
    }

    /// Records the digest of a file of evidence before it is sent.
    pub async fn record_file(&self, subject: Subject, file: &str) -> Result<(), ViewError> {
        if !self.may_reveal() {
            return Err(ViewError::NotAllowed);
        }
        let mut record = self.record(Action::EvidenceFile);
        record.message = Some(subject.message());
        record.filter = subject.filter();
        record.sha256 = Some(hexadecimal(&Sha256::digest(file)));
        self.write(record).await
    }
}
