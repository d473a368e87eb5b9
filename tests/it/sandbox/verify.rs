//! Verification: how many requests of the journal fit, and which almost do.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::TestSandbox;

#[actix_web::test]
async fn verification_counts_what_fits() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    tenant.history(json!({"limit": 1})).await;
    tenant.history(json!({"limit": 2})).await;
    tenant.history(json!({"limit": 2000})).await;
    let ok = async |body: Value| {
        let answer = tenant.json("POST", "/verify", &body).await;
        (answer["ok"].as_bool().unwrap(), answer["count"].as_u64().unwrap())
    };
    assert_eq!(ok(json!({})).await, (true, 3));
    assert_eq!(ok(json!({"match": {"status": 200}})).await, (true, 2));
    assert_eq!(ok(json!({"match": {"status": 200}, "count": 2})).await, (true, 2));
    assert_eq!(ok(json!({"match": {"body": {"limit": 2}}, "count": 2})).await, (false, 1));
    assert_eq!(ok(json!({"match": {"body": {"limit": 3}}})).await, (false, 0));
    assert_eq!(ok(json!({"match": {"body": {"limit": 3}}, "count": 0})).await, (true, 0));
    assert_eq!(ok(json!({"match": {"method": "POST"}, "atLeast": 4})).await, (false, 3));
    assert_eq!(ok(json!({"match": {"method": "POST"}, "atMost": 2})).await, (false, 3));
    assert_eq!(ok(json!({"atLeast": 1, "atMost": 3})).await, (true, 3));
    assert_eq!(ok(json!({"match": {"route": "/api/whatsapp-log/count"}, "atMost": 0})).await, (true, 0));
    assert_snapshot!(tenant.control("POST", "/verify", json!({"count": 1, "atMost": 1})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'count' must be given without 'atLeast' and 'atMost'."}"#);
}

#[actix_web::test]
async fn what_almost_fits_is_shown_with_the_part_that_differs() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    for limit in 1..=4 {
        tenant.history(json!({"limit": limit, "offset": 0})).await;
    }
    tenant.history(json!({"limit": 9, "offset": 9})).await;
    let wanted = json!({"match": {"route": "/api/messages/history", "body": {"limit": 7, "offset": 0}, "status": 200}, "count": 1});
    let answer = tenant.json("POST", "/verify", &wanted).await;
    let closest = answer["closest"].as_array().unwrap();
    let shown: Vec<String> = closest.iter().map(|entry| format!("{} {}", entry["id"], entry["differs"])).collect();
    assert_eq!(shown, [r#"4 "body.limit""#, r#"3 "body.limit""#, r#"2 "body.limit""#]);
    assert_eq!(answer["expected"], json!({"count": 1}));
    let wanted = json!({"match": {"body": {"limit": 9, "offset": 9}, "status": 400}});
    assert_eq!(tenant.json("POST", "/verify", &wanted).await["closest"][0]["differs"], "status");
    let wanted = json!({"match": {"body": {"limit": 9}, "route": "/api/whatsapp-log/count"}});
    assert_eq!(tenant.json("POST", "/verify", &wanted).await["closest"][0]["differs"], "route");
    // Nothing else is shown where everything fits.
    assert_eq!(tenant.json("POST", "/verify", json!({})).await, json!({"ok": true, "count": 5}));
}
