//! What is done to the OpenAPI document when it is made: fields' words, bodies that may be left out, responses that many
//! routes share; knows no route.

use std::collections::BTreeMap;

use utoipa::Modify;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response, Schema};

/// Puts right what the derived parts of the document say otherwise than is meant.
pub struct Forms;

impl Modify for Forms {
    fn modify(&self, document: &mut OpenApi) {
        let schemas = document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
        for schema in schemas {
            let RefOr::T(Schema::Object(object)) = schema else { continue };
            object.properties.values_mut().for_each(tell_of_the_whole);
        }
        for item in document.paths.paths.values_mut() {
            let bodies = [&mut item.get, &mut item.post]
                .into_iter()
                .flatten()
                .filter_map(|operation| operation.request_body.as_mut());
            bodies.for_each(never_null);
        }
        share_responses(document);
    }
}

/// Of a field that may be null, the words belong to the field and not to one of its forms.
fn tell_of_the_whole(field: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(forms)) = field
        && forms.description.is_none()
    {
        let words = forms.items.iter_mut().find_map(|form| match form {
            RefOr::Ref(form) if !form.description.is_empty() => Some(std::mem::take(&mut form.description)),
            _ => None,
        });
        forms.description = words;
    }
}

/// A body that may be left out is not one that may be null.
fn never_null(body: &mut RefOr<RequestBody>) {
    let RefOr::T(body) = body else { return };
    for content in body.content.values_mut() {
        let RefOr::T(content) = content else { continue };
        let Some(RefOr::T(Schema::OneOf(forms))) = &mut content.schema else { continue };
        let null = SchemaType::Type(Type::Null);
        let is_null = |form: &RefOr<Schema>| match form {
            RefOr::T(Schema::Object(object)) => object.schema_type == null,
            _ => false,
        };
        if forms.items.len() == 2 && forms.items.iter().any(is_null) {
            forms.items.retain(|form| !is_null(form));
            content.schema = forms.items.pop();
        }
    }
}

/// Names of errors that many routes share.
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

/// Of each name the form that most routes have gets it; one that has another keeps its own.
fn share_responses(document: &mut OpenApi) {
    let mut forms: BTreeMap<String, Vec<(Response, usize)>> = BTreeMap::new();
    for (name, response) in responses(document) {
        let RefOr::T(response) = response else { continue };
        let known = forms.entry(name).or_default();
        match known.iter_mut().find(|(known, _)| known == response) {
            Some((_, times)) => *times += 1,
            None => known.push((response.clone(), 1)),
        }
    }
    let commonest = |(name, forms): (String, Vec<(Response, usize)>)| {
        let (form, times) = forms.into_iter().max_by_key(|(_, times)| *times)?;
        (times > 1).then_some((name, form))
    };
    let shared: BTreeMap<String, Response> = forms.into_iter().filter_map(commonest).collect();
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

/// Every response that has a name to share, with it.
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
