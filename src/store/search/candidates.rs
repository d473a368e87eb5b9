//! Finds the messages that may match a search, the newest first, some at a time; knows no other filter.

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::model::TenantId;
use crate::model::search::Query;
use crate::store::Connection;
use crate::store::db::connection::{FileConnection, on_each};
#[cfg(feature = "postgres")]
use crate::store::db::postgres;
use crate::store::error::StoreError;
#[cfg(feature = "postgres")]
use crate::store::search::ranges::{self, Range};
use crate::store::search::{term_tables, terms};

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The candidates of one search that are left.
pub struct Candidates<'q> {
    tenant: TenantId,
    query: &'q Query,
    /// The greatest id that is left.
    last: i64,
    is_at_end: bool,
    #[cfg(feature = "postgres")]
    range: Option<Range>,
}

impl<'q> Candidates<'q> {
    /// Those with ids up to `last`.
    pub fn new(tenant: TenantId, query: &'q Query, last: i64) -> Self {
        Self {
            tenant,
            query,
            last,
            is_at_end: false,
            #[cfg(feature = "postgres")]
            range: None,
        }
    }

    /// Whether there are none left.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// The last id that was looked at, whether it is a candidate or not.
    pub fn position(&self) -> Option<i64> {
        self.last.checked_add(1)
    }

    /// The next candidates, at most `limit`, in descending order. There may be none although some are left.
    pub fn next(&mut self, connection: &mut Connection, limit: i64) -> Result<Vec<i64>, StoreError> {
        let ids = on_each!(
            connection,
            |file| {
                let ids = self.of_file(file, limit)?;
                self.is_at_end = i64::try_from(ids.len()).is_ok_and(|found| found < limit);
                ids
            },
            |server| self.of_range(server, limit)?
        );
        if let Some(last) = ids.last() {
            self.last = self.last.min(last.saturating_sub(1));
        }
        Ok(ids)
    }

    fn of_file(&self, file: &mut FileConnection, limit: i64) -> Result<Vec<i64>, StoreError> {
        if !term_tables::has_table(file, self.tenant)? {
            return Ok(Vec::new());
        }
        let table = term_tables::table(self.tenant);
        let statement =
            format!("SELECT rowid AS id FROM {table} WHERE {table} MATCH ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?");
        let found: Vec<Candidate> = diesel::sql_query(statement)
            .bind::<Text, _>(terms::for_file(self.query))
            .bind::<BigInt, _>(self.last)
            .bind::<BigInt, _>(limit)
            .load(file)?;
        Ok(found.into_iter().map(|candidate| candidate.id).collect())
    }

    /// Those of the current range; goes on to the next one when it has no more.
    #[cfg(feature = "postgres")]
    fn of_range(&mut self, server: &mut PgConnection, limit: i64) -> Result<Vec<i64>, StoreError> {
        let range = match self.range {
            Some(range) => range,
            None => ranges::ending_with(ranges::number_of(server, self.tenant, self.last)?, true),
        };
        self.range = Some(range);
        let statement = diesel::sql_query(
            "SELECT message_id AS id FROM message_terms WHERE tenant_id = $1 AND terms @@ $2::tsquery \
             AND message_id <= $3 ORDER BY message_id DESC LIMIT $4",
        )
        .bind::<BigInt, _>(self.tenant.0)
        .bind::<Text, _>(terms::for_server(self.query, &range.term(self.tenant)))
        .bind::<BigInt, _>(self.last)
        .bind::<BigInt, _>(limit);
        let found: Vec<Candidate> = postgres::with_bitmap_scans(server, |server| Ok(statement.load(server)?))?;
        if i64::try_from(found.len()).is_ok_and(|found| found < limit) {
            match range.first() {
                0 => self.is_at_end = true,
                first => {
                    self.range = Some(ranges::ending_with(first - 1, false));
                    if found.is_empty() {
                        let begins = ranges::first_id(server, self.tenant, first)?;
                        self.last = self.last.min(begins.saturating_sub(1));
                    }
                }
            }
        }
        Ok(found.into_iter().map(|candidate| candidate.id).collect())
    }
}
