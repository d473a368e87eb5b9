//! Responses depend neither on PostgreSQL's language nor on its time zone.

use std::process::Command;

use serde_json::json;

use super::cluster_or_skip;
use crate::support::cluster::Cluster;
use crate::support::{Database, NOW, TENANT, TestApp, message, report_skipped};
use history_gateway::ingest::{Event, IngestQueue, Outcome, QueueLimits, TenantLimits};
use history_gateway::model::{Item, Property, TenantId};
use history_gateway::store::{Options, StoreError};

/// Creates a Russian locale in a directory of its own; `None` if this system has no sources for it.
fn russian_locale() -> Option<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("history-gateway-locale-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let is_created = Command::new("localedef")
        .args(["-i", "ru_RU", "-f", "UTF-8"])
        .arg(folder.path().join("ru_RU.UTF-8"))
        .output()
        .is_ok_and(|output| output.status.success() && folder.path().join("ru_RU.UTF-8").exists());
    if !is_created {
        report_skipped("localedef cannot make ru_RU.UTF-8 (Debian: apt-get install locales)");
    }
    is_created.then_some(folder)
}

async fn filled(database: Database) -> TestApp {
    let app = TestApp::on(database, NOW, |_| {}).await;
    let texts = [
        "ё", "е", "ж", "Ж", "z", "Z", "ä", "a", "_", "", "-", "10", "9", "\u{0}", "\u{1}", "a\u{0}b", "И", "i", "ı",
        "I",
    ];
    app.import((1..).zip(texts).map(|(id, text)| {
        let fields = json!({
            "comment": text, "content": text, "cascadeName": text, "subjectName": text, "subjectId": id % 4,
            "deliveryStatus": text, "broadcastName": text, "address": format!("x{text}@example"), "channelType": "PUSH",
        });
        message(id, fields)
    }))
    .await;
    app
}

#[actix_web::test]
async fn results_do_not_depend_on_server_locale_or_time_zone() {
    let cluster = cluster_or_skip!();
    let Some(locale) = russian_locale() else { return };
    // The messages of PostgreSQL are Russian too: no error may be recognized by its text.
    let russian_cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(
        cluster.binaries.clone(),
        "ru_RU.UTF-8",
        &[("LOCPATH", locale.path().to_str().unwrap())],
        &["TimeZone=Asia/Kathmandu", "DateStyle=German", "lc_messages=ru_RU.UTF-8"],
    )));
    assert_eq!(
        russian_cluster.psql("postgres", "SELECT 'ё' < 'ж' COLLATE \"default\", 'ё' < 'ж' COLLATE \"C\"").unwrap(),
        "t|f"
    );
    let (postgres, sqlite) =
        (filled(Database::on(russian_cluster, "template1")).await, filled(Database::sqlite()).await);
    let mut bodies = vec![json!({}), json!({"subscriberFilter": {"address": "xИ@EXAMPLE", "type": "EMAIL"}})];
    bodies.push(json!({"subscriberFilter": {"address": "xa\u{0}b@example", "type": "COOKIE_ID"}}));
    for property in Property::ALL {
        for direction in ["ASC", "DESC"] {
            bodies.push(json!({"limit": 50, "sort": {"property": property.name(), "direction": direction}}));
        }
    }
    for body in bodies {
        let (on_postgres, on_sqlite) = (postgres.history(&body).await, sqlite.history(&body).await);
        assert_eq!(on_postgres, on_sqlite, "{body}");
        assert!(on_sqlite.contains("messageId"), "{body}");
    }
    let store = postgres.open_with(Options { wait: std::time::Duration::from_millis(200), ..Options::default() });
    let mut other = postgres.database_url().connect(std::time::Duration::from_secs(5)).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut other, "BEGIN; SELECT FROM tenant_states FOR UPDATE")
        .unwrap();
    let item = Item::parse(&message(99, json!({})).to_string(), TENANT).unwrap();
    let refused = history_gateway::ingest::record(&store, TENANT, vec![item]).await;
    assert!(matches!(refused, Err(StoreError::Busy)), "{refused:?}");
    // The ingest queue must also recognize a lock timeout without its text when it leaves a tenant out of a commit.
    let limits = QueueLimits {
        queue_bytes: 1 << 20,
        wait: std::time::Duration::from_mins(1),
        tenant_limits: TenantLimits::default(),
    };
    let queue = IngestQueue::new(postgres.store.clone(), limits);
    let other_tenant = TenantId(TENANT.0 + 1);
    postgres.create_tenant(other_tenant).await;
    let event = |tenant| vec![Event::from(Item::parse(&message(100, json!({})).to_string(), tenant).unwrap())];
    let held_back = queue.record(TENANT, event(TENANT));
    let others = async {
        let recorded = queue.record(other_tenant, event(other_tenant)).await.unwrap();
        diesel::connection::SimpleConnection::batch_execute(&mut other, "COMMIT").unwrap();
        recorded
    };
    let (held_back, others) = tokio::join!(held_back, others);
    assert_eq!((held_back.unwrap().outcomes, others.outcomes), (vec![Outcome::Imported], vec![Outcome::Imported]));
}
