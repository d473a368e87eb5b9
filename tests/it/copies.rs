//! `copy`: everything of a store is in the other one afterwards, and stays if both are in use.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::feeds::{Feeds, incoming_message, status_event, with_fields};
use crate::oneuptime::log_row;
use crate::support::{Binary, Database, NOW, TENANT, TestApp, message};
use history_gateway::ingest::{self, Event};
use history_gateway::model::key::KeyKind;
use history_gateway::model::{Item, Provenance, Source};
use history_gateway::store::{Options, api_keys, pulls, tenants};
use history_gateway::transfer::Transfer;

/// Pairs of databases to copy between: of each kind into each other, as far as they are available.
fn pairs() -> Vec<(Database, Database)> {
    let mut pairs = vec![(Database::sqlite(), Database::sqlite())];
    #[cfg(feature = "postgres")]
    if let Some(cluster) = crate::support::postgres_cluster() {
        let on_server = || Database::on(cluster, "template1");
        pairs.push((Database::sqlite(), on_server()));
        pairs.push((on_server(), Database::sqlite()));
    }
    pairs
}

/// Runs `copy`; returns its exit code, standard output and standard error.
fn copy(from: &str, to: &str, more: &[&str]) -> String {
    let output = Binary::with_sqlite().output(&[&["copy", "--from", from, "--to", to][..], more].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{} {}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The same, without the digest.
fn copy_summary(from: &str, to: &str) -> String {
    let printed = copy(from, to, &[]);
    let (before, digest) = printed.split_once("\"sha256\":\"").unwrap_or_else(|| panic!("{printed}"));
    format!("{before}{}", digest.split_once("\",").unwrap().1)
}

/// What clients see of a store: both exports, the trail of each message, the keys and the subjects.
async fn everything(app: &TestApp, database: &Database) -> Vec<String> {
    let binary = Binary::with_sqlite();
    let run = |arguments: &[&str]| binary.run(&[arguments, &["--database", &database.url()]].concat());
    let export = run(&["export", "--tenant", "3193"]);
    let logs = run(&["export", "--tenant", "3193", "--format", "oneuptime"]);
    let mut all = vec![run(&["subject", "list", "--tenant", "3193"]), run(&["check"])];
    for line in export.lines() {
        let item: Value = serde_json::from_str(line).unwrap();
        let path = format!("/v1/messages/{}", item["messageId"]);
        all.push(app.send("GET", &path, &[("x-api-key", &app.key)], "").await.body);
    }
    all.extend([export, logs]);
    all
}

/// Fills a store through every feed.
async fn fill(feeds: &Feeds) {
    let app = &feeds.app;
    let post = async |path: &str, body: Value| {
        let response = feeds.post_api(path, &body).await;
        assert!(response.starts_with("200 "), "{response}");
    };
    let whatsapp = |id, fields| with_fields(message(id, json!({"channelType": "WHATSAPP", "subjectId": 501})), fields);
    post("/v1/messages", json!([whatsapp(1, json!({})), whatsapp(2, json!({"comment": "null \u{0} inside"}))])).await;
    // Several feeds report message 3, each with fields of its own.
    post("/v1/messages", whatsapp(3, json!({"comment": "from us"}))).await;
    let imported = whatsapp(3, json!({"deliveryStatus": "SENT", "cascadeId": 7, "unknown": {"kept": [1, 2]}}));
    let item = Item::parse(&imported.to_string(), TENANT).unwrap();
    ingest::record(&app.store, TENANT, vec![item]).await.unwrap();
    let pulled = Item::parse(&whatsapp(4, json!({"deliveryStatus": "FAILED"})).to_string(), TENANT).unwrap();
    let provenance = Provenance { source: Source::Pull, received_at: Some(crate::support::instant(NOW)) };
    ingest::record(&app.store, TENANT, vec![Event::message(pulled, provenance)]).await.unwrap();
    // Statuses of known messages, of one that is not known, and one that names only its request.
    for (id, word) in [(1, "DELIVERED"), (1, "READ"), (3, "READ"), (99, "SENT")] {
        let event = with_fields(status_event(word, "2026-03-01T10:05:00Z"), json!({"messageId": id}));
        assert!(feeds.post_webhook(&event).await.starts_with("200 "));
    }
    let unnamed =
        with_fields(status_event("EXPIRED", "2026-03-01T10:06:00Z"), json!({"messageId": null, "requestId": "only"}));
    assert!(feeds.post_webhook(&unnamed).await.starts_with("200 "));
    // A message of a known subject, one of an unknown one, and an event of another kind.
    assert!(feeds.post_webhook(incoming_message(5)).await.starts_with("200 "));
    let pending = with_fields(incoming_message(6), json!({"subjectId": 777}));
    assert!(feeds.post_webhook(&pending).await.starts_with("200 "));
    assert!(feeds.post_webhook(json!({"templateId": 12, "state": "APPROVED"})).await.starts_with("200 "));
    let subject = history_gateway::model::subject::Subject {
        id: 600,
        name: Some("by hand".into()),
        channel_type: "VIBER".into(),
    };
    ingest::add_subject(&app.store, TENANT, subject).await.unwrap();
    let progress = pulls::PullProgress { complete_up_to: Some(crate::support::instant(NOW)), ..Default::default() };
    app.store
        .write(move |connection| pulls::save(connection, TENANT, "https://upstream.example", &progress))
        .await
        .unwrap();
}

/// Imports WhatsApp log rows in OneUptime's form: one of its own, and copies of a message's row, older and newer.
fn import_logs(database: &Database) {
    let binary = Binary::with_sqlite();
    let database = database.url();
    let at = ["--database", database.as_str()];
    let export = binary.run(&[&["export", "--tenant", "3193", "--format", "oneuptime"][..], &at].concat());
    let mut rows: Vec<Value> = export.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 4, "{export}");
    rows[0]["updatedAt"] = json!("2020-01-01T00:00:00Z");
    rows[1]["updatedAt"] = json!("2031-01-01T00:00:00Z");
    rows[1]["statusMessage"] = json!("newer");
    rows.truncate(2);
    rows.push(log_row(1, json!({"projectId": TENANT.derived_project_id()})));
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let import = [&["import", "--tenant", "3193", "--format", "oneuptime", "-"][..], &at].concat();
    let output = binary.pipe(&import, lines.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[actix_web::test]
async fn copy_has_everything_that_clients_can_ask_for() {
    for (from, to) in pairs() {
        let (from_url, to_url) = (from.url(), to.url());
        let app = TestApp::on(from, NOW, |_| {}).await;
        let feeds = Feeds::of(app).await;
        fill(&feeds).await;
        import_logs(feeds.app.database());
        let revoked = feeds.app.issue_key(TENANT, |key| key.kind = KeyKind::Additional).await;
        feeds
            .app
            .store
            .write(|connection| api_keys::revoke(connection, TENANT, 3, crate::support::instant(NOW)))
            .await
            .unwrap();
        let printed = copy_summary(&from_url, &to_url);
        insta::allow_duplicates! { assert_snapshot!(printed, @r#"0 {"tenant":3193,"messages":5,"copied":5,"updated":0,"statuses":5,"logs":2,"keys":3,"users":0,"complete":true}"#); }
        let copied = TestApp::with_store(to.open(Options::default()), &feeds.app);
        let before = everything(&feeds.app, feeds.app.database()).await;
        assert_eq!(everything(&copied, &to).await, before, "{from_url} to {to_url}");
        // The same keys work, and the same do not.
        assert!(copied.history("{}").await.starts_with("200 "));
        assert!(copied.history_with(&revoked, "{}").await.starts_with("401 "));
        let pulled = copied.store.read_primary(|connection| pulls::all(connection, TENANT)).await.unwrap();
        assert_eq!(pulled[0].1.complete_up_to, Some(crate::support::instant(NOW)));
        // What waited in the source waits in the target, and goes on there.
        let copied = Feeds { app: copied, webhook_key: feeds.webhook_key.clone() };
        let pending =
            copied.app.store.read_primary(|c| history_gateway::store::messages::pending::counts(c, TENANT)).await;
        let pending = pending.unwrap();
        assert_eq!((pending.messages, pending.other_events), (1, 1));
        let known = json!({"messageId": 7, "channelType": "TELEGRAM", "subjectId": 777});
        copied.post_api("/v1/messages", message(7, known)).await;
        copied.app.gateway.app.ingest.process_all_pending().await.unwrap();
        assert_eq!(copied.get("/v1/messages/6").await.split_once(' ').unwrap().0, "200");
        copied.post_api("/v1/messages", message(99, json!({"subjectId": 501}))).await;
        assert!(copied.get("/v1/messages/99").await.contains("\"SENT\""));
        // A second copy changes nothing.
        let again = copy_summary(&from_url, &to_url);
        insta::allow_duplicates! { assert_snapshot!(again, @r#"
        0 {"tenant":3193,"messages":5,"copied":0,"updated":0,"statuses":0,"logs":0,"keys":0,"users":0,"complete":true}
        Tenant 3193: 3 messages are only in the target, and stay there.
        "#); }
    }
}

#[actix_web::test]
async fn second_copy_brings_what_came_since() {
    for (from, to) in pairs() {
        let (from_url, to_url) = (from.url(), to.url());
        let feeds = Feeds::of(TestApp::on(from, NOW, |_| {}).await).await;
        feeds.post_api("/v1/messages", json!((1..=5).map(|id| message(id, json!({}))).collect::<Vec<_>>())).await;
        assert!(copy(&from_url, &to_url, &[]).starts_with("0 "));
        // A new message, a new status of a copied one, and a key that was revoked.
        feeds.post_api("/v1/messages", message(6, json!({}))).await;
        feeds.post_webhook(status_event("DELIVERED", "2026-03-01T10:05:00Z")).await;
        feeds
            .app
            .store
            .write(|connection| api_keys::revoke(connection, TENANT, 2, crate::support::instant(NOW)))
            .await
            .unwrap();
        let printed = copy_summary(&from_url, &to_url);
        insta::allow_duplicates! { assert_snapshot!(printed, @r#"0 {"tenant":3193,"messages":6,"copied":1,"updated":1,"statuses":1,"logs":0,"keys":1,"users":0,"complete":true}"#); }
        let copied = TestApp::with_store(to.open(Options::default()), &feeds.app);
        assert_eq!(everything(&copied, &to).await, everything(&feeds.app, feeds.app.database()).await);
    }
}

#[actix_web::test]
async fn target_in_use_loses_nothing_to_a_copy() {
    for (from, to) in pairs() {
        let (from_url, to_url) = (from.url(), to.url());
        let source = Feeds::of(TestApp::on(from, NOW, |_| {}).await).await;
        source.post_api("/v1/messages", json!([message(1, json!({})), message(2, json!({}))])).await;
        assert!(copy(&from_url, &to_url, &[]).starts_with("0 "));
        let app = TestApp::with_store(to.open(Options::default()), &source.app);
        let target = Feeds { app, webhook_key: source.webhook_key.clone() };
        // The webhooks go to the target already, and the last calls still reach the source.
        assert!(target.post_webhook(status_event("READ", "2026-03-01T10:09:00Z")).await.starts_with("200 "));
        assert!(target.post_api("/v1/messages", message(8, json!({}))).await.starts_with("200 "));
        assert!(source.post_webhook(status_event("SENT", "2026-03-01T10:01:00Z")).await.starts_with("200 "));
        assert!(source.post_api("/v1/messages", message(7, json!({}))).await.starts_with("200 "));
        let printed = copy_summary(&from_url, &to_url);
        insta::allow_duplicates! { assert_snapshot!(printed, @r#"
        0 {"tenant":3193,"messages":3,"copied":1,"updated":1,"statuses":1,"logs":0,"keys":0,"users":0,"complete":true}
        Tenant 3193: 1 messages are only in the target, and stay there.
        Tenant 3193: 1 messages have more in the target, which stays.
        "#); }
        assert_eq!(
            target.app.ids(json!({"sort": {"property": "messageId", "direction": "ASC"}})).await,
            "[1, 2, 7, 8]"
        );
        let trail = target.get("/v1/messages/1").await;
        assert!(trail.contains("\"READ\"") && trail.contains("\"SENT\""), "{trail}");
    }
}

#[actix_web::test]
async fn comparison_names_each_kind_that_is_missing() {
    let source = Feeds::of(TestApp::new().await).await;
    fill(&source).await;
    let target = TestApp::new().await;
    let transfer = Transfer { from: &source.app.store, to: &target.store, tenant: TENANT };
    let found = transfer.verify(&mut |_| {}).await.unwrap();
    assert!(!found.is_complete() && found.digest != found.target_digest);
    let counts =
        (found.messages, found.incomplete_messages, found.statuses, found.missing_statuses, found.only_in_target);
    assert_eq!(counts, (5, 5, 5, 5, 0));
    let missing = ["2 subjects", "2 keys or their revocations", "1 pulls", "1 pending messages", "1 other events"];
    assert_eq!(found.missing, missing);
    // A key that was copied and is revoked in the source only, and one of the target's own, which hides nothing.
    let tenant = source.app.store.read_primary(tenants::list).await.unwrap().remove(0);
    transfer.run(&tenant, &mut |_| {}).await.unwrap();
    assert!(transfer.verify(&mut |_| {}).await.unwrap().is_complete());
    target.issue_key(TENANT, |_| {}).await;
    source.app.store.write(|c| api_keys::revoke(c, TENANT, 1, crate::support::instant(NOW))).await.unwrap();
    assert_eq!(transfer.verify(&mut |_| {}).await.unwrap().missing, ["1 keys or their revocations"]);
}

#[test]
fn copy_of_one_tenant_leaves_the_others() {
    let source = Binary::with_sqlite();
    for tenant in ["1", "2"] {
        source.run(&["tenant", "create", "--id", tenant, "--name", "Shop"]);
        source.run(&["generate", "--tenant", tenant, "--messages", "50", "--until", "2026-03-01", "--seed", tenant]);
    }
    let target = Binary::with_sqlite();
    target.run(&["tenant", "create", "--id", "9", "--name", "Old"]);
    target.run(&["generate", "--tenant", "9", "--messages", "30", "--until", "2026-03-01"]);
    let nine = target.run(&["export", "--tenant", "9"]);
    let printed = copy(&source.url(), &target.url(), &["--tenant", "2"]);
    assert!(printed.starts_with(r#"0 {"tenant":2,"messages":50,"copied":50,"#), "{printed}");
    assert_eq!(target.run(&["export", "--tenant", "2"]), source.run(&["export", "--tenant", "2"]));
    assert_eq!(target.run(&["export", "--tenant", "9"]), nine);
    assert_eq!(target.run(&["tenant", "list"]).lines().count(), 3);
    assert_eq!(target.run(&["check"]), "");
}

#[test]
fn copy_that_is_impossible_is_refused_in_one_sentence() {
    let (source, target) = (Binary::with_sqlite(), Binary::with_sqlite());
    source.run(&["tenant", "create", "--id", "1", "--name", "One"]);
    let key = source.run(&["key", "issue", "--tenant", "1"]).trim().to_owned();
    let (from, to) = (source.url(), target.url());
    let hide = |printed: String| {
        printed
            .replace(&source.path("").display().to_string(), "S/")
            .replace(&target.path("").display().to_string(), "T/")
    };
    assert_snapshot!(hide(copy(&from, &from, &[])), @"1 history-gateway: --from and --to name the same store; name another one in --to");
    let missing = format!("sqlite://{}", source.path("nothing.db").display());
    assert_snapshot!(hide(copy(&missing, &to, &[])), @"1 history-gateway: there is no store at 'S/nothing.db'; check --database and the setting database.url, or make a store: 'history-gateway tenant create' makes one with a tenant, 'history-gateway migrate' an empty one");
    assert!(!source.path("nothing.db").exists() && !target.path("history.db").exists());
    assert_snapshot!(hide(copy(&from, &to, &["--tenant", "5"])), @"1 history-gateway: there is no tenant 5; 'history-gateway tenant create --id 5 --name NAME' makes it");
    target.run(&[
        "tenant",
        "create",
        "--id",
        "1",
        "--name",
        "One",
        "--project-id",
        "7ba7f04a-0000-4000-8000-000000000001",
    ]);
    let refused = hide(copy(&from, &to, &[]));
    assert!(refused.contains("the other store has tenant 1 with another project"), "{refused}");
    let other = Binary::with_sqlite();
    other.run(&["tenant", "create", "--id", "2", "--name", "Two"]);
    other.run(&["key", "issue", "--tenant", "2", "--value", &key]);
    assert_snapshot!(hide(copy(&from, &other.url(), &[])), @"1 history-gateway: a key belongs to tenant 2 in the other store; one key identifies one tenant");
    assert_snapshot!(hide(copy("mysql://x", &to, &[])), @"1 history-gateway: 'mysql:…' is no database address: its scheme is not known; use sqlite://FILE or postgres://USER@HOST/DATABASE");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Copies between writes, in any order, end with what one store has that received everything.
    #[test]
    fn copies_between_writes_give_the_store_that_got_all(
        writes in prop::collection::vec((0_i64..6, 0_usize..4, any::<bool>()), 1..20),
    ) {
        actix_web::rt::System::new().block_on(async {
            let (whole, source) = (TestApp::new().await, TestApp::new().await);
            let target = Database::sqlite();
            let store = target.open(Options::default());
            let words = ["SENT", "DELIVERED", "READ", "FAILED"];
            for (id, word, copies) in &writes {
                let at = format!("2026-03-01T10:0{word}:00Z");
                let fields = json!({"deliveryStatus": words[*word], "deliveryStatusAt": at, "comment": format!("c{word}")});
                for app in [&whole, &source] {
                    let item = Item::parse(&message(*id + 1, fields.clone()).to_string(), TENANT).unwrap();
                    ingest::record(&app.store, TENANT, vec![item]).await.unwrap();
                }
                if *copies {
                    copy_into(&source, &store).await;
                }
            }
            copy_into(&source, &store).await;
            let copied = TestApp::with_store(store, &source);
            assert_eq!(copied.history(json!({"limit": 1000})).await, whole.history(json!({"limit": 1000})).await);
        });
    }
}

/// Copies the tenant, and finds no difference.
async fn copy_into(source: &TestApp, target: &history_gateway::store::Store) {
    let transfer = Transfer { from: &source.store, to: target, tenant: TENANT };
    let tenant = source.store.read_primary(tenants::list).await.unwrap().remove(0);
    transfer.run(&tenant, &mut |_| {}).await.unwrap();
    let found = transfer.verify(&mut |_| {}).await.unwrap();
    assert!(found.is_complete(), "{found:?}");
}
