//! Several gateways share one database: nothing is lost however they interleave.

use serde_json::{Value, json};

use super::{app_on, cluster_or_skip};
use crate::support::{Binary, Database, TENANT, TestApp, message};
use history_gateway::ingest;
use history_gateway::model::Item;

fn items(items: impl IntoIterator<Item = Value>) -> Vec<Item> {
    items.into_iter().map(|item| Item::parse(&item.to_string(), TENANT).unwrap()).collect()
}

/// The copy of a message that one of four writers sends in a round.
fn copy(id: i64, writer: i64, round: i64) -> Value {
    let status = ["SENT", "DELIVERED", "READ", "FAILED"][usize::try_from((writer + round) % 4).unwrap()];
    json!({
        "deliveryStatus": status,
        "deliveryStatusAt": format!("2026-03-01T10:00:0{round}Z"),
        "subscriberId": (writer % 2 == 0).then_some(id % 5 + 1),
        "subjectId": id % 3 + 1,
        "subjectName": format!("subject {}", id % 3),
        "comment": (writer == 3).then_some("said by the last"),
        "sentOrReceivedAt": format!("2026-0{}-01T10:00:00Z", id % 3 + 1),
    })
    .as_object()
    .map(|fields| {
        fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())).collect()
    })
    .map(|fields: serde_json::Map<_, _>| message(id, Value::Object(fields)))
    .unwrap()
}

async fn export(app: &TestApp) -> Vec<String> {
    let page =
        |connection: &mut _| history_gateway::store::messages::page_after(connection, TENANT, 0, (None, None), 10_000);
    app.store.read_primary(page).await.unwrap().into_iter().map(|(_, item)| item).collect()
}

#[actix_web::test]
async fn concurrent_gateways_lose_and_duplicate_nothing() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    let stores: Vec<_> = (0..4).map(|_| app.open_second_store()).collect();
    let writers = (0..4).zip(stores).map(|(writer, store)| {
        actix_web::rt::spawn(async move {
            for round in 0..6 {
                for batch in 0..5 {
                    // Each writer goes through the batches in a different order.
                    let first = (batch + writer) % 5 * 10;
                    let copies = items((first + 1..=first + 10).map(|id| copy(id, writer, round)));
                    ingest::record(&store, TENANT, copies).await.unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    // The same copies, one after another, in a database of their own.
    let one_by_one = app_on(cluster).await;
    for writer in 0..4 {
        for round in 0..6 {
            one_by_one.import((1..=50).map(|id| copy(id, writer, round))).await;
        }
    }
    assert_eq!(export(&app).await.len(), 50);
    assert_eq!(export(&app).await, export(&one_by_one).await);
    // The derived rows are right too, without duplicates.
    let derived = "SELECT string_agg(line, ' ' ORDER BY line) FROM (\
        SELECT format('%s/%s/%s:%s', address, channel_class, subscriber_id, count(*)) AS line FROM recipients GROUP BY address, channel_class, subscriber_id \
        UNION ALL SELECT format('day %s/%s:%s', day, channel_type, messages) FROM message_days WHERE messages > 0 \
        UNION ALL SELECT format('subject %s:%s:%s', id, name, learned_from) FROM subjects \
        UNION ALL SELECT format('copies %s:%s', message_id, count(*)) FROM message_copies GROUP BY message_id) AS lines";
    let (concurrent, sequential) =
        (cluster.psql(app.database_name(), derived), cluster.psql(one_by_one.database_name(), derived));
    assert_eq!(concurrent, sequential);
    let wrong = "SELECT count(*) FROM (SELECT sent_or_received_at / 86400000 AS day, count(*) AS messages FROM messages GROUP BY 1) AS real \
        FULL JOIN (SELECT day, messages FROM message_days WHERE channel_type = '' AND messages > 0) AS kept USING (day) \
        WHERE real.messages IS DISTINCT FROM kept.messages";
    assert_eq!(cluster.psql(app.database_name(), wrong).unwrap(), "0");
}

#[actix_web::test]
async fn concurrent_tenant_creation_succeeds_once() {
    let app = std::rc::Rc::new(app_on(cluster_or_skip!()).await);
    let creators = (0..5).map(|_| {
        let store = app.open_second_store();
        actix_web::rt::spawn(async move {
            let tenant = history_gateway::model::tenant::Tenant {
                id: history_gateway::model::TenantId(7),
                name: "Seven".into(),
                project_id: "00000000-0000-4000-8000-000000000007".into(),
            };
            let now = crate::support::instant(crate::support::NOW);
            store
                .write(move |connection| history_gateway::store::tenants::create(connection, &tenant, now))
                .await
                .unwrap()
        })
    });
    let mut created = 0;
    for creator in creators.collect::<Vec<_>>() {
        created += usize::from(creator.await.unwrap());
    }
    assert_eq!(created, 1);
}

#[test]
fn concurrent_processes_can_create_the_same_store() {
    let binary = Binary::with(Database::on(cluster_or_skip!(), "template1"));
    let started: Vec<_> = (0..5).map(|_| binary.command(&["migrate"]).spawn().unwrap()).collect();
    for mut child in started {
        assert!(child.wait().unwrap().success());
    }
    binary.run(&["tenant", "create", "--id", "1", "--name", "x"]);
}

#[test]
fn revoked_key_stops_at_every_gateway_within_a_second() {
    let binary = Binary::with(Database::on(cluster_or_skip!(), "template1"));
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let gateways = [0, 1].map(|_| binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]));
    for gateway in &gateways {
        assert_eq!(gateway.history(&key, "{}"), r#"200 {"content":[],"hasNext":false}"#);
    }
    binary.run(&["key", "revoke", "--tenant", "3193", "--id", "1"]);
    let revoked = std::time::Instant::now();
    for gateway in &gateways {
        while gateway.history(&key, "{}").starts_with("200") {
            assert!(revoked.elapsed() < std::time::Duration::from_secs(1));
        }
        assert!(gateway.history(&key, "{}").starts_with("401"));
    }
}

#[test]
fn imported_message_is_found_at_every_gateway() {
    let binary = Binary::with(Database::on(cluster_or_skip!(), "template1"));
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let gateways = [0, 1].map(|_| binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]));
    for id in 1..=5 {
        let item = message(id, json!({"sentOrReceivedAt": "2026-03-01"})).to_string();
        assert!(binary.pipe(&["import", "--tenant", "3193", "-"], item.as_bytes()).status.success());
        for gateway in &gateways {
            let response = gateway
                .history(&key, &json!({"messageId": id, "dateFrom": "2026-02-01", "dateTo": "2026-03-02"}).to_string());
            assert!(response.contains(&format!("\"messageId\":{id}")), "{response}");
        }
    }
}
