//! The chain of the audit log: links, writers that take turns, and what happens when nothing can be written.

use insta::assert_snapshot;

use super::records;
use crate::console::browser::{Browser, create_user};
use crate::support::{NOW, TENANT, TestApp, instant};
use history_gateway::model::audit::{Action, AuditRecord, ChainHash, Link, Who};
use history_gateway::model::user::Role;
use history_gateway::store::audit;

fn record(key: i64) -> AuditRecord {
    AuditRecord::new(instant(NOW), Who::Key { key }, Action::ApiRead)
}

#[actix_web::test]
async fn each_entry_has_the_hash_of_all_before_it() {
    let app = TestApp::new().await;
    for key in 1..=3 {
        let append = move |connection: &mut _| audit::append(connection, TENANT, &[record(key)], instant(NOW));
        app.store.write(append).await.unwrap();
    }
    let read = |connection: &mut _| {
        Ok((audit::after(connection, TENANT, 0, 10)?, audit::stored_head(connection, TENANT)?.unwrap()))
    };
    let (entries, head) = app.store.read_primary(read).await.unwrap();
    let mut previous = ChainHash::BEFORE_FIRST;
    for (entry, sequence) in entries.iter().zip(1..) {
        assert_eq!(entry.sequence, sequence);
        let link = Link { tenant: TENANT, sequence, recorded_at: entry.recorded_at, records: &entry.records };
        previous = link.hash(previous);
        assert_eq!(entry.hash, previous.0);
    }
    assert_eq!((head.sequence, head.hash), (3, previous));
}

/// Two gateways write to one chain at the same time: no number is missing or used twice, and every link holds.
#[actix_web::test]
async fn two_gateways_write_one_chain() {
    let app = TestApp::new().await;
    let stores = [app.store.clone(), app.open_second_store()];
    let writers = stores.into_iter().zip([1, 2]).map(|(store, key)| async move {
        for _ in 0..40 {
            let append = move |connection: &mut _| audit::append(connection, TENANT, &[record(key)], instant(NOW));
            store.write(append).await.unwrap();
        }
    });
    futures_util::future::join_all(writers).await;
    let entries = app.store.read_primary(|connection| audit::after(connection, TENANT, 0, 100)).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), (1..=80).collect::<Vec<_>>());
    let mut previous = ChainHash::BEFORE_FIRST;
    for entry in &entries {
        let (sequence, recorded_at) = (entry.sequence, entry.recorded_at);
        previous = Link { tenant: TENANT, sequence, recorded_at, records: &entry.records }.hash(previous);
        assert_eq!(entry.hash, previous.0, "entry {sequence}");
    }
}

/// Records that could not be written are written later, in their order.
#[actix_web::test]
async fn records_wait_while_the_store_cannot_be_written_to() {
    let app = TestApp::with(|config| {
        config.audit.api = history_gateway::config::ApiAudit::Every;
        config.database.wait_seconds = 1;
    })
    .await;
    app.history("{}").await;
    let (release, locked) = lock_head(&app);
    locked.await;
    assert!(app.gateway.app.audit.flush(instant(NOW)).await.is_err());
    app.history("{\"limit\":3}").await;
    drop(release);
    while app.gateway.app.audit.flush(instant(NOW)).await.is_err() {}
    assert_eq!(records(&app).await.lines().count(), 2);
}

/// Keeps another gateway's transaction open, in which it has added an entry, until the sender is dropped.
fn lock_head(app: &TestApp) -> (std::sync::mpsc::Sender<()>, impl Future<Output = ()>) {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let store = app.open_second_store();
    actix_web::rt::spawn(async move {
        let held = store.write(move |connection| {
            audit::append(connection, TENANT, &[record(9)], instant(NOW))?;
            let _ = begun.send(());
            let _ = released.recv();
            Err::<(), _>(history_gateway::store::StoreError::Busy)
        });
        let _ = held.await;
    });
    (release, async { has_begun.await.unwrap() })
}

#[actix_web::test]
async fn signing_in_and_out_is_recorded() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    create_user(&app, "boris", Role::Agent).await;
    let disable = |connection: &mut _| {
        let boris = history_gateway::model::user::Login::parse("boris").unwrap();
        history_gateway::store::users::set_disabled(connection, TENANT, &boris, true, instant(NOW))
    };
    assert!(app.store.write(disable).await.unwrap());
    let mut browser = Browser::new(&app);
    browser.sign_in("anna", "another password").await;
    browser.sign_in("nobody", "another password").await;
    assert_eq!(browser.sign_in("boris", super::super::console::browser::PASSWORD).await.status(), 422);
    let mut browser = Browser::signed_in(&app, "anna").await;
    let form = browser.get("/console/").await.form("/console/logout");
    browser.post("/console/logout", &form).await;
    app.gateway.app.audit.flush(instant(NOW)).await.unwrap();
    assert_snapshot!(records(&app).await, @r#"
    1 {"action":"signed-in","who":{"login":"anna","role":"agent","user":1}}
    2 {"action":"signed-out","who":{"login":"anna","role":"agent","user":1}}
    3 {"action":"sign-in-failed","who":{"login":"anna","role":"agent","user":1}}
    3 {"action":"sign-in-failed","who":{"login":"boris","role":"agent","user":2}}
    "#);
}
