//! A request for rows as an OpenAPI document: columns to choose, to sort by and to ask for; nothing here runs on a
//! request.
#![expect(dead_code, reason = "the shapes are only described from, and named as on the wire")]

use utoipa::ToSchema;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{RefOr, Schema};

use super::query::LogQuery;
use super::row::meaning;
use crate::document::{closed, described, either, object, pointing, word};
use crate::oneuptime::columns::{FIELDS, Field};

/// Which rows, in which order, with which columns. Every field may be left out or null.
#[derive(ToSchema)]
#[schema(as = LogListRequest, rename_all = "camelCase", example = json!({
    "select": {"createdAt": true, "toNumber": true, "status": true, "messageText": true, "project": {"name": true}},
    "query": {
        "status": {"_type": "Includes", "value": ["Read", "Delivered"]},
        "messageText": {"_type": "Search", "value": "ДОСТАВКУ"}
    },
    "sort": {"createdAt": -1},
    "skip": 0,
    "limit": 10
}))]
pub struct ListRequest {
    /// Columns to answer with. Without it rows hold only `_id`, which is always there.
    select: Option<LogSelect>,
    /// Conditions, all of which must hold.
    query: Option<LogQuery>,
    /// Columns to sort by, in their order. Without any: `createdAt` descending.
    sort: Option<LogSort>,
    /// Rows to skip after sorting; 0 when not given.
    #[schema(minimum = 0)]
    skip: Option<i64>,
    /// Rows to return at the most; 10 when not given or 0. Over 100, in the live form over 10,000: 400.
    #[schema(minimum = 0, maximum = 10_000)]
    limit: Option<i64>,
    /// Not supported; an empty object is fine.
    #[schema(inline)]
    group_by: Option<Nothing>,
}

/// Which columns.
#[derive(ToSchema)]
#[schema(as = LogItemRequest, example = json!({"select": {"toNumber": true, "status": true}}))]
pub struct ItemRequest {
    /// Columns to answer with, as in a list.
    select: Option<LogSelect>,
}

/// Which rows.
#[derive(ToSchema)]
#[schema(as = LogCountRequest, example = json!({"query": {"status": "Sent"}}))]
pub struct CountRequest {
    /// Conditions, as in a list.
    query: Option<LogQuery>,
}

/// An empty object.
pub struct Nothing;

impl utoipa::PartialSchema for Nothing {
    fn schema() -> RefOr<Schema> {
        described(Type::Object, "An empty object.").max_properties(Some(0)).into()
    }
}

impl ToSchema for Nothing {}

/// The columns that can be chosen and sorted by.
fn columns() -> impl Iterator<Item = (&'static str, Field)> {
    FIELDS.into_iter().filter(|(_, field)| *field != Field::Hidden)
}

/// Columns to answer with.
pub struct LogSelect;

impl utoipa::PartialSchema for LogSelect {
    fn schema() -> RefOr<Schema> {
        let chosen = |meaning: &str| described(Type::Boolean, meaning);
        let select = columns().fold(object(), |select, (name, field)| {
            let meaning = meaning(name, field);
            let Some((_, inner)) = field.related() else { return select.property(name, chosen(&meaning)) };
            let inner = inner
                .iter()
                .chain(&["_id"])
                .fold(object(), |object, name| object.property(*name, chosen("Whether to answer with it.")));
            let inner = closed(inner, "Its own columns; one level only.");
            select.property(name, either(&meaning, [chosen("With its id alone.").into(), inner]))
        });
        closed(select, "Columns to answer with, each `true`; a relation may name columns of what it leads to.")
    }
}

impl ToSchema for LogSelect {}

/// Columns to sort by.
pub struct LogSort;

impl utoipa::PartialSchema for LogSort {
    fn schema() -> RefOr<Schema> {
        let sort = columns()
            .fold(object(), |sort, (name, field)| sort.property(name, pointing("LogSortOrder", &meaning(name, field))));
        closed(sort, "Columns to sort by, in their order. Nulls come first descending and last ascending.")
    }
}

impl ToSchema for LogSort {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let number = described(Type::Integer, "1 ascending, -1 descending.").enum_values(Some([1, -1]));
        let words = word("The same as a word, in any case.", &["ASC", "DESC", "1", "-1"]);
        let order = either("Ascending or descending.", [number.into(), words.into()]);
        schemas.push(("LogSortOrder".into(), order));
    }
}
