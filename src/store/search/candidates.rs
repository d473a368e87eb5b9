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
use crate::store::search::{documents, terms};

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The candidates of one search that are left.
pub struct Candidates<'q> {
    tenant: TenantId,
    query: &'q Query,
    /// Those with smaller ids are left.
    before: i64,
    is_at_end: bool,
    #[cfg(feature = "postgres")]
    range: Option<Range>,
}

impl<'q> Candidates<'q> {
    /// Those with ids below `before`.
    pub fn new(tenant: TenantId, query: &'q Query, before: i64) -> Self {
        Self {
            tenant,
            query,
            before,
            is_at_end: false,
            #[cfg(feature = "postgres")]
            range: None,
        }
    }

    /// Whether there are none left.
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
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
            self.before = *last;
        }
        Ok(ids)
    }

    fn of_file(&self, file: &mut FileConnection, limit: i64) -> Result<Vec<i64>, StoreError> {
        if !documents::has_table(file, self.tenant)? {
            return Ok(Vec::new());
        }
        let table = documents::table(self.tenant);
        let statement =
            format!("SELECT rowid AS id FROM {table} WHERE {table} MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?");
        let found: Vec<Candidate> = diesel::sql_query(statement)
            .bind::<Text, _>(terms::for_file(self.query))
            .bind::<BigInt, _>(self.before)
            .bind::<BigInt, _>(limit)
            .load(file)?;
        Ok(found.into_iter().map(|candidate| candidate.id).collect())
    }

    /// Those of the current range; goes on to the next one when it has no more.
    #[cfg(feature = "postgres")]
    fn of_range(&mut self, server: &mut PgConnection, limit: i64) -> Result<Vec<i64>, StoreError> {
        let range = match self.range {
            Some(range) => range,
            None => ranges::ending_with(ranges::number_of(server, self.tenant, self.before.saturating_sub(1))?, true),
        };
        self.range = Some(range);
        let statement = diesel::sql_query(
            "SELECT message_id AS id FROM message_terms WHERE tenant_id = $1 AND terms @@ $2::tsquery \
             AND message_id < $3 ORDER BY message_id DESC LIMIT $4",
        )
        .bind::<BigInt, _>(self.tenant.0)
        .bind::<Text, _>(terms::for_server(self.query, &range.term(self.tenant)))
        .bind::<BigInt, _>(self.before)
        .bind::<BigInt, _>(limit);
        let found: Vec<Candidate> = postgres::with_bitmap_scans(server, |server| Ok(statement.load(server)?))?;
        if i64::try_from(found.len()).is_ok_and(|found| found < limit) {
            match range.first() {
                0 => self.is_at_end = true,
                first => self.range = Some(ranges::ending_with(first - 1, false)),
            }
        }
        Ok(found.into_iter().map(|candidate| candidate.id).collect())
    }
}
