//! The counts of the start page that took long are kept for a while.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::json;

use super::browser::{Browser, create_limited_user, create_user, main_of};
use crate::support::{TENANT, TestApp, instant, message};
use history_gateway::model::history::Window;
use history_gateway::model::user::Role;
use history_gateway::store::messages::counts::{Counted, WindowCounts};

#[actix_web::test]
async fn counts_that_are_kept_say_of_when_they_are() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    create_limited_user(&app, TENANT, ("limited", Role::Viewer), Some([501].into())).await;
    app.import([message(1, json!({"deliveryStatus": "READ", "subjectId": 501}))]).await;
    let window = Window { from: instant("2026-03-01T00:00:00Z"), to: instant("2026-03-01T23:59:59.999Z") };
    let incoming =
        Counted { channel_type: "SMS".into(), is_incoming: true, status: String::new(), reason: String::new() };
    let counts = Arc::new(WindowCounts { counts: [(incoming, 77)].into(), at: instant("2026-03-01T11:58:00Z") });
    let made = std::future::ready(Ok::<_, ()>((counts, Duration::from_hours(1))));
    app.gateway.app.counts.get((TENANT, None, window), made).await.unwrap();
    let page = Browser::signed_in(&app, "anna").await.get("/console/counts").await;
    assert_snapshot!(main_of(&page), @"Today and yesterdayToday, 2026-03-01 UTCAs of 2026-03-01 11:58:00 UTCChannelSentDelivered, not readReadNot deliveredReceivedSMS000077Yesterday, 2026-02-28 UTCNo messages.");
    // Somebody who may see less does not see them.
    let page = Browser::signed_in(&app, "limited").await.get("/console/counts").await;
    assert_snapshot!(main_of(&page), @"Today and yesterdayToday, 2026-03-01 UTCChannelSentDelivered, not readReadNot deliveredReceivedSMS10100Yesterday, 2026-02-28 UTCNo messages.");
}
