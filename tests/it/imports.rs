//! `import` and `export`, run as a user runs them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::commands::{SAMPLE, binary_with_tenant, import_stdin, to_ndjson};
use crate::support::{Binary, message};

#[test]
fn import_reads_ndjson_whole_pages_gzip_and_stdin() {
    let binary = binary_with_tenant();
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let pretty = serde_json::to_string_pretty(
        &json!({"content": [message(5, json!({})), message(6, json!({}))], "hasNext": false}),
    );
    binary.write("items.ndjson", to_ndjson([message(1, json!({})), message(2, json!({}))]).replace('\n', "\r\n\r\n"));
    binary.write("answer.json", SAMPLE);
    binary.write("answer-pretty.json", format!("\u{feff}{}\n{}", pretty.unwrap(), message(7, json!({}))));
    binary.write(
        "answer-lines.json",
        format!("{{\"content\":[\n{},\n{}\n],\"hasNext\":true}}", message(8, json!({})), message(9, json!({}))),
    );
    binary.write(
        "items.ndjson.gz",
        [gzip(&to_ndjson([message(3, json!({}))])), gzip(&to_ndjson([message(4, json!({}))]))].concat(),
    );
    let files = ["items.ndjson", "answer.json", "answer-pretty.json", "answer-lines.json", "items.ndjson.gz"];
    let arguments: Vec<&str> = ["import", "--tenant", "3193"].into_iter().chain(files).collect();
    assert_snapshot!(binary.run(&arguments), @r#"{"imported":11,"updated":0,"unchanged":0,"rejected":0}"#);
    assert_snapshot!(binary.run(&arguments), @r#"{"imported":0,"updated":0,"unchanged":11,"rejected":0}"#);
    assert_snapshot!(import_stdin(&binary, gzip(&to_ndjson([message(10, json!({})), message(1, json!({"deliveryStatus": "READ"}))]))), @r#"
    0
    {"imported":1,"updated":1,"unchanged":0,"rejected":0}
    "#);
    assert_snapshot!(import_stdin(&binary, ""), @r#"
    0
    {"imported":0,"updated":0,"unchanged":0,"rejected":0}
    "#);
}

#[test]
fn invalid_line_is_reported_and_the_rest_is_imported() {
    let binary = binary_with_tenant();
    let good = |id| message(id, json!({})).to_string();
    let response =
        json!({"content": [message(4, json!({})), message(5, json!({"direction": "UP"}))], "hasNext": false})
            .to_string();
    let lines = [
        good(1).into_bytes(),
        b"{\"messageId\":".to_vec(),
        b"nonsense".to_vec(),
        message(2, json!({"tenantId": 9})).to_string().into_bytes(),
        b"\xff\xfe".to_vec(),
        response.into_bytes(),
        b"{".to_vec(),
        good(6).into_bytes(),
        b"{\"content\":[".to_vec(),
        b"[]".to_vec(),
        b"".to_vec(),
        message(3, json!({"address": ""})).to_string().into_bytes(),
        message(8, json!({"content": []})).to_string().into_bytes(),
        message(9, json!({"content": [1, 2]})).to_string().into_bytes(),
        message(10, json!({"comment": "x".repeat(1_048_576)})).to_string().into_bytes(),
        good(7).into_bytes(),
    ];
    assert_snapshot!(import_stdin(&binary, lines.join(&b'\n')), @r#"
    1
    {"imported":4,"updated":0,"unchanged":0,"rejected":12}
    -:2: rejected: it ends in the middle of a JSON value
    -:3: rejected: it is not valid JSON (column 2)
    -:4: rejected: the field 'tenantId' names another tenant
    -:5: rejected: it is not valid UTF-8
    -:6: rejected: message 2 of the response: the field 'direction' must be IN or OUT
    -:7: rejected: it ends in the middle of a JSON value
    -:9: rejected: it ends in the middle of a JSON value
    -:10: rejected: it is not a JSON object
    -:12: rejected: the field 'address' must be an address
    -:13: rejected: the field 'content' must be a string or an object
    -:14: rejected: the field 'content' must be a string or an object
    -:15: rejected: it is longer than 1 MiB
    "#);
    let exported = binary.run(&["export", "--tenant", "3193"]);
    let ids: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["messageId"].take()).collect();
    assert_eq!(ids, [1, 4, 6, 7]);
}

#[test]
fn binary_file_is_refused_before_anything_is_imported() {
    let binary = binary_with_tenant();
    let file = Binary::with_sqlite();
    file.run(&["migrate"]);
    let picture: Vec<u8> = (0..20_000_u32).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    binary.write("photo.png", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", &picture[..]].concat());
    binary.write("store.db", std::fs::read(file.path("history.db")).unwrap());
    binary.write(
        "two-bytes.json",
        to_ndjson([message(9, json!({}))]).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
    );
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&picture).unwrap();
    binary.write("photo.gz", encoder.finish().unwrap());
    binary.write("good.ndjson", to_ndjson([message(1, json!({}))]));
    let mut errors = String::new();
    for name in ["photo.png", "store.db", "two-bytes.json", "photo.gz"] {
        errors += &format!("{}\n", binary.run_failing(&["import", "--tenant", "3193", "good.ndjson", name]));
    }
    errors += &import_stdin(&binary, &picture);
    assert_snapshot!(errors, @"
    1 history-gateway: 'photo.png' is not text, and nothing of it was imported; a file must be JSON in UTF-8, one message per line, gzipped or not
    1 history-gateway: 'store.db' is not text, and nothing of it was imported; a file must be JSON in UTF-8, one message per line, gzipped or not
    1 history-gateway: 'two-bytes.json' is not text, and nothing of it was imported; a file must be JSON in UTF-8, one message per line, gzipped or not
    1 history-gateway: 'photo.gz' is not text, and nothing of it was imported; a file must be JSON in UTF-8, one message per line, gzipped or not
    1
    history-gateway: '-' is not text, and nothing of it was imported; a file must be JSON in UTF-8, one message per line, gzipped or not
    ");
    assert_eq!(binary.run(&["export", "--tenant", "3193"]), "");
    // A broken line at the beginning of a good file is still only one rejected line.
    let broken = [
        &picture[..3000].iter().map(|byte| if *byte == b'\n' { 0 } else { *byte }).collect::<Vec<u8>>()[..],
        b"\n",
        to_ndjson([message(2, json!({}))]).as_bytes(),
    ]
    .concat();
    assert_snapshot!(import_stdin(&binary, broken), @r#"
    1
    {"imported":1,"updated":0,"unchanged":0,"rejected":1}
    -:1: rejected: it is not valid UTF-8
    "#);
}

#[test]
fn unclosed_brackets_do_not_take_quadratic_time() {
    let binary = binary_with_tenant();
    let mut input = "{\n".repeat(150_000);
    input += &message(1, json!({})).to_string();
    let started = std::time::Instant::now();
    let output = binary.pipe(&["import", "--tenant", "3193", "-"], input.as_bytes());
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(r#""imported":1,"updated":0,"unchanged":0,"rejected":150000"#)
    );
    // Without a bound, this would take minutes.
    assert!(started.elapsed() < std::time::Duration::from_secs(30), "{:?}", started.elapsed());
}

#[cfg(unix)]
#[test]
fn import_continues_when_stderr_is_closed() {
    let binary = binary_with_tenant();
    binary.write("items.ndjson", format!("{}{}", "nonsense\n".repeat(10_000), message(1, json!({}))));
    let mut import = binary.command(&["import", "--tenant", "3193", "items.ndjson"]);
    let mut import = import.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(import.stderr.take());
    let output = import.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""imported":1"#));
}

#[test]
fn fields_that_edna_does_not_document_are_kept_and_counted() {
    let binary = binary_with_tenant();
    let items =
        [message(1, json!({"newField": {"a": 1}, "other": "x", "none": null})), message(2, json!({"newField": 2}))];
    assert_snapshot!(import_stdin(&binary, to_ndjson(items)), @r#"
    0
    {"imported":2,"updated":0,"unchanged":0,"rejected":0}
    Note: fields that edna does not document were kept: 3.
    "#);
    assert_snapshot!(binary.run(&["export", "--tenant", "3193"]), @r#"
    {"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","newField":{"a":1},"other":"x"}
    {"messageId":2,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","newField":2}
    "#);
}

#[test]
fn a_file_that_cannot_be_read_stops_the_import_before_it_begins() {
    let binary = binary_with_tenant();
    binary.write("good.ndjson", to_ndjson([message(1, json!({}))]));
    assert_snapshot!(binary.run_failing(&["import", "--tenant", "3193", "good.ndjson", "missing.ndjson"]), @"1 history-gateway: 'missing.ndjson' cannot be read: No such file or directory (os error 2)");
    std::fs::create_dir(binary.path("folder")).unwrap();
    assert_snapshot!(binary.run_failing(&["import", "--tenant", "3193", "good.ndjson", "folder"]), @"1 history-gateway: 'folder' cannot be read: it is a directory");
    assert_eq!(binary.run(&["export", "--tenant", "3193"]), "");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(to_ndjson([message(2, json!({}))]).as_bytes()).unwrap();
    let gzip = encoder.finish().unwrap();
    binary.write("cut.gz", &gzip[..gzip.len() - 9]);
    let error = binary.run_failing(&["import", "--tenant", "3193", "cut.gz"]);
    assert!(error.starts_with("1 history-gateway: 'cut.gz' cannot be read to its end: "), "{error}");
}

#[test]
fn export_imported_elsewhere_exports_identically() {
    let (binary, other) = (binary_with_tenant(), binary_with_tenant());
    binary.run(&["generate", "--tenant", "3193", "--messages", "1500", "--until", "2026-03-01", "--days", "20"]);
    assert!(import_stdin(&binary, SAMPLE).starts_with("0\n"));
    let exported = binary.run(&["export", "--tenant", "3193"]);
    assert_eq!(exported.lines().count(), 1502);
    assert!(import_stdin(&other, &exported).contains(r#"{"imported":1502,"updated":0,"unchanged":0,"rejected":0}"#));
    assert!(other.run(&["export", "--tenant", "3193"]) == exported);
    let window =
        ["export", "--tenant", "3193", "--from", "2024-07-23T08:08:20.201Z", "--to", "2026-02-09T00:00:00.000Z"];
    let part = binary.run(&window);
    let expected = |line: &&str| {
        let item: Value = serde_json::from_str(line).unwrap();
        let at = item["sentOrReceivedAt"].as_str().unwrap();
        ("2024-07-23T08:08:20.201+0000"..="2026-02-09T00:00:00.000+0000").contains(&at)
    };
    assert!(part.lines().eq(exported.lines().filter(expected)) && part.lines().count() > 1);
}

#[test]
fn export_to_a_closed_pipe_succeeds_silently() {
    let binary = binary_with_tenant();
    binary.run(&["generate", "--tenant", "3193", "--messages", "5000", "--until", "2026-03-01"]);
    let mut child = binary
        .command(&["export", "--tenant", "3193"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn an_export_imported_into_its_own_store_changes_nothing() {
    let binary = binary_with_tenant();
    let copies = [
        message(1, json!({"deliveryStatus": "SENT", "comment": "c", "subjectId": 5, "subjectName": "B"})),
        message(1, json!({"deliveryStatus": "READ", "subjectId": 5, "subjectName": "A"})),
    ];
    import_stdin(&binary, to_ndjson(copies));
    let exported = binary.run(&["export", "--tenant", "3193"]);
    assert!(import_stdin(&binary, &exported).contains(r#"{"imported":0,"updated":0,"unchanged":1,"rejected":0}"#));
    assert!(binary.run(&["export", "--tenant", "3193"]) == exported);
    let other = binary_with_tenant();
    import_stdin(&other, &exported);
    assert_eq!(binary.run(&["subject", "list"]), other.run(&["subject", "list"]));
}

#[test]
fn import_is_visible_to_a_running_server_at_once() {
    let binary = binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert!(
        import_stdin(&binary, to_ndjson([message(1, json!({"sentOrReceivedAt": "2024-01-01"}))])).starts_with("0\n")
    );
    assert!(server.history(&key, r#"{"dateFrom":"2024-01-01"}"#).contains(r#""messageId":1,"#));
}

/// An object's content becomes a string, in which every quote takes two bytes more.
#[test]
fn item_too_long_once_rendered_is_rejected() {
    let item = message(1, json!({"content": {"text": "\"".repeat(300 * 1024)}})).to_string();
    assert!(item.len() < 1024 * 1024);
    let error = history_gateway::model::Item::parse(&item, crate::support::TENANT).unwrap_err();
    assert_snapshot!(error.to_string(), @"it is longer than 1 MiB");
}
