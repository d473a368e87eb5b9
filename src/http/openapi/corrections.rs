//! Corrections to the derived OpenAPI document: descriptions of nullable fields, optional bodies, responses that many
//! routes share; knows no route.

use std::collections::BTreeMap;

use utoipa::Modify;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response, Schema};

/// Corrects what the derived parts of the document express differently from what is meant.
pub struct Corrections;

impl Modify for Corrections {
    fn modify(&self, document: &mut OpenApi) {
        let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
        for schema in schemas {
            let RefOr::T(Schema::Object(object)) = schema else { continue };
            object.properties.values_mut().for_each(describe_nullable_field);
        }
        for item in document.paths.paths.values_mut() {
            let bodies = [&mut item.get, &mut item.post]
                .into_iter()
                .flatten()
                .filter_map(|operation| operation.request_body.as_mut());
            bodies.for_each(remove_null);
        }
        share_responses(document);
    }
}

/// Moves the description of a nullable field from one of its alternatives to the field itself.
fn describe_nullable_field(field: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(corrections)) = field
        && corrections.description.is_none()
    {
        let description = corrections.items.iter_mut().find_map(|form| match form {
            RefOr::Ref(form) if !form.description.is_empty() => Some(std::mem::take(&mut form.description)),
            _ => None,
        });
        corrections.description = description;
    }
}

/// Removes null from the alternatives of a body: one that may be left out may not be null.
fn remove_null(body: &mut RefOr<RequestBody>) {
    let RefOr::T(body) = body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::T(Schema::OneOf(corrections))) = &mut content.schema else { continue };
        let null = SchemaType::Type(Type::Null);
        let is_null = |form: &RefOr<Schema>| match form {
            RefOr::T(Schema::Object(object)) => object.schema_type == null,
            _ => false,
        };
        if corrections.items.len() == 2 && corrections.items.iter().any(is_null) {
            corrections.items.retain(|form| !is_null(form));
            content.schema = corrections.items.pop();
        }
    }
}

/// The component names of the errors that many routes share, by status.
const SHARED: [(&str, &str); 8] = [
    ("401", "Unauthorized"),
    ("404", "NotFound"),
    ("405", "MethodNotAllowed"),
    ("413", "TooLarge"),
    ("422", "Unprocessable"),
    ("429", "TooManyRequests"),
    ("500", "InternalError"),
    ("503", "Unavailable"),
];

/// Moves the most common response of each name to the components. A route with a different response keeps its own.
fn share_responses(document: &mut OpenApi) {
    let mut corrections: BTreeMap<String, Vec<(Response, usize)>> = BTreeMap::new();
    for (name, response) in responses(document) {
        let RefOr::T(response) = response else { continue };
        let known = corrections.entry(name).or_default();
        match known.iter_mut().find(|(known, _)| known == response) {
            Some((_, count)) => *count += 1,
            None => known.push((response.clone(), 1)),
        }
    }
    let most_common = |(name, corrections): (String, Vec<(Response, usize)>)| {
        let (form, count) = corrections.into_iter().max_by_key(|(_, count)| *count)?;
        (count > 1).then_some((name, form))
    };
    let shared: BTreeMap<String, Response> = corrections.into_iter().filter_map(most_common).collect();
    for (name, response) in responses(document) {
        if let (Some(form), RefOr::T(own)) = (shared.get(&name), &*response)
            && form == own
        {
            *response = RefOr::Ref(Ref::from_response_name(name));
        }
    }
    let components = document.components.get_or_insert_default();
    components.responses.extend(shared.into_iter().map(|(name, form)| (name, RefOr::T(form))));
}

/// Every response that has a component name, with that name.
fn responses(document: &mut OpenApi) -> impl Iterator<Item = (String, &mut RefOr<Response>)> {
    let operations = document.paths.paths.values_mut().flat_map(|item| {
        let PathItem { get, post, put, delete, .. } = item;
        [get, post, put, delete].into_iter().flatten()
    });
    operations.flat_map(|operation| {
        let dialect = match &operation.tags {
            Some(tags) if tags.iter().any(|tag| tag == "oneuptime") => "Log",
            _ => "",
        };
        operation.responses.responses.iter_mut().filter_map(move |(status, response)| {
            let (_, word) = SHARED.iter().find(|(known, _)| known == status)?;
            Some((format!("{dialect}{word}"), response))
        })
    })
}
