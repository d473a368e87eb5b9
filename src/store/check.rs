//! Checks a store: the structure of a SQLite file, and whether the stored counts and blocks match the rows; knows no
//! row's content.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::model::instant::DAY;
use crate::model::{Instant, TenantId};
use crate::store::db::connection::on_each;
use crate::store::db::failure::one_line;
use crate::store::db::migrate;
use crate::store::db::session::Purpose;
use crate::store::db::sqlite;
use crate::store::db::url::DatabaseUrl;
use crate::store::error::StoreError;
use crate::store::messages::blocks;
use crate::store::messages::partitions;
use crate::store::messages::pending;
use crate::store::{Connection, Options, tenants};

/// A day whose stored count differs from its rows.
#[derive(QueryableByName)]
struct Difference {
    #[diesel(sql_type = BigInt)]
    day: i64,
    #[diesel(sql_type = Text)]
    sort: String,
    #[diesel(sql_type = BigInt)]
    kept: i64,
    #[diesel(sql_type = BigInt)]
    counted: i64,
}

/// Returns one sentence for each fault of a store; changes nothing.
pub fn run(url: &DatabaseUrl, options: &Options) -> Result<Vec<String>, StoreError> {
    url.require()?;
    let url = url.clone().resolved(options)?;
    let mut connection = url.connect_read_only(options.wait)?;
    migrate::require_store(&mut connection, &url)?;
    // The structure comes before the counts: nothing that a damaged file says about its tables can be trusted.
    let mut faults = structure(&mut connection)?;
    if !faults.is_empty() {
        return Ok(faults);
    }
    migrate::require_current(&mut connection, &url)?;
    connection.begin(Purpose::Read, options, url.sessions())?;
    for tenant in tenants::list(&mut connection)? {
        let (kept, counted) =
            (pending::counts(&mut connection, tenant.id)?, pending::count_rows(&mut connection, tenant.id)?);
        if kept != counted {
            faults.push(format!(
                "tenant {}: {} messages wait and there are {} other events, and {} and {} are counted",
                tenant.id, counted.messages, counted.other_events, kept.messages, kept.other_events
            ));
        }
        faults.extend(counts(&mut connection, tenant.id)?);
        for (first, last) in blocks::check::wrong_blocks(&mut connection, tenant.id)? {
            faults.push(format!(
                "tenant {}: the block of the messages {first} to {last} differs from them; UPDATE message_blocks SET \
                 state = 0 WHERE tenant_id = {} AND last_id = {last} has it built again",
                tenant.id, tenant.id
            ));
        }
    }
    connection.commit(Purpose::Read)?;
    Ok(faults)
}

/// Returns the faults in the structure of a SQLite file. PostgreSQL manages its own files, which are not checked.
pub fn structure(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    let statement = on_each!(connection, |_file| Some(sqlite::STRUCTURE), |_server| None);
    let found = statement.map(|statement| migrate::values(connection, statement)).transpose();
    match found {
        Ok(found) => {
            Ok(found.unwrap_or_default().iter().map(|line| one_line(line)).filter(|line| line != "ok").collect())
        }
        // The file is so damaged that the check itself fails.
        Err(StoreError::Failed(cause) | StoreError::Malformed(cause)) => Ok(vec![one_line(&cause)]),
        Err(error) => Err(error),
    }
}

/// Returns the days of a tenant whose stored counts differ from their rows.
fn counts(connection: &mut Connection, tenant: TenantId) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    for (rows, statement) in [("messages", messages(tenant)), ("WhatsApp log rows", logs(tenant))] {
        let differences: Vec<Difference> = diesel::sql_query(statement).load(connection)?;
        for Difference { day, sort, kept, counted } in differences {
            let at = Instant(day.saturating_mul(DAY));
            if rows == "messages" && counted == 0 && is_dropped(connection, at)? {
                continue;
            }
            let kind = if sort.trim().is_empty() { String::new() } else { format!(" ({})", sort.trim()) };
            let bounds = if kept == counted { ", and the bounds of their ids are too narrow" } else { "" };
            faults.push(format!(
                "tenant {tenant}, {}: there are {counted} {rows}{kind}, and {kept} are counted{bounds}",
                at.date()
            ));
        }
    }
    Ok(faults)
}

/// Whether the tables of a day's month were dropped, which leaves its counts in place (docs/postgresql.md).
fn is_dropped(connection: &mut Connection, at: Instant) -> Result<bool, StoreError> {
    Ok(!partitions::missing(connection, &partitions::months([at]))?.is_empty())
}

/// The UTC day of a column of milliseconds. Division truncates towards zero, so the time since midnight is subtracted
/// first.
fn day(column: &str) -> String {
    format!("(({column} - (({column} % {DAY}) + {DAY}) % {DAY}) / {DAY})")
}

/// A statement for the days whose sums in `message_days` differ from the messages, by kind and in total.
fn messages(TenantId(tenant): TenantId) -> String {
    let day = day("sent_or_received_at");
    format!(
        "WITH own AS (SELECT channel_type, direction, coalesce(traffic_type, '') AS traffic_type, {day} AS day, \
         count(*) AS messages, min(message_id) AS least, max(message_id) AS greatest \
         FROM messages WHERE tenant_id = {tenant} GROUP BY 1, 2, 3, 4), \
         counted AS (SELECT * FROM own UNION ALL SELECT '', '', '', day, CAST(sum(messages) AS BIGINT), min(least), \
         max(greatest) FROM own GROUP BY day), \
         kept AS (SELECT * FROM message_days WHERE tenant_id = {tenant}) \
         SELECT coalesce(kept.day, counted.day) AS day, coalesce(kept.messages, 0) AS kept, \
         coalesce(counted.messages, 0) AS counted, \
         coalesce(kept.channel_type, counted.channel_type) || ' ' || coalesce(kept.direction, counted.direction) \
         || ' ' || coalesce(kept.traffic_type, counted.traffic_type) AS sort \
         FROM kept FULL JOIN counted ON kept.day = counted.day AND kept.channel_type = counted.channel_type \
         AND kept.direction = counted.direction AND kept.traffic_type = counted.traffic_type \
         WHERE coalesce(kept.messages, 0) <> coalesce(counted.messages, 0) OR kept.least_message_id > counted.least \
         OR kept.greatest_message_id < counted.greatest ORDER BY 1, 4"
    )
}

/// The same for `whatsapp_log_days`, where the least number stands for all subjects, and an empty status for all
/// statuses.
fn logs(TenantId(tenant): TenantId) -> String {
    let day = day("created_at");
    let any = format!("CAST('{}' AS BIGINT)", i64::MIN);
    let sum = "CAST(sum(logs) AS BIGINT)";
    format!(
        "WITH own AS (SELECT subject_id, status, {day} AS day, count(*) AS logs \
         FROM whatsapp_logs WHERE tenant_id = {tenant} GROUP BY 1, 2, 3), \
         named AS (SELECT * FROM own WHERE subject_id <> {any}), \
         counted AS (SELECT {any} AS subject_id, '' AS status, day, {sum} AS logs FROM own GROUP BY day \
         UNION ALL SELECT {any}, status, day, {sum} FROM own GROUP BY status, day \
         UNION ALL SELECT subject_id, '', day, {sum} FROM named GROUP BY subject_id, day \
         UNION ALL SELECT subject_id, status, day, logs FROM named), \
         kept AS (SELECT * FROM whatsapp_log_days WHERE tenant_id = {tenant}) \
         SELECT coalesce(kept.day, counted.day) AS day, coalesce(kept.logs, 0) AS kept, \
         coalesce(counted.logs, 0) AS counted, coalesce(kept.status, counted.status) AS sort \
         FROM kept FULL JOIN counted ON kept.day = counted.day AND kept.subject_id = counted.subject_id \
         AND kept.status = counted.status \
         WHERE coalesce(kept.logs, 0) <> coalesce(counted.logs, 0) ORDER BY 1, 4"
    )
}
