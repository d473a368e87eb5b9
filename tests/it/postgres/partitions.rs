//! Messages are partitioned by month: there is a partition for every date, and a month can be dropped.

use std::future::ready;

use insta::assert_snapshot;
use serde_json::json;

use super::{app_on, cluster_or_skip};
use crate::support::{TENANT, instant, message};
use history_gateway::model::{Instant, Item};
use history_gateway::store::messages::blocks::build;
use history_gateway::store::messages::partitions;

const LIST: &str = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_inherits JOIN pg_class \
    ON pg_class.oid = inhrelid WHERE inhparent = 'messages'::regclass";

#[actix_web::test]
async fn message_of_any_date_is_stored_and_found() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    let dates = [
        "0000-01-01T00:00:00.000+0000",
        "1969-12-31T23:59:59.999+0000",
        "2009-12-31T23:59:59.999+0000",
        "2010-01-01T00:00:00.000+0000",
        "2026-01-31T23:59:59.999+0000",
        "2026-02-01T00:00:00.000+0000",
        "2059-12-31T23:59:59.999+0000",
        "2060-01-01T00:00:00.000+0000",
        "9999-12-31T23:59:59.999+0000",
    ];
    app.import((1..).zip(dates).map(|(id, date)| message(id, json!({"sentOrReceivedAt": date})))).await;
    for (id, date) in (1..).zip(dates) {
        let found = app.ids(json!({"dateFrom": date, "dateTo": date})).await;
        // The widest window is a year, so each message is queried on its own.
        assert_eq!(found, format!("[{id}]"), "{date}");
    }
    assert_eq!(
        cluster.psql(app.database_name(), LIST).unwrap(),
        "messages_2010_01 messages_2026_01 messages_2026_02 messages_2059_12 messages_before_2010 messages_from_2060"
    );
}

#[actix_web::test]
async fn partitions_of_the_next_months_are_created_ahead() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    app.store.create_partitions_ahead(instant("2025-11-30T23:59:59Z")).await.unwrap();
    let expected =
        "messages_2025_11 messages_2025_12 messages_2026_01 messages_2026_02 messages_before_2010 messages_from_2060";
    assert_eq!(cluster.psql(app.database_name(), LIST).unwrap(), expected);
    app.store.create_partitions_ahead(instant("2025-11-30T23:59:59Z")).await.unwrap();
    assert_eq!(cluster.psql(app.database_name(), LIST).unwrap(), expected);
    // The last month is the last partition that is created ahead.
    app.store.create_partitions_ahead(instant("2059-12-01T00:00:00Z")).await.unwrap();
    assert_eq!(
        cluster.psql(app.database_name(), LIST).unwrap(),
        expected.replace(" messages_before", " messages_2059_12 messages_before")
    );
}

#[actix_web::test]
async fn concurrent_gateways_can_create_the_same_partition() {
    let app = std::rc::Rc::new(app_on(cluster_or_skip!()).await);
    for year in 2011..=2015 {
        let writers = (0..5).map(|writer: i64| {
            let app = std::rc::Rc::clone(&app);
            actix_web::rt::spawn(async move {
                let store = app.open_second_store();
                let item = message(10 * year + writer, json!({"sentOrReceivedAt": format!("{year}-07-01T00:00:00Z")}));
                let item = Item::parse(&item.to_string(), TENANT).unwrap();
                history_gateway::ingest::record(&store, TENANT, vec![item]).await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let found = app.ids(json!({"dateFrom": format!("{year}-07-01"), "dateTo": format!("{year}-07-02")})).await;
        let ids: Vec<String> = (0..5).rev().map(|writer| (10 * year + writer).to_string()).collect();
        assert_eq!(found, format!("[{}]", ids.join(", ")));
    }
}

#[actix_web::test]
async fn dropping_a_months_tables_removes_messages_and_copies() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    // Two copies that both contribute a field, so both are stored.
    let copies = |id: i64, day: &str| {
        let copy = |field: &str| message(id, json!({"sentOrReceivedAt": day, field: format!("{field} of {day}")}));
        [copy("comment"), copy("cascadeName")]
    };
    app.import(copies(1, "2026-01-15").into_iter().chain(copies(2, "2026-02-15"))).await;
    cluster.psql(app.database_name(), "DROP TABLE messages_2026_01, message_copies_2026_01").unwrap();
    assert_eq!(app.ids(json!({"dateFrom": "2026-01-01"})).await, "[2]");
    assert_eq!(
        cluster.psql(app.database_name(), "SELECT string_agg(message_id::text, ' ') FROM message_copies").unwrap(),
        "2 2"
    );
    // Dropped messages can be imported again, one copy after the other and both at once, without any dropped data.
    let [first, second] = copies(1, "2026-01-20");
    app.import([first]).await;
    app.import([second]).await;
    app.import(copies(1, "2026-01-20")).await;
    let response = app.history(json!({"dateFrom": "2026-01-01", "messageId": 1})).await;
    assert!(response.contains("comment of 2026-01-20") && response.contains("cascadeName of 2026-01-20"), "{response}");
    assert!(!response.contains("of 2026-01-15"), "{response}");
}

#[actix_web::test]
async fn dropped_month_is_not_found_in_blocks_either() {
    let cluster = cluster_or_skip!();
    let app = app_on(cluster).await;
    let sent = |id: i64| if id <= 20 { "2026-01-15" } else { "2026-02-15" };
    app.import((1..=40).map(|id| message(id, json!({"sentOrReceivedAt": sent(id)})))).await;
    let build = || build::build_all(&app.store, TENANT, 8, || ready(()));
    build().await.unwrap();
    let by_content =
        json!({"dateFrom": "2026-01-01", "sort": [{"property": "content", "direction": "ASC"}], "offset": 9});
    let by_kind = json!({"dateFrom": "2026-01-01", "direction": "OUT", "offset": 18, "limit": 3});
    let answers = async || (app.ids(&by_content).await, app.ids(&by_kind).await);
    assert_snapshot!(answers().await.0, @"[10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, …]");
    assert_snapshot!(answers().await.1, @"[22, 21, 20, …]");
    cluster.psql(app.database_name(), "DROP TABLE messages_2026_01, message_copies_2026_01").unwrap();
    assert_snapshot!(answers().await.0, @"[30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]");
    assert_snapshot!(answers().await.1, @"[22, 21]");
    // The same with new blocks, and with a month of the same name.
    assert!(build().await.unwrap() > 0);
    assert_snapshot!(answers().await.0, @"[30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]");
    app.import((10..=12).map(|id| message(id, json!({"sentOrReceivedAt": sent(id)})))).await;
    assert_snapshot!(answers().await.0, @"[27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]");
    assert_snapshot!(answers().await.1, @"[22, 21, 12, …]");
}

#[actix_web::test]
async fn running_server_creates_partitions_ahead() {
    let cluster = cluster_or_skip!();
    let binary = crate::support::Binary::with(crate::support::Database::on(cluster, "template1"));
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let database = binary.database_name();
    let this_month = "SELECT 'messages_' || to_char(now() AT TIME ZONE 'UTC' + interval '3 months', 'YYYY_MM')";
    let name = cluster.psql(&database, this_month).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !cluster.psql(&database, LIST).unwrap().contains(&name) {
        assert!(std::time::Instant::now() < deadline, "{name}: {}", server.log());
    }
}

#[test]
fn a_month_is_a_calendar_month_in_utc() {
    let month = |text| partitions::Month::of(instant(text)).map(partitions::Month::suffix);
    assert_eq!(month("2026-02-28T23:59:59.999Z").as_deref(), Some("2026_02"));
    assert_eq!(month("2026-03-01T00:30:00+0100").as_deref(), Some("2026_02"));
    assert_eq!(month("2009-12-31T23:59:59.999Z"), None);
    assert_eq!(month("2060-01-01T00:00:00Z"), None);
    assert_eq!(partitions::Month::of(Instant(i64::MIN)), None);
}
