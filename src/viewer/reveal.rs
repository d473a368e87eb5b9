//! Showing what is masked of one person for a while, with a reason; knows no page.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{ViewError, Viewer};
use crate::model::audit::Action;
use crate::model::{Grants, Instant, MessageFilters, Sight, mask};
use crate::store::recipients::person::{self, Person};
use crate::store::{audit, reveals};

/// For how long what was revealed is shown.
const DURATION: Duration = Duration::from_mins(15);

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// A person, and how much of their messages is shown.
pub(super) struct ShownPerson {
    pub person: Person,
    pub grants: Grants,
    /// Until when everything is shown; `None` while it is masked.
    pub revealed_until: Option<Instant>,
}

impl ShownPerson {
    /// The addresses of the person, each once, as they are shown.
    pub fn addresses(&self) -> Vec<String> {
        let shown = |address: &String| match self.grants.sight {
            Sight::Masked => mask::address(address),
            Sight::Whole => address.clone(),
        };
        self.person.addresses.iter().collect::<BTreeSet<_>>().into_iter().map(shown).collect()
    }
}

impl Viewer {
    /// Shows the messages of a person unmasked to this session for a quarter of an hour. Recorded with its reason.
    pub async fn reveal(&self, message: i64, reason: &str) -> Result<(), ViewError> {
        if !self.may_reveal() {
            return Err(ViewError::NotAllowed);
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(ViewError::NotValid);
        }
        let mut person = self.person(message).await?.ok_or(ViewError::NotFound)?;
        self.hide_addresses(&mut person).await?;
        let mut record = self.record(Action::Reveal);
        record.message = Some(message);
        // A reason may name the number that somebody has called from.
        record.reason = Some(mask::numbers(reason));
        record.name_addresses(person.addresses.iter().map(String::as_str), &*self.key()?);
        let (tenant, session, now) = (self.tenant(), self.session.digest(), self.now);
        let add = move |connection: &mut _| {
            audit::append(connection, tenant, &[record], now)?;
            reveals::add(connection, tenant, (session, &person.recipients), (now, now.plus(DURATION)))
        };
        Ok(self.app.store.write(add).await?)
    }

    /// The person of a message that this user may see.
    pub(super) async fn person(&self, message: i64) -> Result<Option<Person>, ViewError> {
        let (tenant, grants) = (self.tenant(), self.user.grants.clone());
        let load =
            move |connection: &mut _, budget: &_| person::of_message(connection, tenant, (message, &grants), budget);
        Ok(self.query(load).await?)
    }

    /// The person of a message, and how much of their messages this session shows.
    pub(super) async fn shown_person(&self, message: i64) -> Result<ShownPerson, ViewError> {
        let mut person = self.person(message).await?.ok_or(ViewError::NotFound)?;
        self.hide_addresses(&mut person).await?;
        let revealed_until = self.revealed_until(&person).await?;
        let grants = if revealed_until.is_some() { self.revealing() } else { self.user.grants.clone() };
        Ok(ShownPerson { person, grants, revealed_until })
    }

    /// Removes the addresses at which the person has no message that this user may see.
    async fn hide_addresses(&self, person: &mut Person) -> Result<(), ViewError> {
        if self.user.grants.senders.is_none() {
            return Ok(());
        }
        let mut shown = Vec::new();
        for (recipient, address) in person.recipients.iter().zip(&person.addresses) {
            let mut query = self.messages(MessageFilters::default(), (true, 1), &self.user.grants)?;
            query.person = Some(vec![*recipient]);
            if !self.walk(Arc::new(query)).await?.items.is_empty() {
                shown.push(address.clone());
            }
        }
        person.addresses = shown;
        Ok(())
    }

    async fn revealed_until(&self, person: &Person) -> Result<Option<Instant>, ViewError> {
        if !self.may_reveal() {
            return Ok(None);
        }
        let (tenant, session, now) = (self.tenant(), self.session.digest(), self.now);
        let recipients = person.recipients.clone();
        let load = move |connection: &mut _, _: &_| reveals::until(connection, tenant, (session, &recipients), now);
        Ok(self.query(load).await?)
    }
}
