//! docs/edna.md 6.3: a message's status does not depend on the order in which its events came, nor on how often or by
//! which feed.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message};
use history_gateway::ingest::{self, Event};
use history_gateway::model::{Item, TenantId};

/// One event of a message: by which feed, and what it says.
#[derive(Clone, Debug)]
struct Said {
    feed: Feed,
    word: &'static str,
    at: i64,
    text: Option<&'static str>,
    cascade: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    /// An item with a status of its own.
    Item,
    /// edna's webhook, with the message's id and its request.
    Status,
    /// edna's webhook, with the request only.
    Untied,
    /// An own system's status.
    Api,
}

const WORDS: [&str; 9] =
    ["ACCEPTED", "ENQUEUED", "DELAYED", "SENT", "HALFWAY", "UNDELIVERED", "FAILED", "DELIVERED", "READ"];

/// The rank of the published table, written down once more.
fn rank(word: &str) -> usize {
    let ranks: [&[&str]; 7] =
        [&["ACCEPTED"], &["ENQUEUED"], &["DELAYED"], &["SENT"], &["UNDELIVERED", "FAILED"], &["DELIVERED"], &["READ"]];
    ranks.iter().position(|words| words.contains(&word)).unwrap_or(3)
}

/// What the events of a message come to; `None` where no item is among them.
fn expected(said: &[Said]) -> Option<String> {
    said.iter().find(|said| said.feed == Feed::Item)?;
    // A request names the message only where an event with both does.
    let tied = said.iter().any(|said| said.feed == Feed::Status);
    let counts: Vec<&Said> = said.iter().filter(|said| said.feed != Feed::Untied || tied).collect();
    let greatest = counts.iter().max_by_key(|said| (rank(said.word), said.at, said.word, said.text))?;
    let mut with_cascade: Vec<&&Said> =
        counts.iter().filter(|said| said.feed != Feed::Item && said.cascade.is_some()).collect();
    with_cascade.sort_by_key(|said| (rank(said.word), said.at, said.word, said.text));
    let greatest_cascade = with_cascade.last().map(|said| (said.word, said.at, said.text));
    // Where two say the same of the status, either's cascade may be the one.
    let mut cascades: Vec<i64> = with_cascade
        .iter()
        .filter(|said| Some((said.word, said.at, said.text)) == greatest_cascade)
        .filter_map(|said| said.cascade)
        .collect();
    cascades.sort_unstable();
    cascades.dedup();
    let cascade = if cascades.len() == 1 { cascades[0].to_string() } else { format!("any of {}", cascades.len()) };
    Some(format!("{} {} {} {cascade}", greatest.word, greatest.at, greatest.text.unwrap_or("-")))
}

fn time(at: i64) -> String {
    format!("2026-03-01T10:00:0{at}Z")
}

fn event(said: &Said, id: i64) -> Event {
    if said.feed == Feed::Item {
        let mut item =
            message(id, json!({"deliveryStatus": said.word, "deliveryStatusAt": time(said.at), "subjectId": 5}));
        if let Some(text) = said.text {
            item["deliveryStatusMessage"] = json!(text);
        }
        return Event::from(Item::parse(&item.to_string(), TENANT).unwrap());
    }
    let status = json!({
        "messageId": (said.feed != Feed::Untied).then_some(id),
        "requestId": (said.feed != Feed::Api).then(|| format!("request-{id}")),
        "subjectId": 5, "status": said.word, "statusAt": time(said.at), "error": said.text, "cascadeId": said.cascade,
    });
    let now = crate::support::instant(crate::support::NOW);
    let body = status.to_string();
    let mut call = history_gateway::edna::webhook::parse(&body, TENANT, now).unwrap();
    let mut event = call.events.pop().unwrap();
    if said.feed == Feed::Api
        && let ingest::Payload::Status(notice) = &mut event.payload
    {
        notice.provenance.source = history_gateway::model::Source::Api;
    }
    event
}

/// Every order of so many things.
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let place = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, count - 1);
            order
        })
    };
    orders(count - 1).into_iter().flat_map(place).collect()
}

/// The status and the cascade of every message there is.
async fn statuses(app: &TestApp) -> Vec<(i64, String)> {
    let answer = app.ask(json!({"limit": 1000, "sort": {"property": "messageId", "direction": "ASC"}})).await;
    let answer: Value = serde_json::from_str(answer.strip_prefix("200 ").expect(&answer)).unwrap();
    let told = |message: &Value| {
        let at = message["deliveryStatusAt"].as_str().map_or("-", |at| &at[18..19]);
        let text = message["deliveryStatusMessage"].as_str().unwrap_or("-");
        let word = message["deliveryStatus"].as_str().unwrap_or("-");
        let cascade = message["cascadeId"].as_i64().map_or("any of 0".to_owned(), |id| id.to_string());
        (message["messageId"].as_i64().unwrap(), format!("{word} {at} {text} {cascade}"))
    };
    answer["content"].as_array().unwrap().iter().map(told).collect()
}

fn is_as_expected(found: &str, expected: &str) -> bool {
    match expected.split_once("any of ") {
        Some((status, "0")) => found == format!("{status}any of 0"),
        // All orders agree on one of them, which is looked at beside this.
        Some((status, _)) => found.starts_with(status),
        None => found == expected,
    }
}

/// Delivers a set of events in every order, each order to a message of its own, and looks what they come to.
async fn check_all_orders(said: &[Said]) {
    let app = TestApp::new().await;
    let orders = orders(said.len());
    for step in 0..said.len() {
        let events = (1..).zip(&orders).map(|(id, order)| event(&said[order[step]], id)).collect::<Vec<_>>();
        ingest::record(&app.store, TENANT, events).await.unwrap();
    }
    let found = statuses(&app).await;
    match expected(said) {
        None => assert!(found.is_empty(), "{said:?}"),
        Some(expected) => {
            assert_eq!(found.len(), orders.len());
            for ((_, found), order) in found.iter().zip(&orders) {
                assert!(is_as_expected(found, &expected), "{said:?} in order {order:?}: {found}, not {expected}");
            }
            assert!(found.iter().all(|(_, status)| *status == found[0].1), "{said:?}: {found:?}");
        }
    }
}

fn said(feed: Feed, word: &'static str, at: i64) -> Said {
    Said { feed, word, at, text: None, cascade: None }
}

#[actix_web::test]
async fn selected_event_sets_give_one_status_in_every_order() {
    use Feed::{Api, Item, Status, Untied};
    let failed = Said { text: Some("error-address-unknown"), ..said(Status, "FAILED", 3) };
    let sets = [
        vec![said(Item, "SENT", 1), said(Status, "DELIVERED", 2), said(Untied, "READ", 3), said(Api, "UNDELIVERED", 4)],
        vec![said(Item, "SENT", 2), said(Status, "HALFWAY", 2), said(Api, "ELSEWHERE", 2), failed.clone()],
        vec![said(Item, "ENQUEUED", 5), said(Item, "ACCEPTED", 6), said(Status, "DELAYED", 1), said(Untied, "SENT", 0)],
        vec![said(Status, "READ", 3), said(Item, "SENT", 1), said(Untied, "READ", 3), said(Item, "DELIVERED", 2)],
        vec![failed, said(Item, "ACCEPTED", 1), Said { text: Some("z"), ..said(Api, "FAILED", 3) }],
        // Without an event that ties it, a request names no message.
        vec![said(Untied, "READ", 3), said(Item, "SENT", 1), said(Api, "DELIVERED", 2)],
        vec![said(Untied, "READ", 3), said(Status, "SENT", 1), said(Api, "DELIVERED", 2)],
        vec![
            Said { cascade: Some(7), ..said(Status, "SENT", 1) },
            Said { cascade: Some(8), ..said(Api, "DELIVERED", 2) },
            said(Untied, "READ", 3),
            said(Item, "SENT", 1),
        ],
    ];
    for set in sets {
        check_all_orders(&set).await;
    }
}

fn a_set() -> impl Strategy<Value = Vec<Said>> {
    let feeds = select(vec![Feed::Item, Feed::Status, Feed::Untied, Feed::Api]);
    let text = prop::option::of(select(vec!["a", "b"]));
    let one = (feeds, select(WORDS.to_vec()), 0_i64..3, text, prop::option::of(1_i64..4));
    let one = one.prop_map(|(feed, word, at, text, cascade)| Said { feed, word, at, text, cascade });
    prop::collection::vec(one, 1..=4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_event_sets_give_one_status_in_every_order(set in a_set()) {
        actix_web::rt::System::new().block_on(check_all_orders(&set));
    }

    /// The same events, each delivered up to five times, shuffled, over several connections at once.
    #[test]
    fn duplicated_shuffled_concurrent_events_give_the_same_store(
        sets in prop::collection::vec(a_set(), 1..6),
        seed in prop::collection::vec(any::<u32>(), 120),
    ) {
        actix_web::rt::System::new().block_on(async {
            let in_order = TestApp::new().await;
            let at_once = TestApp::new().await;
            let mut deliveries: Vec<(u32, i64, &Said)> = Vec::new();
            let mut seed = seed.iter().cycle();
            let mut next = || *seed.next().unwrap();
            for (id, set) in (1..).zip(&sets) {
                for said in set {
                    ingest::record(&in_order.store, TENANT, vec![event(said, id)]).await.unwrap();
                    deliveries.extend((0..2 + next() % 4).map(|_| (next(), id, said)));
                }
            }
            deliveries.sort_by_key(|(order, ..)| *order);
            let events = deliveries.iter().map(|(_, id, said)| event(said, *id));
            let door = at_once.gateway.app.ingest.clone();
            let calls = events.map(|event| {
                let door = door.clone();
                async move { door.record(TENANT, vec![event]).await.unwrap() }
            });
            futures_util::future::join_all(calls).await;
            assert_eq!(stored(&at_once).await, stored(&in_order).await);
        });
    }
}

/// Every item, and every trail without the times at which its events were heard.
async fn stored(app: &TestApp) -> Vec<String> {
    let page = app.store.read(|connection| {
        history_gateway::store::messages::page_after(connection, TenantId(3193), i64::MIN, (None, None), 1000)
    });
    let mut found = Vec::new();
    for (id, item) in page.await.unwrap() {
        let trail = app.send("GET", &format!("/v1/messages/{id}"), &[("x-api-key", &app.key)], "").await.body;
        let trail: Value = serde_json::from_str(&trail).unwrap();
        found.push(format!("{item} {}", trail["trail"]));
    }
    found
}
