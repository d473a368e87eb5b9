//! Four importers and eight askers at once: nothing lost, no error, no page that is not one state of the store.

use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message};
use history_gateway::ingest;
use history_gateway::model::Item;

const BATCHES: i64 = 25;
const SIZE: i64 = 20;

#[actix_web::test]
async fn concurrent_imports_and_reads_lose_nothing() {
    let app = std::rc::Rc::new(TestApp::new().await);
    // Two of the importers are another process as far as the database can tell.
    let other = app.open_again();
    let importers = (0..4).map(|importer: i64| {
        let store = if importer < 2 { app.store.clone() } else { other.clone() };
        actix_web::rt::spawn(async move {
            for batch in 0..BATCHES {
                // Every message comes from two importers, with another status from each.
                let first = (importer % 2 * BATCHES + batch) * SIZE;
                let status = if importer < 2 { "SENT" } else { "READ" };
                let item =
                    |id| message(id, json!({"deliveryStatus": status, "subscriberId": id % 7, "subjectId": id % 3}));
                let items = (first + 1..=first + SIZE).map(item);
                let items = items.map(|item| Item::parse(&item.to_string(), TENANT).unwrap()).collect();
                ingest::record(&store, TENANT, items).await.unwrap();
            }
        })
    });
    let askers = (0..8).map(|asker: usize| {
        let app = std::rc::Rc::clone(&app);
        actix_web::rt::spawn(async move {
            let questions = [
                json!({"limit": 1000}),
                json!({"limit": 10, "sort": {"property": "deliveryStatus", "direction": "ASC"}}),
                json!({"subscriberFilter": {"address": "3", "type": "EDNA_ID"}, "limit": 1000}),
                json!({"limit": 50, "offset": 100, "sort": {"property": "messageId", "direction": "ASC"}}),
            ];
            let mut most = 0;
            for _ in 0..20 {
                let answer = app.ask(&questions[asker % questions.len()]).await;
                let answer: Value = serde_json::from_str(answer.strip_prefix("200 ").expect(&answer)).unwrap();
                let found = answer["content"].as_array().unwrap().len();
                assert!(found >= most, "what was seen once stays");
                most = found;
            }
        })
    });
    let tasks: Vec<_> = importers.chain(askers).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut found = 0;
    for offset in [0, 1000] {
        let sort = json!({"property": "messageId", "direction": "ASC"});
        let answer = app.ask(json!({"limit": 1000, "offset": offset, "sort": sort})).await;
        let answer: Value = serde_json::from_str(answer.strip_prefix("200 ").unwrap()).unwrap();
        for item in answer["content"].as_array().unwrap() {
            found += 1;
            assert_eq!(item["messageId"], found);
            assert_eq!(item["deliveryStatus"], "READ");
        }
    }
    assert_eq!(found, 2 * BATCHES * SIZE);
}
