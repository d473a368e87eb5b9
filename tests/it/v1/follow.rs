//! Readers that store what `/v1/changes` tells end with exactly the store (docs/api.md 2.3), with several gateways that
//! write at the same time, and readers that are killed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::changes::{body, next};
use super::{get_with, walk};
use crate::oracle::{MessageCopy, render};
use crate::property::copy;
use crate::support::{TENANT, TestApp};
use history_gateway::ingest;
use history_gateway::model::Item;
use history_gateway::model::key::KeyKind;
use history_gateway::store::Store;

/// A reader's copy of the messages, and the token to go on with.
#[derive(Clone, Debug)]
struct Copy {
    messages: BTreeMap<i64, Value>,
    token: String,
}

/// A reader: its key, its filters in the form of a body, and what it has.
struct Reader {
    key: String,
    filters: Value,
    limit: usize,
    copy: Copy,
    /// What it has saved: a reader that is killed begins there.
    saved: Copy,
}

impl Reader {
    async fn start(app: &TestApp, senders: Option<Vec<i64>>, filters: Value, limit: usize) -> Self {
        let key = app
            .issue_key(TENANT, |key| {
                key.kind = KeyKind::Additional;
                key.groups = Some(vec!["message-history".into()]);
                key.senders = senders;
            })
            .await;
        let token = next(&body(&get_with(app, &key, "/v1/changes?since=now").await));
        let mut messages = BTreeMap::new();
        for page in walk(app, &key, filters.clone()).await {
            for message in page["messages"].as_array().unwrap() {
                messages.insert(message["messageId"].as_i64().unwrap(), message.clone());
            }
        }
        let copy = Copy { messages, token };
        Self { key, filters, limit, saved: copy.clone(), copy }
    }

    /// Reads one page; returns whether there are more.
    async fn read(&mut self, app: &TestApp) -> bool {
        let mut query = self.filters.clone();
        query["since"] = json!(self.copy.token);
        query["limit"] = json!(self.limit);
        let response = app.post("/v1/changes/query", &[("x-api-key", &self.key)], query.to_string()).await;
        let page = body(&format!("{} {}", response.status.as_u16(), response.body));
        for change in page["changes"].as_array().unwrap() {
            let id = change["messageId"].as_i64().unwrap();
            match change["kind"].as_str().unwrap() {
                "upserted" => self.copy.messages.insert(id, change["message"].clone()),
                _ => self.copy.messages.remove(&id),
            };
        }
        self.copy.token = next(&page);
        page["more"].as_bool().unwrap()
    }
}

async fn write(store: &Store, copies: &[MessageCopy]) {
    let items = copies.iter().map(|copy| Item::parse(&render(copy), TENANT).unwrap()).collect();
    ingest::record(store, TENANT, items).await.unwrap();
}

fn copies(count: usize) -> impl Strategy<Value = Vec<MessageCopy>> {
    let of_tenant = |(_, copy): (i64, MessageCopy)| {
        copy.into_iter()
            .map(|(name, value)| if name == "tenantId" { (name, json!(TENANT.0)) } else { (name, value) })
            .collect::<MessageCopy>()
    };
    prop::collection::vec(copy(15).prop_map(of_tenant), 1..count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn readers_end_with_exactly_the_store(
        before in copies(20),
        rounds in prop::collection::vec((copies(6), copies(6), prop::collection::vec((0_usize..4, any::<bool>(), any::<bool>()), 0..6)), 1..8),
        limit in 1_usize..6,
    ) {
        actix_web::rt::System::new().block_on(async {
            let app = TestApp::new().await;
            let other = app.open_second_store();
            write(&app.store, &before).await;
            let mut readers = [
                Reader::start(&app, None, json!({}), limit).await,
                Reader::start(&app, Some(vec![5]), json!({}), limit).await,
                Reader::start(&app, Some(vec![5, 6]), json!({"deliveryStatus": ["READ", "FAILED"]}), limit).await,
                Reader::start(&app, None, json!({"address": "79001", "direction": "OUT"}), limit).await,
            ];
            for (here, there, steps) in &rounds {
                // Two gateways write at the same time, and the readers go on meanwhile.
                let writes = async { tokio::join!(write(&app.store, here), write(&other, there)) };
                let reads = async {
                    for (reader, saves, is_killed) in steps {
                        let reader = &mut readers[*reader];
                        reader.read(&app).await;
                        if *saves {
                            reader.saved = reader.copy.clone();
                        }
                        if *is_killed {
                            reader.copy = reader.saved.clone();
                        }
                    }
                };
                tokio::join!(writes, reads);
            }
            for mut reader in readers {
                while reader.read(&app).await {}
                let stored = walk(&app, &reader.key, reader.filters.clone()).await;
                let stored: BTreeMap<i64, Value> = stored.iter().flat_map(|page| page["messages"].as_array().unwrap())
                    .map(|message| (message["messageId"].as_i64().unwrap(), message.clone())).collect();
                // By address, a message can match without a change, because another one links its address to a person.
                if reader.filters["address"].is_null() {
                    assert_eq!(reader.copy.messages, stored, "{}", reader.filters);
                }
                assert!(!reader.read(&app).await && reader.copy.messages.len() < 1000);
            }
        });
    }
}
