//! Inserts whole rows in the fastest way: on SQLite one prepared statement, run for each row; on PostgreSQL one `COPY`
//! of all rows; knows no table by name.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};

use crate::store::db::fragments::File;

/// A row that has a value for each column of a list.
pub trait WholeRow {
    /// Identifies the statement, which all rows of the type share.
    type Statement: 'static;
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];

    /// Binds the values in the order of the columns.
    fn bind<'b>(&'b self, out: AstPass<'_, 'b, File>) -> QueryResult<()>;
}

/// `INSERT INTO table (column, …) VALUES (?, …)` for SQLite.
///
/// diesel's own insert checks three times a row whether each column has a value; here every column has one.
pub struct InsertRow<R>(pub R);

impl<R: WholeRow> QueryFragment<File> for InsertRow<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, File>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_identifier(R::TABLE)?;
        for (index, column) in R::COLUMNS.iter().enumerate() {
            out.push_sql(if index == 0 { " (" } else { ", " });
            out.push_identifier(column)?;
        }
        out.push_sql(") VALUES (");
        self.0.bind(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// Distinguishes the statements of the row types.
pub struct InsertQueryId<S>(PhantomData<S>);

impl<R: WholeRow> QueryId for InsertRow<R> {
    type QueryId = InsertQueryId<R::Statement>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<R, C> RunQueryDsl<C> for InsertRow<R> {}

/// Declares a table's row once for both databases, with a function `insert` that writes many.
macro_rules! whole_row {
    (
        $(#[$about:meta])*
        $visible:vis struct $row:ident $(<$life:lifetime>)? in $table:ident {
            $($column:ident: $kind:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(diesel::Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        $visible struct $row $(<$life>)? {
            $($column: $kind,)*
        }

        const _: () = {
            pub struct Statement;

            impl $(<$life>)? crate::store::db::rows::WholeRow for $row $(<$life>)? {
                type Statement = Statement;
                const TABLE: &'static str = stringify!($table);
                const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];

                fn bind<'b>(
                    &'b self,
                    mut out: diesel::query_builder::AstPass<'_, 'b, crate::store::db::fragments::File>,
                ) -> diesel::QueryResult<()> {
                    let mut separator = "";
                    $(
                        out.push_sql(separator);
                        out.push_bind_param::<<$table::$column as diesel::Expression>::SqlType, _>(&self.$column)?;
                        separator = ", ";
                    )*
                    let _ = separator;
                    Ok(())
                }
            }
        };

        impl $(<$life>)? $row $(<$life>)? {
            /// Inserts rows that the table does not contain.
            $visible fn insert(
                connection: &mut crate::store::Connection,
                rows: Vec<Self>,
            ) -> Result<(), crate::store::StoreError> {
                if rows.is_empty() {
                    return Ok(());
                }
                crate::store::db::connection::on_each!(
                    connection,
                    |file| {
                        for row in rows {
                            crate::store::db::rows::InsertRow(row).execute(file)?;
                        }
                    },
                    |server| {
                        diesel::copy_from($table::table).from_insertable(rows).execute(server)?;
                    }
                );
                Ok(())
            }
        }
    };
}
pub(in crate::store) use whole_row;
