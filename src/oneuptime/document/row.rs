//! A row of the WhatsApp log in the OpenAPI document, in both forms of values; nothing here runs on a request.
#![expect(dead_code, reason = "only used to derive schemas; fields are named as on the wire")]

use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat};

use crate::document::{described, described_reference, one_of, or_null, reference, text, uuid, word};
use crate::model::whatsapp_log::{Column, ColumnType};
use crate::oneuptime::columns::{FIELDS, Field};

/// A page of rows, and the number of rows on all pages. In the live form `data` comes first.
#[derive(ToSchema)]
#[schema(example = json!({"count": 13, "limit": 1, "skip": 0, "data": [
    {"_id": "26bf3d06-4dbd-4fb7-a0c1-d101af1142bc", "toNumber": "+15550000000", "status": "Sent"}
]}))]
pub struct LogList {
    /// The exact number of matching rows, whatever the page.
    count: u64,
    /// The limit that was applied.
    limit: u64,
    /// The skip that was applied.
    skip: u64,
    /// The rows.
    data: Vec<LogRow>,
}

/// A row.
pub struct LogRow;

impl utoipa::PartialSchema for LogRow {
    fn schema() -> RefOr<Schema> {
        let known = FIELDS.iter().filter(|(_, field)| *field != Field::Hidden);
        let row = known.fold(ObjectBuilder::new(), |row, (name, field)| row.property(*name, column(name, *field)));
        let sentence = "A row of the WhatsApp log with the selected columns, by default only `_id`. A column without a \
                        value is null. In the live form, ids other than `_id`, phone numbers and dates carry their \
                        types.";
        row.required("_id").description(Some(sentence)).into()
    }
}

impl ToSchema for LogRow {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        let phone = |meaning: &str| text(meaning).examples(["+15550000000"]);
        let mut both = |name: &str, meaning: &str, of_type: &str, plain: ObjectBuilder, value: ObjectBuilder| {
            let live = ObjectBuilder::new()
                .property("_type", word("The type of the value.", &[of_type]))
                .property("value", value)
                .required("_type")
                .required("value")
                .description(Some("In the live form."));
            schemas.push((name.into(), one_of(meaning, [plain.into(), live.into()])));
        };
        let (plain, value) = ("In the published form.", "The value.");
        both("LogId", "An id, plain or with its type.", "ObjectID", uuid(plain), uuid(value));
        both("LogDate", "A date, plain or with its type.", "DateTime", date(plain), date(value));
        both("LogPhone", "A phone number, plain or with its type.", "Phone", phone(plain), phone(value));
    }
}

/// A row, or an empty object.
pub struct LogItem;

impl utoipa::PartialSchema for LogItem {
    fn schema() -> RefOr<Schema> {
        let none = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Object))
            .max_properties(Some(0))
            .description(Some("There is no such row."));
        let sentence = "The row, or `{}` if it does not exist or is another project's.";
        one_of(sentence, [reference("LogRow"), none.into()])
    }
}

impl ToSchema for LogItem {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("LogRow".into(), <LogRow as utoipa::PartialSchema>::schema()));
        LogRow::schemas(schemas);
    }
}

fn date(description: &str) -> ObjectBuilder {
    text(description)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples(["2026-03-26T10:26:14.311Z"])
}

/// What a response contains for a column.
fn column(name: &str, field: Field) -> RefOr<Schema> {
    let meaning = meaning(name, field);
    let meaning = meaning.as_str();
    match field {
        Field::Column(Column::Id) => uuid(meaning).into(),
        Field::Column(Column::Related(_)) => or_null(meaning, reference("LogId")).into(),
        Field::Column(Column::FromNumber) => or_null(meaning, reference("LogPhone")).into(),
        Field::Column(Column::ToNumber) => described_reference("LogPhone", meaning),
        Field::Column(Column::Status) => text(meaning).examples(["Sent"]).into(),
        Field::Column(column) => match column.kind() {
            ColumnType::Integer => described(Type::Integer, meaning).into(),
            ColumnType::Instant => described_reference("LogDate", meaning),
            ColumnType::Id | ColumnType::Text => ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                .description(Some(meaning))
                .into(),
        },
        Field::ProjectId => described_reference("LogId", meaning),
        Field::Project => related(meaning, field).into(),
        Field::Related(_) => or_null(meaning, related("The related object.", field)).into(),
        Field::DeletedAt | Field::Hidden => described(Type::Null, meaning).into(),
    }
}

/// A related object: its id, and the inner columns that were selected.
fn related(meaning: &str, field: Field) -> ObjectBuilder {
    let id = uuid("Its id.");
    let start = ObjectBuilder::new().property("_id", id).required("_id").description(Some(meaning));
    let inner = field.related().map_or(&[][..], |(_, inner)| inner);
    inner.iter().fold(start, |object, name| {
        let known = field == Field::Project && *name == "name";
        let schema = if known { text("The tenant's name.") } else { described(Type::Null, "Always null.") };
        object.property(*name, schema)
    })
}

/// The description of a column.
pub fn meaning(name: &str, field: Field) -> String {
    let sentence = match name {
        "_id" => "The row's id; always present, and plain in both forms.",
        "createdAt" => "When the message was sent.",
        "updatedAt" => "When the row last changed.",
        "deletedAt" => "Always null.",
        "version" => "1, and one more for each update.",
        "project" => "The tenant.",
        "projectId" => "The tenant's id.",
        "toNumber" => "The recipient's number, or the address verbatim if it is not a phone number.",
        "fromNumber" => "The number that the message was sent from, if it is known.",
        "messageText" => "The message's text.",
        "statusMessage" => "The provider's explanation of the status.",
        "whatsAppMessageId" => "WhatsApp's own id of the message.",
        "status" => {
            "Success, Sent, Delivered, Read, Failed, Deleted, Warning, Queued, Error, Low Balance, Not Verified, \
             Unknown, or any other word that was imported."
        }
        "whatsAppCostInUSDCents" => "The cost of the message.",
        "deletedByUser" | "deletedByUserId" => "Not readable with any key.",
        _ if field.related().is_some() => return format!("The {name} that the row belongs to, or null."),
        _ => return format!("The id of the {} that the row belongs to, or null.", name.trim_end_matches("Id")),
    };
    sentence.into()
}
