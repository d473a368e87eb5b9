//! Messages as they are shown masked; knows no role.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::text::{hidden, numbers, reason, text};
use super::{address, code, digits};
use crate::model::{Item, Property, Value};

/// The keys of contents and unknown fields that hold the name of a person, in lower case and without underscores.
const NAMES: [&str; 18] = [
    "firstname",
    "lastname",
    "middlename",
    "fullname",
    "formattedname",
    "displayname",
    "username",
    "subscribername",
    "patronymic",
    "surname",
    "nickname",
    "contactname",
    "clientname",
    "customername",
    "recipientname",
    "sendername",
    "profilename",
    "fio",
];

/// The keys of contents under which a `name` is that of a person.
const PERSONS: [&str; 12] = [
    "contact",
    "contacts",
    "profile",
    "user",
    "userinfo",
    "client",
    "customer",
    "person",
    "subscriber",
    "recipient",
    "sender",
    "from",
];

/// A masked message.
pub struct Masked {
    pub item: Item,
    /// Whether its content has a one-time code, and is left out.
    pub is_code: bool,
}

/// A message without its address, long numbers, e-mail addresses, one-time codes, and what stands under a key for the name of
/// a person. Ids of messages, subjects, broadcasts and cascades stay.
pub fn masked(item: &Item) -> Masked {
    let mut shown = item.clone();
    let given = item.text(Property::Content).unwrap_or_default();
    let parsed: Option<Json> =
        serde_json::from_str(given).ok().filter(|json: &Json| json.is_object() || json.is_array());
    let is_code = parsed.as_ref().map_or_else(|| code::has_code(given), has_code);
    let content = match parsed {
        _ if is_code => hidden(),
        Some(json) => masked_json(None, json).to_string(),
        // Escapes in JSON that cannot be read could hide digits.
        None if given.trim_start().starts_with(['{', '[']) => hidden(),
        None => text(given),
    };
    for property in Property::ALL {
        let Some(given) = item.text(*property) else { continue };
        let masked = match property {
            Property::Address => address(given),
            Property::Content => content.clone(),
            Property::Comment | Property::ReplyOutMessageExternalRequestId => text(given),
            Property::DeliveryStatusMessage => reason(given),
            Property::SubjectName | Property::CascadeName | Property::MatcherName | Property::BroadcastName => {
                numbers(given)
            }
            _ => continue,
        };
        shown.set(*property, Some(Value::Text(masked)));
    }
    shown.clear_extra();
    let mut names = HashSet::new();
    for (name, json) in item.extra() {
        let masked = match serde_json::from_str(json) {
            Ok(value) if !has_code(&value) => masked_json(Some(name), value),
            _ => Json::String(hidden()),
        };
        shown.push_extra(distinct(text(name), |name| !names.insert(name.to_owned())), masked.to_string());
    }
    Masked { item: shown, is_code }
}

/// A value with its strings and long numbers masked; `key` is where it stands.
fn masked_json(key: Option<&str>, value: Json) -> Json {
    if key.is_some_and(is_name) {
        return Json::String(hidden());
    }
    match value {
        Json::String(given) if key == Some("address") || key == Some("phone") => Json::String(address(&given)),
        Json::String(given) => Json::String(text(&given)),
        Json::Number(number) => {
            let (given, shown) = (number.to_string(), digits::text(&number.to_string()));
            if given == shown { Json::Number(number) } else { Json::String(shown) }
        }
        Json::Array(list) => Json::Array(list.into_iter().map(|value| masked_json(key, value)).collect()),
        Json::Object(object) => {
            let mut shown = serde_json::Map::new();
            let is_person = key.is_some_and(|key| PERSONS.contains(&plain(key).as_str()));
            for (key, value) in object {
                let is_name = is_person && plain(&key) == "name";
                let masked = if is_name { Json::String(hidden()) } else { masked_json(Some(&key), value) };
                shown.insert(distinct(text(&key), |name| shown.contains_key(name)), masked);
            }
            Json::Object(shown)
        }
        other => other,
    }
}

/// A key that is not taken: two may look the same once they are masked.
fn distinct(mut key: String, mut is_taken: impl FnMut(&str) -> bool) -> String {
    while is_taken(&key) {
        key.push(super::DOT);
    }
    key
}

fn is_name(key: &str) -> bool {
    NAMES.contains(&plain(key).as_str())
}

/// A key in lower case, without what separates its words.
fn plain(key: &str) -> String {
    key.to_lowercase().replace(['_', '-'], "")
}

/// Whether a content is a template for codes, or has a code: its word in one text, and its number in that or another.
fn has_code(value: &Json) -> bool {
    let mut found = Found::default();
    found.look(value);
    found.is_template || (found.has_word && found.has_number)
}

/// What the texts of a content have.
#[derive(Default)]
struct Found {
    is_template: bool,
    has_word: bool,
    has_number: bool,
}

impl Found {
    fn look(&mut self, value: &Json) {
        match value {
            Json::String(text) => {
                self.is_template |= text == "AUTHENTICATION";
                self.has_word |= code::has_word(text);
                self.has_number |= code::has_number(text);
            }
            Json::Number(number) => self.has_number |= code::has_number(&number.to_string()),
            Json::Array(list) => list.iter().for_each(|value| self.look(value)),
            Json::Object(object) => {
                for (key, value) in object {
                    // A key counts only with a number under it: templates have a `code` of their language.
                    let mut below = Self::default();
                    below.look(value);
                    let is_single = !value.is_object() && !value.is_array();
                    self.has_word |= below.has_word || (is_single && below.has_number && code::has_word(key));
                    self.has_number |= below.has_number;
                    self.is_template |= below.is_template;
                }
            }
            _ => {}
        }
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
    fn names_emails_and_codes_of_other_fields_are_masked() {
        let content =
            r#"{"contacts":[{"name":{"formatted_name":"Анна П","first_name":"Анна"},"fullName":{"value":"Anna"}}]}"#;
        let rest = r#","comment":"OTP 483920","deliveryStatusMessage":"Error code 131026, to anna@shop.example","text":"Код 4839","79001112233":1,"78001112233":2"#;
        insta::assert_snapshot!(shown(content, rest), @r#"{"messageId":8270556,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"+7 900 ••• •• 93","content":"{\"contacts\":[{\"fullName\":\"•••\",\"name\":\"•••\"}]}","deliveryStatusMessage":"Error code 131026, to a•••@shop.example","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","comment":"•••","text":"•••","•••••••••33":1,"•••••••••33•":2}"#);
        assert!(shown(r#"{"79001112233":1,"78001112233":2}"#, "").contains(r#"•••••••••33\":2,\"•••••••••33•\":1"#));
    }

    #[test]
    fn name_of_a_person_is_masked_and_that_of_a_template_is_not() {
        let content = r#"{"name":"order_paid","template":{"name":"order_paid"},"contacts":[{"name":"Anna"}],"profile":{"name":"Anna","Nick-Name":"An"}}"#;
        insta::assert_snapshot!(masked(&item(content, "")).item.text(crate::model::Property::Content).unwrap(), @r#"{"contacts":[{"name":"•••"}],"name":"order_paid","profile":{"Nick-Name":"•••","name":"•••"},"template":{"name":"order_paid"}}"#);
    }

    #[test]
    fn contents_with_codes_or_unreadable_json_are_left_out() {
        for content in [
            r#"{"type":"TEXT","text":"Your code: 483920"}"#,
            r#"{"type":"HSM","template":{"category":"AUTHENTICATION","parameters":["77"]}}"#,
            r#"{"text":"Your code is {{1}}","parameters":["483920"]}"#,
            r#"{"otp":"483920"}"#,
            r#"{"code":483920}"#,
            "Код 4839",
        ] {
            let masked = masked(&item(content, ""));
            assert!(masked.is_code && masked.item.render().contains(r#""content":"•••""#), "{content}");
        }
        for shown in [r#"{"language":{"code":"ru"},"text":"Ваш заказ 528046 оплачен"}"#, "Your code is on its way"]
        {
            assert!(!masked(&item(shown, "")).is_code, "{shown}");
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
