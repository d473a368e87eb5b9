//! The migrations of SQLite and PostgreSQL create the same tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::cluster_or_skip;
use crate::support::Database;
use history_gateway::store::db::migrate;
use history_gateway::store::{Connection, Options};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    value: String,
}

fn rows(connection: &mut Connection, statement: &str) -> Vec<String> {
    let rows: Vec<Row> = diesel::sql_query(statement).load(connection).unwrap();
    rows.into_iter().map(|row| row.value).collect()
}

/// A line for each column and each index: its table, name and type, and whether it may be null.
fn description(connection: &mut Connection, columns: &str, indexes: &str) -> BTreeSet<String> {
    let lines = rows(connection, columns).into_iter().chain(rows(connection, indexes));
    let kinds = BTreeMap::from([("bigint", "number"), ("integer", "number"), ("blob", "bytes"), ("bytea", "bytes")]);
    let line = |line: String| {
        let words: Vec<&str> = line.split(' ').map(|word| kinds.get(word).copied().unwrap_or(word)).collect();
        words.join(" ")
    };
    lines.map(line).filter(|line| !line.starts_with("__diesel")).collect()
}

#[actix_web::test]
async fn sqlite_and_postgres_migrations_give_the_same_schema() {
    let cluster = cluster_or_skip!();
    let (sqlite, postgres) = (Database::sqlite(), Database::on(cluster, "template1"));
    let (sqlite_store, postgres_store) = (sqlite.open(Options::default()), postgres.open(Options::default()));
    let sqlite_schema = sqlite_store.read_primary(|connection| {
        let columns = "SELECT m.name || ' ' || c.name || ' ' || lower(c.type) || iif(c.\"notnull\", '', ' null') AS value \
            FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
        let indexes = "SELECT tbl_name || ' ' || name AS value FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        Ok((description(connection, columns, indexes), migrate::tables(connection)?))
    });
    let postgres_schema = postgres_store.read_primary(|connection| {
        let own_relations = "relnamespace = current_schema()::regnamespace AND NOT relispartition";
        let columns = format!(
            "SELECT relname || ' ' || attname || ' ' || format_type(atttypid, NULL) \
             || CASE WHEN attnotnull THEN '' ELSE ' null' END AS value \
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid \
             WHERE {own_relations} AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped"
        );
        let indexes = format!(
            "SELECT indrelid::regclass || ' ' || relname AS value FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid \
             WHERE {own_relations} AND NOT indisunique"
        );
        Ok((description(connection, &columns, &indexes), migrate::tables(connection)?))
    });
    let ((sqlite_schema, sqlite_tables), (mut postgres_schema, mut postgres_tables)) =
        (sqlite_schema.await.unwrap(), postgres_schema.await.unwrap());
    // SQLite has a full-text table for each tenant instead.
    let is_text_index = |name: &str| ["message_terms", "search_ranges"].iter().any(|table| name.starts_with(table));
    postgres_schema.retain(|column| !is_text_index(column));
    postgres_tables.retain(|table| !is_text_index(table));
    assert!(sqlite_schema.len() > 70, "{sqlite_schema:?}");
    assert_eq!(sqlite_schema, postgres_schema);
    assert_eq!(sqlite_tables, postgres_tables);
}

#[test]
fn sqlite_and_postgres_migrations_have_the_same_names() {
    let names = |kind: &str| -> BTreeSet<String> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
}

#[actix_web::test]
async fn migrations_can_be_reverted_and_reapplied() {
    let database = Database::on(cluster_or_skip!(), "template1");
    let store = database.open(Options::default());
    let left = store.write(|connection| {
        migrate::revert(connection, "")?;
        migrate::tables(connection)
    });
    assert_eq!(left.await.unwrap(), ["__diesel_schema_migrations"]);
    drop(store);
    assert!(database.open(Options::default()).read_primary(migrate::is_current).await.unwrap());
}
