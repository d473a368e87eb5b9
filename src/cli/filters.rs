//! The filters of `find` and `export`: those of `/v1/messages`; knows no output.

use clap::Args;

use super::dates::{parse_from, parse_to};
use super::failure::Failure;
use crate::config::Config;
use crate::model::history::{CHANNEL_TYPES, Direction, TRAFFIC_TYPES};
use crate::model::subscriber::AddressType;
use crate::model::{Grants, Instant, MessageFilters, MessageQuery, TenantId, search};
use crate::store::{Reader, Store, subjects};

/// The filters of a command. Several options restrict together; a list means any of its values.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// The messages of the people who have this address, in any spelling: "+7 (900) 000-31-93"
    #[arg(long, value_name = "ADDRESS", help_heading = "Filters")]
    address: Vec<String>,
    /// The type of --address
    #[arg(long, value_name = "TYPE", help_heading = "Filters", value_parser = parse_type, requires = "address")]
    address_type: Option<AddressType>,
    /// The messages of this subscriber
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    subscriber: Vec<i64>,
    /// Of this channel type, such as SMS
    #[arg(long, value_name = "TYPE", help_heading = "Filters", value_delimiter = ',')]
    channel_type: Vec<String>,
    /// IN or OUT
    #[arg(long, value_name = "DIRECTION", help_heading = "Filters", value_parser = parse_direction)]
    direction: Option<Direction>,
    /// AD, SERVICE, HSM or CHAT
    #[arg(long, value_name = "TYPE", help_heading = "Filters", value_delimiter = ',', value_parser = parse_traffic_type)]
    traffic_type: Vec<String>,
    /// Of this subject
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    subject: Vec<i64>,
    /// With this delivery status, such as UNDELIVERED
    #[arg(long, value_name = "WORD", help_heading = "Filters", value_delimiter = ',')]
    status: Vec<String>,
    /// Of this cascade
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    cascade: Vec<i64>,
    /// Of this broadcast
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    broadcast: Vec<i64>,
    /// Made from this message template
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    matcher: Vec<i64>,
    /// With exactly this comment
    #[arg(long, value_name = "TEXT", help_heading = "Filters")]
    comment: Option<String>,
    /// With this message id
    #[arg(long, value_name = "ID", help_heading = "Filters", value_delimiter = ',')]
    message_id: Vec<i64>,
    /// That quote this message
    #[arg(long, value_name = "ID", help_heading = "Filters")]
    reply_to: Option<i64>,
    /// With these words in their texts: any form of a word, "a phrase", beginning*, -without
    #[arg(long, value_name = "WORDS", help_heading = "Filters", value_parser = parse_search, allow_hyphen_values = true)]
    text: Option<search::Query>,
    /// Sent or received at this date or later
    #[arg(long, value_name = "DATE", help_heading = "Filters", value_parser = parse_from)]
    from: Option<Instant>,
    /// Sent or received at this date or earlier
    #[arg(long, value_name = "DATE", help_heading = "Filters", value_parser = parse_to)]
    to: Option<Instant>,
}

impl Filters {
    /// Whether they restrict nothing but the time.
    pub fn is_only_window(&self) -> bool {
        *self == Self { from: self.from, to: self.to, ..Self::default() }
    }

    pub fn window(&self) -> (Option<Instant>, Option<Instant>) {
        (self.from, self.to)
    }

    /// Whether a text is searched, which is possible from the newest message on only.
    pub fn has_text(&self) -> bool {
        self.text.is_some()
    }

    /// Rejects a subject and a channel type that the tenant does not have: nothing would be found.
    pub async fn check(&self, store: &Store, reader: &Reader, tenant: TenantId) -> Result<(), Failure> {
        let (subjects, channel_types) = (self.subject.clone(), self.channel_type.clone());
        let known = store.read(reader, move |connection| {
            let known = subjects::channel_types(connection, tenant)?;
            let is_known = |word: &&String| known.contains(*word) || CHANNEL_TYPES.contains(&word.as_str());
            let unknown = channel_types.iter().find(|word| !is_known(word)).cloned();
            Ok((subjects::all_exist(connection, tenant, &subjects)?, unknown))
        });
        match known.await? {
            (false, _) => Err(Failure::message(format!(
                "--subject names a subject that tenant {tenant} does not have; see 'history-gateway subject list --tenant {tenant}'"
            ))),
            (true, Some(_)) => {
                Err(Failure::message("--channel-type must be a channel type such as SMS, WHATSAPP, VIBER or PUSH"))
            }
            (true, None) => Ok(()),
        }
    }

    /// The query for all messages of a tenant.
    pub fn query(
        self,
        tenant: TenantId,
        (descending, limit): (bool, i64),
        config: &Config,
    ) -> Result<MessageQuery, Failure> {
        if self.text.is_some() && !config.search.enabled {
            return Err(Failure::message("--text cannot be used: the setting search.enabled is false"));
        }
        let filters = MessageFilters {
            addresses: self.address,
            address_type: self.address_type,
            subscriber_ids: self.subscriber,
            channel_types: self.channel_type,
            direction: self.direction,
            traffic_types: self.traffic_type,
            subject_ids: self.subject,
            delivery_statuses: self.status,
            delivery_error: None,
            cascade_ids: self.cascade,
            broadcast_ids: self.broadcast,
            matcher_ids: self.matcher,
            comment: self.comment,
            message_ids: self.message_id,
            reply_to: self.reply_to,
            from: self.from,
            to: self.to,
            text: self.text,
        };
        let query = MessageQuery::new(filters, (descending, limit), &Grants::all(tenant), config.policy());
        // The limit is in its range, a master key sees all subjects, and no range of dates is too long.
        query.map_err(|_| Failure::message("--address must be an address, not only punctuation"))
    }
}

fn parse_type(text: &str) -> Result<AddressType, String> {
    AddressType::from_word(text).ok_or_else(|| format!("must be one of {}", AddressType::WORDS.join(", ")))
}

fn parse_traffic_type(text: &str) -> Result<String, String> {
    let is_known = TRAFFIC_TYPES.contains(&text);
    if is_known { Ok(text.to_owned()) } else { Err(format!("must be one of {}", TRAFFIC_TYPES.join(", "))) }
}

fn parse_direction(text: &str) -> Result<Direction, String> {
    Direction::from_word(text).ok_or_else(|| "must be IN or OUT".into())
}

fn parse_search(text: &str) -> Result<search::Query, String> {
    search::Query::parse(text).map_err(|error| format!("must be {error}"))
}
