//! The filters of a list in its address, by the names of `/v1/messages`; addresses and texts are sealed for the session, and
//! nobody else can read them; knows no page.

use super::own_address::with_query;
use super::zone::Zone;
use crate::model::history::{CHANNEL_TYPES, Direction, TRAFFIC_TYPES};
use crate::model::instant::Rounding;
use crate::model::subscriber::AddressType;
use crate::model::{Instant, MessageFilters, mask, search};
use crate::viewer::Sealer;

/// One filter as it stands in the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: &'static str,
    pub value: String,
}

/// The parameters whose values are sealed.
const SEALED: [&str; 4] = ["address", "comment", "text", "deliveryError"];

const PLAIN: [&str; 14] = [
    "addressType",
    "subscriberId",
    "channelType",
    "direction",
    "trafficType",
    "subjectId",
    "deliveryStatus",
    "cascadeId",
    "broadcastId",
    "matcherId",
    "messageId",
    "replyTo",
    "from",
    "to",
];

/// Why the filters of an address cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// A value was sealed for another session.
    OtherSession,
    /// There is no filter of some name.
    Unknown,
    /// The value of the filter of this name.
    NotValid(&'static str),
    /// The first time is after the last.
    Reversed,
}

impl Parameter {
    /// Whether its value is sealed: it may name a person, or what a message says.
    pub fn is_sealed(&self) -> bool {
        SEALED.contains(&self.name)
    }
}

/// What else the address of a list has.
const OTHERS: [&str; 3] = ["cursor", "fromDate", "toDate"];

/// The filters among the parameters of an address. Empty ones are ignored, as forms send them; one that is not known would
/// be missed in the list, so it is an error.
pub fn parameters(all: &[(String, String)]) -> Result<Vec<Parameter>, FilterError> {
    let known = |name: &str| SEALED.iter().chain(&PLAIN).find(|known| **known == name).copied();
    let given = all.iter().filter(|(name, value)| !value.is_empty() && !OTHERS.contains(&name.as_str()));
    let parameter = |(name, value): &(String, String)| {
        Ok(Parameter { name: known(name).ok_or(FilterError::Unknown)?, value: value.clone() })
    };
    given.map(parameter).collect()
}

/// What the form sends, with times in place of the dates of the user's zone: they mean the same to everybody. `None` if it is
/// not from the form.
pub fn with_times(all: &[(String, String)], zone: Zone) -> Option<Result<Vec<Parameter>, FilterError>> {
    let dates: Vec<_> = all.iter().filter(|(name, _)| name == "fromDate" || name == "toDate").collect();
    if dates.is_empty() {
        return None;
    }
    let mut parameters = match parameters(all) {
        Ok(parameters) => parameters,
        Err(error) => return Some(Err(error)),
    };
    for (field, date) in dates {
        let name = if field == "fromDate" { "from" } else { "to" };
        // A time within the day that nobody has changed stays.
        let known = parameters.iter().find(|known| known.name == name);
        if known.is_some_and(|known| date_of(known, zone) == *date) {
            continue;
        }
        parameters.retain(|known| known.name != name);
        if date.is_empty() {
            continue;
        }
        let Some(at) = (if name == "from" { zone.start_of(date) } else { zone.end_of(date) }) else {
            return Some(Err(FilterError::NotValid(name)));
        };
        parameters.push(Parameter { name, value: at.iso() });
    }
    Some(Ok(parameters))
}

/// The instant of a filter by time. A date alone means all of it.
fn instant_of(Parameter { name, value }: &Parameter) -> Option<Instant> {
    match *name {
        "from" => Instant::parse(value, Rounding::Up),
        "to" if value.len() == 10 => Some(Instant::parse(value, Rounding::Down)?.plus_days(1).before()),
        _ => Instant::parse(value, Rounding::Down),
    }
}

/// The date of a filter by time in a zone, for a form; empty if it has none.
pub fn date_of(parameter: &Parameter, zone: Zone) -> String {
    instant_of(parameter).map(|at| zone.date(at)).unwrap_or_default()
}

/// The address of the list with filters, and from a position on.
pub fn list_address(parameters: &[Parameter], cursor: Option<&str>) -> String {
    let mut pairs: Vec<(&str, &str)> = parameters.iter().map(|one| (one.name, one.value.as_str())).collect();
    pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
    with_query("/console/messages", &pairs)
}

/// The query string of filters.
pub fn query_string(parameters: &[Parameter]) -> String {
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|one| (one.name, one.value.as_str())).collect();
    serde_urlencoded::to_string(pairs).unwrap_or_default()
}

/// Filters as parameters; `None` if a value is too long for an address.
pub fn of_filters(filters: &MessageFilters, sealer: &Sealer) -> Option<Vec<Parameter>> {
    let mut found = Vec::new();
    let mut push = |name: &'static str, value: String| found.push(Parameter { name, value });
    for address in &filters.addresses {
        push("address", sealer.seal(address)?);
    }
    match filters.address_type {
        Some(AddressType::Email) => push("addressType", "EMAIL".into()),
        Some(AddressType::Other) => push("addressType", "EXT_USER_ID".into()),
        _ => {}
    }
    let lists = [
        ("subscriberId", &filters.subscriber_ids),
        ("subjectId", &filters.subject_ids),
        ("cascadeId", &filters.cascade_ids),
        ("broadcastId", &filters.broadcast_ids),
        ("matcherId", &filters.matcher_ids),
        ("messageId", &filters.message_ids),
    ];
    for (name, list) in lists {
        for value in list {
            push(name, value.to_string());
        }
    }
    let words = [
        ("channelType", &filters.channel_types),
        ("trafficType", &filters.traffic_types),
        ("deliveryStatus", &filters.delivery_statuses),
    ];
    for (name, list) in words {
        for value in list {
            push(name, value.clone());
        }
    }
    if let Some(id) = filters.reply_to {
        push("replyTo", id.to_string());
    }
    for (name, at) in [("from", filters.from), ("to", filters.to)] {
        if let Some(at) = at {
            push(name, at.iso());
        }
    }
    if let Some(direction) = filters.direction {
        push("direction", direction.word().into());
    }
    let secret = [
        ("comment", filters.comment.as_deref()),
        ("deliveryError", filters.delivery_error.as_deref()),
        ("text", filters.text.as_ref().map(search::Query::text)),
    ];
    for (name, value) in secret {
        if let Some(value) = value {
            push(name, sealer.seal(value)?);
        }
    }
    Some(found)
}

/// The filters that parameters stand for.
pub fn to_filters(parameters: &[Parameter], sealer: &Sealer) -> Result<MessageFilters, FilterError> {
    let mut filters = MessageFilters::default();
    for parameter in parameters {
        let Parameter { name, value } = parameter;
        let opened = || sealer.open(value).ok_or(FilterError::OtherSession);
        let not_valid = FilterError::NotValid(name);
        let number = || value.parse::<i64>().map_err(|_| not_valid);
        let time = || instant_of(parameter).ok_or(not_valid);
        // A word of edna's or its successor; no number or text of a person may stand in an address.
        let word = || if mask::text(value) == *value { Ok(value.clone()) } else { Err(not_valid) };
        let one_of = |words: &[&str]| {
            if words.contains(&value.as_str()) { Ok(value.clone()) } else { Err(not_valid) }
        };
        match *name {
            "address" => filters.addresses.push(opened()?),
            "comment" => filters.comment = Some(opened()?),
            "deliveryError" => filters.delivery_error = Some(opened()?),
            "text" => {
                filters.text = Some(search::Query::parse(&opened()?).map_err(|_| not_valid)?);
            }
            "addressType" => {
                filters.address_type = Some(AddressType::from_word(value).ok_or(not_valid)?);
            }
            "subscriberId" => filters.subscriber_ids.push(number()?),
            "subjectId" => filters.subject_ids.push(number()?),
            "cascadeId" => filters.cascade_ids.push(number()?),
            "broadcastId" => filters.broadcast_ids.push(number()?),
            "matcherId" => filters.matcher_ids.push(number()?),
            "messageId" => filters.message_ids.push(number()?),
            "replyTo" => filters.reply_to = Some(number()?),
            "channelType" => filters.channel_types.push(word()?),
            "trafficType" => filters.traffic_types.push(one_of(&TRAFFIC_TYPES)?),
            "deliveryStatus" => filters.delivery_statuses.push(word()?),
            "direction" => filters.direction = Some(Direction::from_word(value).ok_or(not_valid)?),
            "from" => filters.from = Some(time()?),
            "to" => filters.to = Some(time()?),
            _ => {}
        }
    }
    if filters.addresses.is_empty() && filters.address_type.is_some() {
        return Err(FilterError::NotValid("addressType"));
    }
    if filters.from.zip(filters.to).is_some_and(|(from, to)| from > to) {
        return Err(FilterError::Reversed);
    }
    Ok(filters)
}

/// The channel types that a form offers.
pub const OFFERED_CHANNELS: [&str; 6] = CHANNEL_TYPES;

#[cfg(test)]
mod tests {
    use super::{
        FilterError, Parameter, Zone, list_address, of_filters, parameters, query_string, to_filters, with_times,
    };
    use crate::model::key::Secret;
    use crate::model::{Instant, MessageFilters, search};
    use crate::viewer::Sealer;

    #[test]
    fn filters_survive_their_address_without_what_names_a_person() {
        let session = Secret::random();
        let sealer = Sealer::new(&session);
        let filters = MessageFilters {
            addresses: vec!["79001112233".into()],
            comment: Some("order 5".into()),
            delivery_error: Some("user-blocked".into()),
            text: Some(search::Query::parse("привет").unwrap()),
            channel_types: vec!["SMS".into(), "WHATSAPP".into()],
            subject_ids: vec![7],
            from: Some(Instant(0)),
            ..MessageFilters::default()
        };
        let address = query_string(&of_filters(&filters, &sealer).unwrap());
        for secret in ["7900", "order", "blocked", "%D0%BF"] {
            assert!(!address.contains(secret), "{address}");
        }
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&address).unwrap();
        let parameters = parameters(&pairs).unwrap();
        assert_eq!(to_filters(&parameters, &sealer).unwrap(), filters);
        let other = to_filters(&parameters, &Sealer::new(&Secret::random()));
        assert_eq!(other, Err(FilterError::OtherSession));
    }

    #[test]
    fn dates_of_the_form_are_those_of_the_zone() {
        let zone = Zone::from_name("Europe/Moscow").unwrap();
        let address = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            with_times(&pairs, zone).map(|found| found.map(|found| list_address(&found, None)))
        };
        let day = [("channelType", ""), ("fromDate", "2026-03-01"), ("toDate", "2026-03-01")];
        let times = "/console/messages?from=2026-02-28T21%3A00%3A00.000Z&to=2026-03-01T20%3A59%3A59.999Z";
        assert_eq!(address(&day).unwrap().unwrap(), times);
        assert_eq!(address(&[("fromDate", ""), ("toDate", "")]).unwrap().unwrap(), "/console/messages");
        // What is within the day is kept, and what is another day is not.
        let times = [("from", "2026-03-01T10:00:00Z"), ("to", "2026-03-01")];
        let kept = [times[0], times[1], ("fromDate", "2026-03-01"), ("toDate", "2026-03-02")];
        let same = "/console/messages?from=2026-03-01T10%3A00%3A00Z&to=2026-03-01";
        assert_eq!(address(&kept).unwrap().unwrap(), same);
        let other = [times[0], times[1], ("fromDate", ""), ("toDate", "2026-03-01")];
        assert_eq!(address(&other).unwrap().unwrap(), "/console/messages?to=2026-03-01T20%3A59%3A59.999Z");
        assert_eq!(address(&[("fromDate", "soon")]).unwrap(), Err(FilterError::NotValid("from")));
        assert_eq!(address(&[("from", "2026-03-01")]), None);
    }

    #[test]
    fn invalid_values_and_unknown_parameters_are_errors() {
        let sealer = Sealer::new(&Secret::random());
        let read = |name: &str, value: &str| to_filters(&parameters(&[(name.into(), value.into())])?, &sealer);
        for (name, value) in [
            ("subjectId", "x"),
            ("direction", "UP"),
            ("from", "yesterday"),
            ("trafficType", "x"),
            ("addressType", "PHONE"),
            ("channelType", "79001112233"),
            ("matcherId", "x"),
        ] {
            assert_eq!(read(name, value), Err(FilterError::NotValid(name)), "{name}");
        }
        assert_eq!(read("deliverystatus", "READ"), Err(FilterError::Unknown));
        assert_eq!(read("cursor", "5"), Ok(MessageFilters::default()));
        assert_eq!(read("from", ""), Ok(MessageFilters::default()));
        assert_eq!(read("to", "2026-03-01").unwrap().to.unwrap().iso(), "2026-03-01T23:59:59.999Z");
        assert!(Parameter { name: "address", value: String::new() }.is_sealed());
    }
}
