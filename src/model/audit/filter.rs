//! What a record of the audit log says was asked for; knows no query.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::AuditKey;

/// What was asked for: its parameters, with digests in place of addresses and texts. A JSON object.
///
/// A list: each request of an API key may be recorded, and a map takes several times as long to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<(Cow<'static, str>, Value)>);

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a parameter, unless it has no value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !is_empty {
            self.0.push((Cow::Borrowed(name), value));
        }
        self
    }

    /// Adds a text as its digest.
    #[must_use]
    pub fn with_digest(self, name: &'static str, text: Option<&str>, key: &AuditKey) -> Self {
        self.with(name, text.map(|text| key.digest(text)))
    }

    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Filter;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Filter, M::Error> {
                let mut parameters = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    parameters.push((Cow::Owned(name), value));
                }
                Ok(Filter(parameters))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn filter_is_an_object_in_the_order_of_its_parameters() {
        let filter = Filter::default().with("to", 2).with("from", None::<String>).with("channelType", vec!["SMS"]);
        let text = serde_json::to_string(&filter).unwrap();
        assert_eq!(text, r#"{"to":2,"channelType":["SMS"]}"#);
        assert_eq!(serde_json::from_str::<Filter>(&text).unwrap(), filter);
        assert!(serde_json::from_str::<Filter>("[]").is_err());
    }
}
