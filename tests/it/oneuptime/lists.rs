//! Routes, lists and pages (docs/oneuptime.md §1, 3.1, 3.2, 3.6, 3.7).

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{LIST, id, log_row};
use crate::support::TestApp;

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import_logs((1..=12).map(|number| log_row(number, json!({})))).await;
    app
}

#[actix_web::test]
async fn published_list_has_the_documented_key_order() {
    let app = app().await;
    assert_snapshot!(app.post_log(&format!("{LIST}?skip=0&limit=1"), r#"{"select":{"status":true}}"#).await, @r#"200 {"count":12,"limit":1,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000012","status":"Sent"}]}"#);
}

#[actix_web::test]
async fn live_list_has_the_real_servers_key_order() {
    let app = app().await;
    let key = app.live_key().await;
    assert_snapshot!(app.post_log_with(&key, &format!("{LIST}?skip=2&limit=1"), r#"{"select":{"status":true}}"#).await, @r#"200 {"data":[{"_id":"00000000-0000-4000-8000-000000000010","status":"Sent"}],"count":12,"skip":2,"limit":1}"#);
}

#[actix_web::test]
async fn the_profile_is_a_setting_that_a_key_overrides() {
    let app = TestApp::with(|config| config.oneuptime.profile = history_gateway::config::ProfileSetting::Live).await;
    let published = app.issue_key(crate::support::TENANT, |key| key.oneuptime_profile = Some("published".into())).await;
    assert_snapshot!(app.post_log(LIST, "{}").await, @r#"200 {"data":[],"count":0,"skip":0,"limit":10}"#);
    assert_snapshot!(app.post_log_with(&published, LIST, "{}").await, @r#"200 {"count":0,"limit":10,"skip":0,"data":[]}"#);
}

#[actix_web::test]
async fn both_profiles_render_every_kind_of_value() {
    let app = TestApp::new().await;
    app.import_logs([log_row(
        1,
        json!({
            "createdAt": "2026-03-26T10:26:14.311Z", "updatedAt": "2026-03-26T10:26:15Z", "fromNumber": "+15550001000",
            "messageText": "Über \"x\"", "statusMessage": "ok", "whatsAppMessageId": "wamid.A", "version": 3,
            "whatsAppCostInUSDCents": 2, "incidentId": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10",
        }),
    )])
    .await;
    let names =
        ["createdAt", "updatedAt", "deletedAt", "version", "projectId", "toNumber", "fromNumber", "messageText"];
    let more = ["statusMessage", "whatsAppMessageId", "status", "whatsAppCostInUSDCents", "incidentId", "userId"];
    let select: serde_json::Map<String, Value> =
        names.into_iter().chain(more).map(|name| (name.to_owned(), json!(true))).collect();
    let body = json!({"select": select});
    assert_snapshot!(app.post_log(LIST, &body).await, @r#"200 {"count":1,"limit":10,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000001","createdAt":"2026-03-26T10:26:14.311Z","updatedAt":"2026-03-26T10:26:15.000Z","deletedAt":null,"version":3,"projectId":"0db8af39-0932-5cc3-8099-9be69066a8d3","toNumber":"+15551234567","fromNumber":"+15550001000","messageText":"Über \"x\"","statusMessage":"ok","whatsAppMessageId":"wamid.A","status":"Sent","whatsAppCostInUSDCents":2,"incidentId":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","userId":null}]}"#);
    let key = app.live_key().await;
    assert_snapshot!(app.post_log_with(&key, LIST, &body).await, @r#"200 {"data":[{"_id":"00000000-0000-4000-8000-000000000001","createdAt":{"_type":"DateTime","value":"2026-03-26T10:26:14.311Z"},"updatedAt":{"_type":"DateTime","value":"2026-03-26T10:26:15.000Z"},"deletedAt":null,"version":3,"projectId":{"_type":"ObjectID","value":"0db8af39-0932-5cc3-8099-9be69066a8d3"},"toNumber":{"_type":"Phone","value":"+15551234567"},"fromNumber":{"_type":"Phone","value":"+15550001000"},"messageText":"Über \"x\"","statusMessage":"ok","whatsAppMessageId":"wamid.A","status":"Sent","whatsAppCostInUSDCents":2,"incidentId":{"_type":"ObjectID","value":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"},"userId":null}],"count":1,"skip":0,"limit":10}"#);
}

#[actix_web::test]
async fn paths_ignore_case_and_trailing_slash_for_get_post_head() {
    let app = app().await;
    for (method, path) in [
        ("POST", LIST.to_owned()),
        ("GET", LIST.to_owned()),
        ("HEAD", LIST.to_owned()),
        ("GET", format!("{LIST}/")),
        ("POST", "/API/WhatsApp-Log/Get-List/".to_owned()),
        ("GET", format!("/api/whatsapp-LOG/{}/get-item/", id(1))),
        ("HEAD", format!("/api/whatsapp-log/{}/GET-ITEM", id(1))),
        ("POST", format!("/api/whatsapp-log/{}/get-item", id(1).to_uppercase())),
        ("POST", "/api/whatsapp-log/COUNT/".to_owned()),
    ] {
        let response = app.log_request(&app.key, method, &path, "{}").await;
        assert_eq!((response.status.as_u16(), response.header("content-type")), (200, "application/json"), "{path}");
    }
}

#[actix_web::test]
async fn body_of_a_get_request_is_read() {
    let app = app().await;
    let body = json!({"query": {"_id": id(3)}, "limit": 5});
    let response = app.log_request(&app.key, "GET", LIST, body).await;
    assert_snapshot!(response.body, @r#"{"count":1,"limit":5,"skip":0,"data":[{"_id":"00000000-0000-4000-8000-000000000003"}]}"#);
}

#[actix_web::test]
async fn body_is_read_whatever_its_content_type() {
    let app = app().await;
    for of_type in ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream", "nonsense"] {
        let headers = [("ApiKey", app.key.as_str()), ("Content-Type", of_type)];
        let response = app.send("POST", LIST, &headers, json!({"query": {"_id": id(3)}}).to_string()).await;
        assert!(response.body.contains(r#""count":1,"#), "{of_type}: {}", response.body);
    }
    let headers = [("ApiKey", app.key.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert_eq!(app.send("POST", LIST, &headers, "limit=5").await.status.as_u16(), 400);
}

#[actix_web::test]
async fn skip_and_limit_in_the_url_override_the_body() {
    let app = app().await;
    let paging_of = |response: String| {
        let response: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
        format!("{} {} {}", response["skip"], response["limit"], response["data"].as_array().unwrap().len())
    };
    let mut table = String::new();
    for (url, body) in [
        ("", json!({})),
        ("", json!({"skip": 3, "limit": 4})),
        ("?skip=1&limit=2", json!({"skip": 3, "limit": 4})),
        ("?skip=10", json!({"limit": 4})),
        ("?limit=0", json!({"limit": 4})),
        ("?limit=abc", json!({"limit": 4})),
        ("?limit=", json!({"limit": 4})),
        ("?limit=7abc", json!({})),
        ("?limit=3&limit=5", json!({})),
        ("", json!({"limit": "6"})),
        ("", json!({"limit": null, "skip": null})),
        ("", json!({"limit": true, "skip": [2]})),
        ("", json!({"limit": 2.9, "skip": 1.5})),
        ("", json!({"skip": 12})),
        ("?skip=99999999999999999999", json!({})),
    ] {
        table += &format!("{url} {body}: {}\n", paging_of(app.post_log(&format!("{LIST}{url}"), &body).await));
    }
    assert_snapshot!(table, @r#"
     {}: 0 10 10
     {"limit":4,"skip":3}: 3 4 4
    ?skip=1&limit=2 {"limit":4,"skip":3}: 1 2 2
    ?skip=10 {"limit":4}: 10 4 2
    ?limit=0 {"limit":4}: 0 10 10
    ?limit=abc {"limit":4}: 0 10 10
    ?limit= {"limit":4}: 0 4 4
    ?limit=7abc {}: 0 7 7
    ?limit=3&limit=5 {}: 0 3 3
     {"limit":"6"}: 0 6 6
     {"limit":null,"skip":null}: 0 10 10
     {"limit":true,"skip":[2]}: 0 10 10
     {"limit":2.9,"skip":1.5}: 1 2 2
     {"skip":12}: 12 10 0
    ?skip=99999999999999999999 {}: 9223372036854775807 10 0
    "#);
}

#[actix_web::test]
async fn limit_has_a_maximum_in_each_profile() {
    let app = app().await;
    let live = app.live_key().await;
    assert_eq!(app.post_log(&format!("{LIST}?limit=100"), "").await.split_once(' ').unwrap().0, "200");
    assert_snapshot!(app.post_log(&format!("{LIST}?limit=101"), "").await, @r#"400 {"error":"Limit should be less than 100","message":"Limit should be less than 100"}"#);
    assert_eq!(app.post_log_with(&live, &format!("{LIST}?limit=10000"), "").await.split_once(' ').unwrap().0, "200");
    assert_snapshot!(app.post_log_with(&live, LIST, r#"{"limit":10001}"#).await, @r#"400 {"error":"Limit should be less than 10000","message":"Limit should be less than 10000"}"#);
}

#[actix_web::test]
async fn negative_numbers_are_refused() {
    let app = app().await;
    assert_snapshot!(app.post_log(&format!("{LIST}?limit=-1"), "").await, @r#"400 {"error":"positiveNumber cannot be less than 0","message":"positiveNumber cannot be less than 0"}"#);
    for body in [json!({"skip": -1}), json!({"limit": -0.9e9}), json!({"skip": "-5"})] {
        assert!(app.post_log(LIST, &body).await.starts_with(r#"400 {"error":"positiveNumber"#), "{body}");
    }
}

#[actix_web::test]
async fn count_covers_all_pages() {
    let app = app().await;
    assert_eq!(app.list_numbers(json!({"limit": 3})).await, "[12, 11, 10] of 12");
    assert_eq!(app.list_numbers(json!({"limit": 3, "skip": 9})).await, "[3, 2, 1] of 12");
    assert_eq!(app.list_numbers(json!({"limit": 3, "skip": 12})).await, "[] of 12");
    let of_text = json!({"_type": "StartsWith", "value": "+1555"});
    assert_eq!(app.list_numbers(json!({"limit": 3, "query": {"toNumber": of_text}})).await, "[12, 11, 10] of 12");
    assert_eq!(app.list_numbers(json!({"limit": 3, "skip": 10, "query": {"toNumber": of_text}})).await, "[2, 1] of 12");
    assert_eq!(app.list_numbers(json!({"limit": 3, "skip": 50, "query": {"toNumber": of_text}})).await, "[] of 12");
}

#[actix_web::test]
async fn group_by_is_refused() {
    let app = app().await;
    assert_snapshot!(app.post_log(LIST, r#"{"groupBy":{"status":true}}"#).await, @r#"400 {"error":"GroupBy is currently not supported","message":"GroupBy is currently not supported"}"#);
    for empty in [json!({}), json!(null), json!([])] {
        assert!(app.post_log(LIST, json!({"groupBy": empty})).await.starts_with("200 "), "{empty}");
    }
    assert!(app.post_log(LIST, r#"{"groupBy":"status"}"#).await.starts_with("400 "));
}

#[actix_web::test]
async fn unknown_routes_are_404_page_not_found() {
    let app = app().await;
    let mut table = String::new();
    for (method, path) in [
        ("GET", "/api/whatsapp-log/nothing/at-all".to_owned()),
        ("GET", "/api/whatsapp-log".to_owned()),
        ("GET", format!("/api/whatsapp-log/{}", id(1))),
        ("GET", "/api/whatsapp-log/count".to_owned()),
        ("POST", "/api/incident/get-list".to_owned()),
        ("DELETE", LIST.to_owned()),
    ] {
        let response = app.log_request(&app.key, method, &path, "{}").await;
        table += &format!("{method} {} {}\n", response.status.as_u16(), response.body);
    }
    assert_snapshot!(table, @r#"
    GET 404 {"error":"Page not found - /api/whatsapp-log/nothing/at-all","message":"Page not found - /api/whatsapp-log/nothing/at-all"}
    GET 404 {"error":"Page not found - /api/whatsapp-log","message":"Page not found - /api/whatsapp-log"}
    GET 404 {"error":"Page not found - /api/whatsapp-log/00000000-0000-4000-8000-000000000001","message":"Page not found - /api/whatsapp-log/00000000-0000-4000-8000-000000000001"}
    GET 404 {"error":"Page not found - /api/whatsapp-log/count","message":"Page not found - /api/whatsapp-log/count"}
    POST 404 {"error":"Page not found - /api/incident/get-list","message":"Page not found - /api/incident/get-list"}
    DELETE 404 {"error":"Page not found - /api/whatsapp-log/get-list","message":"Page not found - /api/whatsapp-log/get-list"}
    "#);
}
