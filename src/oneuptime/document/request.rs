//! A request for rows in the OpenAPI document: which columns to select, sort by and filter on; nothing here runs on a
//! request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

use utoipa::ToSchema;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{RefOr, Schema};

use super::query::LogQuery;
use super::row::meaning;
use crate::document::{closed_object, described, described_reference, object, one_of, word};
use crate::oneuptime::columns::{FIELDS, Field};

/// Which rows to return, in which order and with which columns. Every field may be left out or null.
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
    /// The columns to return. Without it, rows contain only `_id`, which is always present.
    select: Option<LogSelect>,
    /// Conditions, all of which must hold.
    query: Option<LogQuery>,
    /// The columns to sort by, in order of significance. Without any, `createdAt` descending.
    sort: Option<LogSort>,
    /// How many rows to skip after sorting; 0 when not given.
    #[schema(minimum = 0)]
    skip: Option<i64>,
    /// How many rows to return at most; 10 when not given or 0. Over 100, in the live form over 10,000: 400.
    #[schema(minimum = 0, maximum = 10_000)]
    limit: Option<i64>,
    /// Not supported: it must be empty.
    #[schema(inline)]
    group_by: Option<Nothing>,
}

/// Which columns to return.
#[derive(ToSchema)]
#[schema(as = LogItemRequest, example = json!({"select": {"toNumber": true, "status": true}}))]
pub struct ItemRequest {
    /// The columns to return, as in a list.
    select: Option<LogSelect>,
}

/// Which rows to count.
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

/// The columns that can be selected and sorted by.
fn columns() -> impl Iterator<Item = (&'static str, Field)> {
    FIELDS.into_iter().filter(|(_, field)| *field != Field::Hidden)
}

/// The columns to return.
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
                .fold(object(), |object, name| object.property(*name, chosen("Whether to return it.")));
            let inner = closed_object(inner, "Columns of the related object, one level deep.");
            select.property(name, one_of(&meaning, [chosen("With only its id.").into(), inner]))
        });
        closed_object(select, "The columns to return, each `true`. A relation may have columns of the related object.")
    }
}

impl ToSchema for LogSelect {}

/// The columns to sort by.
pub struct LogSort;

impl utoipa::PartialSchema for LogSort {
    fn schema() -> RefOr<Schema> {
        let sort = columns().fold(object(), |sort, (name, field)| {
            sort.property(name, described_reference("LogSortOrder", &meaning(name, field)))
        });
        closed_object(
            sort,
            "The columns to sort by, in order of significance. Nulls are first descending and last ascending.",
        )
    }
}

impl ToSchema for LogSort {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let number = described(Type::Integer, "1: ascending. -1: descending.").enum_values(Some([1, -1]));
        let words = word("The same as a string, in any letter case.", &["ASC", "DESC", "1", "-1"]);
        let order = one_of("Ascending or descending.", [number.into(), words.into()]);
        schemas.push(("LogSortOrder".into(), order));
    }
}
