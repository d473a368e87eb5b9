//! Which key reads what (docs/oneuptime.md §6).

use chrono::NaiveDate;
use insta::assert_snapshot;
use serde_json::json;

use super::{COUNT, LIST, id, log_row, whatsapp};
use crate::support::{TENANT, TestApp};
use history_gateway::model::TenantId;
use history_gateway::model::key::{KeyKind, PERMISSIONS};
use history_gateway::store::api_keys;

const UNKNOWN: &str = "377f9b73-28fe-41f1-b591-3fdcef396aba";

#[actix_web::test]
async fn reading_requires_a_key() {
    let app = TestApp::new().await;
    assert_snapshot!(app.send("POST", LIST, &[], "").await.body, @r#"{"error":"Authenticated user or a valid API key is needed to read record of WhatsApp Log.","message":"Authenticated user or a valid API key is needed to read record of WhatsApp Log."}"#);
    // An empty header counts as a wrong key.
    for empty in ["", " "] {
        let response = app.send("POST", COUNT, &[("ApiKey", empty)], "").await;
        assert_eq!(response.status, 400);
        assert_eq!(response.body, r#"{"error":"Invalid API Key","message":"Invalid API Key"}"#);
    }
    // A key in the other dialect's header does not count.
    let response = app.send("POST", LIST, &[("x-api-key", &app.key)], "").await;
    assert_eq!(response.status.as_u16(), 401);
}

#[actix_web::test]
async fn unusable_keys_are_all_reported_as_invalid() {
    let app = TestApp::new().await;
    let expired = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.permissions = Some(vec!["Viewer".into()]);
            key.valid_until = NaiveDate::from_ymd_opt(2026, 2, 28);
        })
        .await;
    let webhook = app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook).await;
    let revoked = app.issue_key(TENANT, |_| {}).await;
    let last =
        app.store.read_primary(|connection| api_keys::list(connection, TENANT)).await.unwrap().last().unwrap().id;
    app.store
        .write(move |connection| {
            api_keys::revoke(connection, TENANT, last, crate::support::instant(crate::support::NOW))
        })
        .await
        .unwrap();
    for key in [UNKNOWN, "abc", &expired, &webhook, &revoked] {
        assert_eq!(
            app.post_log_with(key, LIST, "").await,
            r#"400 {"error":"Invalid API Key","message":"Invalid API Key"}"#
        );
    }
}

#[actix_web::test]
async fn any_read_permission_is_sufficient() {
    let app = TestApp::new().await;
    for permission in PERMISSIONS {
        let key = app
            .issue_key(TENANT, |key| {
                key.kind = KeyKind::Additional;
                key.permissions = Some(vec![permission.into()]);
            })
            .await;
        assert!(app.post_log_with(&key, LIST, "").await.starts_with("200 "), "{permission}");
    }
    let none = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
        })
        .await;
    assert_snapshot!(app.post_log_with(&none, LIST, "").await, @r#"422 {"error":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources","message":"You do not have permissions to read WhatsApp Log. You need one of these permissions: Project Owner, Project Admin, Project Member, Viewer, Read WhatsApp Log, Read All Project Resources"}"#);
    assert!(app.post_log_with(&none, COUNT, "").await.starts_with("422 "));
}

#[actix_web::test]
async fn write_requests_are_refused() {
    let app = TestApp::new().await;
    let one = format!("/api/whatsapp-log/{}", id(1));
    let mut table = String::new();
    for (method, path) in [
        ("POST", "/api/whatsapp-log".to_owned()),
        ("PUT", one.clone()),
        ("DELETE", one.clone()),
        ("GET", format!("{one}/update-item")),
        ("POST", format!("{one}/update-item")),
        ("POST", format!("{one}/delete-item/")),
        ("GET", format!("{one}/delete-item")),
    ] {
        for key in ["", "abc", &app.key] {
            let response = app.log_request(key, method, &path, "{}").await;
            let text: serde_json::Value = serde_json::from_str(&response.body).unwrap();
            assert_eq!(text["error"], text["message"]);
            table += &format!("{method} {path} {}: {}\n", response.status.as_u16(), text["error"].as_str().unwrap());
        }
    }
    assert_snapshot!(table, @"
    POST /api/whatsapp-log 401: Authenticated user or a valid API key is needed to create record of WhatsApp Log.
    POST /api/whatsapp-log 400: Invalid API Key
    POST /api/whatsapp-log 422: create on WhatsApp Log is not allowed.
    PUT /api/whatsapp-log/00000000-0000-4000-8000-000000000001 401: Authenticated user or a valid API key is needed to update record of WhatsApp Log.
    PUT /api/whatsapp-log/00000000-0000-4000-8000-000000000001 400: Invalid API Key
    PUT /api/whatsapp-log/00000000-0000-4000-8000-000000000001 422: update on WhatsApp Log is not allowed.
    DELETE /api/whatsapp-log/00000000-0000-4000-8000-000000000001 401: Authenticated user or a valid API key is needed to delete record of WhatsApp Log.
    DELETE /api/whatsapp-log/00000000-0000-4000-8000-000000000001 400: Invalid API Key
    DELETE /api/whatsapp-log/00000000-0000-4000-8000-000000000001 422: delete on WhatsApp Log is not allowed.
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 401: Authenticated user or a valid API key is needed to update record of WhatsApp Log.
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 400: Invalid API Key
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 422: update on WhatsApp Log is not allowed.
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 401: Authenticated user or a valid API key is needed to update record of WhatsApp Log.
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 400: Invalid API Key
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/update-item 422: update on WhatsApp Log is not allowed.
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item/ 401: Authenticated user or a valid API key is needed to delete record of WhatsApp Log.
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item/ 400: Invalid API Key
    POST /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item/ 422: delete on WhatsApp Log is not allowed.
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item 401: Authenticated user or a valid API key is needed to delete record of WhatsApp Log.
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item 400: Invalid API Key
    GET /api/whatsapp-log/00000000-0000-4000-8000-000000000001/delete-item 422: delete on WhatsApp Log is not allowed.
    ");
}

#[actix_web::test]
async fn key_header_ignores_case_and_project_headers_are_ignored() {
    let app = TestApp::new().await;
    app.create_tenant(TenantId(77)).await;
    app.import_logs_for(TenantId(77), [log_row(1, json!({}))]).await;
    let other = TenantId(77).derived_project_id().to_string();
    for name in ["apikey", "APIKey", "ApiKey", "APIKEY"] {
        let headers = [(name, app.key.as_str()), ("tenantid", other.as_str()), ("ProjectID", other.as_str())];
        let response = app.send("POST", COUNT, &headers, "").await;
        assert_eq!(response.body, r#"{"count":0}"#, "{name}");
    }
}

#[actix_web::test]
async fn project_in_a_query_cannot_reach_another_project() {
    let app = TestApp::new().await;
    app.create_tenant(TenantId(77)).await;
    app.import_logs_for(TenantId(77), [log_row(1, json!({})), log_row(2, json!({}))]).await;
    app.import_logs([log_row(3, json!({}))]).await;
    let other = TenantId(77).derived_project_id().to_string();
    for project in
        [json!(other), json!({"_type": "ObjectID", "value": other}), json!({"_type": "NotNull"}), json!(null)]
    {
        assert_eq!(app.query(json!({"projectId": project})).await, "[3]", "{project}");
    }
    let own = TENANT.derived_project_id().to_string();
    let of_type = |of_type: &str, value: &str| json!({"_type": of_type, "value": value});
    for (project, found) in [
        (json!(own), "[3]"),
        (json!(other), "[]"),
        (json!([other, own]), "[3]"),
        (of_type("ObjectID", &other), "[]"),
        (of_type("NotEqual", &other), "[3]"),
        (of_type("NotEqual", &own), "[]"),
        (of_type("Search", &own[4..9].to_uppercase()), "[3]"),
        (of_type("NotContains", &own[4..9]), "[]"),
        (json!({"_type": "NotNull"}), "[3]"),
        (json!(null), "[]"),
    ] {
        assert_eq!(app.query(json!({"project": project})).await, found, "{project}");
    }
}

#[actix_web::test]
async fn restricted_key_sees_only_its_senders_in_both_dialects() {
    let app = TestApp::new().await;
    app.import([
        whatsapp(1, json!({"subjectId": 501})),
        whatsapp(2, json!({"subjectId": 502})),
        whatsapp(3, json!({})),
        whatsapp(4, json!({"subjectId": 501, "deliveryStatus": "READ"})),
        whatsapp(5, json!({"subjectId": 503})),
    ])
    .await;
    app.import_logs([log_row(7, json!({}))]).await;
    let restricted = |senders: Vec<i64>| {
        app.issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.permissions = Some(vec!["Read WhatsApp Log".into()]);
            key.senders = Some(senders);
        })
    };
    let (one, two) = (restricted(vec![501]).await, restricted(vec![501, 502]).await);
    assert_eq!(app.ids_with(&one, "{}").await, "[4, 1]");
    assert_eq!(app.ids_with(&two, "{}").await, "[4, 2, 1]");
    let count_of = |response: String| response.split_once("of ").unwrap().1.to_owned();
    assert_eq!(count_of(app.list_numbers("{}").await), "6");
    assert_eq!(count_of(app.list_numbers_with(&one, "{}").await), "2");
    assert_eq!(count_of(app.list_numbers_with(&two, "{}").await), "3");
    for query in
        [json!({}), json!({"status": {"_type": "NotEqual", "value": "x"}}), json!({"toNumber": "+79001112233"})]
    {
        assert_eq!(app.post_log_with(&one, COUNT, json!({"query": query})).await, r#"200 {"count":2}"#, "{query}");
        assert_eq!(app.post_log_with(&two, COUNT, json!({"query": query})).await, r#"200 {"count":3}"#, "{query}");
        assert_eq!(
            count_of(app.list_numbers_with(&two, json!({"query": query, "sort": {"updatedAt": 1}})).await),
            "3",
            "{query}"
        );
    }
    assert_eq!(app.post_log_with(&one, COUNT, json!({"query": {"status": "Read"}})).await, r#"200 {"count":1}"#);
    let hidden = app.post_log_with(&one, &format!("/api/whatsapp-log/{}/get-item", id(7)), "").await;
    assert_eq!(hidden, "200 {}");
}

#[actix_web::test]
async fn checks_run_in_a_fixed_order() {
    let app = TestApp::new().await;
    let none = app.issue_key(TENANT, |key| key.kind = KeyKind::Additional).await;
    let wrong = r#"{"query":{"foo":1},"select":{"foo":1},"sort":{"foo":1},"groupBy":{"foo":1}}"#;
    let mut table = String::new();
    for (key, url, body) in [
        ("", "?limit=-1", "{"),
        ("", "", "{"),
        ("", "", r#"{"skip":-1}"#),
        ("", "?limit=1000000", "{}"),
        ("abc", "?limit=1000000", wrong),
        (none.as_str(), "?limit=1000000", wrong),
        (none.as_str(), "", wrong),
        (app.key.as_str(), "", wrong),
        (app.key.as_str(), "", r#"{"select":{"foo":1},"sort":{"foo":1},"groupBy":{"foo":1}}"#),
        (app.key.as_str(), "", r#"{"sort":{"foo":1},"groupBy":{"foo":1}}"#),
        (app.key.as_str(), "", r#"{"groupBy":{"foo":1}}"#),
    ] {
        let response = app.post_log_with(key, &format!("{LIST}{url}"), body).await;
        let (status, body) = response.split_once(' ').unwrap();
        let text: serde_json::Value = serde_json::from_str(body).unwrap();
        let text: String = text["error"].as_str().unwrap().chars().take(60).collect();
        table += &format!("{status} {text}\n");
    }
    assert_snapshot!(table, @r#"
    400 positiveNumber cannot be less than 0
    400 The body ends in the middle of a JSON value.
    400 positiveNumber cannot be less than 0
    401 Authenticated user or a valid API key is needed to read reco
    400 Invalid API Key
    400 Limit should be less than 100
    422 You do not have permissions to read WhatsApp Log. You need o
    400 Invalid column on WhatsApp Log - foo. Column does not exist.
    400 Invalid select clause. Cannot select on "foo". This column d
    400 Invalid sort on WhatsApp Log - foo. Column does not exist.
    400 GroupBy is currently not supported
    "#);
}

#[actix_web::test]
async fn rate_limit_error_has_the_dialects_format() {
    let app = TestApp::with(|config| config.edna.requests_per_second = 1).await;
    assert!(app.post_log(LIST, "").await.starts_with("200 "));
    let mut last = app.log_request(&app.key, "POST", LIST, "").await;
    while last.status.as_u16() == 200 {
        last = app.log_request(&app.key, "POST", LIST, "").await;
    }
    assert_eq!((last.status.as_u16(), last.header("retry-after")), (429, "1"));
    assert_snapshot!(last.body, @r#"{"error":"The key makes too many requests; the Retry-After header tells when to try again.","message":"The key makes too many requests; the Retry-After header tells when to try again."}"#);
}
