//! Random messages and filters give the same walk as a plain list in memory, also while messages are written (docs/api.md
//! 1.4).

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::{page_ids, query_with};
use crate::oracle::{MessageCopy, Oracle, get, matches_recipient};
use crate::property::{TENANTS, copy, empty, import};
use crate::support::TestApp;
use history_gateway::model::TenantId;
use history_gateway::model::key::KeyKind;

/// A query, as its body has it, and the senders of its key.
#[derive(Clone, Debug)]
struct Walk {
    tenant: i64,
    body: Value,
    senders: Vec<i64>,
}

fn list(values: &[&'static str]) -> impl Strategy<Value = Option<Vec<&'static str>>> + use<> {
    let count = values.len();
    prop::option::weighted(0.15, subsequence(values.to_vec(), 1..=count))
}

fn walk() -> impl Strategy<Value = Walk> {
    let addresses = vec!["79001", "79002", "tok-a", "79003"];
    let who = (
        select(TENANTS.to_vec()),
        prop::option::weighted(0.4, (subsequence(addresses, 1..=2), select(vec!["PHONE", "EMAIL", "APPLE_ID"]))),
        prop::option::weighted(0.15, subsequence(vec![10_i64, 11, 79001], 1..=2)),
    );
    let words = (
        list(&["SMS", "WHATSAPP", "PUSH"]),
        list(&["AD", "HSM", "CHAT"]),
        list(&["SENT", "READ", "FAILED", "ODD"]),
        prop::option::weighted(0.2, select(vec!["IN", "OUT"])),
        prop::option::weighted(0.15, select(vec!["ä", "z", "Z"])),
    );
    let numbers = (
        prop::option::weighted(0.15, prop::collection::vec(1_i64..9, 1..4)),
        prop::option::weighted(0.15, 1_i64..3),
        prop::option::weighted(0.3, subsequence(vec![5_i64, 6, 7], 1..=2)),
    );
    let window = (prop::option::weighted(0.3, 0_usize..6), prop::option::weighted(0.3, 0_usize..6));
    (who, words, numbers, window, 1..5_usize, any::<bool>()).prop_map(|(who, words, numbers, window, limit, ascending)| {
        let date = |index: Option<usize>| index.map(|index| crate::property::DATES[index]);
        let body = json!({
            "address": who.1.as_ref().map(|(addresses, _)| addresses), "addressType": who.1.as_ref().map(|(_, kind)| kind),
            "subscriberId": who.2, "channelType": words.0, "trafficType": words.1, "deliveryStatus": words.2,
            "direction": words.3, "comment": words.4, "messageId": numbers.0, "replyTo": numbers.1,
            "from": date(window.0), "to": date(window.1), "limit": limit, "order": if ascending { "asc" } else { "desc" },
        });
        Walk { tenant: who.0, body, senders: numbers.2.unwrap_or_default() }
    })
}

/// Whether a message matches, by the rules alone.
fn matches(message: &MessageCopy, all: &[MessageCopy], walk: &Walk) -> bool {
    let text = |name| get(message, name).and_then(Value::as_str).unwrap_or_default();
    let number = |name| get(message, name).and_then(Value::as_i64);
    let given = |name: &str| walk.body.get(name).filter(|value| !value.is_null());
    let any_text =
        |name: &str, field| given(name).is_none_or(|list| list.as_array().unwrap().contains(&json!(text(field))));
    let people = |kind: &str, list: Vec<String>| {
        list.iter().any(|address| matches_recipient(message, all, (address, kind), false))
    };
    let texts = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
            .collect()
    };
    let is_quoted = |id: i64| number("replyInMessageId") == Some(id) || number("replyOutMessageId") == Some(id);
    given("address").is_none_or(|list| people(given("addressType").unwrap().as_str().unwrap(), texts(list)))
        && given("subscriberId").is_none_or(|list| people("EDNA_ID", texts(list)))
        && any_text("channelType", "channelType")
        && any_text("trafficType", "trafficType")
        && any_text("deliveryStatus", "deliveryStatus")
        && given("direction").is_none_or(|word| word == text("direction"))
        && given("comment").is_none_or(|comment| get(message, "comment") == Some(comment))
        && given("messageId").is_none_or(|list| list.as_array().unwrap().contains(get(message, "messageId").unwrap()))
        && given("replyTo").is_none_or(|id| is_quoted(id.as_i64().unwrap()))
        && given("from").is_none_or(|from| text("sentOrReceivedAt") >= from.as_str().unwrap())
        && given("to").is_none_or(|to| text("sentOrReceivedAt") <= to.as_str().unwrap())
        && (walk.senders.is_empty() || number("subjectId").is_some_and(|subject| walk.senders.contains(&subject)))
}

fn matching(oracle: &Oracle, walk: &Walk) -> BTreeMap<i64, MessageCopy> {
    let all = oracle.messages(walk.tenant);
    let found = all.iter().filter(|message| matches(message, &all, walk));
    found.map(|message| (get(message, "messageId").unwrap().as_i64().unwrap(), message.clone())).collect()
}

async fn key(app: &TestApp, walk: &Walk) -> String {
    let senders = (!walk.senders.is_empty()).then(|| walk.senders.clone());
    app.issue_key(TenantId(walk.tenant), |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
        key.senders = senders;
    })
    .await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Between two pages, messages are written. What matched all the while is found exactly once, what never matched is
    /// not, and nothing is found twice.
    #[test]
    fn walk_finds_what_matched_throughout_exactly_once(
        before in prop::collection::vec(copy(40), 1..60),
        during in prop::collection::vec(prop::collection::vec(copy(40), 1..6), 4),
        walks in prop::collection::vec(walk(), 12),
    ) {
        actix_web::rt::System::new().block_on(async {
            let (app, mut oracle) = (empty(false).await, Oracle::default());
            let write = async |oracle: &mut Oracle, copies: &[(i64, MessageCopy)]| {
                for (_, copy) in copies {
                    oracle.import(copy.clone());
                }
                import(&app, &[copies.to_vec()]).await;
            };
            write(&mut oracle, &before).await;
            let mut writes = during.iter();
            for walk in &walks {
                let (key, mut body, mut found) = (key(&app, walk).await, walk.body.clone(), Vec::new());
                let (mut always, mut ever) = (matching(&oracle, walk), matching(&oracle, walk));
                loop {
                    let response = query_with(&app, &key, body.clone()).await;
                    let page: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap_or_else(|| panic!("{walk:?} {response}"))).unwrap();
                    let now = matching(&oracle, walk);
                    for message in page["messages"].as_array().unwrap() {
                        let id = message["messageId"].as_i64().unwrap();
                        let expected = now.get(&id).unwrap_or_else(|| panic!("{walk:?}: {id} does not match"));
                        let expected: serde_json::Map<_, _> = expected.iter().cloned().collect();
                        assert_eq!(message, &Value::Object(expected));
                    }
                    found.extend(page_ids(&page));
                    body["cursor"] = page["next"].clone();
                    if page["next"].is_null() {
                        break;
                    }
                    if let Some(copies) = writes.next() {
                        write(&mut oracle, copies).await;
                        let now = matching(&oracle, walk);
                        always.retain(|id, _| now.contains_key(id));
                        ever.extend(now);
                    }
                }
                let mut sorted = found.clone();
                sorted.sort_unstable();
                if walk.body["order"] == "desc" {
                    sorted.reverse();
                }
                assert_eq!(found, sorted, "{walk:?}: in order");
                sorted.dedup();
                assert_eq!(found.len(), sorted.len(), "{walk:?}: none twice");
                assert!(always.keys().all(|id| found.contains(id)), "{walk:?}: {found:?} lacks some of {:?}", always.keys());
                assert!(found.iter().all(|id| ever.contains_key(id)), "{walk:?}");
            }
        });
    }
}
