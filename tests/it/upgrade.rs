//! A store of an earlier version is brought up to date without a loss, even if that is killed on the way.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::json;

use crate::commands::to_ndjson;
use crate::support::{Binary, instant, message, runs_on_postgres};
use history_gateway::store::messages::partitions;
use history_gateway::store::{Connection, DatabaseUrl};

/// The rows of a store, and its export, as the version before 2026-11-29 wrote them.
const ROWS: &str = include_str!("../fixtures/version-2026-11-28/store.sql");
const EXPORT: &str = include_str!("../fixtures/version-2026-11-28/export.ndjson");

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    value: String,
}

fn connect(binary: &Binary) -> Connection {
    DatabaseUrl::parse(&binary.url()).unwrap().connect(Duration::from_secs(5)).unwrap()
}

pub fn number(connection: &mut Connection, statement: &str) -> QueryResult<i64> {
    diesel::sql_query(statement).get_result(connection).map(|row: Number| row.value)
}

/// A store of the version before 2026-11-29: its migrations, and its rows.
pub fn earlier_store(binary: &Binary, is_server: bool) -> Connection {
    let mut connection = connect(binary);
    let kind = if is_server { "postgres" } else { "sqlite" };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
    let mut names: Vec<String> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.as_str() < "2026-11-29");
    names.sort();
    assert_eq!(names.len(), 7);
    let table = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
        run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";
    connection.batch_execute(table).unwrap();
    for name in names {
        connection.batch_execute(&std::fs::read_to_string(folder.join(&name).join("up.sql")).unwrap()).unwrap();
        let version = name[..17].replace('-', "");
        let record = format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')");
        connection.batch_execute(&record).unwrap();
    }
    let months = ["2025-12-31T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"];
    partitions::create(&mut connection, &partitions::months(months.map(instant))).unwrap();
    let rows = if is_server {
        // The database itself numbers recipients.
        let begin = "INSERT INTO recipients ";
        let lines = ROWS.lines().map(|line| match line.strip_prefix(begin) {
            Some(rest) => begin.to_owned() + &rest.replacen(" VALUES ", " OVERRIDING SYSTEM VALUE VALUES ", 1),
            None => line.to_owned(),
        });
        let next = "SELECT setval(pg_get_serial_sequence('recipients', 'id'), max(id)) FROM recipients;".to_owned();
        lines.chain([next]).collect::<Vec<_>>().join("\n")
    } else {
        ROWS.to_owned()
    };
    connection.batch_execute(&rows).unwrap();
    connection
}

#[test]
fn store_of_the_earlier_version_keeps_everything() {
    let binary = Binary::new();
    drop(earlier_store(&binary, runs_on_postgres()));
    assert!(binary.run_failing(&["check"]).contains("was written by an older version"));
    assert_eq!(binary.run(&["export", "--tenant", "3193"]), EXPORT);
    binary.run(&["check"]);
    assert_eq!(keys(&binary), keys_of_imported());
    // Known messages are recognised, and new ones and another status are recorded.
    binary.write("known.ndjson", EXPORT);
    let outcome = binary.run(&["import", "--tenant", "3193", "known.ndjson"]);
    assert_eq!(outcome.trim(), r#"{"imported":0,"updated":0,"unchanged":27,"rejected":0}"#);
    let read = json!({"address": "79000000003", "channelType": "VIBER", "content": "first copy",
        "sentOrReceivedAt": "2026-01-06T10:00:00.000+0000", "deliveryStatus": "READ",
        "deliveryStatusAt": "2026-01-08T10:00:01.000+0000"});
    binary.write("new.ndjson", to_ndjson([message(902, read), message(903, json!({}))]));
    let outcome = binary.run(&["import", "--tenant", "3193", "new.ndjson"]);
    assert_eq!(outcome.trim(), r#"{"imported":1,"updated":1,"unchanged":0,"rejected":0}"#);
    binary.run(&["check"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 28);
    binary.run(&["migrate", "--shrink"]);
    binary.run(&["check"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 28);
}

/// The columns that messages are found by.
fn keys(binary: &Binary) -> Vec<String> {
    let statement = "SELECT message_id || ' ' || coalesce(CAST(comment_key AS TEXT), '-') || ' ' || \
        coalesce(undelivered_status, '-') || ' ' || coalesce(CAST(cascade_id AS TEXT), '-') || ' ' || \
        coalesce(CAST(broadcast_id AS TEXT), '-') AS value FROM messages ORDER BY message_id";
    let rows: Vec<Line> = diesel::sql_query(statement).load(&mut connect(binary)).unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

/// The same of a new store that the same messages were imported into.
fn keys_of_imported() -> Vec<String> {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary.write("export.ndjson", EXPORT);
    binary.run(&["import", "--tenant", "3193", "export.ndjson"]);
    let keys = keys(&binary);
    // The messages have values of each kind, and some have none.
    let column = |index: usize| keys.iter().filter(move |row| row.split(' ').nth(index).is_some_and(|key| key != "-"));
    assert!((1..=4).all(|index| (1..keys.len()).contains(&column(index).count())), "{keys:?}");
    keys
}

/// Waits until a condition holds while a program runs.
pub fn wait_until(child: &mut Child, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(child.try_wait().unwrap().is_none(), "the program ended too early");
        assert!(Instant::now() < deadline, "it takes too long");
        std::thread::yield_now();
    }
}

#[test]
fn killed_move_of_a_file_goes_on_where_it_was() {
    let binary = Binary::with_sqlite();
    let mut store = earlier_store(&binary, false);
    let shift = "n * 1000000000000";
    let id = "'{\"messageId\":' || message_id || ','";
    let copies = format!(
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 4000) \
         INSERT INTO messages (tenant_id, message_id, sent_or_received_at, recipient_id, channel_type, direction, address, \
         item) SELECT tenant_id, message_id + {shift}, sent_or_received_at, recipient_id, channel_type, direction, \
         address, replace(item, {id}, '{{\"messageId\":' || (message_id + {shift}) || ',') FROM messages, numbers"
    );
    store.batch_execute(&copies).unwrap();
    let expected: Vec<Line> =
        diesel::sql_query("SELECT item AS value FROM messages ORDER BY message_id").load(&mut store).unwrap();
    assert_eq!(expected.len(), 27 * 4001);

    let mut child = binary.command(&["migrate"]).spawn().unwrap();
    wait_until(&mut child, || {
        number(&mut store, "SELECT count(*) AS value FROM moved_messages").is_ok_and(|moved| moved > 0)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let left = number(&mut store, "SELECT count(*) AS value FROM messages_to_move").unwrap();
    let moved = number(&mut store, "SELECT count(*) AS value FROM moved_messages").unwrap();
    assert!(left > 0, "it was killed too late");
    assert_eq!(usize::try_from(left + moved).unwrap(), expected.len());
    // No program of the earlier version takes a part for the whole.
    assert!(number(&mut store, "SELECT count(*) AS value FROM messages").is_err());
    drop(store);
    assert!(binary.run_failing(&["check"]).contains("was written by an older version"));

    let exported = binary.run(&["export", "--tenant", "3193"]);
    assert!(exported.lines().eq(expected.iter().map(|line| line.value.as_str())));
}
