//! Bringing a database up to date, and returning the space that this frees, can be killed on the way.

use std::time::Duration;

use diesel::connection::SimpleConnection;

use super::cluster_or_skip;
use crate::support::cluster::Cluster;
use crate::support::{Binary, Database};
use crate::upgrade::{earlier_store, number, wait_until};
use history_gateway::store::{Connection, DatabaseUrl};

const WAITERS: &str = "SELECT count(*) AS value FROM pg_locks WHERE NOT granted AND database = \
    (SELECT oid FROM pg_database WHERE datname = current_database())";

fn earlier(cluster: &'static Cluster) -> (Binary, Connection) {
    let binary = Binary::with(Database::on(cluster, "template1"));
    let connection = earlier_store(&binary, true);
    (binary, connection)
}

/// Runs a command until it waits for a lock that this holds, and kills it there.
fn kill_at_lock(binary: &Binary, connection: &mut Connection, arguments: &[&str], lock: &str) {
    let url = DatabaseUrl::parse(&binary.url()).unwrap();
    let mut holder = url.connect(Duration::from_secs(5)).unwrap();
    holder.batch_execute(&format!("BEGIN; LOCK TABLE {lock} IN ACCESS SHARE MODE")).unwrap();
    let mut child = binary.command(arguments).spawn().unwrap();
    wait_until(&mut child, || number(connection, WAITERS).unwrap() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    holder.batch_execute("COMMIT").unwrap();
}

#[test]
fn killed_migration_of_a_database_begins_again() {
    let (binary, mut connection) = earlier(cluster_or_skip!());
    let exported = include_str!("../../fixtures/version-2026-11-28/export.ndjson");
    kill_at_lock(&binary, &mut connection, &["migrate"], "messages");
    assert_eq!(binary.run(&["export", "--tenant", "3193"]), exported);
    binary.run(&["check"]);
}

#[test]
fn killed_shrinking_rewrites_the_other_partitions_later() {
    let (binary, mut connection) = earlier(cluster_or_skip!());
    // As many rows as it takes to see a table shrink.
    let copies = "INSERT INTO messages (tenant_id, message_id, sent_or_received_at, recipient_id, channel_type, direction, \
        address, comment, item) SELECT tenant_id, message_id + n * 1000000000000, sent_or_received_at, recipient_id, \
        channel_type, direction, address, repeat('x', 200), item FROM messages, generate_series(1, 500) n";
    connection.batch_execute(copies).unwrap();
    binary.run(&["migrate"]);
    let marked = "SELECT count(*) AS value FROM pg_inherits WHERE inhparent = 'messages'::regclass \
        AND obj_description(inhrelid, 'pg_class') IS NOT NULL";
    let bytes = "SELECT sum(pg_total_relation_size(inhrelid))::bigint AS value FROM pg_inherits \
        WHERE inhparent = 'messages'::regclass";
    let before = number(&mut connection, bytes).unwrap();
    assert_eq!(number(&mut connection, marked).unwrap(), 4);
    kill_at_lock(&binary, &mut connection, &["migrate", "--shrink"], "messages_2026_02");
    let left = number(&mut connection, marked).unwrap();
    assert!((1..4).contains(&left), "{left}");
    binary.run(&["migrate", "--shrink"]);
    assert_eq!(number(&mut connection, marked).unwrap(), 0);
    let after = number(&mut connection, bytes).unwrap();
    assert!(after * 10 < before * 9, "{before} bytes before, {after} after");
    assert_eq!(number(&mut connection, "SELECT count(*) AS value FROM messages").unwrap(), 27 * 501);
}
