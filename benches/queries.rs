//! The planner's statements without HTTP: rows examined, and ratios to fetching known rows and to the plain statement.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]

mod data;

use std::hint::black_box;
use std::time::Instant;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use history_gateway::store::db::fragments::any_of;
use history_gateway::store::db::pinned::{IndexHint, sent_at};
use history_gateway::store::messages::history;
use history_gateway::store::messages::items::Items;
use history_gateway::store::schema::messages;
use history_gateway::store::{Budget, Connection, StoreError};

use data::query;

const ROUNDS: usize = 7;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    message_id: i64,
    #[diesel(sql_type = Text)]
    item: String,
}

/// The example as most people would write it, with its plan left to the database.
fn plain(connection: &mut Connection) -> Vec<Row> {
    let statement = "SELECT message_id, item FROM messages WHERE tenant_id = $1 AND subject_id = 50192 \
         AND sent_or_received_at BETWEEN $2 AND $3 AND channel_type = 'SMS' AND direction = 'OUT' AND traffic_type = 'AD' \
         ORDER BY message_id DESC LIMIT 1001";
    diesel::sql_query(statement)
        .bind::<BigInt, _>(data::TENANT.0)
        .bind::<BigInt, _>(data::until().plus_days(-30).0)
        .bind::<BigInt, _>(data::until().0)
        .load(connection)
        .expect("rows")
}

/// Fetches the same rows by their ids.
fn by_id(connection: &mut Connection, ids: &[i64]) -> Vec<String> {
    messages::table
        .filter(messages::tenant_id.eq(data::TENANT.0).and(any_of(messages::message_id, ids)))
        .filter(sent_at(IndexHint::PrimaryKey).between(data::until().plus_days(-30).0, data::until().0))
        .select(messages::item)
        .load(connection)
        .expect("rows")
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

fn measure(connection: &mut Connection) -> Result<(), StoreError> {
    let without_subject = data::EXAMPLE.replace(r#","subjectId":50192"#, "");
    for (name, body) in [("the published example", data::EXAMPLE), ("the same without subject", &without_subject)] {
        let query = query(body);
        let (page, rows) = history::page_counted(connection, &query)?;
        let ids: Vec<i64> = ids(page.items.clone());
        if body == data::EXAMPLE {
            let plain: Vec<i64> = plain(connection).iter().map(|row| row.message_id).take(ids.len()).collect();
            assert_eq!(plain, ids, "both find the same");
        }
        assert_eq!(by_id(connection, &ids).len(), ids.len());
        let (mut to_known, mut to_plain) = (Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            let planned = seconds(|| drop(black_box(history::page(connection, &query, &Budget::default()))));
            let known = seconds(|| drop(black_box(by_id(connection, &ids))));
            let plain = seconds(|| assert!(black_box(plain(connection)).iter().all(|row| !row.item.is_empty())));
            to_known.push(planned / known);
            to_plain.push(plain / planned);
        }
        // The first round warms the cache.
        to_known.remove(0);
        to_plain.remove(0);
        println!("{name}: {} messages, {rows} rows examined", page.items.len());
        println!("  time relative to fetching the same rows by id: {}", data::summary(to_known));
        println!("  time of the plain statement relative to the gateway: {}", data::summary(to_plain));
    }
    Ok(())
}

fn ids(items: Items) -> Vec<i64> {
    let items = [&b"["[..], &items.into_bytes().expect("text"), b"]"].concat();
    let items: Vec<serde_json::Value> = serde_json::from_slice(&items).expect("items");
    items.iter().map(|item| item["messageId"].as_i64().expect("an id")).collect()
}

fn count(connection: &mut Connection, phone: &str) -> Result<(), StoreError> {
    let window = r#""dateFrom":"2026-01-30","dateTo":"2026-03-01""#;
    let recipient = format!(r#""subscriberFilter":{{"address":"{phone}"}}"#);
    println!("\nrows examined");
    for (name, body) in [
        ("the newest 15", format!("{{{window}}}")),
        ("the newest 1000", format!(r#"{{{window},"limit":1000}}"#)),
        ("a recipient, 15", format!(r#"{{{recipient},"dateFrom":"2025-03-01","dateTo":"2026-03-01"}}"#)),
        ("offset 10,000", format!(r#"{{{window},"offset":10000}}"#)),
        ("a week 170 days ago, 1000", r#"{"dateFrom":"2025-09-05","dateTo":"2025-09-12","limit":1000}"#.into()),
        ("by time, 1000", format!(r#"{{{window},"limit":1000,"sort":{{"property":"sentOrReceivedAt"}}}}"#)),
        ("by cascadeName, 1000", format!(r#"{{{window},"limit":1000,"sort":{{"property":"cascadeName"}}}}"#)),
        ("a combination that does not occur", format!(r#"{{{window},"channelTypes":["SMS"],"trafficTypes":["HSM"]}}"#)),
    ] {
        let (page, rows) = history::page_counted(connection, &query(&body))?;
        println!("  {name}: {rows} for {} messages", page.items.len());
    }
    Ok(())
}

fn main() {
    let phone = data::phone();
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(
        tokio::task::LocalSet::new().run_until(async {
            let store = data::store().await;
            println!("{} messages", data::messages());
            store.read_primary(measure).await.expect("figures");
            store.read_primary(move |connection| count(connection, &phone)).await.expect("figures");
        }),
    );
}
