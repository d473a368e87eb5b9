//! A tenant that is locked for long does not keep the events of other tenants from being committed.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::json;

use super::{app_on, cluster_or_skip};
use crate::support::{TENANT, message};
use history_gateway::ingest::{Event, Outcome};
use history_gateway::model::{Item, TenantId};
use history_gateway::store::tenants;

#[actix_web::test]
async fn locked_tenant_does_not_delay_other_tenants() {
    let app = app_on(cluster_or_skip!()).await;
    let other = TenantId(TENANT.0 + 1);
    app.create_tenant(other).await;
    let event = |tenant, id| Event::from(Item::parse(&message(id, json!({})).to_string(), tenant).unwrap());
    let second_store = app.open_second_store();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let holding = actix_web::rt::spawn(async move {
        let held = second_store.write(move |connection| {
            tenants::lock(connection, TENANT)?;
            begun.send(()).unwrap();
            // An error means that the sender was dropped.
            let _ = released.recv();
            Ok(())
        });
        held.await.unwrap();
    });
    has_begun.await.unwrap();
    let queue = app.gateway.app.ingest.clone();
    let record = |tenant, id| {
        let (queue, event) = (queue.clone(), event(tenant, id));
        actix_web::rt::spawn(async move { queue.record(tenant, vec![event]).await })
    };
    let locked = [record(TENANT, 1), record(TENANT, 2)];
    for id in 1..=20 {
        let started = Instant::now();
        assert_eq!(record(other, id).await.unwrap().unwrap(), [Outcome::Imported]);
        // Well below how long a writer may wait for the lock.
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
    assert!(locked.iter().all(|caller| !caller.is_finished()));
    assert_eq!(queue.callers_waiting(), 2);
    drop(release);
    holding.await.unwrap();
    for caller in locked {
        assert_eq!(caller.await.unwrap().unwrap(), [Outcome::Imported]);
    }
}

#[actix_web::test]
async fn recount_corrects_wrong_pending_counts() {
    let app = app_on(cluster_or_skip!()).await;
    let store = app.store.clone();
    let wrong = |connection: &mut history_gateway::store::Connection| {
        Ok(connection.batch_execute("UPDATE tenants SET waiting_messages = 7, other_events = 9")?)
    };
    store.write(wrong).await.unwrap();
    app.gateway.app.ingest.recount().await.unwrap();
    let counts =
        store.read(|connection| history_gateway::store::messages::pending::counts(connection, TENANT)).await.unwrap();
    assert_eq!((counts.messages, counts.other_events), (0, 0));
}
