//! What the OpenAPI documents of both dialects are written with: scalars that may come in two forms, dates, responses
//! with examples; knows no dialect.

pub mod errors;
mod message;

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, KnownFormat, Ref, RefOr, Response, ResponseBuilder, Schema, SchemaFormat,
};

/// A date of a request (docs/edna.md 2.2).
pub const DATE_PATTERN: &str = concat!(
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    "([Tt]([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\\.[0-9]+)?)?",
    "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$"
);

/// An address of which something is left when the characters that people write between digits are taken away.
pub const ADDRESS_PATTERN: &str = r"[^\s+().\[\]{}-]";

/// A word or a text that is not blank.
pub const WORD_PATTERN: &str = r"\S";

pub use message::{Message, NewMessage};

pub type Responses = BTreeMap<String, RefOr<Response>>;

pub fn described(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(kind)).description(Some(description))
}

/// An object to be filled.
pub fn object() -> ObjectBuilder {
    ObjectBuilder::new()
}

pub fn text(description: &str) -> ObjectBuilder {
    described(Type::String, description)
}

/// One word out of a list.
pub fn word(description: &str, words: &[&str]) -> ObjectBuilder {
    text(description).enum_values(Some(words.iter().copied()))
}

/// A value or null.
pub fn or_null(description: &str, schema: impl Into<RefOr<Schema>>) -> OneOfBuilder {
    let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
    OneOfBuilder::new().item(schema).item(null).description(Some(description))
}

/// One of several forms.
pub fn either<const N: usize>(description: &str, forms: [RefOr<Schema>; N]) -> RefOr<Schema> {
    forms.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).description(Some(description)).into()
}

/// A list of what stands under a name.
pub fn list_of(name: &str, description: &str) -> RefOr<Schema> {
    ArrayBuilder::new().items(reference(name)).description(Some(description)).into()
}

/// A UUID with hyphens.
pub fn uuid(description: &str) -> ObjectBuilder {
    text(description).format(Some(SchemaFormat::Custom("uuid".into())))
}

/// An object with whatever fields.
pub fn any_object(description: &str) -> ObjectBuilder {
    let any = AdditionalProperties::<Schema>::FreeForm(true);
    described(Type::Object, description).additional_properties(Some(any))
}

/// An object with no other properties than those.
pub fn closed(object: ObjectBuilder, description: &str) -> RefOr<Schema> {
    let none = AdditionalProperties::<Schema>::FreeForm(false);
    object.additional_properties(Some(none)).description(Some(description)).into()
}

pub fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

/// A reference with words of its own.
pub fn pointing(name: &str, description: &str) -> RefOr<Schema> {
    let target = format!("#/components/schemas/{name}");
    RefOr::Ref(Ref::builder().ref_location(target).description(Some(description)).build())
}

fn integer_or_digits(description: &str, bounds: (Option<i64>, Option<i64>), digits: &str) -> RefOr<Schema> {
    let number = described(Type::Integer, "The number itself.")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(bounds.0)
        .maximum(bounds.1);
    let digits = text("Its digits.").pattern(Some(digits));
    OneOfBuilder::new().item(number).item(digits).description(Some(description)).into()
}

/// A type that stands for a schema, so that fields can name it.
macro_rules! scalar {
    ($name:ident, $schema:expr) => {
        /// Described by its own schema.
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
        "An integer of 64 bits, as a number or as a string of digits.",
        (Some(i64::MIN), Some(i64::MAX)),
        "^-?[0-9]{1,18}$"
    )
);
scalar!(
    IdOrDigits,
    integer_or_digits(
        "A positive integer of 64 bits, as a number or as a string of digits.",
        (Some(1), Some(i64::MAX)),
        "^[1-9][0-9]{0,17}$"
    )
);
scalar!(
    OffsetOrDigits,
    integer_or_digits(
        "An integer that is not negative, as a number or as a string of digits.",
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
    either(
        "A text of at most 1024 bytes, or an integer, of which the digits are kept.",
        [
            text("The text.").min_length(Some(1)).max_length(Some(1024)).into(),
            described(Type::Integer, "The integer.").minimum(Some(0)).into()
        ]
    )
);
scalar!(AnyObject, any_object("An object with any fields.").into());
scalar!(
    EdnaDate,
    text("UTC with three digits of fraction and a zone without colon, which is ISO 8601 and not RFC 3339.")
        .pattern(Some(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+0000$"))
        .examples(["2024-07-23T08:08:20.000+0000"])
        .into()
);
scalar!(
    DateText,
    text(
        "An ISO 8601 date, or a date and a time that ends in `Z`, `±hh:mm`, `±hhmm`, `±hh` or in no zone, which is \
         UTC. Seconds and their fraction may be left out."
    )
    .pattern(Some(DATE_PATTERN))
    .examples(["2026-03-01T10:00:00Z"])
    .into()
);

/// A response whose body is described by a schema of the document, with an example for each case.
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
    HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds to wait before asking again.")).build()
}

pub fn allow(methods: &str) -> Header {
    let methods = text("Methods, separated by commas.").examples([methods]).build();
    HeaderBuilder::new().schema(Some(methods)).description(Some("The methods that the address answers.")).build()
}
