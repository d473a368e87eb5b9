//! The filters that `/v1/messages` and `/v1/changes` share, from parameters to `MessageFilters`, and what of them only
//! the store can verify; knows no SQL.

use super::parameters::{Arity, Known, Parameters, invalid};
use crate::app::App;
use crate::model::history::{CHANNEL_TYPES, Direction, QueryError, TRAFFIC_TYPES};
use crate::model::instant::Rounding;
use crate::model::subscriber::AddressType;
use crate::model::{MessageFilters, search};
use crate::store::{Reader, subjects};
use crate::web::ApiError;

/// The parameters of both routes.
const SHARED: [Known; 14] = [
    ("address", Arity::ManyVerbatim),
    ("addressType", Arity::One),
    ("subscriberId", Arity::Many),
    ("channelType", Arity::Many),
    ("direction", Arity::One),
    ("trafficType", Arity::Many),
    ("subjectId", Arity::Many),
    ("deliveryStatus", Arity::Many),
    ("cascadeId", Arity::Many),
    ("broadcastId", Arity::Many),
    ("matcherId", Arity::Many),
    ("comment", Arity::One),
    ("messageId", Arity::Many),
    ("replyTo", Arity::One),
];

/// The parameters of a request that takes the filters and some of its own.
pub fn known(own: &[Known]) -> Vec<Known> {
    SHARED.iter().chain(own).copied().collect()
}

/// How many values a list may have.
const MAX_ADDRESSES: usize = 100;
const MAX_VALUES: usize = 1000;

/// Reads the filters.
pub fn filters(parameters: &Parameters) -> Result<MessageFilters, ApiError> {
    let is_traffic_type = |word: &str| TRAFFIC_TYPES.contains(&word).then(|| word.to_owned());
    let filters = MessageFilters {
        addresses: at_most("address", MAX_ADDRESSES, parameters.texts("address")?)?,
        address_type: parameters.word("addressType", "a type of address such as PHONE", AddressType::from_word)?,
        subscriber_ids: integers(parameters, "subscriberId")?,
        channel_types: at_most("channelType", MAX_VALUES, parameters.texts("channelType")?)?,
        direction: parameters.word("direction", "IN or OUT", Direction::from_word)?,
        traffic_types: parameters.words("trafficType", "one of AD, SERVICE, HSM, CHAT", is_traffic_type)?,
        subject_ids: integers(parameters, "subjectId")?,
        delivery_error: None,
        delivery_statuses: at_most("deliveryStatus", MAX_VALUES, parameters.texts("deliveryStatus")?)?,
        cascade_ids: integers(parameters, "cascadeId")?,
        broadcast_ids: integers(parameters, "broadcastId")?,
        matcher_ids: integers(parameters, "matcherId")?,
        comment: parameters.text("comment")?,
        message_ids: integers(parameters, "messageId")?,
        reply_to: parameters.integer("replyTo")?,
        from: parameters.date("from", Rounding::Up)?,
        to: parameters.date("to", Rounding::Down)?,
        text: parameters.text("text")?.map(|text| search(&text)).transpose()?,
    };
    if filters.address_type.is_some() && filters.addresses.is_empty() {
        return Err(ApiError::NotValid("The parameter 'addressType' needs an 'address'.".into()));
    }
    Ok(filters)
}

fn search(text: &str) -> Result<search::Query, ApiError> {
    search::Query::parse(text).map_err(|error| ApiError::NotValid(format!("The parameter 'text' must be {error}.")))
}

fn integers(parameters: &Parameters, name: &str) -> Result<Vec<i64>, ApiError> {
    at_most(name, MAX_VALUES, parameters.integers(name)?)
}

fn at_most<T>(name: &str, most: usize, values: Vec<T>) -> Result<Vec<T>, ApiError> {
    if values.len() > most { Err(invalid(name, &format!("a list of at most {most} values"))) } else { Ok(values) }
}

/// Rejects a subject that does not exist, and a channel type that edna does not document and the tenant does not have
/// (docs/edna.md 6.4).
pub async fn check(app: &App, reader: &Reader, filters: &MessageFilters) -> Result<(), ApiError> {
    let is_undocumented = |word: &&String| !CHANNEL_TYPES.contains(&word.as_str());
    let undocumented: Vec<String> = filters.channel_types.iter().filter(is_undocumented).cloned().collect();
    let (tenant, wanted) = (reader.caller.tenant, filters.subject_ids.clone());
    if undocumented.is_empty() && wanted.is_empty() {
        return Ok(());
    }
    let work = move |connection: &mut _, _: &_| {
        let known = if undocumented.is_empty() { None } else { Some(subjects::channel_types(connection, tenant)?) };
        let has_channels = known.is_none_or(|known| undocumented.iter().all(|word| known.contains(word)));
        Ok((has_channels, subjects::all_exist(connection, tenant, &wanted)?))
    };
    match app.store.query(reader, work).await? {
        (false, _) => Err(invalid("channelType", "a channel type such as SMS, WHATSAPP, VIBER or PUSH")),
        (true, false) => Err(ApiError::SubjectNotFound),
        (true, true) => Ok(()),
    }
}

/// The error of a query that is invalid for its caller.
pub fn query_error(error: QueryError) -> ApiError {
    match error {
        QueryError::Address => invalid("address", "an address, not only punctuation"),
        other => other.into(),
    }
}
