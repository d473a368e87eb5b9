//! What only PostgreSQL needs: how to connect, whether a server is suitable, how transactions begin; knows no query.

pub mod cancel;
pub mod hints;
pub mod identity;
pub mod partitions;
pub mod pooler;

use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{CacheSize, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use crate::store::Options;
use crate::store::db::failure::{is_refusal, one_line};
use crate::store::db::servers::{connect_timeout, hosts};
use crate::store::db::session::{Purpose, SessionState};
use crate::store::error::StoreError;

/// The oldest version that is still maintained and attaches partitions without blocking readers.
const OLDEST: i32 = 140_000;

/// Held while the schema changes, so that several gateways may start at once. Only this program uses the number.
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(4869737466)";

/// Lists the tables, except partitions and tables of extensions, in a column `value`.
pub const TABLES: &str = "SELECT relname::text AS value FROM pg_class \
     WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p') \
     AND NOT relispartition AND NOT EXISTS (SELECT FROM pg_depend WHERE pg_depend.objid = pg_class.oid \
     AND deptype = 'e') ORDER BY relname::text COLLATE \"C\"";

/// The size of the database in bytes, in a column `value`.
pub const BYTES: &str = "SELECT pg_database_size(current_database()) AS value";

pub const VACUUM: &str = "VACUUM messages, message_copies, message_days, message_blocks, message_block_columns, message_block_changes, whatsapp_logs, whatsapp_log_copies, whatsapp_log_days, \
     status_events, waiting_messages, other_events, pulls, recipients, subjects, api_keys, tenant_states, message_changes, change_marks, search_states, message_terms, \
     search_ranges, audit_entries, audit_heads, reveals, sessions, users, tenants";

/// Lets an acknowledged write survive a power cut, even if the server's default is `off`, or changes while the
/// transaction runs. A default that also waits for replicas stays in effect.
const DURABLE: &str = "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
     WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)";

/// Connects. Prepared statements keep their names between transactions only if `statements_persist`.
pub fn connect(url: &str, statements_persist: bool, wait: Duration, name: &str) -> Result<PgConnection, StoreError> {
    let mut connection = PgConnection::establish(&with_timeouts(url, wait)).map_err(|error| {
        let cause = attempts(&error.to_string());
        StoreError::CannotConnect { database: name.to_owned(), is_refused: is_refusal(&cause), cause }
    })?;
    if !statements_persist {
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    }
    Ok(connection)
}

/// Runs a statement that reads an index which only bitmap scans can read. All other statements are planned without them.
pub fn with_bitmap_scans<T>(
    connection: &mut PgConnection,
    work: impl FnOnce(&mut PgConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.batch_execute("SET LOCAL enable_bitmapscan = on")?;
    let result = work(connection)?;
    // After an error, the transaction is rolled back, and the setting with it.
    connection.batch_execute("SET LOCAL enable_bitmapscan = off")?;
    Ok(result)
}

/// The id of the server process that a direct connection reaches.
pub fn process(connection: &mut PgConnection) -> QueryResult<i32> {
    diesel::sql_query("SELECT pg_backend_pid() AS id").get_result(connection).map(|process: Process| process.id)
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    id: i32,
}

/// The statements that begin a transaction, in one message to the server. Settings that were not made for the
/// connection are made for the transaction alone, so that behind a pooler they affect no other client.
pub fn begin(purpose: Purpose, options: &Options, sessions: SessionState) -> String {
    let begin = match purpose {
        Purpose::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Purpose::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
    };
    let begin = match purpose {
        Purpose::Read => begin.to_owned(),
        Purpose::Write => format!("{begin}; {DURABLE}"),
    };
    if sessions.settings_persist { begin } else { format!("{begin}; {}", settings(purpose, options, sessions)) }
}

/// Timeouts, and planner settings that disable sequential and bitmap scans, sorts, and hash and merge joins, so that
/// the server runs the plans of `messages::plan`.
pub fn settings(purpose: Purpose, options: &Options, sessions: SessionState) -> String {
    // A statement that is prepared once is planned once. A statement that is planned for each use is planned for its
    // values, which excludes most partitions.
    let set = if sessions.settings_persist { "SET" } else { "SET LOCAL" };
    let plans = match (sessions.statements_persist, options.generic_plans) {
        (true, true) => "force_generic_plan",
        (true, false) => "auto",
        (false, _) => "force_custom_plan",
    };
    let deadline = options.deadline.as_millis();
    let mut settings =
        format!("{set} statement_timeout = {deadline}; {set} plan_cache_mode = {plans}; {set} jit = off");
    for plan_type in ["seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin"] {
        settings = settings + "; " + set + " enable_" + plan_type + " = off";
    }
    if purpose == Purpose::Write {
        settings = settings + "; " + set + " standard_conforming_strings = on";
        settings = settings + "; " + set + " lock_timeout = " + &options.wait.as_millis().to_string();
    }
    settings
}

#[derive(QueryableByName)]
struct Server {
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    encoding: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<Text>)]
    schema: Option<String>,
    #[diesel(sql_type = Bool)]
    may_create: bool,
    #[diesel(sql_type = Bool)]
    owns: bool,
}

/// Rejects a server that is too old, a database whose encoding cannot hold every text, and a role with too few rights.
pub fn check(connection: &mut PgConnection, name: &str) -> Result<(), StoreError> {
    let server: Server = diesel::sql_query(
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, \
         current_setting('server_encoding') AS encoding, \
         current_user::text AS role, current_schema()::text AS schema, \
         coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create, \
         NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) \
         AND relname IN ('messages', '__diesel_schema_migrations') AND NOT pg_has_role(relowner, 'USAGE')) AS owns",
    )
    .get_result(connection)?;
    let database = name.to_owned();
    if server.number < OLDEST {
        return Err(StoreError::OldServer { database, version: server.version });
    }
    if server.encoding != "UTF8" {
        return Err(StoreError::Encoding { database, encoding: server.encoding });
    }
    let role = server.role;
    let missing = |what: String, remedy: String| {
        Err(StoreError::MissingRights { database: database.clone(), role: role.clone(), what, remedy })
    };
    match server.schema {
        None => missing("use any schema".into(), format!("make one: CREATE SCHEMA AUTHORIZATION \"{role}\"")),
        Some(schema) if !server.may_create => missing(
            format!("create tables in the schema '{schema}'"),
            format!("give it the right: GRANT CREATE ON SCHEMA \"{schema}\" TO \"{role}\""),
        ),
        Some(_) if !server.owns => {
            missing("change the store's tables".into(), "connect as the role that owns them".into())
        }
        Some(_) => Ok(()),
    }
}

/// How long statements wait for locks.
pub fn lock_timeout(connection: &mut PgConnection) -> Result<String, StoreError> {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let setting: Setting =
        diesel::sql_query("SELECT current_setting('lock_timeout') AS value").get_result(connection)?;
    Ok(setting.value)
}

/// Sets how long the statements of the rest of the transaction wait for locks.
pub fn set_lock_timeout(connection: &mut PgConnection, timeout: &str) -> Result<(), StoreError> {
    diesel::sql_query("SELECT set_config('lock_timeout', $1, true)").bind::<Text, _>(timeout).execute(connection)?;
    Ok(())
}

/// Waits for the schema lock and holds it for the rest of the transaction.
pub fn lock_schema(connection: &mut PgConnection) -> Result<(), StoreError> {
    diesel::sql_query(SCHEMA_LOCK).execute(connection)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Fetched {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// How many rows of messages and of the WhatsApp log the transaction has fetched so far, as PostgreSQL counts them: for
/// tests of the planner.
pub fn fetched(connection: &mut PgConnection) -> Result<u64, StoreError> {
    let fetched: Fetched = diesel::sql_query(
        "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint AS rows \
         FROM pg_stat_xact_user_tables WHERE relid = 'whatsapp_logs'::regclass \
         OR relid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'messages'::regclass)",
    )
    .get_result(connection)?;
    Ok(u64::try_from(fetched.rows).unwrap_or_default())
}

/// libpq's error, one line for each server that it tried, without its hints. If it tried none, it could not parse the
/// address, and its error repeats parts of that, possibly the password; so none of it is shown.
fn attempts(message: &str) -> String {
    let is_attempt =
        |line: &&str| line.starts_with("connection to server ") || line.starts_with("could not translate ");
    if let Some(line) = message.lines().next().filter(|line| line.starts_with("FATAL:") || line.starts_with("ERROR:")) {
        // What a pooler says once it has accepted the connection.
        return one_line(line);
    }
    if !message.lines().next().is_some_and(|line| is_attempt(&line)) {
        return "its address cannot be read; look at its settings, its port and its percent-encoding".into();
    }
    message.lines().filter(is_attempt).map(one_line).collect::<Vec<_>>().join(", ")
}

/// The URL with timeouts for a server that does not respond, except those that it already sets.
fn with_timeouts(url: &str, wait: Duration) -> String {
    let defaults = [
        ("connect_timeout", connect_timeout(wait).as_secs().to_string()),
        ("keepalives_idle", "15".into()),
        ("keepalives_interval", "5".into()),
        ("keepalives_count", "3".into()),
        ("tcp_user_timeout", "30000".into()),
        ("fallback_application_name", "history-gateway".into()),
    ];
    let mut whole = url.to_owned();
    for (name, value) in defaults.into_iter().filter(|(name, _)| hosts::setting(url, name).is_none()) {
        if !whole.ends_with(['?', '&']) {
            whole.push(if whole.contains('?') { '&' } else { '?' });
        }
        whole = whole + name + "=" + &value;
    }
    whole
}
