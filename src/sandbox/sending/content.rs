//! Checks the content of a schedule request; knows no cascade.

use serde_json::{Map, Value};

use super::error::ScheduleError;

/// The longest name of an attachment, in characters.
const MAX_ATTACHMENT_NAME: usize = 70;

/// The field of a request's content for each channel.
const FIELDS: [(&str, &str); 4] =
    [("WHATSAPP", "whatsappContent"), ("SMS", "smsContent"), ("VIBER", "viberContent"), ("PUSH", "pushContent")];

/// The checked content for a channel.
pub fn of_channel(content: Option<&Value>, channel: &str) -> Result<Map<String, Value>, ScheduleError> {
    let content = match content {
        None | Some(Value::Null) => return Err(ScheduleError::of("content-not-specified")),
        Some(Value::Object(content)) => content,
        Some(_) => return Err(ScheduleError::field("content", "an object")),
    };
    let given = |field: &str| content.get(field).filter(|value| !value.is_null());
    if FIELDS.iter().all(|(_, field)| given(field).is_none()) {
        return Err(ScheduleError::of("content-not-specified"));
    }
    let field = FIELDS.iter().find(|(known, _)| *known == channel).map_or("", |(_, field)| field);
    let Some(own) = given(field) else {
        return Err(ScheduleError::of("request-doesn’t-contain-content-for-all-cascade-stages"));
    };
    let own = own.as_object().ok_or_else(|| ScheduleError::field(&format!("content.{field}"), "an object"))?;
    check(own)?;
    Ok(own.clone())
}

fn check(content: &Map<String, Value>) -> Result<(), ScheduleError> {
    let text = |name: &str| content.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let require = |name: &str, title: &'static str| text(name).map(|_| ()).ok_or_else(|| ScheduleError::of(title));
    let require_number = |name: &str, title: &'static str| match content.get(name) {
        Some(Value::Number(_)) => Ok(()),
        _ => Err(ScheduleError::of(title)),
    };
    let Some(kind) = text("contentType") else { return Err(ScheduleError::of("contentType-not-specified")) };
    match kind {
        "TEXT" => require("text", "text-not-specified"),
        "BUTTON" => {
            require("text", "text-not-specified")?;
            require("caption", "caption-not-specified")?;
            require("action", "action-not-specified")
        }
        "DOCUMENT" => {
            // edna's pages write it in two ways.
            let nested = content.get("attachment").and_then(|found| found.get("name")).and_then(Value::as_str);
            let name = text("attachmentName").or(nested.filter(|name| !name.trim().is_empty()));
            let name = name.ok_or_else(|| ScheduleError::of("attachmentName-not-specified"))?;
            if name.chars().count() > MAX_ATTACHMENT_NAME {
                return Err(ScheduleError::of("attachmentName-is-too-long"));
            }
            Ok(())
        }
        "LOCATION" => {
            require_number("latitude", "latitude-not-specified")?;
            require_number("longitude", "longitude-not-specified")
        }
        // Kinds that edna adds are sent as they are.
        _ => Ok(()),
    }
}
