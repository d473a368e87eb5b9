//! Cursors: what they survive, and which are refused (docs/api.md 1.3).

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{get, get_with, ids, query, walk_ids};
use crate::support::{TENANT, TestApp, message};
use history_gateway::model::TenantId;

fn next(response: &str) -> String {
    let body: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
    body["next"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned()
}

async fn with_five_messages() -> TestApp {
    let app = TestApp::new().await;
    app.import((1..=5).map(|id| message(id, json!({"subjectId": 5})))).await;
    app
}

#[actix_web::test]
async fn next_is_there_while_a_message_follows() {
    let app = with_five_messages().await;
    let first = get(&app, "/v1/messages?limit=2").await;
    assert_eq!(ids(&first), "[5, 4, …]");
    let second = get(&app, &format!("/v1/messages?limit=2&cursor={}", next(&first))).await;
    assert_eq!(ids(&second), "[3, 2, …]");
    assert_eq!(ids(&get(&app, &format!("/v1/messages?limit=1&cursor={}", next(&second))).await), "[1]");
    assert_eq!(ids(&get(&app, "/v1/messages?limit=5").await), "[5, 4, 3, 2, 1]", "no message follows the last one");
    let ascending = get(&app, "/v1/messages?limit=2&order=asc").await;
    assert_eq!(ids(&get(&app, &format!("/v1/messages?order=asc&cursor={}", next(&ascending))).await), "[3, 4, 5]");
    for limit in 1..=6 {
        assert_eq!(walk_ids(&app, &app.key, json!({"limit": limit})).await, [5, 4, 3, 2, 1]);
        assert_eq!(walk_ids(&app, &app.key, json!({"limit": limit, "order": "asc"})).await, [1, 2, 3, 4, 5]);
    }
}

#[actix_web::test]
async fn cursor_belongs_to_its_filters_order_and_tenant() {
    let app = with_five_messages().await;
    let other = TenantId(77);
    app.create_tenant(other).await;
    app.import_for(other, (1..=5).map(|id| message(id, json!({})))).await;
    let other_key = app.issue_key(other, |_| {}).await;
    let cursor = next(&get(&app, "/v1/messages?limit=2&address=79001112233&subjectId=5").await);
    let with = async |key: &str, parameters: &str| {
        ids(&get_with(&app, key, &format!("/v1/messages?{parameters}&cursor={cursor}")).await)
    };
    let same = "address=79001112233&subjectId=5";
    assert_eq!(with(&app.key, same).await, "[3, 2, 1]", "the limit may change");
    assert_eq!(with(&app.key, "subjectId=5&address=79001112233&address=79001112233").await, "[3, 2, 1]");
    assert_eq!(with(&app.key, &format!("{same}&order=desc&addressType=PHONE")).await, "[3, 2, 1]");
    let second_key = app.issue_key(TENANT, |_| {}).await;
    assert_eq!(with(&second_key, same).await, "[3, 2, 1]", "another key of the tenant may go on");
    for others in [
        "address=79001112233",
        "address=79001112234&subjectId=5",
        &format!("{same}&order=asc"),
        &format!("{same}&direction=OUT"),
        &format!("{same}&from=2020-01-01"),
        &format!("{same}&addressType=EMAIL"),
    ] {
        assert_eq!(with(&app.key, others).await, "400 not-valid-request", "{others}");
    }
    assert_eq!(with(&other_key, "address=79001112233").await, "400 not-valid-request");
    let of_all = next(&get(&app, "/v1/messages?limit=2").await);
    assert_eq!(
        ids(&get_with(&app, &other_key, &format!("/v1/messages?cursor={of_all}")).await),
        "400 not-valid-request"
    );
}

#[actix_web::test]
async fn cut_and_made_up_cursors_are_refused() {
    let app = with_five_messages().await;
    let cursor = next(&get(&app, "/v1/messages?limit=2").await);
    for length in 1..cursor.len() {
        assert_eq!(ids(&query(&app, json!({"cursor": cursor[..length]})).await), "400 not-valid-request", "{length}");
    }
    for index in 0..cursor.len() {
        let mut changed = cursor.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(ids(&query(&app, json!({"cursor": changed})).await), "400 not-valid-request", "{changed}");
    }
    for made_up in ["0", "AAAAAAAAAAAA", "я", "====", "5", "'", &"A".repeat(10_000)] {
        assert_eq!(ids(&query(&app, json!({"cursor": made_up})).await), "400 not-valid-request");
    }
}

/// Cursors do not expire: this one was made by the first version that had them.
#[actix_web::test]
async fn cursor_of_an_earlier_version_is_continued() {
    let app = with_five_messages().await;
    let body =
        json!({"limit": 2, "address": ["89001112233"], "deliveryStatus": ["FAILED"], "from": "2026-01-01T00:00:00Z"});
    app.import(
        [9, 8, 7]
            .map(|id| message(id, json!({"deliveryStatus": "FAILED", "deliveryStatusAt": "2026-03-01T10:00:05Z"}))),
    )
    .await;
    let first = query(&app, body.clone()).await;
    assert_eq!(ids(&first), "[9, 8, …]");
    assert_snapshot!(next(&first), @"Aawc2iGnd77NAAAAAAAAAAgB");
    let app = app.reopen();
    let mut second = body;
    second["cursor"] = json!(next(&first));
    assert_eq!(ids(&query(&app, second).await), "[7]", "and survives a restart");
}

#[actix_web::test]
async fn walk_out_of_budget_goes_on_without_gap_or_repeat() {
    let app = TestApp::with(|config| config.database.walk_rows = 7).await;
    let is_wanted = |id: i64| id % 50 == 0 || id == 1;
    app.import(
        (1..=200).map(|id| {
            message(id, json!({"matcherId": i64::from(is_wanted(id)), "address": format!("7900{}", id % 3)}))
        }),
    )
    .await;
    let wanted = vec![200, 150, 100, 50, 1];
    for body in
        [json!({"limit": 3}), json!({"limit": 1000}), json!({"limit": 2, "address": ["79000", "79001", "79002"]})]
    {
        let mut body = body;
        body["matcherId"] = json!(1);
        let pages = super::walk(&app, &app.key, body.clone()).await;
        assert!(pages.iter().any(|page| page["complete"] == json!(false)), "{body}");
        assert_eq!(pages.iter().flat_map(super::page_ids).collect::<Vec<_>>(), wanted, "{body}");
        assert_eq!(pages.last().unwrap()["complete"], json!(true));
    }
}

#[actix_web::test]
async fn page_of_long_messages_ends_early() {
    let app = TestApp::new().await;
    app.import((1..=5).map(|id| message(id, json!({"content": "x".repeat(400_000)})))).await;
    let pages = super::walk(&app, &app.key, json!({})).await;
    assert_eq!(pages.iter().map(super::page_ids).collect::<Vec<_>>(), [vec![5, 4, 3], vec![2, 1]]);
    assert_eq!((&pages[0]["complete"], &pages[1]["complete"]), (&json!(false), &json!(true)));
}

#[actix_web::test]
async fn greatest_id_ends_a_walk_in_both_orders() {
    let app = TestApp::new().await;
    let ids = [1, i64::MAX - 1, i64::MAX];
    app.import(ids.map(|id| message(id, json!({})))).await;
    for limit in 1..=4 {
        for more in [json!({}), json!({"messageId": ids}), json!({"address": "79001112233"})] {
            let mut body = more;
            body["limit"] = json!(limit);
            body["order"] = json!("asc");
            assert_eq!(walk_ids(&app, &app.key, body.clone()).await, ids, "{body}");
            body["order"] = json!("desc");
            assert_eq!(walk_ids(&app, &app.key, body.clone()).await, [i64::MAX, i64::MAX - 1, 1], "{body}");
        }
    }
}

/// A cursor tells nothing of a message that its key does not see: that of a full page is about its last message.
#[actix_web::test]
async fn cursor_of_a_full_page_is_that_of_its_last_message() {
    let app = TestApp::new().await;
    app.import([3, 1].map(|id| message(id, json!({"subjectId": 5})))).await;
    let key = app
        .issue_key(TENANT, |key| {
            key.kind = history_gateway::model::key::KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![5]);
        })
        .await;
    let path = "/v1/messages?limit=1&address=79001112233";
    let before = next(&get_with(&app, &key, path).await);
    app.import([message(2, json!({"subjectId": 6}))]).await;
    assert_eq!(next(&get_with(&app, &key, path).await), before);
}
