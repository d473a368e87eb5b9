//! Four importers and eight readers at once: nothing is lost, nothing fails, and each page is one state of the store.

use serde_json::{Value, json};

use crate::support::{TENANT, TestApp, message};
use history_gateway::ingest;
use history_gateway::model::Item;

const BATCHES: i64 = 25;
const SIZE: i64 = 20;

#[actix_web::test]
async fn concurrent_imports_and_reads_lose_nothing() {
    let app = std::rc::Rc::new(TestApp::new().await);
    // To the database, two of the importers look like another process.
    let other = app.open_second_store();
    let importers = (0..4).map(|importer: i64| {
        let store = if importer < 2 { app.store.clone() } else { other.clone() };
        actix_web::rt::spawn(async move {
            for batch in 0..BATCHES {
                // Every message comes from two importers, with a different status from each.
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
    let readers = (0..8).map(|reader: usize| {
        let app = std::rc::Rc::clone(&app);
        actix_web::rt::spawn(async move {
            let bodies = [
                json!({"limit": 1000}),
                json!({"limit": 10, "sort": {"property": "deliveryStatus", "direction": "ASC"}}),
                json!({"subscriberFilter": {"address": "3", "type": "EDNA_ID"}, "limit": 1000}),
                json!({"limit": 50, "offset": 100, "sort": {"property": "messageId", "direction": "ASC"}}),
            ];
            let mut max_found = 0;
            for _ in 0..20 {
                let response = app.history(&bodies[reader % bodies.len()]).await;
                let response: Value = serde_json::from_str(response.strip_prefix("200 ").expect(&response)).unwrap();
                let found = response["content"].as_array().unwrap().len();
                assert!(found >= max_found, "a message that was found once is missing");
                max_found = found;
            }
        })
    });
    let tasks: Vec<_> = importers.chain(readers).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut found = 0;
    for offset in [0, 1000] {
        let sort = json!({"property": "messageId", "direction": "ASC"});
        let response = app.history(json!({"limit": 1000, "offset": offset, "sort": sort})).await;
        let response: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
        for item in response["content"].as_array().unwrap() {
            found += 1;
            assert_eq!(item["messageId"], found);
            assert_eq!(item["deliveryStatus"], "READ");
        }
    }
    assert_eq!(found, 2 * BATCHES * SIZE);
}
