//! What only PostgreSQL needs: how to connect, whether a server is suitable, how transactions begin; knows no query.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::{CacheSize, SimpleConnection};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text};

use crate::store::Options;
use crate::store::db::budget::Budget;
use crate::store::db::failure::one_line;
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
     status_events, waiting_messages, other_events, pulls, recipients, subjects, api_keys, tenants";

/// In which order two connections ask for their server process. Each asks twice in a row at some point, because a
/// pooler that assigns processes in rotation could give strictly alternating connections the same process every time.
const PROBE_ORDER: [usize; 8] = [0, 0, 1, 0, 1, 1, 0, 1];

/// Lets an acknowledged write survive a power cut, even if the server's default is `off`, or changes while the
/// transaction runs. A default that also waits for replicas stays in effect.
const DURABLE: &str = "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
     WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)";

/// How long the test for a pooler may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// Connects. Prepared statements keep their names between transactions only if `statements_persist`.
pub fn connect(url: &str, statements_persist: bool, wait: Duration, name: &str) -> Result<PgConnection, StoreError> {
    let mut connection = PgConnection::establish(&with_timeouts(url, wait)).map_err(|error| {
        StoreError::CannotConnect { database: name.to_owned(), cause: attempts(&error.to_string()) }
    })?;
    if !statements_persist {
        connection.set_prepared_statement_cache_size(CacheSize::Disabled);
    }
    Ok(connection)
}

/// Starts a thread that cancels work on the server from its own connection, until all senders are dropped.
pub fn canceller(url: &str, wait: Duration, name: &str) -> Sender<Arc<Budget>> {
    let (url, name) = (url.to_owned(), name.to_owned());
    let (sender, budgets) = std::sync::mpsc::channel::<Arc<Budget>>();
    std::thread::spawn(move || {
        let mut connection = None;
        for budget in budgets {
            budget.with_process(|process| {
                // A lost connection is opened again, once.
                for _ in 0..2 {
                    if connection.is_none() {
                        connection = connect(&url, true, wait, &name).ok();
                    }
                    let cancel = diesel::sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(process);
                    match connection.as_mut().map(|connection| cancel.execute(connection)) {
                        Some(Ok(_)) => return,
                        _ => connection = None,
                    }
                }
                tracing::warn!("work on the database could not be cancelled; the server cancels it at its deadline");
            });
        }
    });
    sender
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

/// Whether a pooler assigns another server process to every transaction, as pgbouncer does in transaction mode.
///
/// A named statement belongs to one server process, so behind such a pooler its name may refer to another client's
/// statement. Without a pooler, two connections always have the same two processes.
///
/// If the second connection gets no process at all, the pooler has too few for the gateway.
pub fn is_pooled(url: &str, wait: Duration, name: &str) -> Result<bool, StoreError> {
    let database = name.to_owned();
    let (url, name) = (url.to_owned(), name.to_owned());
    let (sender, receiver) = std::sync::mpsc::channel();
    // If the result comes too late, nobody receives it.
    std::thread::spawn(move || sender.send(probe_processes(&url, wait, &name)));
    let cause = "it serves one connection at a time, and the gateway needs several";
    receiver
        .recv_timeout(PROBE_TIMEOUT)
        .unwrap_or_else(|_| Err(StoreError::CannotConnect { database, cause: cause.into() }))
}

fn probe_processes(url: &str, wait: Duration, name: &str) -> Result<bool, StoreError> {
    let mut connections = [connect(url, false, wait, name)?, connect(url, false, wait, name)?];
    let mut seen: [Option<i32>; 2] = [None, None];
    for index in PROBE_ORDER {
        let process = process(&mut connections[index])?;
        let known = seen[index].replace(process);
        if known.is_some_and(|known| known != process) || seen[1 - index] == Some(process) {
            return Ok(true);
        }
    }
    Ok(false)
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
    let plans = if sessions.statements_persist { "generic" } else { "custom" };
    let deadline = options.deadline.as_millis();
    let mut settings =
        format!("{set} statement_timeout = {deadline}; {set} plan_cache_mode = force_{plans}_plan; {set} jit = off");
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
struct Partition {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Returns those of some months that have partitions.
pub fn partitions(connection: &mut PgConnection, months: &[String]) -> Result<Vec<String>, StoreError> {
    let names: Vec<String> = months.iter().map(|month| format!("messages_{month}")).collect();
    let existing: Vec<Partition> = diesel::sql_query(
        "SELECT substr(relname::text, 10) AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid \
         WHERE inhparent = 'messages'::regclass AND relname::text = ANY ($1)",
    )
    .bind::<Array<Text>, _>(names)
    .load(connection)?;
    Ok(existing.into_iter().map(|partition| partition.name).collect())
}

/// Returns the object ids of all partitions of messages. One that is dropped and created again has a new id.
pub fn partition_ids(connection: &mut PgConnection) -> Result<BTreeSet<String>, StoreError> {
    let all = "SELECT inhrelid::bigint::text AS name FROM pg_inherits WHERE inhparent = 'messages'::regclass";
    let all: Vec<Partition> = diesel::sql_query(all).load(connection)?;
    Ok(all.into_iter().map(|partition| partition.name).collect())
}

/// Returns the object ids of the partitions that contain a tenant's messages with ids in a range, separated by commas.
pub fn partitions_of(connection: &mut PgConnection, tenant: i64, ids: (i64, i64)) -> Result<String, StoreError> {
    let names: Vec<Partition> = diesel::sql_query(
        "SELECT DISTINCT tableoid::bigint::text AS name FROM messages \
         WHERE tenant_id = $1 AND message_id BETWEEN $2 AND $3",
    )
    .bind::<BigInt, _>(tenant)
    .bind::<BigInt, _>(ids.0)
    .bind::<BigInt, _>(ids.1)
    .load(connection)?;
    Ok(names.into_iter().map(|partition| partition.name).collect::<Vec<_>>().join(","))
}

/// Creates a month's partitions. Creating a table as a partition would block readers of all partitions; attaching one
/// does not.
pub fn create_partitions(connection: &mut PgConnection, month: &str, from: i64, to: i64) -> Result<(), StoreError> {
    for table in ["messages", "message_copies"] {
        connection.batch_execute(&format!(
            "CREATE TABLE {table}_{month} (LIKE {table} INCLUDING ALL); \
             ALTER TABLE {table} ATTACH PARTITION {table}_{month} FOR VALUES FROM ({from}) TO ({to})"
        ))?;
    }
    Ok(())
}

/// Rewrites the partitions of messages whose comment says that they contain dropped columns, and removes the comment of
/// each.
pub fn shrink(connection: &mut PgConnection, progress: &impl Fn(usize, usize)) -> Result<(), StoreError> {
    let partitions: Vec<Partition> = diesel::sql_query(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'messages'::regclass \
         AND obj_description(inhrelid, 'pg_class') = 'contains dropped columns' ORDER BY 1",
    )
    .load(connection)?;
    for (index, Partition { name }) in partitions.iter().enumerate() {
        connection.batch_execute(&format!("VACUUM FULL ANALYZE {name}"))?;
        connection.batch_execute(&format!("COMMENT ON TABLE {name} IS NULL"))?;
        progress(index + 1, partitions.len());
    }
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
    if !message.lines().next().is_some_and(|line| is_attempt(&line)) {
        return "its address cannot be read; look at its settings, its port and its percent-encoding".into();
    }
    message.lines().filter(is_attempt).map(one_line).collect::<Vec<_>>().join(", ")
}

/// The URL with timeouts for a server that does not respond, except those that it already sets.
fn with_timeouts(url: &str, wait: Duration) -> String {
    let defaults = [
        ("connect_timeout", wait.as_secs().clamp(2, 30).to_string()),
        ("keepalives_idle", "15".into()),
        ("keepalives_interval", "5".into()),
        ("keepalives_count", "3".into()),
        ("tcp_user_timeout", "30000".into()),
        ("fallback_application_name", "history-gateway".into()),
    ];
    let (_, given) = url.split_once('?').unwrap_or((url, ""));
    let is_given = |name: &str| given.split('&').any(|setting| setting.split('=').next() == Some(name));
    let mut whole = url.to_owned();
    for (name, value) in defaults.into_iter().filter(|(name, _)| !is_given(name)) {
        if !whole.ends_with(['?', '&']) {
            whole.push(if whole.contains('?') { '&' } else { '?' });
        }
        whole = whole + name + "=" + &value;
    }
    whole
}

/// The command that copies the database into a file.
pub fn dump_hint(url: &str, into: &str) -> String {
    format!(
        "the store is on a PostgreSQL server, which backs it up with: pg_dump --format=custom --file={} {}; {PASSWORD_HINT}",
        quoted(into),
        quoted(&without_passwords(url))
    )
}

/// The command that restores the database from such a file.
pub fn restore_hint(url: &str, from: &str) -> String {
    format!(
        "the store is on a PostgreSQL server, which restores it, into a database that is empty, with: pg_restore \
         --no-owner --single-transaction --dbname={} {}; {PASSWORD_HINT}",
        quoted(&without_passwords(url)),
        quoted(from)
    )
}

const PASSWORD_HINT: &str = "PGPASSWORD or ~/.pgpass tell it the password";

/// The URL as it may be shown and pasted: without its passwords.
fn without_passwords(url: &str) -> String {
    let (plain, settings) = url.split_once('?').unwrap_or((url, ""));
    let plain = match plain.rsplit_once('@') {
        Some((before, host)) => {
            let user = before.match_indices(':').nth(1).map_or(before, |(colon, _)| &before[..colon]);
            format!("{user}@{host}")
        }
        None => plain.to_owned(),
    };
    let is_shown = |setting: &&str| !matches!(setting.split('=').next(), Some("password" | "sslpassword"));
    let settings: Vec<&str> = settings.split('&').filter(is_shown).filter(|setting| !setting.is_empty()).collect();
    if settings.is_empty() { plain } else { format!("{plain}?{}", settings.join("&")) }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
