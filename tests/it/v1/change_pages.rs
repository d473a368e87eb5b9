//! How the answers of `GET /v1/changes` are divided: by the limit, the budget and their length (docs/api.md §2).

use insta::assert_snapshot;
use serde_json::json;

use super::changes::{follow, now, status, told};
use crate::support::{TENANT, TestApp, message};
use history_gateway::model::key::KeyKind;

#[actix_web::test]
async fn limit_divides_the_changes() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    for id in 1..=5 {
        app.import([status(id, "SENT")]).await;
    }
    app.import([status(2, "READ"), status(4, "READ")]).await;
    let pages: Vec<_> = follow(&app, &app.key, (token, "&limit=2")).await.iter().map(told).collect();
    assert_snapshot!(pages.join(" | "), @"+1 +2 … | +3 +4 … | +5 +2 … | +4");
}

#[actix_web::test]
async fn changes_without_end_are_told_within_the_budget() {
    let app = TestApp::with(|config| config.database.walk_rows = 5).await;
    let key = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![9]);
        })
        .await;
    let token = now(&app).await;
    app.import((1..=2500).map(|id| status(id, "SENT"))).await;
    app.import([message(3000, json!({"subjectId": 9}))]).await;
    let pages = follow(&app, &key, (token, "")).await;
    let found: String = pages.iter().map(|page| told(page).replace('…', "")).collect();
    assert_eq!(found.trim(), "+3000");
    assert!(pages.len() > 1, "it looks at a bounded number of changes at a time");
}

#[actix_web::test]
async fn long_messages_divide_the_changes() {
    let app = TestApp::new().await;
    let token = now(&app).await;
    app.import((1..=5).map(|id| message(id, json!({"content": "x".repeat(400_000)})))).await;
    let pages: Vec<_> = follow(&app, &app.key, (token, "")).await.iter().map(told).collect();
    assert_eq!(pages.join(" | "), "+1 +2 +3 … | +4 +5");
}
