//! The ingest queue: callers share commits, a full queue is reported, waiting is bounded, and processes take turns.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Feeds, incoming_message, status_event};
use crate::support::{Binary, TENANT, TestApp, lock_tenant, message, runs_on_postgres};
use history_gateway::ingest::{Event, IngestQueue, Outcome, QueueLimits, TenantLimits};
use history_gateway::model::{Item, TenantId};
use history_gateway::store::{Options, StoreError};

fn event(id: i64) -> Event {
    Event::from(Item::parse(&message(id, json!({})).to_string(), TENANT).unwrap())
}

#[actix_web::test]
async fn concurrent_callers_share_commits_and_are_all_durable() {
    let app = TestApp::new().await;
    let other = app.open_second_store();
    let (release, held) = lock_tenant(&other);
    held.await;
    let queue = app.gateway.app.ingest.clone();
    let entered = std::rc::Rc::new(std::cell::Cell::new(0));
    let callers = (1..=200).map(|id| {
        let (queue, entered) = (queue.clone(), entered.clone());
        actix_web::rt::spawn(async move {
            entered.set(entered.get() + 1);
            queue.record(TENANT, vec![event(id)]).await.unwrap()
        })
    });
    let callers: Vec<_> = callers.collect();
    // All callers are in the queue before the first commit can continue.
    while entered.get() < 200 {
        tokio::task::yield_now().await;
    }
    drop(release);
    for caller in callers {
        assert_eq!(caller.await.unwrap().outcomes, [Outcome::Imported]);
    }
    assert!(queue.commits() <= 2, "{} commits", queue.commits());
    let second_store = app.open_second_store();
    let seen = second_store.read_primary(|connection| {
        history_gateway::store::messages::page_after(connection, TENANT, 0, (None, None), 1000)
    });
    assert_eq!(seen.await.unwrap().len(), 200);
}

#[actix_web::test]
async fn full_queue_is_503_at_once_and_accepted_events_are_stored() {
    let feeds = Feeds::of(TestApp::with(|config| config.ingest.queue_bytes = 1024).await).await;
    feeds.app.import([message(1, json!({}))]).await;
    let other = feeds.app.open_second_store();
    let (release, held) = lock_tenant(&other);
    held.await;
    let first = feeds.post_webhook(status_event("READ", "2026-03-01T10:00:09Z"));
    let second = async {
        while feeds.app.gateway.app.ingest.bytes_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let started = Instant::now();
        let authorization = format!("Token {}", feeds.webhook_key);
        let body = status_event("SENT", "2026-03-01T10:00:09Z").to_string();
        let refused = feeds.app.post("/webhooks/edna", &[("Authorization", &authorization)], body).await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
        assert!(refused.body.contains("service-unavailable"), "{}", refused.body);
        assert!(started.elapsed() < Duration::from_secs(2));
        drop(release);
    };
    let (first, ()) = tokio::join!(first, second);
    assert_eq!(first, r#"200 {"status":"ok"}"#);
    assert_eq!(feeds.only_status().await, "READ 2026-03-01T10:00:09.000+0000 -");
}

#[actix_web::test]
async fn a_large_batch_does_not_delay_the_small_ones_of_other_tenants() {
    let app = TestApp::new().await;
    let other = TenantId(4000);
    app.create_tenant(other).await;
    let second_store = app.open_second_store();
    let (release, held) = lock_tenant(&second_store);
    held.await;
    let queue = app.gateway.app.ingest.clone();
    let order: std::rc::Rc<std::cell::RefCell<Vec<&str>>> = std::rc::Rc::default();
    let record = |tenant: TenantId, events: Vec<Event>, name: &'static str| {
        let (queue, order) = (queue.clone(), order.clone());
        actix_web::rt::spawn(async move {
            queue.record(tenant, events).await.unwrap();
            order.borrow_mut().push(name);
        })
    };
    // The first commit is running; four large batches of one tenant are queued before the other's single event.
    let first = record(TENANT, vec![event(1)], "first");
    while queue.commits() == 0 {
        tokio::task::yield_now().await;
    }
    let large = |from: i64| (from..from + 1200).map(event).collect::<Vec<_>>();
    let mut tasks: Vec<_> = (1..=4).map(|batch| record(TENANT, large(batch * 10_000), "large")).collect();
    while queue.callers_waiting() < 4 {
        tokio::task::yield_now().await;
    }
    let item = Item::parse(&message(1, json!({})).to_string(), other).unwrap();
    tasks.push(record(other, vec![Event::from(item)], "small"));
    while queue.callers_waiting() < 5 {
        tokio::task::yield_now().await;
    }
    drop(release);
    first.await.unwrap();
    for task in tasks {
        task.await.unwrap();
    }
    if runs_on_postgres() {
        // On PostgreSQL only the one tenant was locked.
        assert!(order.borrow().iter().position(|name| *name == "small").unwrap() <= 2, "{order:?}");
    } else {
        assert_eq!(*order.borrow(), ["first", "large", "small", "large", "large", "large"]);
    }
}

#[actix_web::test]
async fn one_tenant_takes_no_more_than_half_of_the_queue() {
    let app = TestApp::new().await;
    let other = TenantId(4000);
    app.create_tenant(other).await;
    let queue = IngestQueue::new(
        app.store.clone(),
        QueueLimits { queue_bytes: 16 * 1024, wait: Duration::from_mins(1), tenant_limits: TenantLimits::default() },
    );
    let second_store = app.open_second_store();
    let (release, held) = lock_tenant(&second_store);
    held.await;
    let one = queue.record(TENANT, (1..=6).map(event).collect());
    let others = async {
        while queue.bytes_waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let more = queue.record(TENANT, (11..=16).map(event).collect()).await;
        assert!(matches!(more, Err(StoreError::Busy)), "{more:?}");
        let item = Item::parse(&message(1, json!({})).to_string(), other).unwrap();
        let small = queue.record(other, vec![Event::from(item)]);
        drop(release);
        small.await.unwrap();
    };
    let (one, ()) = tokio::join!(one, others);
    assert_eq!(one.unwrap().outcomes.len(), 6);
    assert_eq!(queue.bytes_waiting(), 0);
}

#[actix_web::test]
async fn webhook_waits_no_longer_than_configured() {
    let feeds = Feeds::of(TestApp::with(|config| config.ingest.wait_seconds = 1).await).await;
    let other = feeds.app.open_second_store();
    let (release, held) = lock_tenant(&other);
    held.await;
    let started = Instant::now();
    assert!(feeds.post_webhook(incoming_message(1)).await.starts_with("503 "));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    drop(release);
    assert_eq!(feeds.post_webhook(incoming_message(1)).await, r#"200 {"status":"ok"}"#);
}

#[actix_web::test]
async fn unknown_tenant_is_an_error_for_its_caller_alone() {
    let app = TestApp::new().await;
    let limits =
        QueueLimits { queue_bytes: 1 << 20, wait: Duration::from_secs(5), tenant_limits: TenantLimits::default() };
    let queue = IngestQueue::new(app.store.clone(), limits);
    let (unknown, known) =
        tokio::join!(queue.record(TenantId(77), vec![event(1)]), queue.record(TENANT, vec![event(2)]));
    assert!(matches!(unknown, Err(StoreError::UnknownTenant(_))), "{unknown:?}");
    assert_eq!(known.unwrap().outcomes, [Outcome::Imported]);
}

#[test]
fn commands_beside_a_server_receiving_webhooks_all_succeed() {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let key = binary.run(&["key", "issue", "--tenant", "3193", "--kind", "webhook"]).trim().to_owned();
    let master = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    binary.run(&["subject", "add", "--tenant", "3193", "--id", "501", "--name", "shop_WA", "--channel", "WHATSAPP"]);
    let lines = (1..=30_000).map(|id| format!("{}\n", message(id, json!({})))).collect::<String>();
    binary.write("items.ndjson", lines);
    // The server waits less long than the import takes, so it would fail if it had to wait for the import to end.
    let server =
        binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[("HISTORY_GATEWAY__INGEST__WAIT_SECONDS", "2")]);
    let mut import = binary.command(&["import", "--tenant", "3193", "items.ndjson"]);
    let mut import = import.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut sent = 0;
    while import.try_wait().unwrap().is_none() {
        sent += 1;
        let body = incoming_message(1_000_000 + i64::try_from(sent).unwrap()).to_string();
        let response = server.send(
            format!(
                "POST /webhooks/edna HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Token {key}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        if sent == 3 {
            binary.run(&["key", "issue", "--tenant", "3193"]);
            let subject = ["--id", "502", "--name", "shop", "--channel", "SMS"];
            binary.run(&[&["subject", "add", "--tenant", "3193"][..], &subject].concat());
        }
    }
    let output = import.wait_with_output().unwrap();
    let summary = String::from_utf8(output.stdout).unwrap();
    assert_eq!(summary.trim(), r#"{"imported":30000,"updated":0,"unchanged":0,"rejected":0}"#);
    assert!(sent > 3, "the import was over too soon: {sent}");
    let last =
        server.history(&master, &json!({"direction": "IN", "dateFrom": "2026-01-01", "limit": 1000}).to_string());
    assert_eq!(last.matches("\"messageId\"").count(), sent.min(1000));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn writers_of_one_file_take_turns() {
    if runs_on_postgres() {
        return;
    }
    let database = crate::support::Database::sqlite();
    let stores = [database.open(Options::default()), database.open(Options::default())];
    // One store writes as fast as it can; the other gets its turn after one write of the first, not by chance.
    actix_web::rt::System::new().block_on(async {
        let stop = std::rc::Rc::new(std::cell::Cell::new(false));
        let busy = actix_web::rt::spawn({
            let (store, stop) = (stores[0].clone(), stop.clone());
            async move {
                let mut written = 0;
                while !stop.get() {
                    let slow = store.write(|_| {
                        std::thread::sleep(Duration::from_millis(20));
                        Ok(())
                    });
                    slow.await.unwrap();
                    written += 1;
                }
                written
            }
        });
        for _ in 0..20 {
            stores[1].write(|_| Ok(())).await.unwrap();
        }
        stop.set(true);
        let written = busy.await.unwrap();
        assert!(written <= 45, "20 writes of one store took {written} of the other");
    });
}

#[test]
fn write_lock_works_with_a_read_only_lock_file() {
    if runs_on_postgres() {
        return;
    }
    let database = crate::support::Database::sqlite();
    let store = database.open(Options::default());
    let lock_file = database.url().replace("sqlite://", "") + "-turn";
    std::fs::set_permissions(&lock_file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let held = std::fs::File::open(&lock_file).unwrap();
    held.lock().unwrap();
    actix_web::rt::System::new().block_on(async {
        let refused = database.open(Options { wait: Duration::from_millis(50), ..Options::default() });
        assert!(matches!(refused.write(|_| Ok(())).await, Err(StoreError::Busy)), "another process holds the lock");
        held.unlock().unwrap();
        store.write(|_| Ok(())).await.unwrap();
    });
}

#[actix_web::test]
async fn pending_and_other_events_per_tenant_are_bounded_with_503() {
    let app = TestApp::with(|config| {
        config.ingest.pending_messages_per_tenant = 2;
        config.ingest.other_events_per_tenant = 1;
    });
    let feeds = Feeds::of(app.await).await;
    let ok = r#"200 {"status":"ok"}"#;
    assert_eq!(feeds.post_webhook(incoming_message(1)).await, ok);
    assert_eq!(feeds.post_webhook(incoming_message(2)).await, ok);
    assert!(feeds.post_webhook(incoming_message(3)).await.starts_with("503 "));
    // An event that is stored already needs no space.
    assert_eq!(feeds.post_webhook(incoming_message(2)).await, ok);
    assert_eq!(feeds.post_webhook(json!({"template": 1})).await, ok);
    assert!(feeds.post_webhook(json!({"template": 2})).await.starts_with("503 "));
    assert_eq!(feeds.post_webhook(json!({"template": 1})).await, ok);
    let metrics = feeds.app.send("GET", "/metrics", &[], "").await.body;
    for line in [
        r#"history_gateway_pending_messages{tenant="3193"} 2"#,
        r#"history_gateway_other_events{tenant="3193"} 1"#,
        r#"history_gateway_events_rejected_total{source="webhook",reason="tenant_full"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    // Once the subject is known, there is space again.
    let subject = history_gateway::model::subject::Subject {
        id: 501,
        name: Some("shop_WA".into()),
        channel_type: "WHATSAPP".into(),
    };
    history_gateway::ingest::add_subject(&feeds.app.store, TENANT, subject).await.unwrap();
    assert_eq!(feeds.post_webhook(incoming_message(3)).await, ok);
    assert_eq!(feeds.app.ids("{}").await, "[3, 2, 1]");
    let metrics = feeds.app.send("GET", "/metrics", &[], "").await.body;
    assert!(!metrics.contains("history_gateway_pending_messages{"), "{metrics}");
}
