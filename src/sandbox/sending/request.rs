//! A request to schedule a message: its checks, and the message that it becomes; knows no clock.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::content;
use super::error::ScheduleError;
use crate::model::instant::Rounding;
use crate::model::subscriber::{AddressType, is_blank, stored_form};
use crate::model::{Instant, Item, TenantId};
use crate::sandbox::fixtures::SUBJECTS;

/// The id of the first subject's cascade; the others follow.
const FIRST_CASCADE: i64 = 31;

/// The longest request id, which is indexed, in bytes.
const MAX_REQUEST_ID: usize = 1024;

/// One of a tenant's cascades, each of which has one stage.
#[derive(Clone, Copy, Debug)]
pub struct Cascade {
    pub id: i64,
    pub subject: i64,
    pub name: &'static str,
    pub channel: &'static str,
}

/// The cascades of every tenant, one for each of its first subjects.
pub fn cascades() -> impl Iterator<Item = Cascade> {
    SUBJECTS.into_iter().zip(FIRST_CASCADE..).map(|((subject, name, channel), id)| Cascade {
        id,
        subject,
        name,
        channel,
    })
}

impl Cascade {
    /// The id of its stage, which is always the same.
    pub fn stage(self, tenant: TenantId) -> String {
        let name = format!("stage of cascade {}", self.id);
        Uuid::new_v5(&tenant.derived_project_id(), name.as_bytes()).to_string()
    }
}

/// A checked request.
#[derive(Clone, Debug)]
pub struct Scheduled {
    pub tenant: TenantId,
    pub request_id: String,
    pub cascade_id: i64,
    pub stage: String,
    pub subject: i64,
    pub subject_name: String,
    pub channel: String,
    /// In the form in which messages have it.
    pub address: String,
    pub start_time: Option<Instant>,
    pub comment: Option<String>,
    content: Map<String, Value>,
}

impl Scheduled {
    pub fn parse(body: &Value, tenant: TenantId) -> Result<Self, ScheduleError> {
        let text = |path: &str, value: &Value| match value {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            _ => Err(ScheduleError::field(path, "a string")),
        };
        if !body.is_object() {
            let detail = "The body must be a JSON object.".to_owned();
            return Err(ScheduleError { detail, ..ScheduleError::field("", "") });
        }
        let request_id = text("requestId", &body["requestId"])?;
        let request_id = request_id.filter(|id| !id.trim().is_empty() && id.len() <= MAX_REQUEST_ID);
        let request_id =
            request_id.ok_or_else(|| ScheduleError::field("requestId", "a string of at most 1024 bytes"))?;
        let cascade_id = match &body["cascadeId"] {
            Value::String(digits) => digits.parse().ok(),
            number => number.as_i64(),
        };
        let cascade_id = cascade_id.ok_or_else(|| ScheduleError::field("cascadeId", "an integer"))?;
        let filter = &body["subscriberFilter"];
        let address = text("subscriberFilter.address", &filter["address"])?;
        let address = address.filter(|address| !is_blank(address)).map(|address| stored_form(&address));
        let address =
            address.ok_or_else(|| ScheduleError::field("subscriberFilter.address", "a string that is not blank"))?;
        let kind = text("subscriberFilter.type", &filter["type"])?;
        if kind.is_some_and(|kind| AddressType::from_word(&kind).is_none()) {
            let wanted = format!("one of {}", AddressType::WORDS.join(", "));
            return Err(ScheduleError::field("subscriberFilter.type", &wanted));
        }
        let start_time = match text("startTime", &body["startTime"])?.filter(|text| !text.is_empty()) {
            None => None,
            Some(date) => {
                let wanted = "an ISO 8601 date such as 2026-03-01T10:00:00Z";
                let date = Instant::parse(&date, Rounding::Down);
                Some(date.ok_or_else(|| ScheduleError::field("startTime", wanted))?)
            }
        };
        let comment = text("comment", &body["comment"])?;
        let cascade = cascades().find(|cascade| cascade.id == cascade_id);
        let cascade = cascade.ok_or_else(|| ScheduleError::of("cascade-not-found"))?;
        let content = content::of_channel(body.get("content"), cascade.channel)?;
        let scheduled = Self {
            tenant,
            request_id,
            cascade_id,
            stage: cascade.stage(tenant),
            subject: cascade.subject,
            subject_name: cascade.name.into(),
            channel: cascade.channel.into(),
            address,
            start_time,
            comment,
            content,
        };
        // What the history would not take is not scheduled.
        let item = scheduled.item(1, Instant(0)).to_string();
        Item::parse(&item, tenant).map_err(|error| ScheduleError {
            title: "cascade-scheduling-request-not-valid",
            detail: format!("The message cannot be stored: {error}."),
        })?;
        Ok(scheduled)
    }

    /// The message that is sent at a time, as an item.
    pub fn item(&self, id: i64, at: Instant) -> Value {
        let mut content = self.content.clone();
        let kind = content.remove("contentType").unwrap_or_default();
        content.insert("type".into(), kind);
        let mut item = json!({
            "messageId": id, "channelType": self.channel, "direction": "OUT", "address": self.address,
            "content": Value::Object(content).to_string(), "deliveryStatus": "ACCEPTED", "deliveryStatusAt": at.iso(),
            "sentOrReceivedAt": at.iso(), "subjectId": self.subject, "subjectName": self.subject_name,
            "cascadeId": self.cascade_id, "cascadeName": self.subject_name, "cascadeStageUuid": self.stage,
            "trafficType": self.traffic_type(), "subscriberId": subscriber_id(self.tenant, &self.address),
        });
        if let Some(comment) = &self.comment {
            item["comment"] = json!(comment);
        }
        if let Some(matcher) = self.content.get("messageMatcherId").and_then(Value::as_i64) {
            item["matcherId"] = json!(matcher);
        }
        item
    }

    fn traffic_type(&self) -> &'static str {
        let names_template = self.content.get("messageMatcherId").is_some_and(|id| !id.is_null());
        let is_authentication = self.content.get("contentType").is_some_and(|kind| kind == "AUTHENTICATION");
        match self.channel.as_str() {
            "WHATSAPP" if names_template || is_authentication => "HSM",
            "WHATSAPP" => "CHAT",
            _ => "SERVICE",
        }
    }
}

/// The subscriber of an address, which is always the same.
pub fn subscriber_id(tenant: TenantId, address: &str) -> i64 {
    let id = Uuid::new_v5(&tenant.derived_project_id(), format!("subscriber {address}").as_bytes());
    let (first, ..) = id.as_fields();
    i64::from(first) + 1
}
