//! What `GET /v1/changes` tells, to whom, and which tokens it takes (docs/api.md §2).

use diesel::prelude::*;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{get, get_with, walk};
use crate::support::{Database, NOW, TENANT, TestApp, instant, message};
use history_gateway::model::key::KeyKind;
use history_gateway::model::{Instant, TenantId};
use history_gateway::store::changes::expiry;
use history_gateway::store::tenants;

/// The body of a response of status 200.
pub fn body(response: &str) -> Value {
    serde_json::from_str(response.strip_prefix("200 ").unwrap_or_else(|| panic!("{response}"))).unwrap()
}

/// `+1 +2 -3`, with `…` if there are more.
pub fn told(body: &Value) -> String {
    let told = |change: &Value| {
        let is_removed = change["kind"] == json!("removed");
        assert_eq!(is_removed, change["message"].is_null(), "{change}");
        assert!(is_removed || change["message"]["messageId"] == change["messageId"], "{change}");
        format!("{}{}", if is_removed { '-' } else { '+' }, change["messageId"])
    };
    let mut told: Vec<String> = body["changes"].as_array().unwrap().iter().map(told).collect();
    if body["more"].as_bool().unwrap() {
        told.push("…".into());
    }
    told.join(" ")
}

pub fn next(body: &Value) -> String {
    body["next"].as_str().unwrap().to_owned()
}

pub async fn changes_with(app: &TestApp, key: &str, parameters: &str) -> Value {
    body(&get_with(app, key, &format!("/v1/changes?{parameters}")).await)
}

pub async fn changes(app: &TestApp, parameters: &str) -> Value {
    changes_with(app, &app.key, parameters).await
}

pub async fn now(app: &TestApp) -> String {
    next(&changes(app, "since=now").await)
}

/// The pages after a token, until there is nothing more.
pub async fn follow(app: &TestApp, key: &str, (mut token, parameters): (String, &str)) -> Vec<Value> {
    let mut pages = Vec::new();
    loop {
        let page = changes_with(app, key, &format!("since={token}{parameters}")).await;
        token = next(&page);
        let is_last = page["more"] == json!(false);
        pages.push(page);
        if is_last {
            return pages;
        }
    }
}

pub fn status(id: i64, word: &str) -> Value {
    message(id, json!({"subjectId": 5, "deliveryStatus": word, "deliveryStatusAt": "2026-03-01T10:00:05Z"}))
}

#[actix_web::test]
async fn new_and_changed_messages_are_told_in_commit_order() {
    let app = TestApp::new().await;
    app.import([status(9, "SENT")]).await;
    let token = now(&app).await;
    assert_eq!(told(&changes(&app, "since=now").await), "");
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "");
    app.import([status(3, "SENT")]).await;
    app.import([status(1, "SENT"), status(2, "SENT")]).await;
    app.import([status(9, "READ")]).await;
    // What changes nothing is no change.
    app.import([status(9, "READ"), status(1, "ACCEPTED")]).await;
    let all = changes(&app, &format!("since={token}")).await;
    assert_eq!(told(&all), "+3 +1 +2 +9");
    assert_eq!(all["changes"][3]["message"]["deliveryStatus"], "READ");
    let posted = app.post("/v1/changes/query", &[("x-api-key", &app.key)], json!({"since": token}).to_string()).await;
    assert_eq!(body(&format!("200 {}", posted.body)), all, "the same by POST");
    assert_eq!(
        app.send("HEAD", &format!("/v1/changes?since={token}"), &[("x-api-key", &app.key)], "").await.status,
        200
    );
    // The message is byte for byte that of the history endpoint.
    let history = app.history(json!({"messageId": 9})).await;
    let item = history.strip_prefix("200 {\"content\":[").unwrap().strip_suffix("],\"hasNext\":false}").unwrap();
    let response = get(&app, &format!("/v1/changes?since={token}")).await;
    assert!(response.contains(&format!(r#"{{"kind":"upserted","messageId":9,"message":{item}}}"#)), "{response}");
    assert_eq!(told(&changes(&app, &format!("since={}", next(&all))).await), "");
}

#[actix_web::test]
async fn message_that_does_not_match_is_told_as_removed() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    app.import([
        status(1, "SENT"),
        message(2, json!({"direction": "IN"})),
        message(3, json!({"address": "79005556677"})),
    ])
    .await;
    let since = async |filters: &str| told(&changes(&app, &format!("since={token}&{filters}")).await);
    assert_eq!(since("").await, "+1 +2 +3");
    assert_eq!(since("direction=IN").await, "-1 +2 -3");
    assert_eq!(since("address=79005556677").await, "-1 -2 +3");
    assert_eq!(since("address=8(900)555-66-77").await, "-1 -2 +3");
    assert_eq!(since("deliveryStatus=SENT&subjectId=5").await, "+1 -2 -3");
    assert_eq!(since("messageId=3,4").await, "-1 -2 +3");
    app.import([status(1, "READ")]).await;
    assert_eq!(since("deliveryStatus=SENT").await, "-1 -2 -3", "a message that ceased to match");
}

#[actix_web::test]
async fn key_is_told_of_messages_that_were_its_senders() {
    let app = TestApp::new().await;
    let of = |id: i64, subject: Option<i64>, at: &str| {
        message(id, json!({"subjectId": subject, "deliveryStatus": "SENT", "deliveryStatusAt": at}))
    };
    app.import([
        of(1, Some(5), "2026-03-01T10:00:01Z"),
        of(2, Some(6), "2026-03-01T10:00:01Z"),
        of(3, None, "2026-03-01T10:00:01Z"),
    ])
    .await;
    let key = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![5]);
        })
        .await;
    let token = now(&app).await;
    let of_key = async || told(&changes_with(&app, &key, &format!("since={token}")).await);
    // Away from the key's sender, to it, and between others.
    app.import([of(1, Some(6), "2026-03-01T10:00:02Z")]).await;
    assert_eq!(of_key().await, "-1");
    app.import([of(2, Some(5), "2026-03-01T10:00:02Z")]).await;
    app.import([of(3, Some(7), "2026-03-01T10:00:02Z")]).await;
    app.import([message(4, json!({"subjectId": 8}))]).await;
    assert_eq!(of_key().await, "-1 +2");
    // It left again, and several changes of one message are told as one.
    app.import([of(2, Some(6), "2026-03-01T10:00:03Z")]).await;
    assert_eq!(of_key().await, "-1 -2");
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "+1 +2 +3 +4");
    // Once it is away, the key hears no more of it.
    let later = next(&changes_with(&app, &key, &format!("since={token}")).await);
    app.import([of(2, Some(6), "2026-03-01T10:00:04Z")]).await;
    let after = changes_with(&app, &key, &format!("since={later}")).await;
    assert_eq!(told(&after), "");
    assert_ne!(next(&after), later, "the token goes on all the same");
}

#[actix_web::test]
async fn subject_that_becomes_known_is_told() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    let webhook = app.issue_key(TENANT, |key| key.kind = KeyKind::Webhook).await;
    let event = json!({"id": 7, "subject": "shop_WA", "subjectId": 501, "subscriber": {"id": 42, "identifier": "79001112233"},
        "messageContent": {"type": "TEXT", "text": "Hi"}, "receivedAt": "2026-03-01T10:00:00Z"});
    let headers = [("Authorization", webhook.as_str())];
    assert_eq!(app.post("/webhooks/edna", &headers, event.to_string()).await.status, 200);
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "", "it is pending");
    app.import([message(8, json!({"subjectId": 501, "channelType": "WHATSAPP"}))]).await;
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "+8 +7");
    // A status event changes its message.
    let token = now(&app).await;
    let statuses = json!([{"messageId": 8, "status": "READ", "statusAt": "2026-03-01T10:00:05Z"}]);
    assert_eq!(app.post("/v1/statuses", &[("x-api-key", &app.key)], statuses.to_string()).await.status, 200);
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "+8");
}

#[actix_web::test]
async fn since_is_required_and_verified() {
    let app = TestApp::new().await;
    app.import([status(1, "SENT")]).await;
    let other = TenantId(77);
    app.create_tenant(other).await;
    let other_key = app.issue_key(other, |_| {}).await;
    let token = now(&app).await;
    let cursor = {
        app.import([status(2, "SENT")]).await;
        body(&get(&app, "/v1/messages?limit=1").await)["next"].as_str().unwrap().to_owned()
    };
    let mut all = String::new();
    for parameters in [
        "",
        "since=",
        "since=0",
        "since=1",
        "since=Now",
        &format!("since={cursor}"),
        "since=now&since=now",
        "since=now&from=2026-01-01",
        "since=now&to=2026-01-01",
        "since=now&order=asc",
        "since=now&text=x",
        "since=now&cursor=x",
        "since=now&limit=0",
        "since=now&limit=1001",
        "since=now&wait=61",
        "since=now&wait=-1",
        "since=now&wait=1.5",
    ] {
        let response = get(&app, &format!("/v1/changes?{parameters}")).await;
        let (status, response) = response.split_once(' ').unwrap();
        let detail = serde_json::from_str::<Value>(response).unwrap()["detail"]
            .as_str()
            .unwrap()
            .chars()
            .take(70)
            .collect::<String>();
        let parameters = parameters.replace(&cursor, "CURSOR");
        all += &format!("{parameters}: {status} {detail}\n");
    }
    assert_snapshot!(all, @"
    : 400 The parameter 'since' is missing: give 'now' to start, or the 'next' o
    since=: 400 The parameter 'since' must be left out, or not empty.
    since=0: 400 The parameter 'since' must be the 'next' of a response for the same te
    since=1: 400 The parameter 'since' must be the 'next' of a response for the same te
    since=Now: 400 The parameter 'since' must be the 'next' of a response for the same te
    since=CURSOR: 400 The parameter 'since' must be the 'next' of a response for the same te
    since=now&since=now: 400 The parameter 'since' is given twice; give it once.
    since=now&from=2026-01-01: 400 The parameter 'from' is unknown; known are address, addressType, subsc
    since=now&to=2026-01-01: 400 The parameter 'to' is unknown; known are address, addressType, subscri
    since=now&order=asc: 400 The parameter 'order' is unknown; known are address, addressType, subs
    since=now&text=x: 400 The parameter 'text' is unknown; known are address, addressType, subsc
    since=now&cursor=x: 400 The parameter 'cursor' is unknown; known are address, addressType, sub
    since=now&limit=0: 400 The parameter 'limit' must be between 1 and 1000.
    since=now&limit=1001: 400 The parameter 'limit' must be between 1 and 1000.
    since=now&wait=61: 400 The parameter 'wait' must be an integer of seconds between 0 and 60.
    since=now&wait=-1: 400 The parameter 'wait' must be an integer of seconds between 0 and 60.
    since=now&wait=1.5: 400 The parameter 'wait' must be an integer.
    ");
    for length in 1..token.len() {
        assert!(get(&app, &format!("/v1/changes?since={}", &token[..length])).await.starts_with("400 "), "{length}");
    }
    let with_other = get_with(&app, &other_key, &format!("/v1/changes?since={token}")).await;
    assert!(with_other.starts_with("400 "), "another tenant's token: {with_other}");
    // A token is no filter's: with others, it goes on.
    assert_eq!(told(&changes(&app, &format!("since={token}&direction=OUT")).await), "+2");
}

/// Tokens survive upgrades: this one has the form of the first version that had them.
#[actix_web::test]
async fn token_of_an_earlier_version_is_continued() {
    let app = TestApp::new().await;
    app.store
        .write(|connection| Ok(diesel::sql_query("UPDATE tenant_states SET change_epoch = 7").execute(connection)?))
        .await
        .unwrap();
    assert_snapshot!(now(&app).await, @"AWzLeS9fIcP4AAAAAAAAAAcAAAAAAAAAAA");
    let token = now(&app).await;
    app.import([status(1, "SENT")]).await;
    let app = app.reopen();
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "+1", "and a restart");
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

#[actix_web::test]
async fn tombstone_has_tenant_id_subjects_and_sequence() {
    let app = TestApp::on(Database::sqlite(), NOW, |_| {}).await;
    let columns = "SELECT name FROM pragma_table_info('message_changes')";
    let columns =
        app.store.read_primary(move |connection| Ok(diesel::sql_query(columns).load::<Column>(connection)?)).await;
    let names: Vec<String> = columns.unwrap().into_iter().map(|column| column.name).collect();
    assert_eq!(names.join(" "), "tenant_id sequence message_id subject_id previous_subject_id");
}

#[actix_web::test]
async fn old_changes_expire_and_their_tokens_with_them() {
    let app = TestApp::new().await;
    let expire = async |now: Instant| {
        let keep_from = now.plus_days(-30);
        let expire = move |connection: &mut _| expiry::expire(connection, TENANT, now, keep_from);
        while app.store.write(expire).await.unwrap() {}
    };
    let start = instant(NOW);
    let first = now(&app).await;
    app.import([status(1, "SENT")]).await;
    let second = now(&app).await;
    expire(start).await;
    app.import([status(2, "SENT")]).await;
    let third = now(&app).await;
    expire(start.plus_days(30)).await;
    assert_eq!(told(&changes(&app, &format!("since={first}")).await), "+1 +2", "kept for thirty days");
    expire(Instant(start.plus_days(30).0 + 1)).await;
    let response = get(&app, &format!("/v1/changes?since={first}")).await;
    assert_snapshot!(response, @r#"410 {"title":"changes-expired","status":410,"detail":"The changes since then are not all known any more: take since=now, read all messages, and go on from there."}"#);
    assert_eq!(told(&changes(&app, &format!("since={second}")).await), "+2");
    assert_eq!(told(&changes(&app, &format!("since={third}")).await), "");
    expire(start.plus_days(61)).await;
    assert!(get(&app, &format!("/v1/changes?since={second}")).await.starts_with("410 "));
    assert_eq!(told(&changes(&app, &format!("since={third}")).await), "");
    app.import([status(3, "SENT")]).await;
    assert_eq!(told(&changes(&app, &format!("since={third}")).await), "+3");
}

#[actix_web::test]
async fn bulk_removal_expires_all_tokens() {
    let app = TestApp::new().await;
    app.import([status(1, "SENT")]).await;
    let token = now(&app).await;
    app.store.write(|connection| tenants::delete_messages(connection, TENANT)).await.unwrap();
    assert!(get(&app, &format!("/v1/changes?since={token}")).await.starts_with("410 "));
    let token = now(&app).await;
    app.import([status(2, "SENT")]).await;
    assert_eq!(told(&changes(&app, &format!("since={token}")).await), "+2");
    // A tenant of the same id, but another one.
    let token = now(&app).await;
    app.store.write(|connection| tenants::delete(connection, TENANT)).await.unwrap();
    app.create_tenant(TENANT).await;
    let key = app.issue_key(TENANT, |_| {}).await;
    for id in 1..=9 {
        app.import([status(id, "SENT")]).await;
    }
    assert!(get_with(&app, &key, &format!("/v1/changes?since={token}")).await.starts_with("410 "));
}

#[actix_web::test]
async fn first_copy_and_changes_make_a_whole() {
    let app = TestApp::new().await;
    app.import((1..=20).map(|id| status(id, "SENT"))).await;
    let token = now(&app).await;
    let mut copy: std::collections::BTreeMap<i64, Value> = std::collections::BTreeMap::new();
    app.import([status(3, "READ"), status(21, "SENT")]).await;
    for page in walk(&app, &app.key, json!({"limit": 7})).await {
        for message in page["messages"].as_array().unwrap() {
            copy.insert(message["messageId"].as_i64().unwrap(), message.clone());
        }
        app.import([status(1, "DELIVERED"), status(22, "SENT")]).await;
    }
    for page in follow(&app, &app.key, (token, "&limit=2")).await {
        for change in page["changes"].as_array().unwrap() {
            copy.insert(change["messageId"].as_i64().unwrap(), change["message"].clone());
        }
    }
    let stored = walk(&app, &app.key, json!({"order": "asc", "limit": 1000})).await;
    assert_eq!(json!(copy.into_values().collect::<Vec<_>>()), stored[0]["messages"]);
}
