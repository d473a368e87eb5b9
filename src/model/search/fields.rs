//! Finds the texts of a message that are searched.

use std::borrow::Cow;

use super::json::visit_values;
use crate::model::{Item, Property};

/// The keys of the content whose strings are searched, at any depth.
const KEYS: [&str; 6] = ["text", "caption", "header", "footer", "title", "name"];

/// A text of a message that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Where it is: `content.text`, `content.items.0.title`, `comment`; `content` if that is no JSON object or list.
    pub path: String,
    pub text: Cow<'a, str>,
}

/// The texts of a message that are searched: those of the content in their order, then the comment. Of a key that
/// occurs twice, both are.
pub fn fields<'a>(content: &'a str, comment: Option<&'a str>) -> Vec<Field<'a>> {
    let mut fields = Vec::new();
    let is_wanted = |key: &str| KEYS.contains(&key);
    if !visit_values(content, is_wanted, |path, text| fields.push(Field { path, text })) {
        fields.push(Field { path: "content".into(), text: content.into() });
    }
    fields.extend(comment.map(|comment| Field { path: "comment".into(), text: comment.into() }));
    fields
}

/// The texts of an item that are searched.
pub fn fields_of(item: &Item) -> Vec<Field<'_>> {
    fields(item.text(Property::Content).unwrap_or_default(), item.text(Property::Comment))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{KEYS, fields};

    fn pairs(content: &str) -> Vec<(String, String)> {
        fields(content, None).into_iter().map(|field| (field.path, field.text.into_owned())).collect()
    }

    /// A plain recursive walk by the same rules.
    fn walk(value: &serde_json::Value, path: &str, found: &mut Vec<(String, String)>) {
        match value {
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    let path = format!("{path}.{key}");
                    match value.as_str() {
                        Some(text) if KEYS.contains(&key.as_str()) => found.push((path, text.into())),
                        _ => walk(value, &path, found),
                    }
                }
            }
            serde_json::Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    walk(value, &format!("{path}.{index}"), found);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn strings_under_the_searched_keys_are_found_at_any_depth() {
        let content = r#" {"contentType":"TEXT","text":"один\n","items":[{"title":"два","id":"x"},[{"na\u006de":"три"}]],
            "caption":null,"header":{"text":"четыре"},"footer":["пять"],"name":7} "#;
        let found = fields(content, Some("шесть"));
        let found: Vec<_> = found.iter().map(|field| (field.path.as_str(), field.text.as_ref())).collect();
        let expected = [
            ("content.text", "один\n"),
            ("content.items.0.title", "два"),
            ("content.items.1.0.name", "три"),
            ("content.header.text", "четыре"),
            ("comment", "шесть"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn content_that_is_no_json_is_searched_as_a_whole() {
        for content in
            ["", "Привет", "\"text\"", "12", r#"{"text":"a""#, r#"{"text":"a"} b"#, "[\0]", r#"{"text":"\x"}"#]
        {
            assert_eq!(pairs(content), [("content".into(), content.into())]);
        }
        assert_eq!(pairs("[]"), []);
    }

    #[test]
    fn duplicate_keys_and_lone_surrogates_do_no_harm() {
        let content = r#"{"text":"a\ud83d","text":"b","\udc00":{"text":"c"}}"#;
        let expected = [("content.text", "a\u{fffd}"), ("content.text", "b"), ("content.\u{fffd}.text", "c")];
        assert_eq!(pairs(content), expected.map(|(path, text)| (path.into(), text.into())));
    }

    #[test]
    fn deep_nesting_is_walked_and_long_paths_are_cut() {
        let content = format!("{}{{\"text\":\"a\"}}{}", "[".repeat(100_000), "]".repeat(100_000));
        let found = pairs(&content);
        assert_eq!(found[0].1, "a");
        assert!(found[0].0.starts_with("content.0.0") && found[0].0.len() < 310, "{}", found[0].0);
        assert_eq!(pairs(&"[".repeat(100_000))[0].0, "content");
        let many = format!(r#"{{"{}":[{}{{}}]}}"#, "ж".repeat(500_000), r#"{"text":""},"#.repeat(50_000));
        assert_eq!(pairs(&many).len(), 50_000);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf =
            prop_oneof![any::<bool>().prop_map(serde_json::Value::from), r#"[a"\\{}\[\],:]{0,4}"#.prop_map(Into::into)];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let key = prop_oneof!["text|title|name", r#"["\\{\[,:x]{0,2}"#];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::vec((key, inner), 0..4)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn fields_agree_with_a_plain_walk(value in json()) {
            let mut expected = Vec::new();
            walk(&value, "content", &mut expected);
            for content in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                if value.is_object() || value.is_array() {
                    prop_assert_eq!(pairs(&content), expected.clone());
                }
            }
        }

        #[test]
        fn fields_take_any_string(content in any::<String>(), json in r#"["\\{}\[\],:a0u ]{0,30}"#) {
            prop_assert!(!fields(&content, Some(&content)).is_empty());
            fields(&json, None);
        }
    }
}
