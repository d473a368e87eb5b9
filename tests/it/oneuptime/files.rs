//! `import` and `export` of rows in OneUptime's form, as a user runs them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::log_row;
use crate::support::Binary;

const KEY: &str = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";
const PROJECT: &str = "7ba7f04a-0000-4000-8000-000000000001";

fn binary_with_tenant() -> Binary {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop", "--project-id", PROJECT]);
    binary.run(&["key", "issue", "--tenant", "3193", "--value", KEY]);
    binary
}

fn import_stdin(binary: &Binary, input: &str) -> String {
    let output = binary.pipe(&["import", "--tenant", "3193", "--format", "oneuptime", "-"], input.as_bytes());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    format!("{} {}{}", output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn to_ndjson(rows: impl IntoIterator<Item = Value>) -> String {
    rows.into_iter().map(|row| format!("{row}\n")).collect()
}

fn export(binary: &Binary) -> String {
    binary.run(&["export", "--tenant", "3193", "--format", "oneuptime"])
}

#[test]
fn import_reads_plain_wrapped_and_paged_rows() {
    let binary = binary_with_tenant();
    let wrapped = json!({
        "_id": super::id(2), "createdAt": {"_type": "DateTime", "value": "2026-03-01T10:02:00.000Z"},
        "toNumber": {"_type": "Phone", "value": "+15550002"}, "status": "Read", "version": 4,
        "projectId": {"_type": "ObjectID", "value": PROJECT}, "project": {"_id": PROJECT, "name": "Shop"},
        "incident": {"_id": "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"}, "userId": null, "deletedAt": null,
    });
    let rows = [log_row(3, json!({"projectId": PROJECT})), log_row(4, json!({}))];
    let response = json!({"count": 2, "skip": 0, "limit": 10, "data": rows});
    let input = format!("{}\n{}\n{}\n", log_row(1, json!({})), wrapped, response);
    assert_eq!(import_stdin(&binary, &input), "0 {\"imported\":4,\"updated\":0,\"unchanged\":0,\"rejected\":0}\n");
    assert_eq!(import_stdin(&binary, &input), "0 {\"imported\":0,\"updated\":0,\"unchanged\":4,\"rejected\":0}\n");
    assert_snapshot!(export(&binary), @r#"
    {"_id":"00000000-0000-4000-8000-000000000001","createdAt":{"_type":"DateTime","value":"2026-03-01T10:01:00.000Z"},"updatedAt":{"_type":"DateTime","value":"2026-03-01T10:01:00.000Z"},"deletedAt":null,"version":1,"projectId":{"_type":"ObjectID","value":"7ba7f04a-0000-4000-8000-000000000001"},"toNumber":{"_type":"Phone","value":"+15551234567"},"fromNumber":null,"messageText":null,"statusMessage":null,"whatsAppMessageId":null,"status":"Sent","whatsAppCostInUSDCents":0,"incidentId":null,"userId":null,"alertId":null,"monitorId":null,"scheduledMaintenanceId":null,"statusPageId":null,"statusPageAnnouncementId":null,"teamId":null,"onCallDutyPolicyId":null,"onCallDutyPolicyEscalationRuleId":null,"onCallDutyPolicyScheduleId":null}
    {"_id":"00000000-0000-4000-8000-000000000002","createdAt":{"_type":"DateTime","value":"2026-03-01T10:02:00.000Z"},"updatedAt":{"_type":"DateTime","value":"2026-03-01T10:02:00.000Z"},"deletedAt":null,"version":4,"projectId":{"_type":"ObjectID","value":"7ba7f04a-0000-4000-8000-000000000001"},"toNumber":{"_type":"Phone","value":"+15550002"},"fromNumber":null,"messageText":null,"statusMessage":null,"whatsAppMessageId":null,"status":"Read","whatsAppCostInUSDCents":0,"incidentId":{"_type":"ObjectID","value":"0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"},"userId":null,"alertId":null,"monitorId":null,"scheduledMaintenanceId":null,"statusPageId":null,"statusPageAnnouncementId":null,"teamId":null,"onCallDutyPolicyId":null,"onCallDutyPolicyEscalationRuleId":null,"onCallDutyPolicyScheduleId":null}
    {"_id":"00000000-0000-4000-8000-000000000003","createdAt":{"_type":"DateTime","value":"2026-03-01T10:03:00.000Z"},"updatedAt":{"_type":"DateTime","value":"2026-03-01T10:03:00.000Z"},"deletedAt":null,"version":1,"projectId":{"_type":"ObjectID","value":"7ba7f04a-0000-4000-8000-000000000001"},"toNumber":{"_type":"Phone","value":"+15551234567"},"fromNumber":null,"messageText":null,"statusMessage":null,"whatsAppMessageId":null,"status":"Sent","whatsAppCostInUSDCents":0,"incidentId":null,"userId":null,"alertId":null,"monitorId":null,"scheduledMaintenanceId":null,"statusPageId":null,"statusPageAnnouncementId":null,"teamId":null,"onCallDutyPolicyId":null,"onCallDutyPolicyEscalationRuleId":null,"onCallDutyPolicyScheduleId":null}
    {"_id":"00000000-0000-4000-8000-000000000004","createdAt":{"_type":"DateTime","value":"2026-03-01T10:04:00.000Z"},"updatedAt":{"_type":"DateTime","value":"2026-03-01T10:04:00.000Z"},"deletedAt":null,"version":1,"projectId":{"_type":"ObjectID","value":"7ba7f04a-0000-4000-8000-000000000001"},"toNumber":{"_type":"Phone","value":"+15551234567"},"fromNumber":null,"messageText":null,"statusMessage":null,"whatsAppMessageId":null,"status":"Sent","whatsAppCostInUSDCents":0,"incidentId":null,"userId":null,"alertId":null,"monitorId":null,"scheduledMaintenanceId":null,"statusPageId":null,"statusPageAnnouncementId":null,"teamId":null,"onCallDutyPolicyId":null,"onCallDutyPolicyEscalationRuleId":null,"onCallDutyPolicyScheduleId":null}
    "#);
}

#[test]
fn the_newer_update_wins_in_any_order() {
    let row = |at: &str, status: &str| log_row(1, json!({"updatedAt": at, "status": status}));
    let rows = [
        row("2026-03-01T11:00:00Z", "Sent"),
        row("2026-03-01T12:00:00Z", "Read"),
        row("2026-03-01T11:30:00Z", "Failed"),
    ];
    let mut exports = Vec::new();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let binary = binary_with_tenant();
        for index in order {
            import_stdin(&binary, &to_ndjson([rows[index].clone()]));
        }
        exports.push(export(&binary));
    }
    exports.dedup();
    assert_eq!(exports.len(), 1, "{exports:?}");
    assert!(exports[0].contains("\"status\":\"Read\""), "{exports:?}");
}

#[test]
fn invalid_lines_are_reported_and_the_rest_is_imported() {
    let binary = binary_with_tenant();
    let without = |name: &str| {
        let mut row = log_row(1, json!({}));
        row.as_object_mut().unwrap().remove(name);
        row.to_string()
    };
    let with = |fields: Value| log_row(1, fields).to_string();
    let input = [
        "{".to_owned(),
        "nonsense".to_owned(),
        "[1]".to_owned(),
        without("_id"),
        without("createdAt"),
        without("toNumber"),
        without("status"),
        with(json!({"_id": "abc"})),
        with(json!({"status": ""})),
        with(json!({"status": "x".repeat(257)})),
        with(json!({"toNumber": 5.5e300})),
        with(json!({"fromNumber": "x".repeat(1025)})),
        with(json!({"statusMessage": "я".repeat(501)})),
        with(json!({"whatsAppMessageId": "x".repeat(101)})),
        with(json!({"createdAt": "yesterday"})),
        with(json!({"version": 1.5})),
        with(json!({"whatsAppCostInUSDCents": "many"})),
        with(json!({"incidentId": "x"})),
        with(json!({"incident": "x"})),
        with(json!({"incident": {"_id": super::id(1)}, "incidentId": super::id(2)})),
        with(json!({"projectId": super::id(1)})),
        with(json!({"project": {"_id": super::id(1)}})),
        with(json!({"deletedAt": "2026-03-01T10:00:00Z"})),
        with(json!({})).replacen('{', "{\"status\":\"Sent\",", 1),
        json!({"data": [{"_id": "x"}, log_row(2, json!({}))]}).to_string(),
        with(json!({"somethingElse": 1, "deletedByUserId": super::id(5)})),
    ]
    .join("\n");
    assert_snapshot!(import_stdin(&binary, &input), @r#"
    1 {"imported":2,"updated":0,"unchanged":3,"rejected":22}
    -:1: rejected: it ends in the middle of a JSON value
    -:2: rejected: it is not valid JSON (column 2)
    -:3: rejected: it is not a JSON object
    -:4: rejected: the field '_id' is missing
    -:5: rejected: the field 'createdAt' is missing
    -:6: rejected: the field 'toNumber' is missing
    -:7: rejected: the field 'status' is missing
    -:8: rejected: the field '_id' must be a UUID
    -:9: rejected: the field 'status' must be a text that is not empty
    -:10: rejected: the field 'status' must be at most 256 bytes long
    -:14: rejected: the field 'whatsAppMessageId' must be at most 100 characters long
    -:15: rejected: the field 'createdAt' must be an ISO 8601 date
    -:16: rejected: the field 'version' must be an integer of 64 bits
    -:17: rejected: the field 'whatsAppCostInUSDCents' must be an integer of 64 bits
    -:18: rejected: the field 'incidentId' must be a UUID
    -:19: rejected: the field 'incident' must be an object with an _id
    -:20: rejected: the field 'incidentId' and what it leads to name two different ids
    -:21: rejected: the field 'projectId' names another project
    -:22: rejected: the field 'projectId' names another project
    -:23: rejected: the field 'deletedAt' says that it was deleted
    -:24: rejected: the field 'status' occurs twice
    -:25: rejected: row 1 of the response: the field '_id' must be a UUID
    Note: fields that OneUptime does not document were dropped: 2.
    "#);
}

#[test]
fn an_export_imported_elsewhere_gives_the_same_answers() {
    let (one, other) = (binary_with_tenant(), binary_with_tenant());
    one.run(&["generate", "--tenant", "3193", "--messages", "300", "--whatsapp-logs", "60", "--until", "2026-03-01"]);
    let rows = export(&one);
    assert!(rows.lines().count() > 100);
    import_stdin(&other, &rows);
    assert_eq!(export(&other), rows);
    let again = import_stdin(&one, &rows);
    assert!(again.contains("\"imported\":0,\"updated\":0,"), "{again}");
    let (here, there) = (
        one.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]),
        other.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]),
    );
    let everything: serde_json::Map<String, Value> = history_gateway::oneuptime::columns::FIELDS
        .iter()
        .filter(|(name, _)| !name.starts_with("deletedBy"))
        .map(|(name, _)| ((*name).to_owned(), json!(true)))
        .collect();
    for body in [
        json!({"select": everything, "limit": 100}),
        json!({"select": everything, "limit": 100, "skip": 50, "sort": {"status": 1}}),
        json!({"query": {"messageText": {"_type": "Search", "value": "ЗАКАЗ"}}, "select": {"messageText": true}}),
        json!({"query": {"incidentId": {"_type": "NotNull"}}, "sort": {"updatedAt": 1}, "limit": 50}),
    ] {
        let list = |server: &crate::support::Server| {
            let body = body.to_string();
            let request = format!(
                "POST /api/whatsapp-log/get-list HTTP/1.1\r\nHost: test\r\nConnection: close\r\nApiKey: {KEY}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            server.send(request.as_bytes()).split("\r\n\r\n").nth(1).unwrap().to_owned()
        };
        let response = list(&here);
        assert!(response.starts_with(r#"{"count":"#) && response.len() > 500, "{response}");
        assert_eq!(response, list(&there), "{body}");
    }
}

#[test]
fn a_window_of_the_export_includes_both_ends() {
    let binary = binary_with_tenant();
    import_stdin(&binary, &to_ndjson((1..=4).map(|number| log_row(number, json!({})))));
    let window = ["--from", "2026-03-01T10:02:00Z", "--to", "2026-03-01T10:03:00Z"];
    let rows = binary.run(&[&["export", "--tenant", "3193", "--format", "oneuptime"][..], &window].concat());
    assert_eq!(rows.lines().count(), 2);
}

#[test]
fn sandbox_has_log_rows_and_accepts_seed_logs() {
    let binary = Binary::with_sqlite();
    binary.write("rows.ndjson", to_ndjson((1..=2).map(|number| log_row(number, json!({})))));
    let count = |arguments: &[&str]| {
        let server = binary.start_server(arguments, &[("HISTORY_GATEWAY__LOG__LEVEL", "warn")]);
        let request = "POST /api/whatsapp-log/count HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             ApiKey: 00000000-0000-4000-8000-000000003193\r\nContent-Length: 2\r\n\r\n{}";
        server.send(request.as_bytes()).split("\r\n\r\n").nth(1).unwrap().to_owned()
    };
    let demo = count(&["sandbox", "--port", "0"]);
    assert!(demo != r#"{"count":0}"# && demo.starts_with(r#"{"count":"#), "{demo}");
    assert_eq!(count(&["sandbox", "--port", "0", "--seed-logs", "rows.ndjson"]), r#"{"count":2}"#);
}
