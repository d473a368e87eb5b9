//! The WhatsApp log rows that messages become as soon as they are recorded (docs/oneuptime.md §2).

use diesel::prelude::*;
use insta::assert_snapshot;
use serde_json::json;

use super::{COUNT, LIST, log_row, whatsapp};
use crate::support::{TENANT, TestApp, message, permutations};
use history_gateway::ingest::{self, OutcomeCounts};
use history_gateway::model::{Item, TenantId, whatsapp_log};
use history_gateway::store::schema::{tenant_states, whatsapp_log_days, whatsapp_logs};

/// The row of a message, as a response has it.
async fn row(app: &TestApp, id: i64, select: serde_json::Value) -> String {
    let id = whatsapp_log::id_of_message(TENANT, id);
    app.post_log(&format!("/api/whatsapp-log/{id}/get-item"), json!({"select": select})).await
}

#[actix_web::test]
async fn whatsapp_message_is_a_log_row_in_the_next_request() {
    let app = TestApp::new().await;
    app.import([whatsapp(
        11_000_000_001,
        json!({"content": r#"{"type":"TEXT","text":"Hello. Glad to see"}"#, "deliveryStatus": "DELIVERED",
            "deliveryStatusAt": "2026-03-01T10:00:05Z", "deliveryStatusMessage": "delivered to handset"}),
    )])
    .await;
    let select = json!({"createdAt": true, "updatedAt": true, "version": true, "projectId": true, "toNumber": true,
        "fromNumber": true, "messageText": true, "statusMessage": true, "whatsAppMessageId": true, "status": true,
        "whatsAppCostInUSDCents": true, "incidentId": true});
    assert_snapshot!(app.post_log(LIST, json!({"select": select})).await, @r#"200 {"count":1,"limit":10,"skip":0,"data":[{"_id":"0db8af39-0932-8002-8000-00028fa6ae01","createdAt":"2026-03-01T10:00:00.000Z","updatedAt":"2026-03-01T10:00:05.000Z","version":1,"projectId":"0db8af39-0932-5cc3-8099-9be69066a8d3","toNumber":"+79001112233","fromNumber":null,"messageText":"Hello. Glad to see","statusMessage":"delivered to handset","whatsAppMessageId":null,"status":"Delivered","whatsAppCostInUSDCents":0,"incidentId":null}]}"#);
}

#[actix_web::test]
async fn only_outgoing_whatsapp_messages_become_rows() {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({})),
        whatsapp(2, json!({"direction": "IN"})),
        message(3, json!({"channelType": "VIBER"})),
        whatsapp(4, json!({})),
    ])
    .await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":1}"#);
}

#[actix_web::test]
async fn delivery_statuses_map_to_log_statuses() {
    let app = TestApp::new().await;
    let words = [
        "ACCEPTED",
        "ENQUEUED",
        "SENT",
        "DELIVERED",
        "READ",
        "UNDELIVERED",
        "FAILED",
        "EXPIRED",
        "INVALID",
        "CANCELLED",
        "DELAYED",
        "ODD",
    ];
    app.import((1..).zip(words).map(|(id, word)| whatsapp(id, json!({"deliveryStatus": word})))).await;
    app.import([whatsapp(13, json!({}))]).await;
    let mut table = String::new();
    for (id, word) in (1..).zip(words.into_iter().chain(["none"])) {
        table += &format!("{word} {}\n", row(&app, id, json!({"status": true})).await.split_once("status").unwrap().1);
    }
    assert_snapshot!(table, @r#"
    ACCEPTED ":"Queued"}
    ENQUEUED ":"Queued"}
    SENT ":"Sent"}
    DELIVERED ":"Delivered"}
    READ ":"Read"}
    UNDELIVERED ":"Failed"}
    FAILED ":"Failed"}
    EXPIRED ":"Failed"}
    INVALID ":"Error"}
    CANCELLED ":"Deleted"}
    DELAYED ":"Warning"}
    ODD ":"Unknown"}
    none ":"Unknown"}
    "#);
}

#[actix_web::test]
async fn row_keeps_its_id_when_its_status_changes() {
    let app = TestApp::new().await;
    app.import([whatsapp(5, json!({"deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z"}))]).await;
    let sent = row(&app, 5, json!({"status": true, "updatedAt": true})).await;
    app.import([whatsapp(5, json!({"deliveryStatus": "READ", "deliveryStatusAt": "2026-03-01T10:05:00Z"}))]).await;
    let read = row(&app, 5, json!({"status": true, "updatedAt": true})).await;
    app.import([whatsapp(5, json!({"deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z"}))]).await;
    assert_eq!(row(&app, 5, json!({"status": true, "updatedAt": true})).await, read);
    assert_snapshot!(format!("{sent}\n{read}"), @r#"
    200 {"_id":"0db8af39-0932-8002-8000-000000000005","updatedAt":"2026-03-01T10:00:01.000Z","status":"Sent"}
    200 {"_id":"0db8af39-0932-8002-8000-000000000005","updatedAt":"2026-03-01T10:05:00.000Z","status":"Read"}
    "#);
    assert_eq!(app.post_log(COUNT, r#"{"query":{"status":"Sent"}}"#).await, r#"200 {"count":0}"#);
    assert_eq!(app.post_log(COUNT, r#"{"query":{"status":"Read"}}"#).await, r#"200 {"count":1}"#);
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":1}"#);
}

#[actix_web::test]
async fn addresses_and_contents_map_to_numbers_and_texts() {
    let app = TestApp::new().await;
    let rows = [
        ("+7 (900) 111-22-33", r#"{"text":"Привет"}"#),
        ("user@example.com", r#"{"type":"IMAGE","url":"x"}"#),
        ("79001", "plain text"),
        ("79002", r#""a JSON string""#),
        ("79003", "12345"),
        ("79004", r#"{"text":5}"#),
        ("79005", r#"{"type":"TEXT","text":""}"#),
    ];
    let item =
        |(id, (address, content)): (i64, (&str, &str))| whatsapp(id, json!({"address": address, "content": content}));
    app.import((1..).zip(rows).map(item)).await;
    let mut table = String::new();
    for id in 1..=7 {
        table += &format!(
            "{}\n",
            row(&app, id, json!({"toNumber": true, "messageText": true})).await.split_once(',').unwrap().1
        );
    }
    assert_snapshot!(table, @r#"
    "toNumber":"+79001112233","messageText":"Привет"}
    "toNumber":"user@example.com","messageText":null}
    "toNumber":"+79001","messageText":"plain text"}
    "toNumber":"+79002","messageText":"a JSON string"}
    "toNumber":"+79003","messageText":"12345"}
    "toNumber":"+79004","messageText":null}
    "toNumber":"+79005","messageText":""}
    "#);
}

#[actix_web::test]
async fn row_is_removed_when_its_message_changes_channel() {
    let app = TestApp::new().await;
    app.import([whatsapp(1, json!({"deliveryStatus": "SENT"}))]).await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":1}"#);
    app.import([message(1, json!({"deliveryStatus": "READ"}))]).await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":0}"#);
    assert_eq!(app.list_numbers(json!({"query": {"toNumber": "+79001112233"}})).await, "[] of 0");
}

#[actix_web::test]
async fn row_ids_differ_by_tenant_and_sort_like_message_ids() {
    let of = |tenant, id| whatsapp_log::id_of_message(TenantId(tenant), id);
    assert_snapshot!(of(3193, 11_000_000_001), @"0db8af39-0932-8002-8000-00028fa6ae01");
    assert_eq!(of(3193, 11_000_000_001).get_version_num(), 8);
    assert_ne!(of(3193, 1), of(3194, 1));
    let ids: Vec<_> = [i64::MIN, -1, 0, 1, 11_000_000_001, i64::MAX].map(|id| of(3193, id)).into();
    assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
}

#[actix_web::test]
async fn message_and_copy_of_its_row_merge_in_either_order() {
    let id = whatsapp_log::id_of_message(TENANT, 5).to_string();
    let sent =
        whatsapp(5, json!({"deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z", "subjectId": 501}));
    let copy = |at: &str, cost: i64| {
        log_row(
            1,
            json!({"_id": id, "toNumber": "+79001112233", "status": "Read", "updatedAt": at,
            "createdAt": "2026-03-01T10:00:00Z", "whatsAppCostInUSDCents": cost}),
        )
    };
    for (copy, status) in [(copy("2026-03-01T10:05:00Z", 3), "Read"), (copy("2026-03-01T10:00:00Z", 3), "Sent")] {
        let (one, other) = (TestApp::new().await, TestApp::new().await);
        one.import([sent.clone()]).await;
        one.import_logs([copy.clone()]).await;
        other.import_logs([copy]).await;
        other.import([sent.clone()]).await;
        let select = json!({"status": true, "updatedAt": true, "whatsAppCostInUSDCents": true, "createdAt": true});
        let response = row(&one, 5, select.clone()).await;
        assert!(response.contains(&format!("\"status\":\"{status}\"")), "{response}");
        assert_eq!(row(&other, 5, select).await, response);
        for app in [&one, &other] {
            assert_eq!(app.post_log(COUNT, json!({"query": {"status": status}})).await, r#"200 {"count":1}"#);
            assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":1}"#);
        }
    }
}

#[actix_web::test]
async fn any_order_of_messages_and_copies_gives_the_same_store() {
    let id = whatsapp_log::id_of_message(TENANT, 5).to_string();
    let message =
        |word: &str, at: &str| whatsapp(5, json!({"deliveryStatus": word, "deliveryStatusAt": at, "subjectId": 501}));
    let copy = |at: &str, text: &str| {
        log_row(
            1,
            json!({"_id": id, "status": "Copy", "messageText": text, "updatedAt": at, "createdAt": "2026-03-01T10:00:00Z"}),
        )
    };
    // READ takes precedence although it is earlier, so the time of the message's row goes back past that of a copy.
    let events = [
        (true, message("DELIVERED", "2026-03-01T12:00:00Z")),
        (true, message("READ", "2026-03-01T10:30:00Z")),
        (false, copy("2026-03-01T11:00:00Z", "a")),
        (false, copy("2026-03-01T10:15:00Z", "b")),
        (
            true,
            crate::support::message(5, json!({"deliveryStatus": "READ", "deliveryStatusAt": "2026-03-01T10:31:00Z"})),
        ),
    ];
    // The row that the message has while it is DELIVERED, as an export at that time contains it.
    let same = log_row(
        1,
        json!({"_id": id, "toNumber": "+79001112233", "status": "Delivered", "createdAt": "2026-03-01T10:00:00Z",
            "updatedAt": "2026-03-01T12:00:00Z"}),
    );
    let with_the_same = [events[0].clone(), events[1].clone(), (false, same)];
    let three = [events[0].clone(), events[2].clone(), events[4].clone()];
    for chosen in [&events[..4], &events[1..], &three, &with_the_same] {
        let mut stores = std::collections::BTreeSet::new();
        for order in permutations(chosen.len()) {
            let app = TestApp::new().await;
            for index in order {
                let (is_message, event) = &chosen[index];
                if *is_message {
                    app.import([event.clone()]).await;
                } else {
                    app.import_logs([event.clone()]).await;
                }
            }
            let select = json!({"status": true, "updatedAt": true, "messageText": true});
            stores.insert(app.post_log(LIST, json!({"select": select})).await);
        }
        assert_eq!(stores.len(), 1, "{stores:#?}");
    }
}

/// Brings the store into its state before there was a WhatsApp log.
async fn delete_log_rows(app: &TestApp) {
    app.store
        .write(|connection| {
            diesel::delete(whatsapp_logs::table).execute(connection)?;
            diesel::delete(whatsapp_log_days::table).execute(connection)?;
            diesel::update(tenant_states::table)
                .set(tenant_states::logged_up_to.eq(Some(i64::MIN)))
                .execute(connection)?;
            Ok(())
        })
        .await
        .unwrap();
}

#[actix_web::test]
async fn backfill_creates_rows_and_resumes_after_an_interruption() {
    let app = TestApp::new().await;
    app.create_tenant(TenantId(9000)).await;
    let items = |ids: std::ops::Range<i64>| {
        ids.map(|id| whatsapp(id, json!({"deliveryStatus": if id % 3 == 0 { "READ" } else { "SENT" }})))
    };
    app.import(items(1..2600)).await;
    app.import((5000..5010).map(|id| message(id, json!({})))).await;
    app.import_for(TenantId(9000), items(1..4)).await;
    let list = json!({"select": {"status": true, "toNumber": true, "updatedAt": true}, "limit": 100, "skip": 1300});
    let (before, count) =
        (app.post_log(LIST, &list).await, app.post_log(COUNT, r#"{"query":{"status":"Read"}}"#).await);
    delete_log_rows(&app).await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":0}"#);
    // One of the old messages changes meanwhile.
    app.import([whatsapp(2599, json!({"deliveryStatus": "READ"}))]).await;
    // Stopped after its first batch, as if its process ended.
    let (report, reported) = tokio::sync::oneshot::channel();
    let mut report = Some(report);
    let backfill = ingest::logs::catch_up(&app.store, |rows| {
        if let Some(report) = report.take() {
            report.send(rows).unwrap();
        }
    });
    let stopped_after =
        tokio::select! { rows = reported => rows.unwrap(), _ = backfill => panic!("it was not stopped") };
    assert_eq!(stopped_after, 2000);
    ingest::logs::catch_up(&app.store, |_| {}).await.unwrap();
    assert_eq!(ingest::logs::catch_up(&app.store, |_| {}).await.unwrap(), 0);
    app.import([whatsapp(2599, json!({"deliveryStatus": "SENT"}))]).await;
    assert_eq!(app.post_log(COUNT, "").await, r#"200 {"count":2599}"#);
    assert_eq!(app.post_log(LIST, &list).await, before);
    let one_more = count.replace("866", "867");
    assert_eq!(
        (count.as_str(), app.post_log(COUNT, r#"{"query":{"status":"Read"}}"#).await),
        (r#"200 {"count":866}"#, one_more)
    );
}

#[actix_web::test]
async fn deleting_a_tenant_deletes_its_log() {
    let app = TestApp::new().await;
    app.import([whatsapp(1, json!({}))]).await;
    app.import_logs([log_row(1, json!({}))]).await;
    app.store.write(|connection| history_gateway::store::tenants::delete(connection, TENANT)).await.unwrap();
    let left: (i64, i64) = app
        .store
        .read_primary(|connection| {
            let logs = whatsapp_logs::table.count().get_result(connection)?;
            Ok((logs, whatsapp_log_days::table.count().get_result(connection)?))
        })
        .await
        .unwrap();
    assert_eq!(left, (0, 0));
}

#[actix_web::test]
async fn ingest_counts_imported_updated_and_unchanged_rows() {
    let app = TestApp::new().await;
    let row = |at: &str, status: &str| log_row(1, json!({"updatedAt": at, "status": status}));
    let recorded = |imported, updated, unchanged| OutcomeCounts { imported, updated, unchanged };
    assert_eq!(app.import_logs([row("2026-03-01T11:00:00Z", "Sent")]).await, recorded(1, 0, 0));
    assert_eq!(app.import_logs([row("2026-03-01T11:00:00Z", "Sent")]).await, recorded(0, 0, 1));
    assert_eq!(app.import_logs([row("2026-03-01T10:59:00Z", "Old")]).await, recorded(0, 0, 1));
    let newer = [row("2026-03-01T11:01:00Z", "Read"), row("2026-03-01T11:00:30Z", "Delivered")];
    assert_eq!(app.import_logs(newer).await, recorded(0, 1, 1));
    assert_eq!(app.query(json!({"status": "Read"})).await, "[1]");
    let items = vec![Item::parse(&whatsapp(1, json!({})).to_string(), TENANT).unwrap()];
    assert_eq!(ingest::record(&app.store, TENANT, items).await.unwrap(), recorded(1, 0, 0));
}
