//! Random imports and queries give the same responses as a plain list in memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::oracle::{FIELDS, MessageCopy, Oracle, Query, render};
use crate::support::TestApp;
use history_gateway::config::RecipientSetting;
use history_gateway::ingest;
use history_gateway::model::key::KeyKind;
use history_gateway::model::{Item, TenantId};
use history_gateway::store::messages;

pub const TENANTS: [i64; 3] = [3193, 77, 78];
pub const DATES: [&str; 6] = [
    "2024-07-23T08:08:20.000+0000",
    "2026-01-30T12:00:00.000+0000",
    "2026-02-10T00:00:00.001+0000",
    "2026-02-10T23:59:59.999+0000",
    "2026-02-11T00:00:00.000+0000",
    "2026-03-01T12:00:00.000+0000",
];
const ADDRESSES: [&str; 5] = ["79001", "79002", "tok-a", "Tok-A", "79003"];
const SUBSCRIBERS: [i64; 3] = [10, 11, 79001];

fn maybe<T: std::fmt::Debug + Clone + 'static>(values: impl Into<Vec<T>>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.6, select(values.into()))
}

/// One copy of a message with an id below `ids`, in the form of a response.
pub fn copy(ids: i64) -> impl Strategy<Value = (i64, MessageCopy)> {
    let required = (
        select(TENANTS.to_vec()),
        1..ids,
        select(vec!["SMS", "WHATSAPP", "PUSH", "MAX"]),
        select(vec!["IN", "OUT"]),
        select(ADDRESSES.to_vec()),
        select(vec!["{}", "{\"type\":\"TEXT\"}", "я"]),
        select(DATES.to_vec()),
    );
    let status = (
        maybe(["SENT", "READ", "FAILED", "DELIVERED", "ODD"]),
        maybe(DATES),
        prop::option::weighted(0.1, select(vec!["a", "b"])),
    );
    let optional = (maybe(SUBSCRIBERS), maybe([5_i64, 6, 7]), maybe(["AD", "HSM", "CHAT"]), maybe([1_i64, 2, -3]));
    let texts = (maybe(["ä", "z", "Z", "я", ""]), maybe(["x", "y"]), maybe([1_i64, 2]), maybe(["p", "q"]));
    (required, status, optional, texts).prop_map(|(required, status, optional, texts)| {
        let (tenant, id, channel, direction, address, content, sent_at) = required;
        let fields = BTreeMap::from([
            ("messageId", json!(id)),
            ("tenantId", json!(tenant)),
            ("channelType", json!(channel)),
            ("direction", json!(direction)),
            ("address", json!(address)),
            ("content", json!(content)),
            ("sentOrReceivedAt", json!(sent_at)),
            ("deliveryStatus", json!(status.0)),
            ("deliveryStatusAt", json!(status.1)),
            ("deliveryStatusMessage", json!(status.2)),
            ("subscriberId", json!(optional.0)),
            ("subjectId", json!(optional.1)),
            ("trafficType", json!(optional.2)),
            ("segments", json!(optional.3)),
            ("comment", json!(texts.0)),
            ("cascadeName", json!(texts.1)),
            ("replyInMessageId", json!(texts.2)),
        ]);
        let known = FIELDS.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(name)?.clone())));
        let unknown = texts.3.map(|name| (name.to_owned(), json!({"a": [1, name]})));
        let copy = known.chain(unknown).filter(|(_, value)| !value.is_null()).collect();
        (tenant, copy)
    })
}

/// A query of a page that skips fewer than `offsets` messages.
pub fn query(offsets: usize) -> impl Strategy<Value = Query> {
    let kinds = vec!["PHONE", "EMAIL", "APPLE_ID", "EDNA_ID"];
    let addresses: Vec<&str> = ADDRESSES.into_iter().chain(["10", "11", "nobody"]).collect();
    let who = (select(TENANTS.to_vec()), prop::option::of((select(addresses), select(kinds))), any::<bool>());
    let window = (prop::option::of(select(DATES.to_vec())), prop::option::of(select(DATES.to_vec())));
    let filters = (
        subsequence(vec!["SMS", "WHATSAPP", "PUSH", "VIBER"], 0..=3),
        prop::option::weighted(0.3, select(vec!["IN", "OUT"])),
        prop::option::weighted(0.3, subsequence(vec!["AD", "HSM", "CHAT", "SERVICE"], 1..=3)),
        prop::option::weighted(0.1, 1_i64..10),
        prop::option::weighted(0.2, select(vec![5_i64, 6, 7, 8])),
        prop::option::weighted(0.2, subsequence(vec![5_i64, 6, 7], 1..=2)),
    );
    let sort = prop::collection::vec((select(FIELDS.to_vec()), select(vec!["ASC", "DESC"])), 0..3);
    let page = (0..offsets, 1_usize..6);
    (who, window, filters, sort, page).prop_map(|(who, window, filters, sort, page)| {
        // A window of several years is a 400, which is tested elsewhere.
        let old = window.0 == Some(DATES[0]) && window.1.is_some_and(|to| to != DATES[0]);
        Query {
            tenant: who.0,
            recipient: who.1,
            address_only: who.2,
            window: if old { (window.0, None) } else { window },
            channel_types: filters.0,
            direction: filters.1,
            traffic_types: filters.2.unwrap_or_default(),
            message_id: filters.3,
            subject_id: filters.4,
            senders: filters.5.unwrap_or_default(),
            sort,
            offset: page.0,
            limit: page.1,
        }
    })
}

/// Imports batches of copies, each batch tenant by tenant.
pub async fn import(app: &TestApp, batches: &[Vec<(i64, MessageCopy)>]) {
    for batch in batches {
        for tenant in TENANTS {
            let of_tenant = batch.iter().filter(|(of, _)| *of == tenant);
            let items = of_tenant.map(|(_, copy)| Item::parse(&render(copy), TenantId(tenant)).unwrap()).collect();
            ingest::record(&app.store, TenantId(tenant), items).await.unwrap();
        }
    }
}

async fn filled(batches: &[Vec<(i64, MessageCopy)>], address_only: bool) -> TestApp {
    let app = empty(address_only).await;
    import(&app, batches).await;
    app
}

/// A store that knows the tenants.
pub async fn empty(address_only: bool) -> TestApp {
    let app = TestApp::with(|config| {
        config.edna.recipient = if address_only { RecipientSetting::Address } else { RecipientSetting::Subscriber };
    })
    .await;
    for tenant in TENANTS.into_iter().skip(1) {
        app.create_tenant(TenantId(tenant)).await;
    }
    app
}

async fn export_items(app: &TestApp, tenant: i64) -> Vec<String> {
    let page =
        app.store.read_primary(move |c| messages::page_after(c, TenantId(tenant), i64::MIN, (None, None), 1000)).await;
    page.unwrap().into_iter().map(|(_, item)| item).collect()
}

/// The response to a query, with a key that has the query's senders.
pub async fn response(app: &TestApp, query: &Query) -> String {
    let senders = (!query.senders.is_empty()).then(|| query.senders.clone());
    let key = app.issue_key(TenantId(query.tenant), |key| {
        key.kind = KeyKind::Additional;
        key.groups = Some(vec!["message-history".into()]);
        key.senders = senders;
    });
    short_error(app.history_with(&key.await, query.body()).await)
}

/// A response of status 200 unchanged; of an error, only the status and the title.
fn short_error(response: String) -> String {
    if response.starts_with("200 ") {
        return response;
    }
    let (status, body) = response.split_once(' ').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    format!("{status} {}", body["title"].as_str().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_imports_and_queries_match_the_in_memory_oracle(
        batches in prop::collection::vec(prop::collection::vec(copy(9), 1..12), 1..5),
        queries in prop::collection::vec(query(5), 30),
    ) {
        actix_web::rt::System::new().block_on(async {
            let mut oracle = Oracle::default();
            for (_, copy) in batches.iter().flatten() {
                oracle.import(copy.clone());
            }
            for address_only in [false, true] {
                let app = filled(&batches, address_only).await;
                for query in queries.iter().filter(|query| query.address_only == address_only) {
                    assert_eq!(response(&app, query).await, oracle.answer(query), "{query:?}");
                }
            }
        });
    }

    #[test]
    fn import_order_and_overlap_do_not_change_the_store(
        (copies, shuffled) in prop::collection::vec(copy(9), 1..40).prop_flat_map(|copies| (Just(copies.clone()), Just(copies).prop_shuffle())),
        size in 1_usize..9,
    ) {
        actix_web::rt::System::new().block_on(async {
            let mut oracle = Oracle::default();
            for (_, copy) in &copies {
                oracle.import(copy.clone());
            }
            let once = filled(std::slice::from_ref(&copies), false).await;
            let parts: Vec<_> = shuffled.chunks(size).map(<[_]>::to_vec).collect();
            let overlapping: Vec<_> = parts.iter().chain(parts.iter().rev()).cloned().collect();
            let again = filled(&overlapping, false).await;
            for tenant in TENANTS {
                let expected: Vec<String> = oracle.messages(tenant).iter().map(render).collect();
                assert_eq!(export_items(&once, tenant).await, expected);
                assert_eq!(export_items(&again, tenant).await, expected);
            }
        });
    }
}
