//! `find`, the filters of `export`, `search rebuild` and `partition drop`.

use insta::assert_snapshot;
use serde_json::json;

use crate::commands::to_ndjson;
use crate::support::{Binary, message, runs_on_postgres};

/// A store with a tenant and some messages; `binary` is in its directory.
fn filled() -> Binary {
    let binary = Binary::new();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    let text = |text: &str| json!({"type": "TEXT", "text": text}).to_string();
    binary.write(
        "items.ndjson",
        to_ndjson([
            message(
                1,
                json!({"address": "79000003193", "content": text("Ваша доставка A-1042 готова"), "comment": "order 1",
                "sentOrReceivedAt": "2026-02-01T10:00:00Z", "subjectId": 5, "broadcastId": 70}),
            ),
            message(
                2,
                json!({"address": "79000003193", "content": text("Отменили доставку"), "deliveryStatus": "UNDELIVERED",
                "deliveryStatusAt": "2026-03-01T10:00:05Z", "broadcastId": 70, "extra": "79000003193"}),
            ),
            message(3, json!({"address": "tok", "channelType": "PUSH", "content": "=1+1", "comment": "+7, \"x\"\ny"})),
        ]),
    );
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    binary
}

fn run(binary: &Binary, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--tenant", "3193"]).collect();
    let output = binary.output(&arguments);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    stdout + &stderr
}

#[test]
fn find_prints_the_newest_messages_masked() {
    let binary = filled();
    assert_snapshot!(run(&binary, &["find"]), @"
    TIME                      MESSAGE ID  DIRECTION  CHANNEL  ADDRESS      STATUS       TEXT
    2026-03-01T10:00:00.000Z  3           OUT        PUSH     ****                      (4 characters)
    2026-03-01T10:00:00.000Z  2           OUT        SMS      *******3193  UNDELIVERED  (42 characters)
    2026-02-01T10:00:00.000Z  1           OUT        SMS      *******3193               (52 characters)
    ");
    assert_snapshot!(run(&binary, &["find", "--address", "8 900 000-31-93", "--show"]), @"
    TIME                      MESSAGE ID  DIRECTION  CHANNEL  ADDRESS      STATUS       TEXT
    2026-03-01T10:00:00.000Z  2           OUT        SMS      79000003193  UNDELIVERED  Отменили доставку
    2026-02-01T10:00:00.000Z  1           OUT        SMS      79000003193               Ваша доставка A-1042 готова
    Note: no message has the phone number as it was typed, so it was tried with the country code 7.
    ");
    assert_snapshot!(run(&binary, &["find", "--json", "--status", "UNDELIVERED,FAILED"]), @r#"{"messageId":2,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"*******3193","content":"(42 characters)","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":70}"#);
    assert_snapshot!(run(&binary, &["find", "--json", "--show", "--message-id", "2"]), @r#"{"messageId":2,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79000003193","content":"{\"text\":\"Отменили доставку\",\"type\":\"TEXT\"}","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":70,"extra":"79000003193"}"#);
    assert_snapshot!(run(&binary, &["find", "--limit", "1"]), @"
    TIME                      MESSAGE ID  DIRECTION  CHANNEL  ADDRESS  STATUS  TEXT
    2026-03-01T10:00:00.000Z  3           OUT        PUSH     ****             (4 characters)
    More messages match: raise --limit, or narrow the filters. Shown: 1.
    ");
    assert_snapshot!(run(&binary, &["find", "--from", "2027-01-01"]), @"No message matches.");
}

#[test]
fn find_by_text_uses_the_index() {
    let binary = filled();
    assert_snapshot!(run(&binary, &["find", "--text", "доставка"]), @"
    Note: the text index is behind, so some messages may be missing; 'search rebuild' or a running server completes it.
    No message matches.
    ");
    assert_snapshot!(run(&binary, &["search", "rebuild"]), @"The text index of tenant 3193 is built: 3 messages.");
    assert_snapshot!(run(&binary, &["find", "--text", "доставка -отменить", "--show"]), @"
    TIME                      MESSAGE ID  DIRECTION  CHANNEL  ADDRESS      STATUS  TEXT
    2026-02-01T10:00:00.000Z  1           OUT        SMS      79000003193          Ваша доставка A-1042 готова
    ");
    assert_snapshot!(run(&binary, &["export", "--text", "доставка", "--csv"]), @r#"
    messageId,tenantId,channelType,direction,address,content,deliveryStatus,deliveryStatusAt,deliveryStatusMessage,sentOrReceivedAt,subjectId,subjectName,cascadeId,cascadeName,matcherId,matcherName,cascadeStageUuid,broadcastId,broadcastName,trafficType,segments,subscriberId,comment,replyInMessageId,replyOutMessageId,replyOutMessageExternalRequestId
    2,3193,SMS,OUT,79000003193,"{""text"":""Отменили доставку"",""type"":""TEXT""}",UNDELIVERED,2026-03-01T10:00:05.000Z,,2026-03-01T10:00:00.000Z,,,,,,,,70,,,,,,,,
    1,3193,SMS,OUT,79000003193,"{""text"":""Ваша доставка A-1042 готова"",""type"":""TEXT""}",,,,2026-02-01T10:00:00.000Z,5,,,,,,,70,,,,,order 1,,,
    "#);
    assert!(binary.run_failing(&["find", "--tenant", "3193", "--text", "-x"]).starts_with("2 error: "));
    assert!(binary.run_failing(&["search", "rebuild", "--tenant", "9"]).contains("there is no tenant 9"));
    assert!(binary.run_failing(&["find", "--tenant", "9"]).contains("there is no tenant 9"));
}

#[test]
fn find_and_export_write_csv_without_formulas() {
    let binary = filled();
    let expected = run(&binary, &["export", "--csv"]);
    assert_snapshot!(expected.replace("\r\n", "␍\n"), @r#"
    messageId,tenantId,channelType,direction,address,content,deliveryStatus,deliveryStatusAt,deliveryStatusMessage,sentOrReceivedAt,subjectId,subjectName,cascadeId,cascadeName,matcherId,matcherName,cascadeStageUuid,broadcastId,broadcastName,trafficType,segments,subscriberId,comment,replyInMessageId,replyOutMessageId,replyOutMessageExternalRequestId␍
    1,3193,SMS,OUT,79000003193,"{""text"":""Ваша доставка A-1042 готова"",""type"":""TEXT""}",,,,2026-02-01T10:00:00.000Z,5,,,,,,,70,,,,,order 1,,,␍
    2,3193,SMS,OUT,79000003193,"{""text"":""Отменили доставку"",""type"":""TEXT""}",UNDELIVERED,2026-03-01T10:00:05.000Z,,2026-03-01T10:00:00.000Z,,,,,,,,70,,,,,,,,␍
    3,3193,PUSH,OUT,tok,'=1+1,,,,2026-03-01T10:00:00.000Z,,,,,,,,,,,,,"'+7, ""x""
    y",,,␍
    "#);
    assert_eq!(run(&binary, &["find", "--csv", "--show"]).lines().count(), expected.lines().count());
    let masked = run(&binary, &["find", "--csv"]);
    assert!(!masked.contains("0003193") && !masked.contains("доставк") && masked.contains("*******3193"), "{masked}");
}

#[test]
fn export_takes_the_filters_of_the_api() {
    let binary = filled();
    let ids = |arguments: &[&str]| -> Vec<i64> {
        let out = binary.run(&["export", "--tenant", "3193"].iter().chain(arguments).copied().collect::<Vec<_>>());
        out.lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["messageId"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(ids(&[]), [1, 2, 3]);
    assert_eq!(ids(&["--broadcast", "70"]), [1, 2]);
    assert_eq!(ids(&["--broadcast", "70", "--from", "2026-02-15"]), [2]);
    assert_eq!(ids(&["--subject", "5"]), [1]);
    let unknown = ["export", "--tenant", "3193", "--subject", "5,6"];
    assert!(binary.run_failing(&unknown).contains("--subject names a subject that tenant 3193 does not have"));
    assert_eq!(ids(&["--channel-type", "PUSH"]), [3]);
    assert_eq!(ids(&["--comment", "order 1"]), [1]);
    let whole = binary.run(&["export", "--tenant", "3193"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193", "--direction", "OUT"]), whole, "the same lines");
    let wrong = ["export", "--tenant", "3193", "--format", "oneuptime", "--csv"];
    assert!(binary.run_failing(&wrong).contains("--format oneuptime takes no filters"));
}

#[test]
fn dropped_month_takes_everything_of_its_messages() {
    let binary = filled();
    let failing = |arguments: &[&str]| binary.run_failing(arguments);
    if !runs_on_postgres() {
        assert_snapshot!(failing(&["partition", "drop", "2026-02", "--yes"]), @"1 history-gateway: nothing was removed: an SQLite file has no partitions");
        return;
    }
    binary.write(
        "log.ndjson",
        to_ndjson([message(
            4,
            json!({"channelType": "WHATSAPP", "address": "79000003199",
        "sentOrReceivedAt": "2026-02-03T10:00:00Z", "content": "{\"text\":\"доставка\"}"}),
        )]),
    );
    binary.run(&["import", "--tenant", "3193", "log.ndjson"]);
    binary.run(&["search", "rebuild"]);
    assert!(failing(&["partition", "drop", "2026-02"]).contains("add --yes"));
    assert!(failing(&["partition", "drop", "2020-02", "--yes"]).contains("there is no partition of 2020-02"));
    assert!(failing(&["partition", "drop", "2026-2", "--yes"]).starts_with("2 error: "));
    let output = binary.output(&["partition", "drop", "2026-02", "--yes"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "The partition of 2026-02 is dropped, with 2 messages.\n");
    binary.run(&["check"]);
    let lines = binary.run(&["export", "--tenant", "3193"]).lines().count();
    assert_eq!((lines, binary.run(&["export", "--tenant", "3193", "--format", "oneuptime"]).as_str()), (2, ""));
    assert!(!run(&binary, &["find", "--text", "доставка", "--show"]).contains("A-1042"));
    assert!(run(&binary, &["find", "--address", "79000003199"]).contains("No message matches."));
    // The month begins anew when a message of it is written.
    binary.run(&["import", "--tenant", "3193", "items.ndjson"]);
    assert_eq!(binary.run(&["export", "--tenant", "3193"]).lines().count(), 3);
    binary.run(&["check"]);
}
