//! Compares two stores after a copy: everything that the source has of a tenant, by counts and a digest of the items;
//! knows no SQL.

use sha2::{Digest, Sha256};

use super::Transfer;
use super::messages::{SourceRange, copies_of, next_range};
use crate::model::{MessageCopy, hexadecimal, merge};
use crate::store::StoreError;
use crate::store::messages::daily_counts;

/// What both stores have of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Messages of the source.
    pub messages: u64,
    /// Status events of the source.
    pub statuses: u64,
    /// Messages of the source that the target lacks, or has without something that the source has of them.
    pub incomplete_messages: u64,
    /// Messages that the target has received more of than the source.
    pub further_messages: u64,
    /// Status events of the source that the target lacks.
    pub missing_statuses: u64,
    /// Messages that only the target has, because it has received some itself.
    pub only_in_target: u64,
    /// What else the target lacks, in words.
    pub missing: Vec<String>,
    /// The SHA-256 of the source's messages: each id and item, in the order of the ids.
    pub digest: String,
    /// The same of these messages in the target.
    pub target_digest: String,
}

impl Verification {
    /// Whether the target has everything that the source has.
    pub fn is_complete(&self) -> bool {
        self.incomplete_messages == 0
            && self.missing_statuses == 0
            && self.missing.is_empty()
            && (self.digest == self.target_digest || self.further_messages > 0)
    }
}

impl Transfer<'_> {
    /// Compares the stores; calls `progress` with the number of messages compared so far.
    pub async fn verify(&self, progress: &mut impl FnMut(u64)) -> Result<Verification, StoreError> {
        let (tenant, mut found, mut known) = (self.tenant, Verification::default(), 0);
        let (mut of_source, mut of_target) = (Sha256::new(), Sha256::new());
        let mut next = next_range(self.from, tenant, i64::MIN).await?;
        while let Some(SourceRange { ids, content }) = next {
            let target = self.target_content(&content).await?;
            known += target.messages.keys().filter(|id| content.messages.contains_key(id)).count() as u64;
            for (id, message) in &content.messages {
                add(&mut of_source, *id, &message.message.item);
                let Some(other) = target.messages.get(id) else {
                    found.incomplete_messages += 1;
                    continue;
                };
                add(&mut of_target, *id, &other.message.item);
                if other.message.item == message.message.item {
                    continue;
                }
                let is_further = contains(&copies_of(other, tenant)?, copies_of(message, tenant)?);
                *(if is_further { &mut found.further_messages } else { &mut found.incomplete_messages }) += 1;
            }
            found.messages += content.messages.len() as u64;
            found.statuses += content.events.len() as u64;
            found.missing_statuses += content.events.difference(&target.events).count() as u64;
            progress(found.messages);
            next = next_range(self.from, tenant, ids.1).await?;
        }
        (found.digest, found.target_digest) = (hexadecimal(&of_source.finalize()), hexadecimal(&of_target.finalize()));
        let total = self.to.read_primary(move |connection| daily_counts::total(connection, tenant)).await?;
        found.only_in_target = u64::try_from(total).unwrap_or_default().saturating_sub(known);
        found.missing = self.missing_rest().await?;
        Ok(found)
    }
}

/// Whether copies of a message add nothing to those that the target has.
fn contains(target: &[MessageCopy], source: Vec<MessageCopy>) -> bool {
    let all = target.iter().cloned().chain(source).collect();
    merge::merged(&merge::contributing(all)) == merge::merged(target)
}

fn add(digest: &mut Sha256, id: i64, item: &str) {
    digest.update(id.to_string());
    digest.update("\t");
    digest.update(item);
    digest.update("\n");
}
