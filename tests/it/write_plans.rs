//! No statement of recording reads more of a tenant than the batch is about, whatever the store holds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use diesel::Connection as _;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde_json::json;

use crate::support::{Database, NOW, TestApp, message};
use history_gateway::store::Connection;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The texts of the statements that the store's writer runs from now on.
async fn record_statements(app: &TestApp) -> Arc<Mutex<BTreeSet<String>>> {
    let statements = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&statements);
    let install = move |connection: &mut Connection| {
        connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                let text = query.to_string();
                seen.lock().unwrap().insert(text.split(" -- binds").next().unwrap().to_owned());
            }
        });
        Ok(())
    };
    app.store.write(install).await.unwrap();
    statements
}

#[actix_web::test]
async fn recording_reads_only_what_a_batch_is_about() {
    let app = TestApp::on(Database::sqlite(), NOW, |_| {}).await;
    let item = |id: i64, status: &str| {
        let fields = json!({"channelType": if id % 2 == 0 { "SMS" } else { "WHATSAPP" }, "subjectId": 500 + id % 2,
            "address": format!("7900000{:04}", id % 30), "subscriberId": id % 30, "deliveryStatus": status});
        message(id, fields)
    };
    app.import((1..=300).map(|id| item(id, "SENT"))).await;
    let statements = record_statements(&app).await;
    app.import((301..=330).map(|id| item(id, "SENT"))).await;
    app.import((1..=100).map(|id| item(id, "READ"))).await;
    // Another recipient, another subject and another time.
    app.import((1..=10).map(|id| message(id, json!({"address": "79995554433", "deliveryStatus": "READ"})))).await;
    let statuses: Vec<_> = (1..=20).map(|id| json!({"messageId": id, "status": "READ"})).collect();
    let key = [("x-api-key", app.key.as_str())];
    let response = app.post("/v1/statuses", &key, serde_json::to_string(&statuses).unwrap()).await;
    assert_eq!(response.status, 200, "{}", response.body);

    let statements = statements.lock().unwrap().clone();
    let mut wrong = String::new();
    let mut explained = 0;
    for statement in statements {
        if !["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|word| statement.starts_with(word)) {
            continue;
        }
        explained += 1;
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let steps = app.store.read_primary(move |connection| {
            let steps: Vec<Step> = diesel::sql_query(explain).load(connection)?;
            Ok(steps)
        });
        for Step { detail } in steps.await.unwrap() {
            let own = ["VIRTUAL TABLE", "SUBQUERY", "VALUES CLAUSE"];
            let reads_table = detail.starts_with("SCAN ") && !own.iter().any(|source| detail.contains(source));
            // Of a tenant, there is one state.
            let reads_tenant = detail.ends_with("(tenant_id=?)") && !detail.starts_with("SEARCH tenant_states ");
            if reads_table || reads_tenant {
                wrong += &format!("{statement}\n    {detail}\n");
            }
        }
    }
    assert!(explained > 20, "{explained}");
    assert_eq!(wrong, "");
}
