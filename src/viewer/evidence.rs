//! Evidence: a message or some days of a conversation with everything that is known of it, and the record of a file that was
//! made of it; knows no page.

use sha2::{Digest, Sha256};

use super::reveal::ShownPerson;
use super::{ViewError, Viewer};
use crate::model::audit::{Action, Filter};
use crate::model::trail::Trail;
use crate::model::{Instant, Item, Sight, hexadecimal};

/// How many messages a sheet holds at most.
const MAX_MESSAGES: i64 = 200;

/// What evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Message(i64),
    /// The messages of the person whose message it is.
    Conversation(i64, Days),
}

/// The first and the last instant of the days that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    pub from: Option<Instant>,
    pub to: Option<Instant>,
}

impl Scope {
    pub fn message(self) -> i64 {
        match self {
            Self::Message(id) | Self::Conversation(id, _) => id,
        }
    }

    fn filter(self) -> Filter {
        match self {
            Self::Message(_) => Filter::default().with("of", "message"),
            Self::Conversation(_, Days { from, to }) => Filter::default()
                .with("of", "conversation")
                .with("from", from.map(Instant::iso))
                .with("to", to.map(Instant::iso)),
        }
    }
}

/// A sheet of evidence.
pub struct Evidence {
    /// By ascending time, then id.
    pub trails: Vec<Trail>,
    /// Whether the person has earlier messages on these days, for which the sheet has no place.
    pub is_cut: bool,
    shown: ShownPerson,
}

impl Evidence {
    /// The addresses of the person, as they are shown.
    pub fn addresses(&self) -> Vec<String> {
        self.shown.addresses()
    }

    pub fn is_masked(&self) -> bool {
        self.shown.grants.sight == Sight::Masked
    }
}

impl Viewer {
    /// Evidence as this session sees it: masked, unless the person's data was revealed. Recorded before it is returned.
    pub async fn evidence(&self, scope: Scope) -> Result<Evidence, ViewError> {
        if !self.may_reveal() {
            return Err(ViewError::NotAllowed);
        }
        let shown = self.shown_person(scope.message()).await?;
        let (ids, is_cut) = match scope {
            Scope::Message(id) => (vec![id], false),
            Scope::Conversation(_, Days { from, to }) => {
                let (items, others) = self.of_person(&shown, (true, MAX_MESSAGES), None, (from, to)).await?;
                (items.iter().map(Item::message_id).collect(), others.is_some())
            }
        };
        let trails = self.trails_by_time(ids, shown.grants.clone()).await?;
        let mut record = self.record(Action::Evidence);
        record.message = Some(scope.message());
        record.rows = Some(trails.len() as u64);
        record.filter = scope.filter();
        self.record_person(&mut record, &shown)?;
        self.write(record).await?;
        Ok(Evidence { trails, is_cut, shown })
    }

    /// Records the digest of a file of evidence before it is sent.
    pub async fn record_file(&self, scope: Scope, found: &Evidence, file: &str) -> Result<(), ViewError> {
        if !self.may_reveal() {
            return Err(ViewError::NotAllowed);
        }
        let mut record = self.record(Action::EvidenceFile);
        self.record_person(&mut record, &found.shown)?;
        record.message = Some(scope.message());
        record.filter = scope.filter();
        record.sha256 = Some(hexadecimal(&Sha256::digest(file)));
        self.write(record).await
    }
}
