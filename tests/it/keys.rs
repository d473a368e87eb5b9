//! docs/edna.md §7: every route with every kind of key, and the lifecycle of a key.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::json;

use crate::commands::binary_with_tenant;
use crate::support::{NOW, TENANT, TestApp, instant, message};
use history_gateway::model::history::QueryError;
use history_gateway::model::key::{GROUPS, KeyKind};
use history_gateway::model::{Grants, HistoryQuery, HistoryRequest, Policy};
use history_gateway::store::api_keys;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

async fn additional(app: &TestApp, groups: &[&str]) -> String {
    let groups = groups.iter().map(|group| (*group).to_owned()).collect();
    app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(groups);
    })
    .await
}

#[actix_web::test]
async fn each_route_accepts_only_the_intended_keys() {
    let app = TestApp::new().await;
    let everything_else: Vec<&str> = GROUPS.into_iter().filter(|group| *group != "message-history").collect();
    let permitted = app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.permissions = Some(vec!["Read WhatsApp Log".into()]);
    });
    let permitted = permitted.await;
    let expired = app.issue_key(TENANT, |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
        key.valid_until = Some("2026-02-28".parse().unwrap());
    });
    let expired = expired.await;
    let keys = [
        ("none", None),
        ("unknown", Some("550e8400-e29b-41d4-a716-446655440000".to_owned())),
        ("malformed", Some("master".to_owned())),
        ("master", Some(app.key.clone())),
        ("message-history", Some(additional(&app, &["message-history"]).await)),
        ("all other groups", Some(additional(&app, &everything_else).await)),
        ("no group", Some(additional(&app, &[]).await)),
        ("OneUptime permission", Some(permitted)),
        ("expired", Some(expired)),
        ("webhook", Some(app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook).await)),
    ];
    let paths = crate::openapi::routes();
    let mut routes_by_rule: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, method) in paths.iter().flat_map(|path| METHODS.map(|method| (path, method))) {
        let uri =
            path.replace("{}", if path.starts_with("/v1") { "1" } else { "550e8400-e29b-41d4-a716-446655440000" });
        let mut rule = String::new();
        for (name, key) in &keys {
            // The key is sent in each header that some route reads: x-api-key, ApiKey, Authorization. The snapshot has
            // the three statuses in this order.
            let token = key.as_ref().map(|key| format!("Token {key}"));
            let mut statuses = Vec::new();
            for (header, value) in [("x-api-key", key), ("ApiKey", key), ("Authorization", &token)] {
                let headers: Vec<(&str, &str)> = value.iter().map(|value| (header, value.as_str())).collect();
                statuses.push(app.send(method, &uri, &headers, "").await.status.as_u16());
            }
            rule += &format!("  {name} {statuses:?}\n");
        }
        // 405, or 404 for every key, means that there is no such method or no such route.
        let is_route = !rule.contains("405") && rule.lines().any(|line| !line.ends_with("[404, 404, 404]"));
        if is_route {
            routes_by_rule.entry(rule).or_default().push(format!("{method} {path}"));
        }
    }
    let table: Vec<String> =
        routes_by_rule.iter().map(|(rule, routes)| format!("{}\n{rule}", routes.join("\n"))).collect();
    assert_snapshot!(table.join("\n"), @"
    GET /healthz
    HEAD /healthz
    GET /metrics
    HEAD /metrics
    GET /openapi.json
    HEAD /openapi.json
    GET /readyz
    HEAD /readyz
    GET /webhooks/edna
    HEAD /webhooks/edna
    GET /webhooks/edna/messages
    HEAD /webhooks/edna/messages
    GET /webhooks/edna/statuses
    HEAD /webhooks/edna/statuses
      none [200, 200, 200]
      unknown [200, 200, 200]
      malformed [200, 200, 200]
      master [200, 200, 200]
      message-history [200, 200, 200]
      all other groups [200, 200, 200]
      no group [200, 200, 200]
      OneUptime permission [200, 200, 200]
      expired [200, 200, 200]
      webhook [200, 200, 200]

    POST /api/whatsapp-log/count
    GET /api/whatsapp-log/get-list
    HEAD /api/whatsapp-log/get-list
    POST /api/whatsapp-log/get-list
    GET /api/whatsapp-log/{}/get-item
    HEAD /api/whatsapp-log/{}/get-item
    POST /api/whatsapp-log/{}/get-item
      none [401, 401, 401]
      unknown [401, 400, 401]
      malformed [401, 400, 401]
      master [401, 200, 401]
      message-history [401, 422, 401]
      all other groups [401, 422, 401]
      no group [401, 422, 401]
      OneUptime permission [401, 200, 401]
      expired [401, 400, 401]
      webhook [401, 400, 401]

    POST /api/whatsapp-log
    PUT /api/whatsapp-log/{}
    DELETE /api/whatsapp-log/{}
    GET /api/whatsapp-log/{}/delete-item
    HEAD /api/whatsapp-log/{}/delete-item
    POST /api/whatsapp-log/{}/delete-item
    GET /api/whatsapp-log/{}/update-item
    HEAD /api/whatsapp-log/{}/update-item
    POST /api/whatsapp-log/{}/update-item
      none [401, 401, 401]
      unknown [401, 400, 401]
      malformed [401, 400, 401]
      master [401, 422, 401]
      message-history [401, 422, 401]
      all other groups [401, 422, 401]
      no group [401, 422, 401]
      OneUptime permission [401, 422, 401]
      expired [401, 400, 401]
      webhook [401, 400, 401]

    POST /api/messages/history
    GET /v1/messages
    HEAD /v1/messages
    POST /v1/messages/query
      none [401, 401, 401]
      unknown [401, 401, 401]
      malformed [401, 401, 401]
      master [200, 401, 401]
      message-history [200, 401, 401]
      all other groups [403, 401, 401]
      no group [403, 401, 401]
      OneUptime permission [403, 401, 401]
      expired [401, 401, 401]
      webhook [401, 401, 401]

    GET /v1/changes
    HEAD /v1/changes
    POST /v1/changes/query
      none [401, 401, 401]
      unknown [401, 401, 401]
      malformed [401, 401, 401]
      master [400, 401, 401]
      message-history [400, 401, 401]
      all other groups [403, 401, 401]
      no group [403, 401, 401]
      OneUptime permission [403, 401, 401]
      expired [401, 401, 401]
      webhook [401, 401, 401]

    POST /v1/messages
    POST /v1/statuses
      none [401, 401, 401]
      unknown [401, 401, 401]
      malformed [401, 401, 401]
      master [400, 401, 401]
      message-history [403, 401, 401]
      all other groups [400, 401, 401]
      no group [403, 401, 401]
      OneUptime permission [403, 401, 401]
      expired [401, 401, 401]
      webhook [401, 401, 401]

    POST /webhooks/edna
    POST /webhooks/edna/messages
    POST /webhooks/edna/statuses
      none [401, 401, 401]
      unknown [401, 401, 401]
      malformed [401, 401, 401]
      master [401, 401, 401]
      message-history [401, 401, 401]
      all other groups [401, 401, 401]
      no group [401, 401, 401]
      OneUptime permission [401, 401, 401]
      expired [401, 401, 401]
      webhook [401, 401, 400]

    GET /v1/messages/{}
    HEAD /v1/messages/{}
      none [401, 401, 401]
      unknown [401, 401, 401]
      malformed [401, 401, 401]
      master [404, 401, 401]
      message-history [404, 401, 401]
      all other groups [403, 401, 401]
      no group [403, 401, 401]
      OneUptime permission [403, 401, 401]
      expired [401, 401, 401]
      webhook [401, 401, 401]
    ");
}

#[actix_web::test]
async fn key_and_header_name_are_case_insensitive() {
    let app = TestApp::new().await;
    for header in ["x-api-key", "X-API-KEY", "X-Api-Key"] {
        let response = app.post("/api/messages/history", &[(header, &app.key.to_uppercase())], "{}").await;
        assert_eq!(response.status, 200, "{header}");
    }
}

#[actix_web::test]
async fn several_master_keys_may_exist() {
    let app = TestApp::new().await;
    let second = app.issue_key(TENANT, |_| {}).await;
    assert_eq!(app.ids("{}").await, "[]");
    assert_eq!(app.ids_with(&second, "{}").await, "[]");
}

#[actix_web::test]
async fn key_is_valid_through_its_last_day_in_utc() {
    for (now, expected) in [("2026-03-01T23:59:59.999Z", "[]"), ("2026-03-02T00:00:00Z", "401")] {
        let app = TestApp::at(now, |_| {}).await;
        let key = app.issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.valid_until = Some("2026-03-01".parse().unwrap());
        });
        assert!(app.ids_with(&key.await, "{}").await.starts_with(expected), "{now}");
    }
}

#[actix_web::test]
async fn revoked_key_stops_working_within_a_second() {
    let app = TestApp::new().await;
    assert_eq!(app.ids("{}").await, "[]");
    app.store.write(|c| api_keys::revoke(c, TENANT, 1, instant("2026-03-01T12:00:00Z"))).await.unwrap();
    let revoked_at = std::time::Instant::now();
    // Each request follows the one before at once, as those of a busy client do.
    while app.ids("{}").await == "[]" {
        assert!(revoked_at.elapsed() < std::time::Duration::from_secs(1), "the key still works");
    }
    assert!(app.history("{}").await.starts_with("401 "));
}

#[actix_web::test]
async fn new_key_works_at_once() {
    let app = TestApp::new().await;
    let secret = "0C6F7A52-52f1-4b0c-9d6e-1f8c2a4b7e10";
    assert!(app.history_with(secret, "{}").await.starts_with("401 "));
    let digest = history_gateway::model::key::Secret::parse(secret).unwrap().digest();
    app.issue_key(TENANT, |key| key.digest = digest).await;
    assert_eq!(app.ids_with(secret, "{}").await, "[]");
}

#[actix_web::test]
async fn last_use_of_a_key_is_recorded() {
    let app = TestApp::new().await;
    let last_used_at = async || {
        let keys = app.store.read_primary(|c| api_keys::list(c, TENANT)).await.unwrap();
        keys[0].last_used_at.map(|at| at.to_string())
    };
    app.ids("{}").await;
    assert_eq!(last_used_at().await, None);
    app.gateway.app.keys.save_last_uses().await.unwrap();
    assert_eq!(last_used_at().await.as_deref(), Some("2026-03-01T12:00:00.000+0000"));
}

#[actix_web::test]
async fn key_sees_only_its_own_tenant() {
    let app = TestApp::new().await;
    let other = history_gateway::model::TenantId(77);
    app.create_tenant(other).await;
    let key = app.issue_key(other, |_| {}).await;
    app.import([message(1, json!({"subscriberId": 10}))]).await;
    for body in [
        "{}",
        r#"{"messageId":1}"#,
        r#"{"subscriberFilter":{"address":"79001112233"}}"#,
        r#"{"subscriberFilter":{"address":"10","type":"EDNA_ID"}}"#,
    ] {
        assert_eq!(app.ids_with(&key, body).await, "[]", "{body}");
        assert_eq!(app.ids(body).await, "[1]", "{body}");
    }
}

#[test]
fn debug_output_hides_the_key() {
    let secret = history_gateway::model::key::Secret::random();
    assert_eq!(format!("{secret:?}"), "Secret(…)");
}

#[test]
fn key_is_revoked_by_tenant_and_id_and_shown_by_name() {
    let binary = binary_with_tenant();
    binary.run(&["tenant", "create", "--id", "7", "--name", "Other"]);
    binary.run(&["key", "issue", "--tenant", "3193", "--name", "desk"]);
    binary.run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]);
    let stderr_of = |arguments: &[&str]| String::from_utf8(binary.output(arguments).stderr).unwrap();
    assert!(binary.run_failing(&["key", "revoke", "--id", "1"]).starts_with("2 error: "));
    assert_snapshot!(binary.run_failing(&["key", "revoke", "--tenant", "7", "--id", "1"]), @"1 history-gateway: tenant 7 has no key 1; 'history-gateway key list --tenant 7' shows its keys");
    assert_snapshot!(binary.run_failing(&["key", "revoke", "--tenant", "8", "--id", "1"]), @"1 history-gateway: there is no tenant 8; 'history-gateway tenant create --id 8 --name NAME' makes it");
    assert!(!binary.run(&["key", "list", "--tenant", "3193"]).contains("revoked"));
    assert_snapshot!(stderr_of(&["key", "revoke", "--tenant", "3193", "--id", "1"]), @"The master key 1 'desk' of tenant 3193 is revoked.");
    assert_snapshot!(stderr_of(&["key", "revoke", "--tenant", "3193", "--id", "2"]), @"The webhook key 2 of tenant 3193 is revoked.");
    assert_eq!(binary.run(&["key", "list", "--tenant", "3193"]).matches("revoked").count(), 2);
}

#[test]
fn known_or_guessable_key_values_are_rejected() {
    let binary = binary_with_tenant();
    let issue = |value: &str| binary.run_failing(&["key", "issue", "--tenant", "3193", "--value", value]);
    for last in ["3193", "3194", "0401", "0403", "0501", "0601"] {
        insta::allow_duplicates! { assert_snapshot!(issue(&format!("00000000-0000-4000-8000-00000000{last}")), @"1 history-gateway: the key was not issued: --value is a key of the sandbox, which is public; leave --value out to generate a new key"); }
    }
    for value in [
        "00000000-0000-0000-0000-000000000000",
        "11111111-2222-4333-8444-555555555555",
        "aaaaaaaa-BBBB-4ccc-8ddd-EEEEEEEEEEEE",
    ] {
        insta::allow_duplicates! { assert_snapshot!(issue(value), @"1 history-gateway: the key was not issued: --value has fewer than 8 different digits, so it can be guessed; leave --value out to generate a new key"); }
    }
    assert_eq!(binary.run(&["key", "list", "--tenant", "3193", "--json"]).trim(), "[]");
    // Eight different digits suffice, even if the UUID has no valid version.
    binary.run(&["key", "issue", "--tenant", "3193", "--value", "01234567-0123-0123-0123-012345670123"]);
}

/// A query holds its caller's rights from the start: no handler has to check them beside it.
#[test]
fn query_cannot_name_a_subject_outside_its_callers_senders() {
    let grants = Grants { senders: Some([501].into()), ..Grants::all(TENANT) };
    let query = |subject_id| {
        let request = HistoryRequest { subject_id, ..HistoryRequest::default() };
        HistoryQuery::new(request, &grants, instant(NOW), Policy::default())
    };
    assert_eq!(query(Some(501)).unwrap().subjects(), Some(&[501][..]));
    assert_eq!(query(None).unwrap().subjects(), Some(&[501][..]));
    assert_eq!(query(Some(502)).unwrap_err(), QueryError::Subject(502));
}
