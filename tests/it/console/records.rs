//! Each look is recorded before it is shown; what cannot be recorded is not shown.

use insta::assert_snapshot;
use serde_json::json;

use super::browser::{Browser, create_user, create_user_of};
use crate::audit::records;
use crate::support::{Database, NOW, TENANT, TestApp, instant, message};
use history_gateway::model::TenantId;
use history_gateway::model::audit::{Action, AuditRecord, Who};
use history_gateway::model::user::Role;
use history_gateway::store::audit;

async fn fill(app: &TestApp) {
    app.import([message(1, json!({"content": "hello"})), message(2, json!({"address": "79005556677"}))]).await;
    for role in Role::ALL {
        create_user(app, role.word(), role).await;
    }
}

/// Does everything that the console offers.
async fn look_at_everything(browser: &mut Browser<'_>) {
    let mut form = browser.get("/console/").await.form("/console/find");
    form.insert("q".into(), "8 900 111-22-33".into());
    let address = browser.post("/console/find", &form).await.response.header("location").to_owned();
    browser.get(&address).await;
    for path in
        ["/console/counts", "/console/people/1?before=9", "/console/messages/2", "/console/messages?channelType=SMS"]
    {
        assert_eq!(browser.get(path).await.status(), 200, "{path}");
    }
    let mut form = browser.get("/console/people/1").await.form("/console/people/1/reveal");
    form.insert("reason".into(), "No code for order 528046, called from 79001112233".into());
    browser.post("/console/people/1/reveal", &form).await;
    let form = browser.get("/console/evidence/messages/1").await.form("/console/evidence/messages/1");
    browser.post("/console/evidence/messages/1", &form).await;
    browser.get("/console/audit").await;
}

#[actix_web::test]
async fn every_look_is_recorded() {
    let app = TestApp::new().await;
    fill(&app).await;
    let mut browser = Browser::signed_in(&app, "agent").await;
    browser.headers.push(("x-forwarded-for", "198.51.100.1".into()));
    look_at_everything(&mut browser).await;
    assert_snapshot!(records(&app).await.replace(r#","who":{"login":"agent","role":"agent","user":2}"#, ""), @r#"
    1 {"action":"signed-in"}
    2 {"action":"find","addresses":"2 digests","digestKey":"KEY","filter":{"text":"DIGEST"},"rows":1}
    3 {"action":"summary","filter":{"from":"2026-02-28T00:00:00.000Z"},"rows":2}
    4 {"action":"conversation","addresses":"1 digests","digestKey":"KEY","filter":{"before":9},"message":1,"rows":1}
    5 {"action":"message","addresses":"1 digests","digestKey":"KEY","message":2,"rows":1}
    6 {"action":"list","digestKey":"KEY","filter":{"channelType":["SMS"]},"rows":2}
    7 {"action":"conversation","addresses":"1 digests","digestKey":"KEY","message":1,"rows":1}
    8 {"action":"reveal","addresses":"1 digests","digestKey":"KEY","message":1,"reason":"No code for order 528046, called from •••••••••33"}
    9 {"action":"evidence","addresses":"1 digests","digestKey":"KEY","filter":{"of":"message"},"message":1,"rows":1,"unmasked":true}
    10 {"action":"evidence","addresses":"1 digests","digestKey":"KEY","filter":{"of":"message"},"message":1,"rows":1,"unmasked":true}
    11 {"action":"evidence-file","addresses":"1 digests","digestKey":"KEY","filter":{"of":"message"},"message":1,"sha256":"DIGEST","unmasked":true}
    12 {"action":"audit-log","rows":11}
    "#);
}

/// Agents see their own records, auditors all of them, and each finds those about a person.
#[actix_web::test]
async fn audit_log_is_searched_by_person_and_login() {
    let app = TestApp::new().await;
    fill(&app).await;
    let mut agent = Browser::signed_in(&app, "agent").await;
    let mut admin = Browser::signed_in(&app, "admin").await;
    agent.get("/console/people/1").await;
    admin.get("/console/people/2").await;
    let rows = |page: &super::browser::Page| {
        let cells: Vec<String> = page.all("td").map(|cell| cell.text.trim().to_owned()).collect();
        cells.chunks(6).map(|row| format!("{} {}", row[1], row[3])).collect::<Vec<_>>().join(", ")
    };
    let mut auditor = Browser::signed_in(&app, "auditor").await;
    let page = auditor.get("/console/audit").await;
    assert_snapshot!(rows(&page), @"auditor signed in, admin looked at a conversation, agent looked at a conversation, admin signed in, agent signed in");
    for (field, value) in
        [("person", "8 (900) 555-66-77"), ("login", "ADM"), ("from", "2026-03-02"), ("to", "2026-03-01")]
    {
        let mut form = page.form("/console/audit");
        form.insert(field.into(), value.into());
        let address = auditor.post("/console/audit", &form).await.response.header("location").to_owned();
        assert!(!address.contains("555"), "{address}");
        let found = auditor.get(&address).await;
        match field {
            "person" => assert_snapshot!(rows(&found), @"admin looked at a conversation"),
            "login" => assert_snapshot!(rows(&found), @"admin looked at a conversation, admin signed in"),
            "from" => assert_eq!(rows(&found), ""),
            _ => assert!(rows(&found).contains("signed in")),
        }
    }
    assert_snapshot!(rows(&agent.get("/console/audit").await), @"agent looked at a conversation, agent signed in");
    // What can be no address is that of nobody.
    let mut form = page.form("/console/audit");
    form.insert("person".into(), "+".into());
    let address = auditor.post("/console/audit", &form).await.response.header("location").to_owned();
    let nobody = auditor.get(&address).await;
    assert_eq!(rows(&nobody), "");
    assert!(nobody.response.body.contains("A phone number must be complete, without other words."));
    let digest = app.gateway.app.audit.key().unwrap().digest("79005556677");
    let mut form = auditor.get("/console/audit").await.form("/console/audit");
    form.insert("person".into(), digest);
    let address = auditor.post("/console/audit", &form).await.response.header("location").to_owned();
    assert!(rows(&auditor.get(&address).await).contains("admin looked at a conversation"));
    // Each of these looks is on record as one at that person.
    assert_snapshot!(rows(&auditor.get(&address).await), @"auditor looked at the audit log, auditor looked at the audit log, admin looked at a conversation");
}

#[actix_web::test]
async fn log_of_another_tenant_is_never_shown() {
    let app = TestApp::new().await;
    fill(&app).await;
    app.create_tenant(TenantId(9)).await;
    create_user_of(&app, TenantId(9), "other", Role::Admin).await;
    Browser::signed_in(&app, "agent").await.get("/console/people/1").await;
    let mut other = Browser::signed_in(&app, "other").await;
    let page = other.get("/console/audit").await;
    let cells: Vec<String> = page.all("td").map(|cell| cell.text.trim().to_owned()).collect();
    assert_eq!(cells.chunks(6).map(|row| row[1].as_str()).collect::<Vec<_>>(), ["other"]);
    assert!(page.response.body.contains("Entries in the chain: 1."));
}

/// Each look at the log verifies its end.
#[actix_web::test]
async fn auditors_are_told_of_a_changed_log() {
    let app = TestApp::new().await;
    fill(&app).await;
    let mut auditor = Browser::signed_in(&app, "auditor").await;
    let main = |page: &super::browser::Page| page.all("main").next().unwrap().text.clone();
    auditor.get("/console/audit").await;
    let page = auditor.get("/console/audit").await;
    assert!(main(&page).contains("The last 2 entries of the chain are as they were written."), "{}", main(&page));
    let tamper = |connection: &mut _| {
        let statement = "UPDATE audit_entries SET recorded_at = recorded_at + 1 WHERE sequence = 2";
        Ok(diesel::connection::SimpleConnection::batch_execute(connection, statement)?)
    };
    app.store.write(tamper).await.unwrap();
    let page = auditor.get("/console/audit").await;
    assert_snapshot!(page.summary(), @"200 Audit log ! The log was changed in the database: entry 2 is not as it was written. Keep a copy of the database, and verify the whole chain on the server.");
}

/// A full disk: nothing is shown, and the console says why.
#[actix_web::test]
async fn nothing_is_shown_that_cannot_be_recorded() {
    let app = TestApp::on(Database::sqlite(), NOW, |_| {}).await;
    fill(&app).await;
    let mut browser = Browser::signed_in(&app, "agent").await;
    let limit = |pages: i64| {
        let statement = format!("PRAGMA max_page_count = {pages}");
        app.store.write(move |connection| {
            diesel::connection::SimpleConnection::batch_execute(connection, &statement)?;
            Ok(())
        })
    };
    for path in ["/console/people/1", "/console/messages/1", "/console/messages", "/console/evidence/messages/1"] {
        // The connection that could not write is replaced, with its limit.
        limit(1).await.unwrap();
        let mut last = String::new();
        // The last page of the table still has room for some records.
        for _ in 0..200 {
            let page = browser.get(path).await;
            last = format!("{} {}", page.summary(), page.response.body.contains("hello"));
            if page.status() != 200 {
                break;
            }
        }
        assert_eq!(
            last,
            "503 Not available ! This access could not be recorded in the audit log, so nothing is shown. Try again; if this \
             keeps happening, tell your administrator. false",
            "{path}"
        );
    }
    limit(1_000_000).await.unwrap();
    assert_eq!(browser.get("/console/people/1").await.status(), 200);
}

/// Without a key for the digests, there is no record, and nothing is shown.
#[actix_web::test]
async fn console_needs_the_key_of_the_digests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing/key");
    let app = TestApp::with(|config| config.audit.key_file = Some(file.clone())).await;
    fill(&app).await;
    let mut browser = Browser::signed_in(&app, "agent").await;
    assert_snapshot!(browser.get("/console/people/1").await.summary(), @"503 Not available ! This access could not be recorded in the audit log, so nothing is shown. Try again; if this keeps happening, tell your administrator.");
    std::fs::create_dir(folder.path().join("missing")).unwrap();
    assert_eq!(browser.get("/console/people/1").await.status(), 200);
}

/// The records of two gateways are one chain.
#[actix_web::test]
async fn two_gateways_record_in_one_chain() {
    let app = TestApp::new().await;
    fill(&app).await;
    let other = TestApp::with_store(app.open_second_store(), &app);
    let mut browser = Browser::signed_in(&app, "agent").await;
    let mut second = Browser::new(&other);
    second.cookies.clone_from(&browser.cookies);
    for _ in 0..3 {
        assert_eq!(browser.get("/console/messages/1").await.status(), 200);
        assert_eq!(second.get("/console/messages/2").await.status(), 200);
    }
    let entries = app.store.read_primary(|connection| audit::after(connection, TENANT, 0, 100)).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
}

#[actix_web::test]
async fn reason_of_a_list_is_recorded_as_a_digest() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"deliveryStatus": "UNDELIVERED", "deliveryStatusMessage": "user-blocked"}))]).await;
    create_user(&app, "anna", Role::Viewer).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let counts = browser.get("/console/counts").await;
    let link = counts.all("a").find(|link| link.attribute("href").contains("deliveryError")).unwrap();
    assert_eq!(link.text.trim(), "✗ not delivered: the number is blocked (user-blocked)");
    assert_eq!(browser.get(link.attribute("href")).await.status(), 200);
    let recorded = records(&app).await.replace(r#","who":{"login":"anna","role":"viewer","user":1}"#, "");
    assert_snapshot!(recorded, @r#"
    1 {"action":"signed-in"}
    2 {"action":"summary","filter":{"from":"2026-02-28T00:00:00.000Z"},"rows":1}
    3 {"action":"list","digestKey":"KEY","filter":{"deliveryError":"DIGEST","deliveryStatus":["UNDELIVERED"],"from":"2026-03-01T00:00:00.000Z","to":"2026-03-01T23:59:59.999Z"},"rows":1}
    "#);
}

#[actix_web::test]
async fn dates_of_the_audit_log_are_those_of_the_zone() {
    let app = TestApp::new().await;
    fill(&app).await;
    let mut browser = Browser::signed_in(&app, "auditor").await;
    let mut form = browser.get("/console/audit").await.form("/console/language");
    form.insert("zone".into(), "Pacific/Kiritimati".into());
    browser.post("/console/language", &form).await;
    let mut rows = Vec::new();
    // It is the second of March there.
    for dates in ["from=2026-03-02", "from=2026-03-03", "to=2026-03-02", "to=2026-03-01"] {
        let page = browser.get(&format!("/console/audit?{dates}")).await;
        rows.push((dates, page.all("tr").count().saturating_sub(1)));
    }
    assert_eq!(
        rows,
        [("from=2026-03-02", 2), ("from=2026-03-03", 0), ("to=2026-03-02", 4), ("to=2026-03-01", 0)],
        "sessions and looks at the log itself are all there is"
    );
}

/// Records of API keys are many in one entry.
#[actix_web::test]
async fn pages_of_the_audit_log_are_short_and_leave_nothing_out() {
    let app = TestApp::new().await;
    fill(&app).await;
    let log = &app.gateway.app.audit;
    for key in 1..=120 {
        let record = AuditRecord::new(instant(NOW), Who::Key { key }, Action::ApiRead);
        log.queue(TENANT, &record).unwrap();
    }
    log.flush(instant(NOW)).await.unwrap();
    let mut auditor = Browser::signed_in(&app, "auditor").await;
    let (mut keys, mut address) = (Vec::new(), Some("/console/audit".to_owned()));
    let mut pages = Vec::new();
    while let Some(path) = address {
        let page = auditor.get(&path).await;
        let cells: Vec<String> = page.all("td").map(|cell| cell.text.trim().to_owned()).collect();
        pages.push(cells.len() / 6);
        keys.extend(cells.into_iter().filter_map(|cell| cell.strip_prefix("API key ")?.parse::<i64>().ok()));
        address = page.all("a").find(|link| link.text == "Older records").map(|link| link.attribute("href").to_owned());
    }
    assert_eq!(keys, (1..=120).rev().collect::<Vec<_>>());
    assert_eq!(pages, [50, 50, 21], "and one of the auditor");
    assert_eq!(auditor.get("/console/audit?before=x").await.status(), 400);
}
