//! The operators of a query in the OpenAPI document, one set for each type of column; nothing here runs on a request.

use utoipa::openapi::schema::{AnyOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::row::meaning;
use crate::document::{DATE_PATTERN, described, described_reference, list_of, reference, text, uuid, word};
use crate::model::fold::MAX_PATTERN_CHARS;
use crate::model::whatsapp_log::ColumnType;
use crate::oneuptime::columns::{ConditionTarget, FIELDS, Field};

/// Conditions by column.
pub struct LogQuery;

impl PartialSchema for LogQuery {
    fn schema() -> RefOr<Schema> {
        let known = FIELDS.iter().filter(|(_, field)| *field != Field::Hidden);
        let query = known.fold(ObjectBuilder::new(), |query, (name, field)| {
            let kind = match field.condition_target() {
                ConditionTarget::Column(column) => column.kind(),
                ConditionTarget::Never(kind) => kind,
                ConditionTarget::Project | ConditionTarget::Hidden => ColumnType::Id,
            };
            let condition = format!("{}Condition", word_of(kind));
            query.property(*name, described_reference(&condition, &meaning(name, *field)))
        });
        let sentence = "Conditions by column, at most 100, all of which must hold. `projectId` always means the key's \
                        own project, and `project` with another id matches nothing. A MultiSearch may have any name.";
        query.max_properties(Some(100)).description(Some(sentence)).into()
    }
}

impl ToSchema for LogQuery {
    fn schemas(all: &mut Vec<(String, RefOr<Schema>)>) {
        all.extend(schemas());
    }
}

fn word_of(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Id => "Id",
        ColumnType::Integer => "Integer",
        ColumnType::Instant => "Date",
        ColumnType::Text => "Text",
    }
}

/// A value that a column of a type is compared with, without its type.
fn plain(kind: ColumnType) -> RefOr<Schema> {
    match kind {
        ColumnType::Id => uuid("A UUID with hyphens.").into(),
        ColumnType::Integer => {
            let digits = text("As a string of digits.").pattern(Some("^-?[0-9]{1,18}$"));
            let number = described(Type::Integer, "As a number.").minimum(Some(i64::MIN)).maximum(Some(i64::MAX));
            OneOfBuilder::new().item(number).item(digits).description(Some("A 64-bit integer.")).into()
        }
        ColumnType::Instant => {
            text("An ISO 8601 date, compared to the millisecond.").pattern(Some(DATE_PATTERN)).into()
        }
        ColumnType::Text => {
            let number = described(Type::Number, "A number, which means its digits.");
            OneOfBuilder::new().item(text("The text.")).item(number).description(Some("A text.")).into()
        }
    }
}

fn operator(sentence: &str, words: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new().property("_type", word("The operator.", words)).required("_type").description(Some(sentence))
}

/// The schemas of all operators, by name.
pub fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut all = Vec::new();
    for kind in [ColumnType::Id, ColumnType::Integer, ColumnType::Instant, ColumnType::Text] {
        let kind_word = word_of(kind);
        let name = |part: &str| format!("{kind_word}{part}");
        let value = name("Operand");
        let wrapped = ObjectBuilder::new()
            .property("_type", word("The type of the value.", &["ObjectID", "Phone", "DateTime"]))
            .property("value", plain(kind))
            .required("_type")
            .required("value")
            .description(Some("The value with its type."));
        let operand = OneOfBuilder::new().item(plain(kind)).item(wrapped);
        all.push((value.clone(), operand.description(Some("A value, plain or with its type.")).into()));
        let compared = operator("Compares with a value. Only the `OrNull` operators match null.", &COMPARISONS);
        let compared = compared.property("value", described_reference(&value, "The value.")).required("value");
        all.push((name("Comparison"), compared.into()));
        let range = operator("Between two values, inclusive.", &["InBetween"])
            .property("startValue", described_reference(&value, "The lower end."))
            .property("endValue", described_reference(&value, "The upper end."))
            .required("startValue")
            .required("endValue");
        all.push((name("Range"), range.into()));
        let list = operator(
            "`Includes` and `IncludesAll`: one of the list. `IncludesNone`: none of the list, and not null.",
            &["Includes", "IncludesAll", "IncludesNone"],
        )
        .property("value", list_of(&value, "The list."))
        .required("value");
        all.push((name("List"), list.into()));
        let condition = AnyOfBuilder::new()
            .item(reference(&value))
            .item(described(Type::Null, "Null."))
            .item(list_of(&value, "One of these. An empty list matches nothing."))
            .item(reference(&name("Comparison")))
            .item(reference("NullTest"))
            .item(reference(&name("Range")))
            .item(reference(&name("List")))
            .item(reference("TextSearch"))
            .item(reference("MultiSearch"))
            .description(Some("The condition on a column's value."));
        all.push((name("Condition"), condition.into()));
    }
    all.push(("NullTest".into(), operator("Null, or not null.", &["IsNull", "NotNull"]).into()));
    let search = operator(
        "The value, as text, contains, begins with, ends with or does not contain the text, ignoring case. \
         `NotContains` matches null too. `%` matches any text, `_` one character; a backslash escapes the next one.",
        &["Search", "StartsWith", "EndsWith", "NotContains"],
    );
    all.push(("TextSearch".into(), search.property("value", pattern()).required("value").into()));
    let names = FIELDS.iter().filter(|(_, field)| *field != Field::Hidden).map(|(name, _)| *name);
    let fields = ArrayBuilder::new()
        .items(text("A column.").enum_values(Some(names)))
        .min_items(Some(1))
        .description(Some("The columns, at most 50 in one query."));
    let multi = operator("One of the columns contains the text, as with `Search`.", &["MultiSearch"])
        .property("value", pattern())
        .property("fields", fields)
        .required("value")
        .required("fields");
    all.push(("MultiSearch".into(), multi.into()));
    all
}

fn pattern() -> RefOr<Schema> {
    let number = described(Type::Number, "A number, which means its digits.");
    let words = text("The text.").max_length(Some(MAX_PATTERN_CHARS));
    OneOfBuilder::new().item(words).item(number).description(Some("The text to search for.")).into()
}

const COMPARISONS: [&str; 9] = [
    "EqualTo",
    "NotEqual",
    "EqualToOrNull",
    "GreaterThan",
    "GreaterThanOrEqual",
    "LessThan",
    "LessThanOrEqual",
    "GreaterThanOrNull",
    "LessThanOrNull",
];
