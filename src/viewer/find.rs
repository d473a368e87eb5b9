//! One box for everything: what a text may be, and what is found for each; knows no page.

use std::sync::Arc;

use super::{ViewError, Viewer};
use crate::model::audit::{Action, Filter};
use crate::model::history::QueryError;
use crate::model::message_query::WalkPosition;
use crate::model::subscriber::{self, AddressType};
use crate::model::{Item, MessageFilters, MessageQuery, mask, search};
use crate::store::messages::names::{self, Named};

/// How many messages a group shows.
const SHOWN: i64 = 5;

/// How many broadcasts and cascades are shown by their names, and how many are looked at for them.
const NAMES: usize = 3;
const CANDIDATES: usize = 30;

/// The fewest digits of a phone number: shorter ones are service numbers, which are no person's.
const MIN_PHONE_DIGITS: usize = 5;

/// What a text may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Phone,
    Email,
    /// The address of a device or an account.
    OtherAddress,
    MessageId(i64),
    Subscriber(i64),
    Broadcast {
        id: i64,
        name: String,
    },
    Cascade {
        id: i64,
        name: String,
    },
    Comment,
    Words,
}

impl Kind {
    /// The name of a broadcast or cascade that was found by it.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Broadcast { name, .. } | Self::Cascade { name, .. } if !name.is_empty() => Some(name),
            _ => None,
        }
    }

    /// Whether it names a person.
    pub fn is_person(&self) -> bool {
        matches!(self, Self::Phone | Self::Email | Self::OtherAddress | Self::Subscriber(_))
    }
}

/// What was found for one kind.
pub struct Group {
    pub kind: Kind,
    /// The newest, masked.
    pub items: Vec<Item>,
    /// Where the search goes on; `None` at its end.
    pub next: Option<WalkPosition>,
    /// Whether looking for more would have taken too long.
    pub is_cut: bool,
    /// What selects all of them.
    pub filters: MessageFilters,
    /// The international forms that were found instead of the phone number that was typed.
    pub international: Vec<String>,
}

/// What was found for a text.
pub struct Findings {
    /// Groups with messages, or in which the search was cut.
    pub groups: Vec<Group>,
    /// What the text was taken for, found or not.
    pub tried: Vec<Kind>,
}

impl Viewer {
    /// What is found for a text. Recorded before it is returned.
    pub async fn find(&self, text: &str) -> Result<Findings, ViewError> {
        let text = text.trim();
        let (mut groups, mut tried) = (Vec::new(), Vec::new());
        let mut candidates = candidates(text);
        candidates.extend(self.named(text).await?);
        for (kind, filters) in candidates {
            // Others may have sent it: its name is told only with messages that this user sees.
            let is_named = kind.name().is_some();
            if is_named && groups.iter().filter(|group: &&Group| group.kind.name().is_some()).count() == NAMES {
                break;
            }
            if !is_named {
                tried.push(kind.clone());
            }
            let query =
                match MessageQuery::new(filters.clone(), (true, SHOWN), &self.user.grants, self.app.config.policy()) {
                    Ok(query) => query,
                    Err(QueryError::Address) => continue,
                    Err(_) => return Err(ViewError::NotValid),
                };
            let found = self.walk(Arc::new(query)).await?;
            let is_cut = !found.complete;
            if !found.items.is_empty() || (is_cut && !is_named) {
                let (items, next, international) = (found.items, found.next, found.international);
                groups.push(Group { kind, items, next, is_cut, filters, international });
            }
        }
        let mut record = self.record(Action::Find);
        let key = self.key()?;
        record.rows = Some(groups.iter().map(|group| group.items.len() as u64).sum());
        let (forms, national) = subscriber::phone_forms(text);
        record.name_addresses(forms.iter().chain(&national).map(String::as_str), &key);
        record.filter = Filter::default().with_digest("text", Some(text), &key);
        self.write(record).await?;
        Ok(Findings { groups, tried })
    }

    /// The broadcasts and cascades whose names contain a text, as they are shown.
    async fn named(&self, text: &str) -> Result<Vec<(Kind, MessageFilters)>, ViewError> {
        let wanted = text.to_lowercase();
        // A name is shown, and therefore searched, without what is masked in it.
        if wanted.chars().count() < 3 || mask::numbers(text) != text {
            return Ok(Vec::new());
        }
        let tenant = self.tenant();
        let load = move |connection: &mut _, budget: &_| names::latest(connection, tenant, budget);
        let all = self.query(load).await?;
        let matching = all.into_iter().filter_map(|named| {
            let name = mask::numbers(named.name());
            name.to_lowercase().contains(&wanted).then_some((named, name))
        });
        let found = matching.take(CANDIDATES).map(|(named, name)| match named {
            Named::Broadcast { id, .. } => {
                let filters = MessageFilters { broadcast_ids: vec![id], ..MessageFilters::default() };
                (Kind::Broadcast { id, name }, filters)
            }
            Named::Cascade { id, .. } => {
                let filters = MessageFilters { cascade_ids: vec![id], ..MessageFilters::default() };
                (Kind::Cascade { id, name }, filters)
            }
        });
        Ok(found.collect())
    }
}

/// What a text may be, each with the filters that find it.
fn candidates(text: &str) -> Vec<(Kind, MessageFilters)> {
    let filters = MessageFilters::default;
    let address = |kind, address_type| {
        (kind, MessageFilters { addresses: vec![text.to_owned()], address_type: Some(address_type), ..filters() })
    };
    let mut found = Vec::new();
    let (forms, _) = subscriber::phone_forms(text);
    let is_phone =
        forms.iter().any(|form| form.len() >= MIN_PHONE_DIGITS && form.bytes().all(|byte| byte.is_ascii_digit()));
    if is_phone {
        found.push(address(Kind::Phone, AddressType::Phone));
    }
    let has_space = text.contains(char::is_whitespace);
    if text.contains('@') && !has_space {
        found.push(address(Kind::Email, AddressType::Email));
    } else if !has_space && text.len() >= 4 {
        found.push(address(Kind::OtherAddress, AddressType::Other));
    }
    if let Some(id) = referred(text) {
        found.push((Kind::MessageId(id), MessageFilters { message_ids: vec![id], ..filters() }));
    }
    if let Some(id) = text.parse::<i64>().ok().filter(|id| *id > 0) {
        found.push((Kind::MessageId(id), MessageFilters { message_ids: vec![id], ..filters() }));
        found.push((Kind::Subscriber(id), MessageFilters { subscriber_ids: vec![id], ..filters() }));
        let (broadcast, cascade) =
            (Kind::Broadcast { id, name: String::new() }, Kind::Cascade { id, name: String::new() });
        found.push((broadcast, MessageFilters { broadcast_ids: vec![id], ..filters() }));
        found.push((cascade, MessageFilters { cascade_ids: vec![id], ..filters() }));
    }
    if !text.is_empty() {
        found.push((Kind::Comment, MessageFilters { comment: Some(text.to_owned()), ..filters() }));
    }
    // A phone number in a text is masked, and not searched for.
    if let Ok(query) = search::Query::parse(text) {
        found.push((Kind::Words, MessageFilters { text: Some(query), ..filters() }));
    }
    found
}

/// The message that a copied link or the text of a ticket is about: `https://…/console/messages/5`, `#5`.
fn referred(text: &str) -> Option<i64> {
    let after = ["/console/messages/", "/console/people/", "#"].iter().find_map(|start| text.split_once(start));
    let digits = after?.1.split(|letter: char| !letter.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::candidates;

    fn kinds(text: &str) -> String {
        let kinds: Vec<String> = candidates(text).into_iter().map(|(kind, _)| format!("{kind:?}")).collect();
        let name = |kind: &String| kind.split(['(', ' ']).next().unwrap_or_default().to_owned();
        kinds.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_is_taken_for_everything_that_it_may_be() {
        assert_eq!(kinds("+7 (900) 111-22-33"), "Phone Comment Words");
        assert_eq!(kinds("79001112233"), "Phone OtherAddress MessageId Subscriber Broadcast Cascade Comment Words");
        assert_eq!(kinds("anna@shop.example"), "Email Comment Words");
        assert_eq!(kinds("A-1042"), "OtherAddress Comment Words");
        assert_eq!(kinds("ваш заказ"), "Comment Words");
        assert_eq!(kinds("-слово"), "OtherAddress Comment");
        assert_eq!(kinds("#5"), "MessageId Comment Words");
        assert_eq!(kinds("https://shop.example/console/messages/5?x=1"), "OtherAddress MessageId Comment Words");
        assert_eq!(kinds(""), "");
    }
}
