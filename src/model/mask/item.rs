//! Messages as they are shown masked; knows no role.

use serde_json::Value as Json;

use super::{DOT, address, code, digits};
use crate::model::{Item, Property, Value};

/// The keys of contents and unknown fields that hold the name of a person.
const NAMES: [&str; 8] = [
    "firstName",
    "lastName",
    "middleName",
    "fullName",
    "formattedName",
    "formatted_name",
    "userName",
    "subscriberName",
];

/// A masked message.
pub struct Masked {
    pub item: Item,
    /// Whether its content has a one-time code, and is left out.
    pub is_code: bool,
}

/// A message without its address, long numbers, names of persons and one-time codes. Ids of messages, subjects,
/// broadcasts and cascades stay.
pub fn masked(item: &Item) -> Masked {
    let mut shown = item.clone();
    let content = item.text(Property::Content).unwrap_or_default();
    let parsed: Option<Json> =
        serde_json::from_str(content).ok().filter(|json: &Json| json.is_object() || json.is_array());
    let is_code = parsed.as_ref().map_or_else(|| code::has_code(content), has_code);
    let content = match parsed {
        _ if is_code => DOT.to_string().repeat(3),
        Some(json) => masked_json(None, json).to_string(),
        // Escapes in JSON that cannot be read could hide digits.
        None if content.trim_start().starts_with(['{', '[']) => DOT.to_string().repeat(3),
        None => digits::text(content),
    };
    for property in Property::ALL {
        let Some(text) = item.text(*property) else { continue };
        let masked = match property {
            Property::Address => address(text),
            Property::Content => content.clone(),
            Property::Comment
            | Property::DeliveryStatusMessage
            | Property::ReplyOutMessageExternalRequestId
            | Property::SubjectName
            | Property::CascadeName
            | Property::MatcherName
            | Property::BroadcastName => digits::text(text),
            _ => continue,
        };
        shown.set(*property, Some(Value::Text(masked)));
    }
    shown.clear_extra();
    for (name, json) in item.extra() {
        let masked = match serde_json::from_str(json) {
            Ok(value) => masked_json(Some(name), value),
            Err(_) => Json::String(DOT.to_string().repeat(3)),
        };
        shown.push_extra(digits::text(name), masked.to_string());
    }
    Masked { item: shown, is_code }
}

/// A value with its strings and long numbers masked; `key` is where it stands.
fn masked_json(key: Option<&str>, value: Json) -> Json {
    match value {
        Json::String(_) if key.is_some_and(|key| NAMES.contains(&key)) => Json::String(DOT.to_string().repeat(3)),
        Json::String(text) if key == Some("address") || key == Some("phone") => Json::String(address(&text)),
        Json::String(text) => Json::String(digits::text(&text)),
        Json::Number(number) => {
            let (text, shown) = (number.to_string(), digits::text(&number.to_string()));
            if text == shown { Json::Number(number) } else { Json::String(shown) }
        }
        Json::Array(list) => Json::Array(list.into_iter().map(|value| masked_json(key, value)).collect()),
        Json::Object(object) => {
            let pairs = object.into_iter().map(|(key, value)| {
                let masked = masked_json(Some(&key), value);
                (digits::text(&key), masked)
            });
            Json::Object(pairs.collect())
        }
        other => other,
    }
}

/// Whether a content is a template for codes, or has a text with one.
fn has_code(value: &Json) -> bool {
    match value {
        Json::String(text) => text == "AUTHENTICATION" || code::has_code(text),
        Json::Array(list) => list.iter().any(has_code),
        Json::Object(object) => object.values().any(has_code),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::masked;
    use crate::model::{Item, TenantId};

    fn item(content: &str, rest: &str) -> Item {
        let content = serde_json::to_string(content).unwrap();
        let json = format!(
            r#"{{"messageId":8270556,"channelType":"SMS","direction":"OUT","address":"79001112293","content":{content},"sentOrReceivedAt":"2026-03-01T10:00:00Z"{rest}}}"#
        );
        Item::parse(&json, TenantId(3193)).unwrap()
    }

    fn shown(content: &str, rest: &str) -> String {
        masked(&item(content, rest)).item.render()
    }

    #[test]
    fn addresses_texts_names_and_unknown_fields_are_masked() {
        let content = r#"{"type":"TEXT","text":"Call 79001112233","contact":{"firstName":"Anna","phone":"79001112233","n":79001112233}}"#;
        let rest =
            r#","comment":"order 79001112233","subscriberId":11354769,"extra":{"79001112233":["79001112233",5]}"#;
        insta::assert_snapshot!(shown(content, rest), @r#"{"messageId":8270556,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"+7 900 ••• •• 93","content":"{\"contact\":{\"firstName\":\"•••\",\"n\":\"•••••••••33\",\"phone\":\"+7 900 ••• •• 33\"},\"text\":\"Call •••••••••33\",\"type\":\"TEXT\"}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","subscriberId":11354769,"comment":"order •••••••••33","extra":{"•••••••••33":["•••••••••33",5]}}"#);
    }

    #[test]
    fn contents_with_codes_or_unreadable_json_are_left_out() {
        for content in [
            r#"{"type":"TEXT","text":"Your code: 483920"}"#,
            r#"{"type":"HSM","template":{"category":"AUTHENTICATION","parameters":["77"]}}"#,
            "Код 4839",
        ] {
            let masked = masked(&item(content, ""));
            assert!(masked.is_code && masked.item.render().contains(r#""content":"•••""#), "{content}");
        }
        let masked = masked(&item(r#"{"text":"\u0037\u0039001112233"#, ""));
        assert!(!masked.is_code && masked.item.render().contains(r#""content":"•••""#));
        assert!(shown(r#"{"text":"\u0037\u0039001112233"}"#, "").contains("•••••••••33"));
    }

    proptest! {
        /// Wherever a number stands, it is not shown.
        #[test]
        fn no_number_of_a_person_is_shown(
            before in r#"[a-zа-я "\\:,{}\[\]]{0,8}"#, after in r#"[a-zа-я "\\:,{}\[\]]{0,8}"#, place in 0..6
        ) {
            let text = format!("{before}79005556677{after}");
            let json = serde_json::to_string(&text).unwrap();
            let (content, rest) = match place {
                0 => (text.clone(), String::new()),
                1 => (format!(r#"{{"text":{json}}}"#), String::new()),
                2 => (format!(r"[[{json}],{{{json}:1}}]"), String::new()),
                3 => (String::new(), format!(r#","comment":{json}"#)),
                4 => (String::new(), format!(r#","other":[{{"a":{json}}}]"#)),
                _ => (String::new(), format!(r#","replyOutMessageExternalRequestId":{json}"#)),
            };
            let shown = shown(&content, &rest);
            prop_assert!(!shown.contains("7900555") && !shown.contains("5556677"), "{}", shown);
        }
    }
}
