//! Which columns a response has (docs/oneuptime.md 3.3, 3.4).

use insta::assert_snapshot;
use serde_json::json;

use super::{LIST, log_row};
use crate::support::TestApp;

const INCIDENT: &str = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";

async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import_logs([log_row(1, json!({"incidentId": INCIDENT, "messageText": "hello"}))]).await;
    app
}

/// The one row with these columns, or the error.
async fn row(app: &TestApp, select: serde_json::Value) -> String {
    let response = app.post_log(LIST, json!({"select": select})).await;
    match response.split_once(r#""data":["#) {
        Some((_, row)) => row.trim_end_matches("]}").to_owned(),
        None => response,
    }
}

#[actix_web::test]
async fn rows_hold_only_their_id_without_a_select() {
    let app = app().await;
    let only_id = r#"{"_id":"00000000-0000-4000-8000-000000000001"}"#;
    for select in [json!({}), json!({"_id": true}), json!({"_id": false}), json!({"status": false})] {
        assert_eq!(row(&app, select).await, only_id);
    }
    assert!(app.post_log(LIST, "").await.contains(only_id));
}

#[actix_web::test]
async fn columns_have_a_fixed_order_and_missing_values_are_null() {
    let app = app().await;
    let select = json!({"status": true, "userId": true, "incidentId": true, "statusMessage": true, "deletedAt": true,
        "version": true, "whatsAppCostInUSDCents": 1, "fromNumber": "yes"});
    assert_snapshot!(row(&app, select).await, @r#"{"_id":"00000000-0000-4000-8000-000000000001","deletedAt":null,"version":1,"fromNumber":null,"statusMessage":null,"status":"Sent","whatsAppCostInUSDCents":0,"incidentId":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","userId":null}"#);
}

#[actix_web::test]
async fn unknown_column_is_refused_listing_the_known_ones() {
    let app = app().await;
    assert_snapshot!(row(&app, json!({"status": true, "foo": true})).await, @r#"400 {"error":"Invalid select clause. Cannot select on \"foo\". This column does not exist on WhatsApp Log. Here are the columns you can select on instead: _id, createdAt, updatedAt, deletedAt, version, project, projectId, toNumber, fromNumber, messageText, statusMessage, whatsAppMessageId, status, whatsAppCostInUSDCents, incident, incidentId, user, userId, alert, alertId, monitor, monitorId, scheduledMaintenance, scheduledMaintenanceId, statusPage, statusPageId, statusPageAnnouncement, statusPageAnnouncementId, team, teamId, onCallDutyPolicy, onCallDutyPolicyId, onCallDutyPolicyEscalationRule, onCallDutyPolicyEscalationRuleId, onCallDutyPolicySchedule, onCallDutyPolicyScheduleId, deletedByUser, deletedByUserId","message":"Invalid select clause. Cannot select on \"foo\". This column does not exist on WhatsApp Log. Here are the columns you can select on instead: _id, createdAt, updatedAt, deletedAt, version, project, projectId, toNumber, fromNumber, messageText, statusMessage, whatsAppMessageId, status, whatsAppCostInUSDCents, incident, incidentId, user, userId, alert, alertId, monitor, monitorId, scheduledMaintenance, scheduledMaintenanceId, statusPage, statusPageId, statusPageAnnouncement, statusPageAnnouncementId, team, teamId, onCallDutyPolicy, onCallDutyPolicyId, onCallDutyPolicyEscalationRule, onCallDutyPolicyEscalationRuleId, onCallDutyPolicySchedule, onCallDutyPolicyScheduleId, deletedByUser, deletedByUserId"}"#);
}

#[actix_web::test]
async fn deleted_by_columns_cannot_be_selected() {
    let app = app().await;
    assert_snapshot!(row(&app, json!({"deletedByUserId": true})).await, @r#"422 {"error":"You do not have permissions to select on - deletedByUserId. No permission reads this column.","message":"You do not have permissions to select on - deletedByUserId. No permission reads this column."}"#);
    assert!(row(&app, json!({"deletedByUser": {"name": true}})).await.starts_with("422 "));
}

#[actix_web::test]
async fn relations_are_one_level_deep() {
    let app = app().await;
    let mut table = String::new();
    for select in [
        json!({"project": true}),
        json!({"project": {}}),
        json!({"project": {"name": true}}),
        json!({"project": {"planName": true, "name": true, "_id": true}}),
        json!({"incident": true, "user": true}),
        json!({"incident": {"title": true, "incidentNumber": true}, "incidentId": true, "user": {"name": true}}),
        json!({"incident": {"title": false}}),
        json!({"project": {"foo": true}}),
        json!({"incident": {"description": true}}),
        json!({"onCallDutyPolicySchedule": {"description": true}}),
        json!({"project": {"createdByUser": {"name": true}}}),
        json!({"status": {"name": true}}),
        json!({"incident": [1]}),
    ] {
        table += &format!("{select}: {}\n", row(&app, select.clone()).await);
    }
    assert_snapshot!(table, @r#"
    {"project":true}: {"_id":"00000000-0000-4000-8000-000000000001","project":{"_id":"0db8af39-0932-5cc3-8099-9be69066a8d3"}}
    {"project":{}}: {"_id":"00000000-0000-4000-8000-000000000001","project":{"_id":"0db8af39-0932-5cc3-8099-9be69066a8d3"}}
    {"project":{"name":true}}: {"_id":"00000000-0000-4000-8000-000000000001","project":{"_id":"0db8af39-0932-5cc3-8099-9be69066a8d3","name":"Tenant 3193"}}
    {"project":{"_id":true,"name":true,"planName":true}}: {"_id":"00000000-0000-4000-8000-000000000001","project":{"_id":"0db8af39-0932-5cc3-8099-9be69066a8d3","name":"Tenant 3193","planName":null}}
    {"incident":true,"user":true}: {"_id":"00000000-0000-4000-8000-000000000001","incident":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"},"user":null}
    {"incident":{"incidentNumber":true,"title":true},"incidentId":true,"user":{"name":true}}: {"_id":"00000000-0000-4000-8000-000000000001","incident":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","title":null,"incidentNumber":null},"incidentId":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","user":null}
    {"incident":{"title":false}}: {"_id":"00000000-0000-4000-8000-000000000001","incident":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"}}
    {"project":{"foo":true}}: 400 {"error":"Column foo not found on Project","message":"Column foo not found on Project"}
    {"incident":{"description":true}}: 400 {"error":"Column description not found on Incident","message":"Column description not found on Incident"}
    {"onCallDutyPolicySchedule":{"description":true}}: 400 {"error":"Column description not found on On-Call Policy Schedule","message":"Column description not found on On-Call Policy Schedule"}
    {"project":{"createdByUser":{"name":true}}}: 400 {"error":"You cannot query deep relations. Querying deep relations is not supported.","message":"You cannot query deep relations. Querying deep relations is not supported."}
    {"status":{"name":true}}: 400 {"error":"Invalid select clause. Select on \"status\" must be true or false.","message":"Invalid select clause. Select on \"status\" must be true or false."}
    {"incident":[1]}: 400 {"error":"Invalid select clause. Select on \"incident\" must be true or false.","message":"Invalid select clause. Select on \"incident\" must be true or false."}
    "#);
}

#[actix_web::test]
async fn relations_look_the_same_in_the_live_profile() {
    let app = app().await;
    let key = app.live_key().await;
    let body = json!({"select": {"incident": {"title": true}, "project": {"name": true}, "incidentId": true}});
    assert_snapshot!(app.post_log_with(&key, LIST, body).await, @r#"200 {"data":[{"_id":"00000000-0000-4000-8000-000000000001","project":{"_id":"0db8af39-0932-5cc3-8099-9be69066a8d3","name":"Tenant 3193"},"incident":{"_id":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10","title":null},"incidentId":{"_type":"ObjectID","value":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"}}],"count":1,"skip":0,"limit":10}"#);
}
