//! Tenants: creation, keys, fixtures, list, deletion, reset.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::TestSandbox;
use crate::support::message;

#[actix_web::test]
async fn creation_returns_ids_and_seven_random_keys() {
    let sandbox = TestSandbox::new().await;
    let created = sandbox.control("POST", "/tenants", "").await;
    let created: Value = serde_json::from_str(created.strip_prefix("201 ").unwrap()).unwrap();
    let keys: Vec<&String> = created["keys"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["expired", "live", "master", "oneSender", "revoked", "webhook", "withoutGroup"]);
    let project = created["projectId"].as_str().unwrap().to_owned();
    let other = sandbox.tenant(json!({})).await;
    assert_ne!(created["tenantId"], json!(other.id));
    assert_ne!(created["keys"]["master"], other.keys["master"]);
    assert_eq!(project.len(), 36);
    // The JSON body of OneUptime's live form shows the project.
    assert_snapshot!(other.history(json!({})).await, @r#"200 {"content":[],"hasNext":false}"#);
}

#[actix_web::test]
async fn each_key_does_what_its_name_says() {
    let sandbox = TestSandbox::new().await;
    let fixtures = json!([
        message(1, json!({"channelType": "WHATSAPP", "subjectId": 501})),
        message(2, json!({"channelType": "SMS", "subjectId": 511})),
    ]);
    let tenant = sandbox.tenant(json!({"fixtures": fixtures, "now": "2026-03-01T12:00:00Z"})).await;
    let status = |response: String| response[..3].to_owned();
    for (key, history, log) in [
        ("master", "200", "200"),
        ("live", "200", "200"),
        ("webhook", "401", "400"),
        ("expired", "401", "400"),
        ("revoked", "401", "400"),
        ("withoutGroup", "403", "422"),
        ("oneSender", "200", "200"),
    ] {
        assert_eq!(status(tenant.history_with(key, json!({})).await), history, "{key}");
        assert_eq!(status(tenant.count_logs_with(key).await), log, "{key}");
    }
    let seen = tenant.history_with("oneSender", json!({})).await;
    assert!(seen.contains(r#""messageId":1,"#) && !seen.contains(r#""messageId":2,"#), "{seen}");
    let live = [("apikey", tenant.key("live")), ("content-type", "application/json")];
    let body = r#"{"select":{"createdAt":true}}"#;
    let rows = sandbox.send("POST", "/api/whatsapp-log/get-list", &live, body).await.body;
    assert!(rows.contains(r#"{"_type":"DateTime""#), "{rows}");
    let event = json!({"id": 7, "subjectId": 501, "subscriber": {"id": 1, "identifier": "79001112233"},
        "messageContent": {"type": "TEXT", "text": "Hi"}, "receivedAt": "2026-03-01T10:00:00Z"});
    let token = format!("Token {}", tenant.key("webhook"));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    assert_eq!(sandbox.send("POST", "/webhooks/edna", &headers, &event.to_string()).await.status.as_u16(), 200);
    assert_eq!(tenant.ids().await, [7, 2, 1]);
}

#[actix_web::test]
async fn tenants_are_listed_and_deleted_with_their_keys() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z", "strict": true})).await;
    tenant.add([1, 2]).await;
    tenant.history(json!({})).await;
    tenant.control("POST", "/faults", json!({"then": {"status": 418}})).await;
    let list = sandbox.control("GET", "/tenants", "").await.replace(&tenant.id.to_string(), "ID");
    let (start, end) = (list.find("projectId\":\"").unwrap() + 12, list.find("\",\"messages").unwrap());
    let list = list.replace(&list[start..end].to_owned(), "PROJECT");
    assert_snapshot!(list, @r#"200 {"tenants":[{"tenantId":ID,"projectId":"PROJECT","messages":2,"now":"2026-03-01T12:00:00.000Z","strict":true,"faults":1,"requests":1}]}"#);
    assert_snapshot!(tenant.control("DELETE", "", "").await, @"204");
    assert_snapshot!(tenant.history(json!({})).await, @r#"401 {"title":"Api-key not found","status":401,"detail":"The x-api-key header holds no valid API key."}"#);
    assert_snapshot!(sandbox.control("GET", "/tenants", "").await, @r#"200 {"tenants":[]}"#);
    for (method, path) in
        [("DELETE", ""), ("POST", "/reset"), ("GET", "/clock"), ("GET", "/faults"), ("GET", "/requests")]
    {
        let response = tenant.control(method, path, "").await;
        assert_eq!(
            response, r#"404 {"title":"not-found","status":404,"detail":"There is no tenant with this id."}"#,
            "{path}"
        );
    }
}

#[actix_web::test]
async fn reset_brings_back_what_the_tenant_began_with() {
    let sandbox = TestSandbox::new().await;
    let fixtures = json!([message(1, json!({"subjectId": 511})), message(2, json!({"subjectId": 511}))]);
    let tenant = sandbox.tenant(json!({"fixtures": fixtures, "now": "2026-03-01T12:00:00Z"})).await;
    let began = (tenant.ids().await, tenant.json("GET", "/clock", "").await);
    tenant.add([3, 4]).await;
    tenant.control("PUT", "/clock", json!({"advance": "P31D"})).await;
    tenant.control("PUT", "/strict", json!({"strict": true})).await;
    tenant.control("POST", "/faults", json!({"then": {"error": "internal-error"}})).await;
    assert_eq!(tenant.history(json!({})).await[..3], *"500");
    // A subject that only a message of after the creation has.
    tenant.control("POST", "/messages", message(5, json!({"subjectId": 777}))).await;
    assert_snapshot!(tenant.control("POST", "/reset", "").await, @"204");
    assert_eq!(tenant.json("GET", "/requests", "").await, json!({"requests": [], "dropped": 0}));
    assert_eq!(tenant.json("GET", "/faults", "").await, json!({"faults": []}));
    assert_eq!((tenant.ids().await, tenant.json("GET", "/clock", "").await), began);
    let subjects = [(777, "400"), (511, "200")];
    for (subject, status) in subjects {
        assert_eq!(tenant.history(json!({"subjectId": subject})).await[..3], *status, "{subject}");
    }
    // An unknown field is let pass again.
    assert_eq!(tenant.history(json!({"trafficType": "CHAT"})).await[..3], *"200");
    // Entries are numbered from the beginning again.
    assert_eq!(tenant.json("GET", "/requests", "").await["requests"][0]["id"], 1);
}

#[actix_web::test]
async fn a_reset_of_an_emptied_tenant_brings_its_data_back() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"fixtures": "demo"})).await;
    let before = (tenant.ids().await, tenant.count_logs_with("master").await);
    assert!(before.0.len() > 400, "{}", before.0.len());
    assert_snapshot!(tenant.control("DELETE", "/messages", "").await, @"204");
    assert_eq!(tenant.ids().await, Vec::<i64>::new());
    assert_snapshot!(tenant.count_logs_with("master").await, @r#"200 {"count":0}"#);
    // The subjects stay.
    assert_eq!(tenant.history(json!({"subjectId": 50192})).await[..3], *"200");
    tenant.add([1]).await;
    assert_eq!(tenant.ids().await, [1]);
    tenant.control("POST", "/reset", "").await;
    assert_eq!((tenant.ids().await, tenant.count_logs_with("master").await), before);
}

#[actix_web::test]
async fn messages_and_statuses_are_put_in_without_a_key() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    assert_snapshot!(tenant.control("POST", "/messages", json!([message(1, json!({})), {"messageId": 2}])).await, @r#"200 {"imported":1,"updated":0,"unchanged":0,"waiting":0,"rejected":1,"results":[{"result":"imported","messageId":1},{"result":"rejected","detail":"the field 'channelType' is missing"}]}"#);
    let status = json!({"messageId": 1, "status": "READ", "statusAt": "2026-03-01T11:00:00Z"});
    assert_snapshot!(tenant.control("POST", "/statuses", status).await, @r#"200 {"imported":0,"updated":1,"unchanged":0,"waiting":0,"rejected":0,"results":[{"result":"updated","messageId":1}]}"#);
    let found = tenant.history(json!({})).await;
    assert!(found.contains(r#""deliveryStatus":"READ""#), "{found}");
    assert_eq!(tenant.control("POST", "/messages", "[1").await[..3], *"400");
}

#[actix_web::test]
async fn tenants_begin_with_four_subjects() {
    let sandbox = TestSandbox::with_demo().await;
    let tenant = sandbox.tenant(json!({})).await;
    for subject in [501, 511, 521, 531] {
        assert_eq!(tenant.history(json!({"subjectId": subject})).await[..3], *"200", "{subject}");
        let headers = [("x-api-key", "00000000-0000-4000-8000-000000003193")];
        let body = json!({"subjectId": subject}).to_string();
        let demo = sandbox.send("POST", "/api/messages/history", &headers, &body).await;
        assert_eq!(demo.status.as_u16(), 200, "{subject}");
    }
    assert_eq!(tenant.history(json!({"subjectId": 502})).await[..3], *"400");
}

#[actix_web::test]
async fn fixtures_are_messages_and_rows_or_a_word() {
    let sandbox = TestSandbox::new().await;
    let row = json!({"_id": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10", "toNumber": "+79001112233", "status": "Sent",
        "createdAt": "2026-03-01T10:00:00Z"});
    let tenant = sandbox.tenant(json!({"fixtures": [message(1, json!({}))], "logs": [row]})).await;
    assert_eq!(tenant.ids().await, [1]);
    assert_snapshot!(tenant.count_logs_with("master").await, @r#"200 {"count":1}"#);
    let refused = async |body: Value| sandbox.control("POST", "/tenants", body).await;
    assert_snapshot!(refused(json!({"fixtures": "some"})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'fixtures' must be \"demo\", \"empty\" or a list of messages."}"#);
    assert_snapshot!(refused(json!({"fixtures": [message(1, json!({})), {"messageId": "x"}]})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'fixtures[1]' is not valid: the field 'messageId' must be an integer."}"#);
    assert_snapshot!(refused(json!({"logs": [{"toNumber": 1}]})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"The field 'logs[0]' is not valid: the field 'createdAt' is missing."}"#);
    // What was recorded elsewhere names another tenant and project.
    let elsewhere = json!({"fixtures": [message(1, json!({"tenantId": 3193}))], "logs": [{
        "_id": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10", "toNumber": "+79001112233", "status": "Sent",
        "createdAt": "2026-03-01T10:00:00Z", "projectId": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e11",
    }]});
    let tenant = sandbox.tenant(elsewhere).await;
    assert_eq!(tenant.ids().await, [1]);
    assert_snapshot!(tenant.count_logs_with("master").await, @r#"200 {"count":1}"#);
    let demo = sandbox.tenant(json!({"fixtures": "demo"})).await;
    let more = sandbox.tenant(json!({"fixtures": "demo", "logs": [row]})).await;
    assert_ne!(more.count_logs_with("master").await, demo.count_logs_with("master").await);
}
