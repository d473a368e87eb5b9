//! Random rows and requests give the same responses as a plain list in memory, in both profiles, with two projects.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::oracle::{COLUMNS, Request, Row, kind};
use super::{COUNT, LIST, id, whatsapp};
use crate::support::{TENANT, TestApp};
use history_gateway::model::key::KeyKind;
use history_gateway::model::{TenantId, whatsapp_log};

const OTHER: TenantId = TenantId(77);
const DATES: [&str; 7] = [
    "1969-12-31T23:59:59.999Z",
    "2026-02-27T00:00:00.000Z",
    "2026-02-27T23:59:59.999Z",
    "2026-02-28T00:00:00.000Z",
    "2026-02-28T10:00:00.001Z",
    "2026-03-01T10:00:00.000Z",
    "2026-03-02T10:00:00.000Z",
];
const TEXTS: [&str; 9] = ["", "a", "A b", "Привет", "ПРИВЕТ!", "straße É", "100% a_b", " a ", "\u{1}z\u{0}"];
const STATUSES: [&str; 5] = ["Sent", "sent", "Read", "Failed", "Низкий баланс"];
const NUMBERS: [&str; 4] = ["+15551234567", "+1-555-123-4567", "+79001112233", "nobody"];
const INTEGERS: [i64; 4] = [0, 1, 3, -12];
const SENDERS: [i64; 3] = [501, 502, 503];

/// A value that a column may have.
fn value_of(column: &'static str) -> BoxedStrategy<Value> {
    let texts = |texts: &[&'static str]| select(texts.to_vec()).prop_map(Value::from).boxed();
    match (column, kind(column)) {
        ("_id", _) => (0_u32..40).prop_map(|number| json!(id(number))).boxed(),
        ("status", _) => texts(&STATUSES),
        (_, "phone") => texts(&NUMBERS),
        (_, "date") => texts(&DATES),
        (_, "integer") => select(INTEGERS.to_vec()).prop_map(Value::from).boxed(),
        (_, "id" | "project") => (0_u32..3).prop_map(|number| json!(id(900 + number))).boxed(),
        _ => texts(&TEXTS),
    }
}

/// A row in OneUptime's form.
fn own_row() -> impl Strategy<Value = Map<String, Value>> {
    let optional = ["fromNumber", "messageText", "statusMessage", "whatsAppMessageId", "incidentId", "userId"];
    let required = ["_id", "createdAt", "updatedAt", "version", "toNumber", "status", "whatsAppCostInUSDCents"];
    let required: Vec<_> =
        required.into_iter().map(|name| value_of(name).prop_map(move |value| (name, value))).collect();
    let optional: Vec<_> = optional
        .into_iter()
        .map(|name| prop_oneof![Just(Value::Null), value_of(name)].prop_map(move |value| (name, value)))
        .collect();
    (required, optional).prop_map(|(required, optional)| {
        required.into_iter().chain(optional).map(|(name, value)| (name.to_owned(), value)).collect()
    })
}

/// A message in edna's form: its id, status, subject, text and time.
type Message = (i64, &'static str, Option<i64>, &'static str, &'static str);

fn message() -> impl Strategy<Value = Message> {
    let words = select(vec!["SENT", "READ", "FAILED"]);
    let texts = select(vec!["a", "Привет", "100% a_b"]);
    (1_i64..20, words, prop::option::of(select(SENDERS.to_vec())), texts, select(DATES.to_vec()))
}

fn condition() -> impl Strategy<Value = (String, Value)> {
    let columns: Vec<&'static str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    select(columns).prop_flat_map(|column| {
        let value = move || value_of(column);
        let single = select(vec![
            "EqualTo", "NotEqual", "EqualToOrNull", "GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual",
            "GreaterThanOrNull", "LessThanOrNull",
        ]);
        let patterns = select(vec!["a", "A", "привет", "ÉCOLE", "É", "_", "%", "0%", "+1", " a ", "1", "55", "2026-02", "s", "ready"]);
        let searches = select(vec!["Search", "StartsWith", "EndsWith", "NotContains"]);
        let lists = select(vec!["", "Includes", "IncludesAll", "IncludesNone"]);
        let list = prop::collection::vec(value(), 0..4);
        let fields = subsequence(vec!["messageText", "toNumber", "status", "_id", "version", "createdAt"], 1..4);
        let condition = prop_oneof![
            2 => value(),
            1 => Just(Value::Null),
            4 => (single, value()).prop_map(|(operator, value)| json!({"_type": operator, "value": value})),
            1 => select(vec!["IsNull", "NotNull"]).prop_map(|operator| json!({"_type": operator})),
            2 => (value(), value()).prop_map(|(a, b)| json!({"_type": "InBetween", "startValue": a, "endValue": b})),
            3 => (searches, patterns.clone()).prop_map(|(operator, value)| json!({"_type": operator, "value": value})),
            3 => (lists, list).prop_map(|(operator, list)| match operator {
                "" => json!(list),
                operator => json!({"_type": operator, "value": list}),
            }),
            1 => (fields, patterns).prop_map(|(fields, value)| json!({"_type": "MultiSearch", "value": value, "fields": fields})),
        ];
        condition.prop_map(move |condition| (column.to_owned(), condition))
    })
}

fn request() -> impl Strategy<Value = Request> {
    let names = || COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let all = || COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let sort = subsequence(names(), 0..3).prop_shuffle();
    let senders = prop::option::weighted(0.3, subsequence(SENDERS.to_vec(), 1..3));
    (
        prop::collection::vec(condition(), 0..4),
        (sort, prop::collection::vec(any::<bool>(), 3)),
        subsequence(all(), 0..=15),
        (0_usize..12, 1_usize..12),
        senders,
        any::<bool>(),
    )
        .prop_map(|(query, (sort, down), select, (skip, limit), senders, live)| Request {
            query: query.into_iter().collect(),
            sort: sort.into_iter().map(str::to_owned).zip(down).collect(),
            select,
            skip,
            limit,
            senders,
            live,
        })
}

/// The row that a message becomes, by docs/oneuptime.md §2.
fn row_of(tenant: TenantId, message: Message) -> Row {
    let (number, word, subject, text, at) = message;
    let status = match word {
        "SENT" => "Sent",
        "READ" => "Read",
        _ => "Failed",
    };
    let values = json!({
        "_id": whatsapp_log::id_of_message(tenant, number).to_string(), "createdAt": at, "updatedAt": at, "deletedAt": null,
        "version": 1, "projectId": tenant.derived_project_id().to_string(), "toNumber": "+79001112233", "fromNumber": null,
        "messageText": text, "statusMessage": null, "whatsAppMessageId": null, "status": status,
        "whatsAppCostInUSDCents": 0, "incidentId": null, "userId": null,
    });
    Row { values: values.as_object().unwrap().clone(), subject }
}

struct Filled {
    app: TestApp,
    rows: Vec<Row>,
}

/// Fills a store with rows and messages, and a list in memory with the same rows.
async fn filled(own: Vec<(bool, Map<String, Value>)>, messages: Vec<(bool, Message)>) -> Filled {
    let app = TestApp::new().await;
    app.create_tenant(OTHER).await;
    let mut rows: Vec<Row> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (is_other, mut values) in own {
        let tenant = if is_other { OTHER } else { TENANT };
        let name = values["_id"].as_str().unwrap().to_owned();
        if !seen.insert((is_other, name)) {
            continue;
        }
        app.import_logs_for(tenant, [json!(values)]).await;
        values.insert("deletedAt".into(), Value::Null);
        values.insert("projectId".into(), json!(tenant.derived_project_id().to_string()));
        rows.push(Row { values, subject: None });
    }
    for (is_other, message) in messages {
        let tenant = if is_other { OTHER } else { TENANT };
        let (number, word, subject, text, at) = message;
        if !seen.insert((is_other, number.to_string())) {
            continue;
        }
        let content = json!({"type": "TEXT", "text": text}).to_string();
        let item = whatsapp(
            number,
            json!({"deliveryStatus": word, "subjectId": subject, "content": content, "sentOrReceivedAt": at}),
        );
        app.import_for(tenant, [item]).await;
        rows.push(row_of(tenant, message));
    }
    rows.retain(|row| row.values["projectId"] == json!(TENANT.derived_project_id().to_string()));
    Filled { app, rows }
}

#[test]
fn random_requests_match_the_in_memory_oracle() {
    let runtime = actix_web::rt::System::new();
    let own = prop::collection::vec((prop::bool::weighted(0.3), own_row()), 0..30);
    let messages = prop::collection::vec((prop::bool::weighted(0.3), message()), 0..12);
    let requests = prop::collection::vec(request(), 30);
    let config = ProptestConfig { cases: 24, ..ProptestConfig::default() };
    proptest!(config, |(own in own, messages in messages, requests in requests)| {
        let outcome: Result<(), TestCaseError> = runtime.block_on(async {
            let Filled { app, rows } = filled(own, messages).await;
            for request in requests {
                let (profile, senders) = (if request.live { "live" } else { "published" }, request.senders.clone());
                let key = app.issue_key(TENANT, |key| {
                    key.kind = KeyKind::Additional;
                    key.permissions = Some(vec!["Viewer".into()]);
                    key.oneuptime_profile = Some(profile.into());
                    key.senders = senders;
                }).await;
                let (list, count) = request.answer(&rows);
                let body = request.body();
                prop_assert_eq!(app.post_log_with(&key, LIST, &body).await, format!("200 {list}"), "{}", body);
                prop_assert_eq!(app.post_log_with(&key, COUNT, &body).await, format!("200 {count}"), "{}", body);
            }
            Ok(())
        });
        outcome?;
    });
}
