//! A plain list of rows in memory and the exact responses from it, written without the gateway's code.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// The columns of a row, in the order of a response's keys, with their types.
pub const COLUMNS: [(&str, &str); 15] = [
    ("_id", "id"),
    ("createdAt", "date"),
    ("updatedAt", "date"),
    ("deletedAt", "date"),
    ("version", "integer"),
    ("projectId", "project"),
    ("toNumber", "phone"),
    ("fromNumber", "phone"),
    ("messageText", "text"),
    ("statusMessage", "text"),
    ("whatsAppMessageId", "text"),
    ("status", "text"),
    ("whatsAppCostInUSDCents", "integer"),
    ("incidentId", "id"),
    ("userId", "id"),
];

pub fn kind(column: &str) -> &'static str {
    COLUMNS.iter().find(|(name, _)| *name == column).unwrap().1
}

/// A row's plain values, null if missing, and the subject of its message.
#[derive(Clone, Debug)]
pub struct Row {
    pub values: Map<String, Value>,
    pub subject: Option<i64>,
}

/// A request, with the senders and the profile of its key.
#[derive(Clone, Debug)]
pub struct Request {
    pub query: Map<String, Value>,
    pub sort: Vec<(String, bool)>,
    pub select: Vec<String>,
    pub skip: usize,
    pub limit: usize,
    pub senders: Option<Vec<i64>>,
    pub live: bool,
}

impl Request {
    pub fn body(&self) -> String {
        let sort: Vec<String> =
            self.sort.iter().map(|(name, down)| format!("{}:{}", json!(name), if *down { -1 } else { 1 })).collect();
        let select: Map<String, Value> = self.select.iter().map(|name| (name.clone(), json!(true))).collect();
        format!(
            r#"{{"query":{},"sort":{{{}}},"select":{},"skip":{},"limit":{}}}"#,
            json!(self.query),
            sort.join(","),
            json!(select),
            self.skip,
            self.limit
        )
    }

    /// The exact response to the list, and to a count of the same query.
    pub fn answer(&self, rows: &[Row]) -> (String, String) {
        let mut found: Vec<&Row> = rows.iter().filter(|row| self.matches(row)).collect();
        found.sort_by(|a, b| self.order(a, b));
        let page: Vec<String> = found.iter().skip(self.skip).take(self.limit).map(|row| self.render(row)).collect();
        let (count, skip, limit, data) = (found.len(), self.skip, self.limit, page.join(","));
        let body = if self.live {
            format!(r#"{{"data":[{data}],"count":{count},"skip":{skip},"limit":{limit}}}"#)
        } else {
            format!(r#"{{"count":{count},"limit":{limit},"skip":{skip},"data":[{data}]}}"#)
        };
        (body, format!(r#"{{"count":{count}}}"#))
    }

    fn matches(&self, row: &Row) -> bool {
        let is_seen = match (&self.senders, row.subject) {
            (None, _) => true,
            (Some(senders), Some(subject)) => senders.contains(&subject),
            (Some(_), None) => false,
        };
        is_seen && self.query.iter().all(|(name, condition)| condition_holds(row, name, condition))
    }

    fn order(&self, a: &Row, b: &Row) -> Ordering {
        let mut keys = self.sort.clone();
        if keys.is_empty() {
            keys.push(("createdAt".into(), true));
        }
        keys.push(("_id".into(), true));
        keys.iter()
            .map(|(name, descending)| {
                let (a, b) = (&a.values[name], &b.values[name]);
                // A null is greater than any value.
                let order = match (a.is_null(), b.is_null()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (false, false) => compare(a, b),
                };
                if *descending { order.reverse() } else { order }
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }

    fn render(&self, row: &Row) -> String {
        let wanted = COLUMNS.iter().filter(|(name, _)| *name == "_id" || self.select.iter().any(|known| known == name));
        let fields: Vec<String> = wanted
            .map(|(name, kind)| {
                let value = &row.values[*name];
                let of_type = match *kind {
                    "id" | "project" if *name != "_id" => "ObjectID",
                    "phone" => "Phone",
                    "date" => "DateTime",
                    _ => "",
                };
                let plain = !self.live || of_type.is_empty() || value.is_null();
                if plain {
                    format!("\"{name}\":{value}")
                } else {
                    format!(r#""{name}":{{"_type":"{of_type}","value":{value}}}"#)
                }
            })
            .collect();
        format!("{{{}}}", fields.join(","))
    }
}

/// Compares texts by code point and numbers by value; as texts, dates in the published form have the order of time.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_str().unwrap().chars().cmp(b.as_str().unwrap().chars()),
    }
}

fn unwrapped(value: &Value) -> Value {
    value.get("value").filter(|_| value.get("_type").is_some()).unwrap_or(value).clone()
}

fn condition_holds(row: &Row, name: &str, condition: &Value) -> bool {
    let operator = condition.get("_type").and_then(Value::as_str).unwrap_or_default();
    if operator == "MultiSearch" {
        let fields = condition["fields"].as_array().unwrap();
        return fields.iter().any(|field| is_like(&row.values[field.as_str().unwrap()], condition, "%", "%"));
    }
    // The key's own project replaces any other.
    if name == "projectId" {
        return true;
    }
    let value = &row.values[name];
    let compares =
        |wanted: &dyn Fn(Ordering) -> bool| !value.is_null() && wanted(compare(value, &unwrapped(&condition["value"])));
    let is_in = |list: &Value| {
        list.as_array().unwrap().iter().any(|one| !value.is_null() && compare(value, &unwrapped(one)).is_eq())
    };
    match (operator, condition) {
        ("", Value::Null) | ("IsNull", _) => value.is_null(),
        ("", Value::Array(_)) => is_in(condition),
        ("", plain) => !value.is_null() && compare(value, plain).is_eq(),
        ("EqualTo" | "ObjectID" | "Phone" | "DateTime", _) => compares(&Ordering::is_eq),
        ("NotEqual", _) => compares(&Ordering::is_ne),
        ("EqualToOrNull", _) => value.is_null() || compares(&Ordering::is_eq),
        ("NotNull", _) => !value.is_null(),
        ("GreaterThan", _) => compares(&Ordering::is_gt),
        ("GreaterThanOrEqual", _) => compares(&Ordering::is_ge),
        ("LessThan", _) => compares(&Ordering::is_lt),
        ("LessThanOrEqual", _) => compares(&Ordering::is_le),
        ("GreaterThanOrNull", _) => value.is_null() || compares(&Ordering::is_gt),
        ("LessThanOrNull", _) => value.is_null() || compares(&Ordering::is_lt),
        ("InBetween", _) => {
            let from = |end: &str| compare(value, &unwrapped(&condition[end]));
            !value.is_null() && from("startValue").is_ge() && from("endValue").is_le()
        }
        ("Search", _) => is_like(value, condition, "%", "%"),
        ("StartsWith", _) => is_like(value, condition, "", "%"),
        ("EndsWith", _) => is_like(value, condition, "%", ""),
        ("NotContains", _) => !is_like(value, condition, "%", "%"),
        ("Includes" | "IncludesAll", _) => is_in(&condition["value"]),
        ("IncludesNone", _) => {
            condition["value"].as_array().unwrap().is_empty() || (!value.is_null() && !is_in(&condition["value"]))
        }
        other => panic!("{other:?}"),
    }
}

fn is_like(value: &Value, condition: &Value, before: &str, after: &str) -> bool {
    let text = match value {
        Value::Null => return false,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let wanted = unwrapped(&condition["value"]);
    let pattern = format!("{before}{}{after}", wanted.as_str().map_or(wanted.to_string(), str::to_owned).trim());
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<Vec<char>>();
    like(&lower(&text), &lower(&pattern))
}

fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|from| like(&text[from..], rest)),
        Some(('_', rest)) => !text.is_empty() && like(&text[1..], rest),
        Some((char, rest)) => text.first() == Some(char) && like(&text[1..], rest),
    }
}
