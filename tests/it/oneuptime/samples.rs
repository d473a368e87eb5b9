//! Requests of OneUptime's reference page, dashboard and programs, verbatim.

use insta::assert_snapshot;
use serde_json::json;

use super::log_row;
use crate::support::{Response, TENANT, TestApp};

const REQUESTS: &str = include_str!("../../fixtures/oneuptime.http");
const INCIDENT: &str = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";

/// One request of the file.
struct Sample {
    name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn samples() -> Vec<Sample> {
    let parse = |text: &str| {
        let (name, rest) = text.split_once('\n').unwrap();
        let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let mut lines = head.lines();
        let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
        let owned = str::to_owned;
        Sample {
            name: owned(name),
            method: owned(method),
            path: owned(path),
            headers: lines.map(header).collect(),
            body: owned(body.trim()),
        }
    };
    REQUESTS.split("### ").skip(1).map(parse).collect()
}

async fn send(app: &TestApp, key: &str, sample: &Sample) -> Response {
    let value = |value: &String| if value == "YOUR_API_KEY" { key.to_owned() } else { value.clone() };
    let headers: Vec<(String, String)> =
        sample.headers.iter().map(|(name, text)| (name.clone(), value(text))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.send(&sample.method, &sample.path, &headers, sample.body.clone()).await
}

async fn app() -> TestApp {
    let app = TestApp::new().await;
    let row = |id: &str, at: &str, fields: serde_json::Value| {
        let mut row = log_row(0, json!({"_id": id, "createdAt": at}));
        row.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        row
    };
    app.import_logs([
        row("550e8400-e29b-41d4-a716-446655440000", "2026-03-26T09:00:00Z", json!({
            "status": "Example status of the whatsapp message", "toNumber": "+1-555-123-4567", "whatsAppCostInUSDCents": 42,
        })),
        row("377f9b73-28fe-41f1-b591-3fdcef396aba", "2026-03-26T11:00:00Z", json!({
            "incidentId": INCIDENT, "userId": INCIDENT, "messageText": "Database down", "whatsAppMessageId": "wamid.HBgL",
        })),
        row("377f9b73-28fe-41f1-b591-3fdcef396abb", "2026-03-27T00:00:00Z", json!({
            "incidentId": INCIDENT, "status": "Failed", "whatsAppCostInUSDCents": 1,
        })),
        row("377f9b73-28fe-41f1-b591-3fdcef396abc", "2026-03-25T00:00:00Z", json!({
            "messageText": "the DATABASE DOWN again", "whatsAppCostInUSDCents": 1, "status": "Low Balance",
            "updatedAt": "2026-03-26T10:00:00.001Z",
        })),
    ])
    .await;
    app
}

#[actix_web::test]
async fn published_requests_get_the_expected_responses() {
    let app = app().await;
    let mut table = String::new();
    for sample in samples() {
        let response = send(&app, &app.key, &sample).await;
        table += &format!("{}\n  {} {}\n", sample.name, response.status.as_u16(), response.body);
    }
    assert_snapshot!(table, @r#"
    published page: list
      200 {"count":1,"limit":10,"skip":0,"data":[{"_id":"550e8400-e29b-41d4-a716-446655440000","projectId":"0db8af39-0932-5cc3-8099-9be69066a8d3","toNumber":"+1-555-123-4567","status":"Example status of the whatsapp message","whatsAppCostInUSDCents":42}]}
    published page: item
      200 {"_id":"550e8400-e29b-41d4-a716-446655440000","projectId":"0db8af39-0932-5cc3-8099-9be69066a8d3","toNumber":"+1-555-123-4567","status":"Example status of the whatsapp message","whatsAppCostInUSDCents":42}
    published page: count
      200 {"count":1}
    dashboard, day filter on an incident (live profile)
      200 {"count":1,"limit":10,"skip":0,"data":[{"_id":"377f9b73-28fe-41f1-b591-3fdcef396aba","createdAt":"2026-03-26T11:00:00.000Z","toNumber":"+15551234567","messageText":"Database down","statusMessage":null,"whatsAppMessageId":"wamid.HBgL","status":"Sent","user":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","name":null,"email":null,"profilePictureId":null}}]}
    dashboard, select all (live profile, pages of 1000)
      400 {"error":"Limit should be less than 100","message":"Limit should be less than 100"}
    command line: paging in the body, header spelt APIKey
      200 {"count":4,"limit":20,"skip":20,"data":[]}
    incremental poll
      200 {"count":2,"limit":10,"skip":0,"data":[{"_id":"377f9b73-28fe-41f1-b591-3fdcef396abc","updatedAt":"2026-03-26T10:00:00.001Z","whatsAppMessageId":null,"status":"Low Balance"},{"_id":"377f9b73-28fe-41f1-b591-3fdcef396abb","updatedAt":"2026-03-27T00:00:00.000Z","whatsAppMessageId":null,"status":"Failed"}]}
    text search among messages without an incident
      200 {"count":1,"limit":10,"skip":0,"data":[{"_id":"377f9b73-28fe-41f1-b591-3fdcef396abc"}]}
    webhook reconciliation
      200 {"count":1}
    provider: item with an empty select
      200 {"_id":"377f9b73-28fe-41f1-b591-3fdcef396aba"}
    bare
      200 {"count":4,"limit":10,"skip":0,"data":[{"_id":"377f9b73-28fe-41f1-b591-3fdcef396abb"},{"_id":"377f9b73-28fe-41f1-b591-3fdcef396aba"},{"_id":"550e8400-e29b-41d4-a716-446655440000"},{"_id":"377f9b73-28fe-41f1-b591-3fdcef396abc"}]}
    "#);
}

#[actix_web::test]
async fn dashboard_requests_get_the_live_responses() {
    let app = app().await;
    let key = app.issue_key(TENANT, |key| key.oneuptime_profile = Some("live".into())).await;
    let mut table = String::new();
    for sample in samples().iter().filter(|sample| sample.name.contains("dashboard")) {
        let response = send(&app, &key, sample).await;
        table += &format!("{}\n  {} {}\n", sample.name, response.status.as_u16(), response.body);
    }
    assert_snapshot!(table, @r#"
    dashboard, day filter on an incident (live profile)
      200 {"data":[{"_id":"377f9b73-28fe-41f1-b591-3fdcef396aba","createdAt":{"_type":"DateTime","value":"2026-03-26T11:00:00.000Z"},"toNumber":{"_type":"Phone","value":"+15551234567"},"messageText":"Database down","statusMessage":null,"whatsAppMessageId":"wamid.HBgL","status":"Sent","user":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","name":null,"email":null,"profilePictureId":null}}],"count":1,"skip":0,"limit":10}
    dashboard, select all (live profile, pages of 1000)
      200 {"data":[],"count":4,"skip":1000,"limit":1000}
    "#);
}
