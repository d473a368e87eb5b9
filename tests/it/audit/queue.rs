//! Records of API keys that wait to be written: one tenant's broken chain holds up no other, and no batch is lost by a stop.

use std::time::Duration;

use super::records;
use crate::support::{NOW, TENANT, TestApp, instant};
use history_gateway::jobs::Jobs;
use history_gateway::model::TenantId;
use history_gateway::model::audit::{Action, AuditRecord, Who};
use history_gateway::store::audit;

fn record(key: i64) -> AuditRecord {
    AuditRecord::new(instant(NOW), Who::Key { key }, Action::ApiRead)
}

async fn set_head(app: &TestApp, statement: &'static str) {
    let set = move |connection: &mut _| {
        diesel::RunQueryDsl::execute(diesel::sql_query(statement), connection)?;
        Ok(())
    };
    app.store.write(set).await.unwrap();
}

#[actix_web::test]
async fn broken_chain_of_a_tenant_holds_up_no_other() {
    let app = TestApp::new().await;
    let (other, log) = (TenantId(1), &app.gateway.app.audit);
    app.create_tenant(other).await;
    for tenant in [other, TENANT] {
        log.queue(tenant, &record(1)).unwrap();
    }
    log.flush(instant(NOW)).await.unwrap();
    // The next entry of the first tenant has a number that is taken.
    set_head(&app, "UPDATE audit_heads SET sequence = 0 WHERE tenant_id = 1").await;
    for tenant in [other, TENANT] {
        log.queue(tenant, &record(2)).unwrap();
    }
    assert!(log.flush(instant(NOW)).await.is_err());
    let entries = |tenant| app.store.read_primary(move |connection| audit::after(connection, tenant, 0, 10));
    assert_eq!((entries(other).await.unwrap().len(), entries(TENANT).await.unwrap().len()), (1, 2));
    set_head(&app, "UPDATE audit_heads SET sequence = 1 WHERE tenant_id = 1").await;
    log.flush(instant(NOW)).await.unwrap();
    assert_eq!(entries(other).await.unwrap().len(), 2, "nothing was lost");
}

#[actix_web::test]
async fn batch_that_is_being_written_survives_the_stop() {
    let app = TestApp::new().await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let store = app.store.clone();
    let hold = move |_: &mut _| {
        held.recv().ok();
        Ok(())
    };
    let holder = actix_web::rt::spawn(async move { store.write(hold).await });
    app.gateway.app.audit.queue(TENANT, &record(1)).unwrap();
    let jobs = Jobs::start(&app.gateway.app, &app.gateway.app.config, Vec::new());
    // The job takes the record, and waits for the writer.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let stop = jobs.stop(&app.gateway.app, Duration::from_secs(10));
    tokio::join!(stop, async { release.send(()).unwrap() });
    holder.await.unwrap().unwrap();
    assert_eq!(records(&app).await, r#"1 {"action":"api-read","who":{"key":1}}"#);
}
