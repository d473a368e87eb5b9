//! docs/edna.md 6.6: which items are valid.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{TENANT, message};
use history_gateway::model::Item;

fn rejection_reason(item: &Value) -> String {
    Item::parse(&item.to_string(), TENANT).expect_err("a rejected item").to_string()
}

#[test]
fn item_of_another_tenant_is_rejected() {
    assert_snapshot!(rejection_reason(&message(1, json!({"tenantId": 1}))), @"the field 'tenantId' names another tenant");
    assert!(Item::parse(&message(1, json!({"tenantId": "3193"})).to_string(), TENANT).is_ok());
}

#[test]
fn item_without_a_required_field_is_rejected() {
    for field in ["messageId", "channelType", "direction", "address", "content", "sentOrReceivedAt"] {
        let mut item = message(1, json!({}));
        item[field] = Value::Null;
        assert_eq!(rejection_reason(&item), format!("the field '{field}' is missing"));
        item.as_object_mut().unwrap().remove(field);
        assert_eq!(rejection_reason(&item), format!("the field '{field}' is missing"));
    }
}

#[test]
fn item_with_an_invalid_value_is_rejected_with_the_field_name() {
    let mut reasons = String::new();
    for wrong in [
        json!({"messageId": 0}),
        json!({"messageId": "x"}),
        json!({"messageId": 1.5}),
        json!({"channelType": " "}),
        json!({"channelType": 1}),
        json!({"direction": "out"}),
        json!({"address": " + "}),
        json!({"address": 79_001_112_233_i64}),
        json!({"content": ["x"]}),
        json!({"content": 1}),
        json!({"sentOrReceivedAt": "soon"}),
        json!({"sentOrReceivedAt": 1_700_000_000}),
        json!({"segments": []}),
        json!({"subscriberId": 1e30}),
        json!({"comment": {"a": 1}}),
        json!({"deliveryStatusAt": "2026"}),
    ] {
        reasons += &format!("{}\n  {}\n", wrong, rejection_reason(&message(1, wrong.clone())));
    }
    assert_snapshot!(reasons, @r#"
    {"messageId":0}
      the field 'messageId' must be a positive integer
    {"messageId":"x"}
      the field 'messageId' must be an integer
    {"messageId":1.5}
      the field 'messageId' must be an integer
    {"channelType":" "}
      the field 'channelType' must be a word
    {"channelType":1}
      the field 'channelType' must be a string
    {"direction":"out"}
      the field 'direction' must be IN or OUT
    {"address":" + "}
      the field 'address' must be an address
    {"address":79001112233}
      the field 'address' must be a string
    {"content":["x"]}
      the field 'content' must be a string or an object
    {"content":1}
      the field 'content' must be a string or an object
    {"sentOrReceivedAt":"soon"}
      the field 'sentOrReceivedAt' must be an ISO 8601 date
    {"sentOrReceivedAt":1700000000}
      the field 'sentOrReceivedAt' must be a date in a string
    {"segments":[]}
      the field 'segments' must be an integer
    {"subscriberId":1e+30}
      the field 'subscriberId' must be an integer
    {"comment":{"a":1}}
      the field 'comment' must be a string
    {"deliveryStatusAt":"2026"}
      the field 'deliveryStatusAt' must be an ISO 8601 date
    "#);
}

#[test]
fn item_with_a_duplicate_field_is_rejected() {
    for (twice, expected) in [
        (r#"{"comment":"a","comment":"b"}"#, "the field 'comment' occurs twice"),
        (r#"{"comment":null,"comment":"b"}"#, "the field 'comment' occurs twice"),
        (r#"{"foo":1,"foo":null}"#, "an unknown field occurs twice"),
    ] {
        assert_eq!(Item::parse(twice, TENANT).unwrap_err().to_string(), expected);
    }
}

#[test]
fn item_that_is_not_a_valid_object_is_rejected() {
    for (text, expected) in [
        ("[]", "it is not a JSON object"),
        ("{", "it ends in the middle of a JSON value"),
        ("{\"a\":}", "it is not valid JSON (column 6)"),
        ("{\"content\":\"\\ud800\"}", "the field 'content' must be a string or an object"),
    ] {
        assert_eq!(Item::parse(text, TENANT).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn field_nested_too_deeply_is_rejected() {
    let nested = |depth: usize| format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let error = |depth| Item::parse(&nested(depth), TENANT).unwrap_err().to_string();
    assert_snapshot!(error(100), @"the field 'messageId' is missing");
    assert_snapshot!(error(101), @"an unknown field is nested deeper than 100 levels");
}

#[test]
fn extreme_dates_survive_rendering_and_parsing() {
    for (at, rendered) in [
        ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00.000+0000")),
        ("9999-12-31T23:59:59.9999Z", Some("9999-12-31T23:59:59.999+0000")),
        ("9999-12-31T23:59:59-00:01", None),
        ("9999-12-31T23:59:60Z", None),
        ("0000-01-01T00:00:00+00:01", None),
    ] {
        let item = Item::parse(&message(1, json!({"sentOrReceivedAt": at})).to_string(), TENANT);
        let Some(rendered) = rendered else {
            assert!(item.is_err(), "{at}");
            continue;
        };
        let item = item.unwrap();
        assert!(item.render().contains(rendered), "{at}");
        assert!(Item::parse(&item.render(), TENANT).unwrap() == item, "{at}");
    }
}
