//! docs/edna.md 6.3: a message's status does not depend on the order of its events, on repeats, or on the feed they
//! came through.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message, permutations};
use history_gateway::ingest::{self, Event};
use history_gateway::model::Item;

/// One event of a message: its kind and its content.
#[derive(Clone, Debug)]
struct TestEvent {
    kind: EventKind,
    status: &'static str,
    at: i64,
    text: Option<&'static str>,
    cascade: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventKind {
    /// An item with a status of its own.
    Item,
    /// edna's webhook, with the message id and the request id.
    WebhookStatus,
    /// edna's webhook, with the request id only.
    WebhookStatusByRequest,
    /// A status by `POST /v1/statuses`.
    ApiStatus,
}

const STATUSES: [&str; 9] =
    ["ACCEPTED", "ENQUEUED", "DELAYED", "SENT", "HALFWAY", "UNDELIVERED", "FAILED", "DELIVERED", "READ"];

/// The rank in the table of docs/edna.md 6.3, computed without the gateway's code.
fn rank(status: &str) -> usize {
    let ranks: [&[&str]; 7] = [
        &["ACCEPTED"],
        &["ENQUEUED"],
        &["DELAYED"],
        &["SENT"],
        &["INVALID", "UNDELIVERED", "FAILED", "CANCELLED", "EXPIRED"],
        &["DELIVERED"],
        &["READ"],
    ];
    // An unknown word has the rank of SENT.
    ranks.iter().position(|statuses| statuses.contains(&status)).unwrap_or(3)
}

/// The status and the cascade that a message must have after its events; `None` if no item is among them.
fn expected(events: &[TestEvent]) -> Option<String> {
    events.iter().find(|event| event.kind == EventKind::Item)?;
    // A request id belongs to the message only if an event has both ids.
    let linked = events.iter().any(|event| event.kind == EventKind::WebhookStatus);
    let counting: Vec<&TestEvent> =
        events.iter().filter(|event| event.kind != EventKind::WebhookStatusByRequest || linked).collect();
    let winner = counting.iter().max_by_key(|event| (rank(event.status), event.at, event.status, event.text))?;
    let mut with_cascade: Vec<&&TestEvent> =
        counting.iter().filter(|event| event.kind != EventKind::Item && event.cascade.is_some()).collect();
    with_cascade.sort_by_key(|event| (rank(event.status), event.at, event.status, event.text));
    let winner_with_cascade = with_cascade.last().map(|event| (event.status, event.at, event.text));
    // If two events have the same status, time and text, the cascade may be either's.
    let mut cascades: Vec<i64> = with_cascade
        .iter()
        .filter(|event| Some((event.status, event.at, event.text)) == winner_with_cascade)
        .filter_map(|event| event.cascade)
        .collect();
    cascades.sort_unstable();
    cascades.dedup();
    let cascade = if cascades.len() == 1 { cascades[0].to_string() } else { format!("any of {}", cascades.len()) };
    Some(format!("{} {} {} {cascade}", winner.status, winner.at, winner.text.unwrap_or("-")))
}

fn time(at: i64) -> String {
    format!("2026-03-01T10:00:0{at}Z")
}

fn build_event(event: &TestEvent, id: i64) -> Event {
    if event.kind == EventKind::Item {
        let mut item =
            message(id, json!({"deliveryStatus": event.status, "deliveryStatusAt": time(event.at), "subjectId": 5}));
        if let Some(text) = event.text {
            item["deliveryStatusMessage"] = json!(text);
        }
        return Event::from(Item::parse(&item.to_string(), TENANT).unwrap());
    }
    let status = json!({
        "messageId": (event.kind != EventKind::WebhookStatusByRequest).then_some(id),
        "requestId": (event.kind != EventKind::ApiStatus).then(|| format!("request-{id}")),
        "subjectId": 5, "status": event.status, "statusAt": time(event.at), "error": event.text, "cascadeId": event.cascade,
    });
    let now = crate::support::instant(crate::support::NOW);
    let body = status.to_string();
    let mut call = history_gateway::edna::webhook::parse(&body, TENANT, now).unwrap();
    let mut parsed = call.events.pop().unwrap();
    // The API parses the same fields; only the source differs.
    if event.kind == EventKind::ApiStatus
        && let ingest::Payload::Status(status_event) = &mut parsed.payload
    {
        status_event.provenance.source = history_gateway::model::Source::Api;
    }
    parsed
}

/// The status and the cascade of every message.
async fn statuses(app: &TestApp) -> Vec<(i64, String)> {
    let response = app.history(json!({"limit": 1000, "sort": {"property": "messageId", "direction": "ASC"}})).await;
    let response: Value = serde_json::from_str(response.strip_prefix("200 ").expect(&response)).unwrap();
    let id_and_status = |message: &Value| {
        let at = message["deliveryStatusAt"].as_str().map_or("-", |at| &at[18..19]);
        let text = message["deliveryStatusMessage"].as_str().unwrap_or("-");
        let status = message["deliveryStatus"].as_str().unwrap_or("-");
        let cascade = message["cascadeId"].as_i64().map_or("any of 0".to_owned(), |id| id.to_string());
        (message["messageId"].as_i64().unwrap(), format!("{status} {at} {text} {cascade}"))
    };
    response["content"].as_array().unwrap().iter().map(id_and_status).collect()
}

fn is_as_expected(found: &str, expected: &str) -> bool {
    match expected.split_once("any of ") {
        Some((status, "0")) => found == format!("{status}any of 0"),
        // Which one it is depends on the message's id, which events contain.
        Some((status, _)) => found.starts_with(status),
        None => found == expected,
    }
}

/// Delivers a set of events in every order, each order to a message of its own, and checks the results.
async fn check_all_orders(events: &[TestEvent]) {
    let app = TestApp::new().await;
    let orders = permutations(events.len());
    for step in 0..events.len() {
        let batch = (1..).zip(&orders).map(|(id, order)| build_event(&events[order[step]], id)).collect::<Vec<_>>();
        ingest::record(&app.store, TENANT, batch).await.unwrap();
    }
    let found = statuses(&app).await;
    match expected(events) {
        None => assert!(found.is_empty(), "{events:?}"),
        Some(expected) => {
            assert_eq!(found.len(), orders.len());
            for ((_, found), order) in found.iter().zip(&orders) {
                assert!(is_as_expected(found, &expected), "{events:?} in order {order:?}: {found}, not {expected}");
            }
            if !expected.contains("any of ") {
                assert!(found.iter().all(|(_, status)| *status == found[0].1), "{events:?}: {found:?}");
            }
        }
    }
}

fn test_event(kind: EventKind, status: &'static str, at: i64) -> TestEvent {
    TestEvent { kind, status, at, text: None, cascade: None }
}

#[actix_web::test]
async fn selected_event_sets_give_one_status_in_every_order() {
    use EventKind::{ApiStatus, Item, WebhookStatus, WebhookStatusByRequest};
    let failed = TestEvent { text: Some("error-address-unknown"), ..test_event(WebhookStatus, "FAILED", 3) };
    let sets = [
        vec![
            test_event(Item, "SENT", 1),
            test_event(WebhookStatus, "DELIVERED", 2),
            test_event(WebhookStatusByRequest, "READ", 3),
            test_event(ApiStatus, "UNDELIVERED", 4),
        ],
        vec![
            test_event(Item, "SENT", 2),
            test_event(WebhookStatus, "HALFWAY", 2),
            test_event(ApiStatus, "ELSEWHERE", 2),
            failed.clone(),
        ],
        vec![
            test_event(Item, "ENQUEUED", 5),
            test_event(Item, "ACCEPTED", 6),
            test_event(WebhookStatus, "DELAYED", 1),
            test_event(WebhookStatusByRequest, "SENT", 0),
        ],
        vec![
            test_event(WebhookStatus, "READ", 3),
            test_event(Item, "SENT", 1),
            test_event(WebhookStatusByRequest, "READ", 3),
            test_event(Item, "DELIVERED", 2),
        ],
        vec![
            failed,
            test_event(Item, "ACCEPTED", 1),
            TestEvent { text: Some("z"), ..test_event(ApiStatus, "FAILED", 3) },
        ],
        // Without an event that links it, a request id belongs to no message.
        vec![
            test_event(WebhookStatusByRequest, "READ", 3),
            test_event(Item, "SENT", 1),
            test_event(ApiStatus, "DELIVERED", 2),
        ],
        vec![
            test_event(WebhookStatusByRequest, "READ", 3),
            test_event(WebhookStatus, "SENT", 1),
            test_event(ApiStatus, "DELIVERED", 2),
        ],
        vec![
            TestEvent { cascade: Some(7), ..test_event(WebhookStatus, "SENT", 1) },
            TestEvent { cascade: Some(8), ..test_event(ApiStatus, "DELIVERED", 2) },
            test_event(WebhookStatusByRequest, "READ", 3),
            test_event(Item, "SENT", 1),
        ],
    ];
    for set in sets {
        check_all_orders(&set).await;
    }
}

fn event_set() -> impl Strategy<Value = Vec<TestEvent>> {
    let kinds = select(vec![
        EventKind::Item,
        EventKind::WebhookStatus,
        EventKind::WebhookStatusByRequest,
        EventKind::ApiStatus,
    ]);
    let text = prop::option::of(select(vec!["a", "b"]));
    let one = (kinds, select(STATUSES.to_vec()), 0_i64..3, text, prop::option::of(1_i64..4));
    let one = one.prop_map(|(kind, status, at, text, cascade)| TestEvent { kind, status, at, text, cascade });
    prop::collection::vec(one, 1..=4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_event_sets_give_one_status_in_every_order(set in event_set()) {
        actix_web::rt::System::new().block_on(check_all_orders(&set));
    }

    /// The same events, each delivered two to five times, shuffled, and all at once.
    #[test]
    fn duplicated_shuffled_concurrent_events_give_the_same_store(
        sets in prop::collection::vec(event_set(), 1..6),
        seed in prop::collection::vec(any::<u32>(), 120),
    ) {
        actix_web::rt::System::new().block_on(async {
            let sequential = TestApp::new().await;
            let concurrent = TestApp::new().await;
            let mut deliveries: Vec<(u32, i64, &TestEvent)> = Vec::new();
            let mut seed = seed.iter().cycle();
            let mut next = || *seed.next().unwrap();
            for (id, set) in (1..).zip(&sets) {
                for event in set {
                    ingest::record(&sequential.store, TENANT, vec![build_event(event, id)]).await.unwrap();
                    deliveries.extend((0..2 + next() % 4).map(|_| (next(), id, event)));
                }
            }
            deliveries.sort_by_key(|(order, ..)| *order);
            let events = deliveries.iter().map(|(_, id, event)| build_event(event, *id));
            let queue = concurrent.gateway.app.ingest.clone();
            let calls = events.map(|event| {
                let queue = queue.clone();
                async move { queue.record(TENANT, vec![event]).await.unwrap() }
            });
            futures_util::future::join_all(calls).await;
            assert_eq!(stored_items_and_events(&concurrent).await, stored_items_and_events(&sequential).await);
        });
    }
}

/// Every item with its status trail.
async fn stored_items_and_events(app: &TestApp) -> Vec<String> {
    let page = app.store.read_primary(|connection| {
        history_gateway::store::messages::page_after(connection, TENANT, i64::MIN, (None, None), 1000)
    });
    let mut found = Vec::new();
    for (id, item) in page.await.unwrap() {
        let trail = app.send("GET", &format!("/v1/messages/{id}"), &[("x-api-key", &app.key)], "").await.body;
        let trail: Value = serde_json::from_str(&trail).unwrap();
        found.push(format!("{item} {}", trail["trail"]));
    }
    found
}
