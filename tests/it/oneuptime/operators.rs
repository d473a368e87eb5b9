//! The operators of a query (docs/oneuptime.md §5), without the searches.

use serde_json::{Value, json};

use super::{id, log_row};
use crate::support::TestApp;

const INCIDENT: &str = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";

fn op(name: &str, value: Value) -> Value {
    json!({"_type": name, "value": value})
}

/// Row 1 has most values, 2 few, 3 other ones, and 4 the same as 1 at a later time.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import_logs([
        log_row(1, json!({"status": "Sent", "messageText": "a", "whatsAppCostInUSDCents": 1, "incidentId": INCIDENT})),
        log_row(2, json!({"status": "Read"})),
        log_row(3, json!({"status": "sent", "messageText": "b", "whatsAppCostInUSDCents": 3, "version": 2})),
        log_row(4, json!({"status": "Sent", "messageText": "a", "whatsAppCostInUSDCents": 1, "incidentId": INCIDENT})),
    ])
    .await;
    app
}

/// Checks which rows each query finds.
async fn check(table: &[(Value, &str)]) {
    let app = app().await;
    for (query, expected) in table {
        assert_eq!(app.query(query.clone()).await, *expected, "{query}");
    }
}

#[actix_web::test]
async fn bare_value_means_equality() {
    check(&[
        (json!({}), "[1, 2, 3, 4]"),
        (json!({"status": "Sent"}), "[1, 4]"),
        (json!({"status": "SENT"}), "[]"),
        (json!({"whatsAppCostInUSDCents": 3}), "[3]"),
        (json!({"whatsAppCostInUSDCents": "3"}), "[3]"),
        (json!({"toNumber": "+15551234567", "status": "Read"}), "[2]"),
        (json!({"_id": id(3)}), "[3]"),
        (json!({"_id": id(3).to_uppercase()}), "[3]"),
        (json!({"incidentId": INCIDENT}), "[1, 4]"),
        (json!({"incident": INCIDENT}), "[1, 4]"),
        (json!({"createdAt": "2026-03-01T10:02:00.000Z"}), "[2]"),
        (json!({"createdAt": "2026-03-01T12:02:00+02:00"}), "[2]"),
        (json!({"status": "Somebody's own word"}), "[]"),
    ])
    .await;
}

#[actix_web::test]
async fn null_matches_missing_values() {
    check(&[
        (json!({"messageText": null}), "[2]"),
        (json!({"incidentId": null}), "[2, 3]"),
        (json!({"status": null}), "[]"),
        (json!({"createdAt": null}), "[]"),
        (json!({"deletedAt": null}), "[1, 2, 3, 4]"),
    ])
    .await;
}

#[actix_web::test]
async fn list_matches_any_of_its_values_and_empty_list_none() {
    check(&[
        (json!({"status": ["Sent", "Read"]}), "[1, 2, 4]"),
        (json!({"status": ["Sent", "Sent"]}), "[1, 4]"),
        (json!({"status": []}), "[]"),
        (json!({"messageText": []}), "[]"),
        (json!({"_id": [id(1), op("ObjectID", json!(id(3))), id(9)]}), "[1, 3]"),
        (json!({"whatsAppCostInUSDCents": [0, 3]}), "[2, 3]"),
        (json!({"createdAt": ["2026-03-01T10:01:00Z", "2026-03-01T10:03:00Z"]}), "[1, 3]"),
    ])
    .await;
}

#[actix_web::test]
async fn equality_operators_handle_nulls() {
    check(&[
        (json!({"messageText": op("EqualTo", json!("a"))}), "[1, 4]"),
        (json!({"messageText": op("NotEqual", json!("a"))}), "[3]"),
        (json!({"messageText": op("EqualToOrNull", json!("a"))}), "[1, 2, 4]"),
        (json!({"status": op("NotEqual", json!("Sent"))}), "[2, 3]"),
        (json!({"incidentId": op("NotEqual", json!(INCIDENT))}), "[]"),
        (json!({"whatsAppCostInUSDCents": op("NotEqual", json!(1))}), "[2, 3]"),
    ])
    .await;
}

#[actix_web::test]
async fn presence_operators_test_for_null() {
    check(&[
        (json!({"messageText": {"_type": "IsNull"}}), "[2]"),
        (json!({"messageText": {"_type": "IsNull", "value": null}}), "[2]"),
        (json!({"messageText": {"_type": "NotNull"}}), "[1, 3, 4]"),
        (json!({"incident": {"_type": "NotNull"}}), "[1, 4]"),
        (json!({"status": {"_type": "IsNull"}}), "[]"),
        (json!({"createdAt": {"_type": "NotNull"}}), "[1, 2, 3, 4]"),
        (json!({"deletedAt": {"_type": "IsNull"}}), "[1, 2, 3, 4]"),
        (json!({"deletedAt": {"_type": "NotNull"}}), "[]"),
    ])
    .await;
}

#[actix_web::test]
async fn comparison_operators_order_values_and_handle_nulls() {
    check(&[
        (json!({"whatsAppCostInUSDCents": op("GreaterThan", json!(1))}), "[3]"),
        (json!({"whatsAppCostInUSDCents": op("GreaterThanOrEqual", json!(1))}), "[1, 3, 4]"),
        (json!({"whatsAppCostInUSDCents": op("LessThan", json!(1))}), "[2]"),
        (json!({"whatsAppCostInUSDCents": op("LessThanOrEqual", json!(1))}), "[1, 2, 4]"),
        (json!({"messageText": op("GreaterThanOrNull", json!("a"))}), "[2, 3]"),
        (json!({"messageText": op("LessThanOrNull", json!("b"))}), "[1, 2, 4]"),
        (json!({"status": op("GreaterThan", json!("Sent"))}), "[3]"),
        (json!({"createdAt": op("GreaterThan", json!("2026-03-01T10:03:00Z"))}), "[4]"),
        (json!({"createdAt": op("GreaterThanOrEqual", json!("2026-03-01T10:03:00Z"))}), "[3, 4]"),
        (json!({"createdAt": op("LessThan", json!("2026-03-01T10:03:00Z"))}), "[1, 2]"),
        (json!({"createdAt": op("LessThanOrNull", json!("2026-03-01T10:03:00Z"))}), "[1, 2]"),
        (json!({"updatedAt": op("LessThanOrEqual", json!("2026-03-01T10:02:00.000Z"))}), "[1, 2]"),
        (json!({"deletedAt": op("GreaterThanOrNull", json!("2026-03-01T10:03:00Z"))}), "[1, 2, 3, 4]"),
        (json!({"deletedAt": op("GreaterThan", json!("2026-03-01T10:03:00Z"))}), "[]"),
    ])
    .await;
}

#[actix_web::test]
async fn between_includes_both_ends() {
    let between = |start: Value, end: Value| json!({"_type": "InBetween", "startValue": start, "endValue": end});
    check(&[
        (json!({"createdAt": between(json!("2026-03-01T10:02:00Z"), json!("2026-03-01T10:03:00Z"))}), "[2, 3]"),
        (json!({"createdAt": between(json!("2026-03-01T10:03:00Z"), json!("2026-03-01T10:02:00Z"))}), "[]"),
        (json!({"whatsAppCostInUSDCents": between(json!(1), json!("3"))}), "[1, 3, 4]"),
        (json!({"messageText": between(json!("a"), json!("a"))}), "[1, 4]"),
        (
            json!({"createdAt": between(op("DateTime", json!("2026-03-01T10:02:00Z")), json!("2026-03-01T10:02:00Z"))}),
            "[2]",
        ),
    ])
    .await;
}

#[actix_web::test]
async fn includes_operators_filter_by_a_list() {
    check(&[
        (json!({"status": op("Includes", json!(["Sent", "Read"]))}), "[1, 2, 4]"),
        (json!({"status": op("IncludesAll", json!(["Sent", "Read"]))}), "[1, 2, 4]"),
        (json!({"status": op("Includes", json!([]))}), "[]"),
        (json!({"messageText": op("IncludesNone", json!(["a"]))}), "[3]"),
        (json!({"messageText": op("IncludesNone", json!([]))}), "[1, 2, 3, 4]"),
        (json!({"incidentId": op("Includes", json!([op("ObjectID", json!(INCIDENT))]))}), "[1, 4]"),
        (json!({"whatsAppCostInUSDCents": op("IncludesNone", json!([0, 3]))}), "[1, 4]"),
    ])
    .await;
}

#[actix_web::test]
async fn typed_values_are_unwrapped() {
    check(&[
        (json!({"_id": op("ObjectID", json!(id(2)))}), "[2]"),
        (json!({"toNumber": op("Phone", json!("+15551234567"))}), "[1, 2, 3, 4]"),
        (json!({"createdAt": op("DateTime", json!("2026-03-01T10:02:00Z"))}), "[2]"),
        (json!({"createdAt": op("GreaterThan", op("DateTime", json!("2026-03-01T10:03:00Z")))}), "[4]"),
        (json!({"incidentId": op("EqualTo", op("ObjectID", json!(INCIDENT)))}), "[1, 4]"),
        (json!({"toNumber": op("Search", op("Phone", json!("555")))}), "[1, 2, 3, 4]"),
    ])
    .await;
}

#[actix_web::test]
async fn dates_compare_at_millisecond_precision() {
    let app = TestApp::new().await;
    let at = |number, time: &str| log_row(number, json!({"createdAt": time, "updatedAt": time}));
    app.import_logs([at(1, "2026-03-01T10:00:00.001Z"), at(2, "2026-03-01T10:00:00.002Z")]).await;
    for column in ["createdAt", "updatedAt"] {
        assert_eq!(app.query(json!({column: "2026-03-01T10:00:00.001Z"})).await, "[1]");
        assert_eq!(app.query(json!({column: "2026-03-01T10:00:00.0019Z"})).await, "[1]");
        assert_eq!(app.query(json!({column: op("GreaterThan", json!("2026-03-01T10:00:00.001Z"))})).await, "[2]");
    }
}

#[actix_web::test]
async fn phones_compare_verbatim() {
    let app = TestApp::new().await;
    let to = |number, phone: &str| log_row(number, json!({"toNumber": phone}));
    app.import_logs([to(1, "+1-555-123-4567"), to(2, "+15551234567"), to(3, "not a phone")]).await;
    assert_eq!(app.query(json!({"toNumber": "+1-555-123-4567"})).await, "[1]");
    assert_eq!(app.query(json!({"toNumber": "+15551234567"})).await, "[2]");
    assert_eq!(app.query(json!({"toNumber": "15551234567"})).await, "[]");
    assert_eq!(app.query(json!({"toNumber": "not a phone"})).await, "[3]");
}

#[actix_web::test]
async fn conditions_are_combined_with_and() {
    check(&[
        (json!({"status": "Sent", "incidentId": INCIDENT, "createdAt": op("GreaterThan", json!("2026-03-01T10:03:00Z"))}), "[4]"),
        (json!({"status": "Sent", "messageText": "b"}), "[]"),
    ])
    .await;
}
