//! The OpenAPI document: it equals the one in docs, documents every route and field, and its examples find something.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Binary, TestApp, message};

const METHODS: [&str; 5] = ["get", "post", "put", "delete", "patch"];

fn document() -> Value {
    serde_json::from_str(&history_gateway::http::openapi::document()).unwrap()
}

/// The documented operations: path, method and operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| METHODS.into_iter().map(move |method| (path.as_str(), method, &item[method])))
        .filter(|(_, _, operation)| operation.is_object())
        .collect()
}

#[actix_web::test]
async fn the_openapi_document_is_the_one_in_docs() {
    let app = TestApp::new().await;
    let served = app.send("GET", "/openapi.json", &[], "").await.body;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &served).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap();
    assert!(served == golden, "docs/openapi.json is out of date: run `just openapi` and read what changed");
}

#[test]
fn the_openapi_document_names_every_field_and_error() {
    let document = history_gateway::http::openapi::document();
    for property in history_gateway::model::Property::ALL {
        assert!(document.contains(&format!("\"{}\"", property.name())), "{}", property.name());
    }
    let schema: Value = serde_json::from_str(&document).unwrap();
    let titles = history_gateway::model::ErrorTitle::ALL.map(history_gateway::model::ErrorTitle::as_str);
    assert_eq!(schema["components"]["schemas"]["ErrorTitle"]["enum"], json!(titles));
    for word in history_gateway::model::subscriber::AddressType::WORDS {
        assert!(document.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn every_schema_and_every_field_of_it_has_a_description() {
    fn collect_undocumented(document: &Value, path: &str, schema: &Value, missing: &mut Vec<String>) {
        let target = schema["$ref"].as_str().map(|target| &target["#/components/schemas/".len()..]);
        let described = target.map(|target| &document["components"]["schemas"][target]["description"]);
        if !schema["description"].is_string() && !described.is_some_and(Value::is_string) {
            missing.push(path.to_owned());
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            collect_undocumented(document, &format!("{path}.{name}"), field, missing);
        }
    }
    let document = document();
    let mut missing = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        collect_undocumented(&document, name, schema, &mut missing);
    }
    assert!(missing.is_empty(), "without a description: {missing:?}");
}

/// A generated client has a function for each.
#[test]
fn operation_ids_are_unique_and_start_with_a_verb() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let verb = id.find(|letter: char| letter.is_ascii_uppercase());
        assert!(verb.is_some_and(|end| end > 1), "{method} {path}: {id}");
        assert!(id.chars().all(char::is_alphanumeric), "{method} {path}: {id}");
        assert!(seen.insert(id), "{id} is used twice");
        assert!(operation["summary"].is_string(), "{id} has no summary");
        let is_refused =
            id.contains("WhatsAppLog") && ["create", "update", "delete"].iter().any(|verb| id.starts_with(verb));
        let succeeds = operation["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2'));
        assert_ne!(is_refused, succeeds, "{id}");
    }
}

/// Every route of the API, without the names of parameters.
pub fn routes() -> BTreeSet<String> {
    all_routes().into_iter().filter(|path| !path.starts_with("/console")).collect()
}

/// Every route of `fn routes` except the docs page's files, without the names of parameters.
pub fn all_routes() -> BTreeSet<String> {
    let source = include_str!("../../src/http/router.rs");
    let start = source.find("fn routes(").unwrap();
    // Of a resource with several addresses, the first one.
    let body = source[start..start + source[start..].find("\n}").unwrap()].replace("resource([", "resource(");
    let of = |call: &'static str, prefix: &'static str| {
        let calls = body.split(call).skip(1).filter_map(|rest| rest.strip_prefix('"'));
        calls.map(move |rest| format!("{prefix}{}", rest.split('"').next().unwrap()))
    };
    let all =
        of("resource(", "").chain(of("page(", "")).chain(of("webhook(", "")).chain(of("log(", "/api/whatsapp-log"));
    let all: Vec<String> = all.collect();
    assert_eq!(all.len(), body.matches(".service(").count(), "a route is written in a way that this does not read");
    let all = all.into_iter();
    all.filter(|path| !path.starts_with("/docs/") && path != "/").map(|path| without_parameter_names(&path)).collect()
}

fn without_parameter_names(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[actix_web::test]
async fn documented_routes_and_methods_match_the_served_ones() {
    let document = document();
    let mut documented: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (path, method, _) in operations(&document) {
        documented.entry(without_parameter_names(path)).or_default().insert(method);
    }
    let routes = routes();
    assert!(routes.len() > 10, "{routes:?}");
    assert_eq!(documented.keys().cloned().collect::<BTreeSet<_>>(), routes);
    let app = TestApp::new().await;
    for (path, methods) in documented {
        let uri = path.replace("{}", "550e8400-e29b-41d4-a716-446655440000");
        for method in METHODS {
            let response = app.send(&method.to_uppercase(), &uri, &[], "").await;
            let is_answered = !matches!(response.status.as_u16(), 404 | 405);
            assert_eq!(is_answered, methods.contains(method), "{method} {path}: {}", response.status);
            let allow: BTreeSet<_> = response.header("allow").split(", ").map(str::to_lowercase).collect();
            if response.status == 405 {
                let mut expected: BTreeSet<_> = methods.iter().map(|method| (*method).to_owned()).collect();
                if methods.contains("get") {
                    expected.insert("head".into());
                }
                assert_eq!(allow, expected, "{method} {path}");
            }
        }
        let head = app.send("HEAD", &uri, &[], "").await.status;
        assert_eq!(!matches!(head.as_u16(), 404 | 405), methods.contains("get"), "HEAD {path}: {head}");
    }
}

/// The examples of a body: its own, its schema's, and those of its schema's first alternative.
fn examples<'a>(document: &'a Value, content: &'a Value) -> Vec<&'a Value> {
    let target = content["schema"]["$ref"].as_str().unwrap_or_default();
    let schema = &document["components"]["schemas"][target.rsplit('/').next().unwrap()];
    let whole = [&content["example"], &schema["example"]].into_iter().filter(|example| !example.is_null());
    let list = schema["examples"].as_array().into_iter().flatten();
    let first = schema["oneOf"][0]["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap();
    let one = &document["components"]["schemas"][first];
    let ones = one["examples"].as_array().into_iter().flatten();
    let one = [&one["example"]].into_iter().filter(|example| !example.is_null());
    whole.chain(list).chain(one).chain(ones).collect()
}

#[test]
fn the_examples_of_requests_find_something_in_the_sandbox() {
    let server = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    let document = document();
    let mut sent = 0;
    for (path, method, operation) in operations(&document) {
        let refuses = operation["responses"].as_object().unwrap().keys().all(|status| !status.starts_with('2'));
        if refuses {
            continue;
        }
        let mut uri = path.to_owned();
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path") {
            let name = format!("{{{}}}", parameter["name"].as_str().unwrap());
            let example = &parameter["example"];
            uri = uri.replace(&name, example.as_str().map_or_else(|| example.to_string(), str::to_owned).as_str());
        }
        let required = |one: &&Value| one["in"] == "query" && one["required"] == json!(true);
        for (index, parameter) in operation["parameters"].as_array().into_iter().flatten().filter(required).enumerate()
        {
            let (name, example) = (parameter["name"].as_str().unwrap(), parameter["example"].as_str().unwrap());
            uri += &format!("{}{name}={example}", if index == 0 { '?' } else { '&' });
        }
        let key = match operation["security"][0].as_object().and_then(|named| named.keys().next()).map(String::as_str) {
            Some("webhook") => "Authorization: Token 00000000-0000-4000-8000-000000000601\r\n",
            Some("ApiKey") => "ApiKey: 00000000-0000-4000-8000-000000003193\r\n",
            Some(_) => "x-api-key: 00000000-0000-4000-8000-000000003193\r\n",
            None => "",
        };
        let contents = operation["requestBody"]["content"].as_object();
        let mut bodies: Vec<String> = Vec::new();
        for (_, content) in contents.into_iter().flatten() {
            let found = examples(&document, content);
            assert!(!found.is_empty(), "{method} {path} has no example of a body");
            bodies.extend(found.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)));
        }
        if bodies.is_empty() {
            bodies.push(String::new());
        }
        for body in bodies {
            let method = method.to_uppercase();
            let length = body.len();
            let head =
                format!("{method} {uri} HTTP/1.1\r\nHost: x\r\n{key}Connection: close\r\nContent-Length: {length}");
            let response = server.send(format!("{head}\r\n\r\n{body}").as_bytes());
            assert!(response.starts_with("HTTP/1.1 200 "), "{method} {path} {body}: {response}");
            let response_body = response.split("\r\n\r\n").nth(1).unwrap();
            for nothing in [r#""content":[]"#, r#""messages":[]"#, r#""count":0"#, r#""data":[]"#, r#""rejected":1"#] {
                assert!(!response_body.contains(nothing), "{method} {path} {body}: {response_body}");
            }
            assert_ne!(response_body, "{}", "{method} {path} {body}");
            sent += 1;
        }
    }
    assert!(sent > 15, "{sent}");
}

/// The two lists whose responses are joined by hand have the fields of the types that document them, and no others.
#[actix_web::test]
async fn hand_joined_lists_have_the_fields_of_their_types() {
    let app = TestApp::new().await;
    app.import([message(1, json!({"channelType": "WHATSAPP", "segments": 1}))]).await;
    let history = app.post("/api/messages/history", &[("x-api-key", &app.key)], "").await;
    let logs = app.post("/api/whatsapp-log/get-list", &[("ApiKey", &app.key)], r#"{"select":{"toNumber":true}}"#).await;
    let document = document();
    for (body, name, list, element) in
        [(history.body, "HistoryResponse", "content", "Message"), (logs.body, "LogList", "data", "LogRow")]
    {
        let response: Value = serde_json::from_str(&body).unwrap();
        let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let schema = |name: &str| document["components"]["schemas"][name].clone();
        let required: BTreeSet<String> = serde_json::from_value(schema(name)["required"].clone()).unwrap();
        assert_eq!(fields(&response), fields(&schema(name)["properties"]), "{name}");
        assert_eq!(fields(&response), required, "{name}");
        let element_fields = fields(&response[list][0]);
        assert!(element_fields.is_subset(&fields(&schema(element)["properties"])), "{element}: {element_fields:?}");
        let item = &schema(name)["properties"][list]["items"];
        assert_eq!(item["$ref"], json!(format!("#/components/schemas/{element}")), "{name}");
    }
}
