//! A tenant that is locked for long does not keep the events of other tenants from being committed.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{app_on, cluster_or_skip};
use crate::support::{TENANT, lock_tenant, message};
use history_gateway::ingest::{Event, Outcome};
use history_gateway::model::{Item, TenantId};

#[actix_web::test]
async fn locked_tenant_does_not_delay_other_tenants() {
    let app = app_on(cluster_or_skip!()).await;
    let other = TenantId(TENANT.0 + 1);
    app.create_tenant(other).await;
    let event = |tenant, id| Event::from(Item::parse(&message(id, json!({})).to_string(), tenant).unwrap());
    let second_store = app.open_second_store();
    let (release, held) = lock_tenant(&second_store);
    held.await;
    let queue = app.gateway.app.ingest.clone();
    let record = |tenant, id| {
        let (queue, event) = (queue.clone(), event(tenant, id));
        actix_web::rt::spawn(async move { queue.record(tenant, vec![event]).await })
    };
    let locked = [record(TENANT, 1), record(TENANT, 2)];
    for id in 1..=20 {
        let started = Instant::now();
        assert_eq!(record(other, id).await.unwrap().unwrap().outcomes, [Outcome::Imported]);
        // Well below `database.wait_seconds` (5 s).
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
    assert!(locked.iter().all(|caller| !caller.is_finished()));
    assert_eq!(queue.callers_waiting(), 2);
    drop(release);
    for caller in locked {
        assert_eq!(caller.await.unwrap().unwrap().outcomes, [Outcome::Imported]);
    }
}
