//! Building blocks for the OpenAPI documents of all dialects: scalars that have two forms, dates, responses with
//! examples; knows no dialect.

pub mod errors;
mod message;

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, KnownFormat, Ref, RefOr, Response, ResponseBuilder, Schema, SchemaFormat,
};

/// The pattern of a date in a request (docs/edna.md 2.2).
pub const DATE_PATTERN: &str = concat!(
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "([Tt]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\\.[0-9]+)?)?",
    "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$"
);

/// The pattern of an address that does not consist only of phone punctuation (docs/edna.md 1.3).
pub const ADDRESS_PATTERN: &str = r"[^\s+().\[\]{}-]";

/// The pattern of a text that is not blank.
pub const WORD_PATTERN: &str = r"\S";

pub use message::{Message, NewMessage};

pub type Responses = BTreeMap<String, RefOr<Response>>;

pub fn described(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(kind)).description(Some(description))
}

/// An object without properties yet.
pub fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

pub fn text(description: &str) -> ObjectBuilder {
    described(Type::String, description)
}

/// One of a list of words.
pub fn word(description: &str, words: &[&str]) -> ObjectBuilder {
    text(description).enum_values(Some(words.iter().copied()))
}

/// A value or null.
pub fn or_null(description: &str, schema: impl Into<RefOr<Schema>>) -> OneOfBuilder {
    let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
    OneOfBuilder::new().item(schema).item(null).description(Some(description))
}

/// One of several forms.
pub fn one_of<const N: usize>(description: &str, forms: [RefOr<Schema>; N]) -> RefOr<Schema> {
    forms.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).description(Some(description)).into()
}

/// A list of elements whose schema has a name.
pub fn list_of(name: &str, description: &str) -> RefOr<Schema> {
    ArrayBuilder::new().items(reference(name)).description(Some(description)).into()
}

/// A UUID with hyphens.
pub fn uuid(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::Custom("uuid".into())))
}

/// An object with any fields.
pub fn any_object(description: &str) -> ObjectBuilder {
    let any = AdditionalProperties::<Schema>::FreeForm(true);
    described(Type::Object, description).additional_properties(Some(any))
}

/// An object that has no other properties than its declared ones.
pub fn closed_object(object: ObjectBuilder, description: &str) -> RefOr<Schema> {
    let none = AdditionalProperties::<Schema>::FreeForm(false);
    object.additional_properties(Some(none)).description(Some(description)).into()
}

pub fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// A reference with its own description.
pub fn described_reference(name: &str, description: &str) -> RefOr<Schema> {
    let target = format!("#/components/schemas/{name}");
    RefOr::Ref(Ref::builder().ref_location(target).description(Some(description)).build())
}

fn integer_or_digits(description: &str, bounds: (Option<i64>, Option<i64>), digits: &str) -> RefOr<Schema> {
    let number = described(Type::Integer, "As a number.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(bounds.0)
        .maximum(bounds.1);
    let digits = text("As a string of digits.").pattern(Some(digits));
    OneOfBuilder::new().item(number).item(digits).description(Some(description)).into()
}

/// Declares a type with a given schema, for use as the type of fields.
macro_rules! scalar {
    ($name:ident, $schema:expr) => {
        /// A type that has only a schema.
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

pub(crate) use scalar;

scalar!(
    IntegerOrDigits,
    integer_or_digits(
        "A 64-bit integer, as a number or as a string of digits.",
        (Some(i64::MIN), Some(i64::MAX)),
        "^-?[0-9]{1,18}$"
    )
);
scalar!(
    IdOrDigits,
    integer_or_digits(
        "A positive 64-bit integer, as a number or as a string of digits.",
        (Some(1), Some(i64::MAX)),
        "^[1-9][0-9]{0,17}$"
    )
);
scalar!(
    OffsetOrDigits,
    integer_or_digits(
        "A non-negative integer, as a number or as a string of digits.",
        (Some(0), Some(i64::MAX)),
        "^[0-9]{1,18}$"
    )
);
scalar!(
    LimitOrDigits,
    integer_or_digits(
        "An integer from 0 to 1000, as a number or as a string of digits.",
        (Some(0), Some(1000)),
        "^([0-9]{1,3}|1000)$"
    )
);
scalar!(
    TextOrDigits,
    one_of(
        "A text of at most 1024 bytes, or an integer, which is stored as its digits.",
        [
            text("The text.").min_length(Some(1)).max_length(Some(1024)).into(),
            described(Type::Integer, "The integer.").minimum(Some(0)).into()
        ]
    )
);
scalar!(AnyObject, any_object("An object with any fields.").into());
scalar!(
    EdnaDate,
    text("A time in UTC with three fractional digits and a zone without a colon: ISO 8601, but not RFC 3339.")
        .pattern(Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+0000$"))
        .examples(["2024-07-23T08:08:20.000+0000"])
        .into()
);
scalar!(
    DateText,
    text(
        "An ISO 8601 date, or a date and a time that ends in `Z`, `±hh:mm`, `±hhmm` or `±hh`; without a zone it is \
         UTC. Seconds and their fraction may be left out."
    )
    .pattern(Some(DATE_PATTERN))
    .examples(["2026-03-01T10:00:00Z"])
    .into()
);

/// A JSON response with a schema and named examples.
pub fn response(description: &str, schema: RefOr<Schema>, examples: &[(&str, String)]) -> ResponseBuilder {
    let examples = examples.iter().map(|(name, body)| {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        (*name, ExampleBuilder::new().value(Some(value)).build())
    });
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    ResponseBuilder::new().description(description).content("application/json", content)
}

pub fn retry_after() -> Header {
    let seconds = described(Type::Integer, "Whole seconds.").minimum(Some(1)).build();
    HeaderBuilder::new().schema(Some(seconds)).description(Some("How long to wait before a retry.")).build()
}

pub fn allow(methods: &str) -> Header {
    let methods = text("Methods, separated by commas.").examples([methods]).build();
    HeaderBuilder::new().schema(Some(methods)).description(Some("The methods that the address supports.")).build()
}
