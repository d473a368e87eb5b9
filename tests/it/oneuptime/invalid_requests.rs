//! Invalid requests get a 400 that names the column, or a bounded response; never more rows than were requested.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{COUNT, LIST, id, log_row};
use crate::support::TestApp;

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import_logs((1..=3).map(|number| log_row(number, json!({})))).await;
    app
}

#[actix_web::test]
async fn unknown_columns_in_a_query_are_reported_by_name() {
    let app = app().await;
    assert_snapshot!(app.post_log(LIST, r#"{"query":{"foo":1}}"#).await, @r#"400 {"error":"Invalid column on WhatsApp Log - foo. Column does not exist.","message":"Invalid column on WhatsApp Log - foo. Column does not exist."}"#);
    assert_snapshot!(app.post_log(COUNT, r#"{"query":{"x":{"_type":"MultiSearch","value":"a","fields":["foo"]}}}"#).await, @r#"400 {"error":"Invalid column on WhatsApp Log - foo. Column does not exist.","message":"Invalid column on WhatsApp Log - foo. Column does not exist."}"#);
    assert_snapshot!(app.post_log(COUNT, r#"{"query":{"deletedByUserId":null}}"#).await, @r#"422 {"error":"You do not have permissions to query on - deletedByUserId. No permission reads this column.","message":"You do not have permissions to query on - deletedByUserId. No permission reads this column."}"#);
}

#[actix_web::test]
async fn clauses_must_be_objects_and_null_means_not_given() {
    let app = app().await;
    let mut table = String::new();
    for name in ["query", "select", "sort"] {
        for value in [json!([]), json!("x"), json!(1), json!(true), json!(null)] {
            table += &format!("{name} {value}: {}\n", app.post_log(LIST, json!({name: value})).await);
        }
    }
    assert_snapshot!(table, @r#"
    query []: 400 {"error":"Query must be an object.","message":"Query must be an object."}
    query "x": 400 {"error":"Query must be an object.","message":"Query must be an object."}
    query 1: 400 {"error":"Query must be an object.","message":"Query must be an object."}
    query true: 400 {"error":"Query must be an object.","message":"Query must be an object."}
    query null: 200 {"count":3,"limit":10,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000003"},{"_id":"00000000-0000-4000-8000-000000000002"},{"_id":"00000000-0000-4000-8000-000000000001"}]}
    select []: 400 {"error":"Select must be an object.","message":"Select must be an object."}
    select "x": 400 {"error":"Select must be an object.","message":"Select must be an object."}
    select 1: 400 {"error":"Select must be an object.","message":"Select must be an object."}
    select true: 400 {"error":"Select must be an object.","message":"Select must be an object."}
    select null: 200 {"count":3,"limit":10,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000003"},{"_id":"00000000-0000-4000-8000-000000000002"},{"_id":"00000000-0000-4000-8000-000000000001"}]}
    sort []: 400 {"error":"Sort must be an object.","message":"Sort must be an object."}
    sort "x": 400 {"error":"Sort must be an object.","message":"Sort must be an object."}
    sort 1: 400 {"error":"Sort must be an object.","message":"Sort must be an object."}
    sort true: 400 {"error":"Sort must be an object.","message":"Sort must be an object."}
    sort null: 200 {"count":3,"limit":10,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000003"},{"_id":"00000000-0000-4000-8000-000000000002"},{"_id":"00000000-0000-4000-8000-000000000001"}]}
    "#);
}

#[actix_web::test]
async fn values_of_the_wrong_type_are_400_with_the_column_name() {
    let app = app().await;
    let mut table = String::new();
    for query in [
        json!({"_id": "abc"}),
        json!({"_id": 5}),
        json!({"incidentId": ["0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10", "x"]}),
        json!({"whatsAppCostInUSDCents": "abc"}),
        json!({"version": 1.5}),
        json!({"version": 99_999_999_999_999_999_999_f64}),
        json!({"createdAt": "yesterday"}),
        json!({"createdAt": 1_700_000_000}),
        json!({"deletedAt": "never"}),
        json!({"status": true}),
        json!({"status": [null]}),
        json!({"status": ["a", ["b"]]}),
        json!({"status": {}}),
        json!({"status": {"value": "Sent"}}),
        json!({"status": {"_type": "Nonsense", "value": "x"}}),
        json!({"status": {"_type": 5, "value": "x"}}),
        json!({"status": {"_type": "EqualTo"}}),
        json!({"status": {"_type": "EqualTo", "value": null}}),
        json!({"status": {"_type": "EqualTo", "value": {"_type": "EqualTo", "value": "x"}}}),
        json!({"status": {"_type": "Includes", "value": "Sent"}}),
        json!({"status": {"_type": "IncludesNone"}}),
        json!({"status": {"_type": "Search", "value": null}}),
        json!({"status": {"_type": "Search", "value": ["x"]}}),
        json!({"status": {"_type": "ObjectID"}}),
        json!({"createdAt": {"_type": "InBetween", "startValue": "2026-01-01"}}),
        json!({"createdAt": {"_type": "InBetween", "startValue": null, "endValue": "2026-01-01"}}),
        json!({"createdAt": {"_type": "GreaterThan", "value": "x"}}),
        json!({"x": {"_type": "MultiSearch", "value": "a"}}),
        json!({"x": {"_type": "MultiSearch", "value": "a", "fields": []}}),
        json!({"x": {"_type": "MultiSearch", "fields": ["status"]}}),
        json!({"x": {"_type": "MultiSearch", "value": "a", "fields": [5]}}),
    ] {
        let response = app.post_log(COUNT, json!({"query": query})).await;
        assert!(response.starts_with("400 "), "{query}: {response}");
        let text: Value = serde_json::from_str(&response[4..]).unwrap();
        table += &format!("{}\n", text["message"].as_str().unwrap());
    }
    assert_snapshot!(table, @"
    Invalid query on WhatsApp Log - _id: its value must be a UUID.
    Invalid query on WhatsApp Log - _id: its value must be a UUID.
    Invalid query on WhatsApp Log - incidentId: each value of its list must be a UUID.
    Invalid query on WhatsApp Log - whatsAppCostInUSDCents: its value must be an integer.
    Invalid query on WhatsApp Log - version: its value must be an integer.
    Invalid query on WhatsApp Log - version: its value must be an integer.
    Invalid query on WhatsApp Log - createdAt: its value must be an ISO 8601 date.
    Invalid query on WhatsApp Log - createdAt: its value must be an ISO 8601 date.
    Invalid query on WhatsApp Log - deletedAt: its value must be an ISO 8601 date.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: each value of its list must be a text.
    Invalid query on WhatsApp Log - status: each value of its list must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its _type is not an operator.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a list.
    Invalid query on WhatsApp Log - status: its value must be a list.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - status: its value must be a text.
    Invalid query on WhatsApp Log - createdAt: its endValue must be an ISO 8601 date.
    Invalid query on WhatsApp Log - createdAt: its startValue must be an ISO 8601 date.
    Invalid query on WhatsApp Log - createdAt: its value must be an ISO 8601 date.
    Invalid query on WhatsApp Log - x: its fields must be a list of columns.
    Invalid query on WhatsApp Log - x: its fields must be a list of columns.
    Invalid query on WhatsApp Log - x: its value must be a text.
    Invalid query on WhatsApp Log - x: its fields must be a list of columns.
    ");
}

#[actix_web::test]
async fn body_must_be_an_object_or_an_empty_list() {
    let app = app().await;
    let mut table = String::new();
    for body in ["{", "[]", "null", "5", "{\"query\":{}}}", "{'query':{}}", "query=x"] {
        table += &format!("{body}: {}\n", app.post_log(LIST, body).await);
    }
    let bytes = app.send("POST", LIST, &[("ApiKey", &app.key)], vec![b'{', 0xff, b'}']).await;
    table += &bytes.body;
    assert_snapshot!(table, @r#"
    {: 400 {"error":"The body ends in the middle of a JSON value.","message":"The body ends in the middle of a JSON value."}
    []: 200 {"count":3,"limit":10,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000003"},{"_id":"00000000-0000-4000-8000-000000000002"},{"_id":"00000000-0000-4000-8000-000000000001"}]}
    null: 400 {"error":"The body must be a JSON object.","message":"The body must be a JSON object."}
    5: 400 {"error":"The body must be a JSON object.","message":"The body must be a JSON object."}
    {"query":{}}}: 400 {"error":"The body is not valid JSON (line 1, column 13).","message":"The body is not valid JSON (line 1, column 13)."}
    {'query':{}}: 400 {"error":"The body is not valid JSON (line 1, column 2).","message":"The body is not valid JSON (line 1, column 2)."}
    query=x: 400 {"error":"The body is not valid JSON (line 1, column 1).","message":"The body is not valid JSON (line 1, column 1)."}
    {"error":"The body is not valid UTF-8.","message":"The body is not valid UTF-8."}
    "#);
}

#[actix_web::test]
async fn huge_requests_are_answered_or_refused_at_a_limit() {
    let app = app().await;
    let many: Vec<String> = (0..10_000).map(|number| format!("status {number}")).chain(["Sent".into()]).collect();
    assert_eq!(app.query(json!({"status": many})).await, "[1, 2, 3]");
    let ids: Vec<String> = (0..10_000).map(id).collect();
    assert_eq!(app.query(json!({"_id": {"_type": "Includes", "value": ids}})).await, "[1, 2, 3]");
    assert_eq!(app.query(json!({"_id": {"_type": "IncludesNone", "value": ids}})).await, "[]");
    let search = |text: String| json!({"query": {"status": {"_type": "Search", "value": text}}});
    assert_eq!(
        app.post_log(COUNT, search("%".repeat(100_000))).await,
        "400 {\"error\":\"Invalid query on WhatsApp Log - status: its value must have at most 5000 characters.\",\"message\":\"Invalid query on WhatsApp Log - status: its value must have at most 5000 characters.\"}"
    );
    assert_eq!(app.post_log(COUNT, search("%_".repeat(2500))).await, r#"200 {"count":0}"#);
    assert_eq!(app.post_log(COUNT, search("%".repeat(5000))).await, r#"200 {"count":3}"#);
    let deep = format!("{{\"query\":{{\"status\":{}1{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(app.post_log(LIST, &deep).await.starts_with("400 "));
    let deep = format!("{{\"x\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert!(app.post_log(LIST, &deep).await.starts_with("200 "));
    let multi = json!({"_type": "MultiSearch", "value": "a", "fields": ["status"]});
    let conditions: serde_json::Map<String, Value> = (0..10_000).map(|n| (format!("x{n}"), multi.clone())).collect();
    assert!(app.post_log(LIST, json!({"query": conditions})).await.starts_with("400 "));
    let fields: Vec<&str> = std::iter::repeat_n("status", 10_000).collect();
    let wide = json!({"x": {"_type": "MultiSearch", "value": "SENT", "fields": fields}});
    assert_eq!(app.query(wide).await, "[1, 2, 3]");
    let long = format!("{{\"x\":\"{}\"}}", "a".repeat(1_048_576));
    assert!(
        app.post_log(LIST, long).await.starts_with(r#"413 {"error":"The body must be at most 1048576 bytes long.""#)
    );
}

#[actix_web::test]
async fn any_operator_on_any_column_is_200_400_or_422() {
    let app = app().await;
    let columns: Vec<&str> = history_gateway::oneuptime::columns::FIELDS.iter().map(|(name, _)| *name).collect();
    let values =
        [json!("a"), json!(1), json!(["a"]), json!([id(1)]), json!(id(1)), json!("2026-01-01"), json!(null), json!({})];
    for column in columns {
        for operator in [
            "EqualTo",
            "NotEqual",
            "EqualToOrNull",
            "IsNull",
            "NotNull",
            "GreaterThan",
            "GreaterThanOrEqual",
            "LessThan",
            "LessThanOrEqual",
            "GreaterThanOrNull",
            "LessThanOrNull",
            "Search",
            "StartsWith",
            "EndsWith",
            "NotContains",
            "Includes",
            "IncludesAll",
            "IncludesNone",
            "ObjectID",
            "Phone",
            "DateTime",
        ] {
            for value in &values {
                let query = json!({column: {"_type": operator, "value": value}});
                let response =
                    app.post_log(LIST, json!({"query": query, "sort": {column: 1}, "select": {column: true}})).await;
                let status = &response[..3];
                assert!(
                    matches!(status, "200" | "400") || (status == "422" && column.starts_with("deletedBy")),
                    "{query}: {response}"
                );
            }
        }
    }
}

#[test]
fn random_bodies_never_cause_a_server_error() {
    let runtime = actix_web::rt::System::new();
    let app = runtime.block_on(app());
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["Search", "Includes", "InBetween", "MultiSearch", "ObjectID"]).prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "query",
        "select",
        "sort",
        "groupBy",
        "skip",
        "limit",
        "_type",
        "value",
        "fields",
        "startValue",
        "status",
        "createdAt",
        "incident",
        "project",
        "_id",
        "version",
    ]);
    let json = leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..6)
                .prop_map(|map| map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
        ]
    });
    proptest!(|(body in json, path in prop::sample::select(vec![LIST, COUNT]))| {
        let response = runtime.block_on(app.post_log(path, &body));
        prop_assert!(["200 ", "400 ", "422 "].iter().any(|status| response.starts_with(status)), "{}: {}", body, response);
    });
}
