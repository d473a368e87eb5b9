//! Evidence: one file with its data inside, whose digest the audit log has.

use insta::assert_snapshot;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::browser::{Browser, create_user};
use crate::commands::binary_with_tenant;
use crate::support::{NOW, TENANT, TestApp, instant, message};
use history_gateway::clock::Clock;
use history_gateway::config::Config;
use history_gateway::http::Gateway;
use history_gateway::model::user::Role;
use history_gateway::store::{DatabaseUrl, Options, Store, audit};

#[actix_web::test]
async fn file_is_found_by_its_digest_and_a_changed_one_is_not() {
    let binary = binary_with_tenant();
    let store = Store::open(&DatabaseUrl::parse(&binary.url()).unwrap(), Options::default()).unwrap();
    let mut config = Config::defaults().unwrap();
    config.audit.key_file = Some(binary.path("audit-key"));
    let app = TestApp::over(Gateway::new(&config, store.clone(), Clock::Fixed(instant(NOW))), store);
    app.import([message(
        1,
        json!({"content": r#"{"type":"TEXT","text":"</script><b>Hi"}"#, "deliveryStatus": "READ"}),
    )])
    .await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let form = browser.get("/console/evidence/messages/1").await.form("/console/evidence/messages/1");
    let page = browser.post("/console/evidence/messages/1", &form).await;
    assert_eq!(page.response.header("content-disposition"), "attachment; filename=\"evidence-1.html\"");
    let data = page.elements.iter().find(|element| element.attribute("id") == "data").unwrap();
    let data: serde_json::Value = serde_json::from_str(&data.text).unwrap();
    assert_eq!(data[0]["item"]["messageId"], 1);
    assert_eq!(data[0]["item"]["address"], "+7 900 ••• •• 33");
    let file = page.response.body;
    binary.write("evidence-1.html", &file);
    let verified = binary.output(&["evidence", "verify", "evidence-1.html"]);
    assert_snapshot!(String::from_utf8(verified.stderr).unwrap(), @"'evidence-1.html' is unchanged: anna of tenant 3193 downloaded it at 2026-03-01T12:00:00.000Z (entry 4 of the audit log).");
    assert!(verified.status.success());
    let changed = file.replace("Hi", "Ho");
    binary.write("changed.html", &changed);
    let digest = history_gateway::model::hexadecimal(&Sha256::digest(&changed));
    let refused = binary.run_failing(&["evidence", "verify", "changed.html"]);
    assert_snapshot!(refused.replace(&digest, "DIGEST"), @"1 history-gateway: 'changed.html' is not what was downloaded: no audit log of this store has its SHA-256, DIGEST; it was changed, or comes from another store");
    assert_snapshot!(binary.run_failing(&["evidence", "verify", "missing.html"]), @"1 history-gateway: 'missing.html' cannot be read: No such file or directory (os error 2)");
    let last =
        app.store.read_primary(|connection| audit::after(connection, TENANT, 0, 100)).await.unwrap().pop().unwrap();
    assert!(
        last.records.contains(&history_gateway::model::hexadecimal(&Sha256::digest(&file))),
        "recorded before it was sent"
    );
    // A later entry is linked with it.
    browser.get("/console/messages/1").await;
    let verify = || binary.output(&["evidence", "verify", "evidence-1.html"]).status.success();
    assert!(verify());
    // Whoever has changed the log in the database has not changed the file.
    for (change, back) in [
        ("records = replace(records, 'anna', 'boris')", "records = replace(records, 'boris', 'anna')"),
        ("user_id = NULL WHERE sequence = 4", "user_id = 1 WHERE sequence = 4"),
        ("sequence = 33 WHERE sequence = 3", "sequence = 3 WHERE sequence = 33"),
        ("recorded_at = recorded_at + 1 WHERE sequence = 5", "recorded_at = recorded_at - 1 WHERE sequence = 5"),
        ("sequence = 55 WHERE sequence = 5", "sequence = 5 WHERE sequence = 55"),
    ] {
        tamper(&app, change).await;
        assert!(!verify(), "{change}");
        tamper(&app, back).await;
        assert!(verify(), "{back}");
    }
    tamper(&app, "user_id = NULL").await;
    assert_snapshot!(binary.run_failing(&["evidence", "verify", "evidence-1.html"]), @"1 history-gateway: 'evidence-1.html' has the SHA-256 of a download in entry 4 of the audit log of tenant 3193, but that entry was changed in the database; see 'history-gateway audit verify'");
}

/// Changes the stored log as somebody does who may write to the database.
async fn tamper(app: &TestApp, change: &str) {
    let statement = format!("UPDATE audit_entries SET {change}");
    let tamper =
        move |connection: &mut _| Ok(diesel::connection::SimpleConnection::batch_execute(connection, &statement)?);
    app.store.write(tamper).await.unwrap();
}

#[actix_web::test]
async fn evidence_of_a_conversation_has_each_message() {
    let app = TestApp::new().await;
    app.import((1..=3).map(|id| message(id, json!({})))).await;
    create_user(&app, "anna", Role::Admin).await;
    create_user(&app, "vera", Role::Viewer).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let page = browser.get("/console/evidence/people/2").await;
    assert_eq!(page.all("article").count(), 3);
    let form = page.form("/console/evidence/people/2");
    assert_eq!(browser.post("/console/evidence/people/2", &form).await.all("article").count(), 3);
    let mut viewer = Browser::signed_in(&app, "vera").await;
    assert_eq!(viewer.get("/console/evidence/people/2").await.status(), 403);
}

#[actix_web::test]
async fn evidence_has_the_days_asked_for_and_says_what_is_cut() {
    let app = TestApp::new().await;
    let many = (1..=205).map(|id| {
        let at = format!("2026-02-{:02}T12:00:00Z", if id < 4 { id } else { 5 });
        message(id, json!({"sentOrReceivedAt": at}))
    });
    app.import(many).await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let mut shown = String::new();
    for query in
        ["", "?from=2026-02-05", "?to=2026-02-02", "?from=2026-02-02&to=2026-02-03", "?from=2026-03-01", "?to=x"]
    {
        let page = browser.get(&format!("/console/evidence/people/1{query}")).await;
        let said = page.all("p").map(|paragraph| paragraph.text.trim()).find(|text| text.starts_with("Messages of"));
        shown += &format!("{query}: {} {} {}\n", page.status(), page.all("article").count(), said.unwrap_or_default());
    }
    assert_snapshot!(shown, @"
    : 200 200 Messages of the conversation on this sheet: 200. There are earlier messages, which are not on this sheet. Choose other days for them.
    ?from=2026-02-05: 200 200 Messages of the conversation on this sheet: 200. Sent or received at 2026-02-05 00:00:00 UTC or later. There are earlier messages, which are not on this sheet. Choose other days for them.
    ?to=2026-02-02: 200 2 Messages of the conversation on this sheet: 2. Sent or received at 2026-02-02 23:59:59 UTC or earlier.
    ?from=2026-02-02&to=2026-02-03: 200 2 Messages of the conversation on this sheet: 2. Sent or received at 2026-02-02 00:00:00 UTC or later. Sent or received at 2026-02-03 23:59:59 UTC or earlier.
    ?from=2026-03-01: 200 0 Messages of the conversation on this sheet: 0. Sent or received at 2026-03-01 00:00:00 UTC or later.
    ?to=x: 400 0
    ");
    let page = browser.get("/console/people/3?at=3").await;
    let link = page.all("a").find(|link| link.text == "Print evidence").unwrap().attribute("href").to_owned();
    assert_eq!(link, "/console/evidence/people/3?from=2026-02-01&to=2026-02-05");
    let form =
        browser.get("/console/evidence/people/1?to=2026-02-02").await.form("/console/evidence/people/1?to=2026-02-02");
    let file = browser.post("/console/evidence/people/1?to=2026-02-02", &form).await;
    assert_eq!(file.all("article").count(), 2);
}
