//! `pull`, run as a user runs it: from a real gateway, killed and resumed, with `--follow`, and by a server.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::fake_upstream::{FakeUpstream, History, Reply};
use super::messages_each_minute;
use crate::commands::{binary_with_tenant, import_stdin, to_ndjson};
use crate::support::{Binary, message};

const KEY: &str = "a-key-of-another-form/4711";

/// As fast as possible, and with few attempts.
const QUICK: [(&str, &str); 3] = [
    ("HISTORY_GATEWAY__PULL__REQUESTS_PER_SECOND", "1000"),
    ("HISTORY_GATEWAY__PULL__ATTEMPTS", "2"),
    ("HISTORY_GATEWAY__PULL__POLL_INTERVAL_SECONDS", "1"),
];

fn command(binary: &Binary, url: &str, more: &[&str]) -> Command {
    binary.write("upstream.key", format!("{KEY}\r\n"));
    let mut arguments = vec!["pull", "--tenant", "3193", "--upstream", url, "--upstream-key-file", "upstream.key"];
    arguments.extend(more);
    let mut command = binary.command(&arguments);
    command.envs(QUICK);
    command
}

/// Exit code, standard output and standard error.
fn pull(binary: &Binary, url: &str, more: &[&str]) -> String {
    let output = command(binary, url, more).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{}\n{}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn export(binary: &Binary) -> String {
    binary.run(&["export", "--tenant", "3193"])
}

/// A child process, killed when it is dropped.
struct KillOnDrop(Child);

impl KillOnDrop {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    /// Waits until it has ended; returns exit code, standard output and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let text = |stream: &mut dyn std::io::Read| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        let out = text(&mut self.0.stdout.take().unwrap());
        let err = text(&mut self.0.stderr.take().unwrap());
        (self.0.wait().unwrap().code(), out, err)
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn pulling_from_a_gateway_copies_it_byte_for_byte() {
    let (source, copy) = (binary_with_tenant(), binary_with_tenant());
    source.run(&["generate", "--tenant", "3193", "--messages", "3500", "--until", "2026-03-01", "--days", "400"]);
    let odd = [
        message(1, json!({"sentOrReceivedAt": "2010-01-01T00:00:00.000Z", "newField": {"a": [1, null]}})),
        message(2, json!({"content": "{\"text\":\"\u{2028}\\u00e9\u{1f600}\\\\\"}", "deliveryStatus": "SENT"})),
        message(2, json!({"comment": "from another copy", "deliveryStatus": "READ"})),
        message(3, json!({"content": {"type": "TEXT", "text": " a  b "}, "replyOutMessageExternalRequestId": 7})),
        message(i64::MAX, json!({"channelType": "MAX", "address": "anna@example.org"})),
    ];
    assert!(import_stdin(&source, to_ndjson(odd)).starts_with("0\n"));
    let key = source.run(&["key", "issue", "--tenant", "3193"]);
    let server = source.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    copy.write("source.key", key.trim());
    let url = format!("http://{}/", server.address);
    let arguments = ["pull", "--tenant", "3193", "--upstream", &url, "--upstream-key-file", "source.key"];
    let output = copy.command(&arguments).envs(QUICK).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_snapshot!(stderr, @"Note: fields that edna does not document were kept: 1.");
    let stats: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&stats["imported"], &stats["updated"], &stats["rejected"]), (&json!(3504), &json!(0), &json!(0)));
    assert!(export(&copy) == export(&source));
    // Again, after something changed.
    assert!(
        import_stdin(&source, to_ndjson([message(2, json!({"deliveryStatus": "READ", "comment": "zz"}))]))
            .starts_with("0\n")
    );
    assert!(copy.command(&arguments).args(["--from", "2026-01-01"]).envs(QUICK).output().unwrap().status.success());
    assert!(export(&copy) == export(&source));
}

#[test]
fn killed_pull_resumes_where_it_stopped() {
    const UNTIL_2021: [&str; 2] = ["--to", "2021-01-01"];
    let binary = binary_with_tenant();
    let history = History::of(messages_each_minute("2019-05-01T10:00:00Z", 4500));
    let (page_requested, is_page_requested) = mpsc::channel();
    let (source, kill) = (history.clone(), Arc::new(AtomicUsize::new(0)));
    let fake = FakeUpstream::new(move |request, _| {
        // The page after the third one gets no response until the pull is killed.
        if request["offset"] == json!(2997) && kill.fetch_add(1, Ordering::Relaxed) == 0 {
            page_requested.send(()).unwrap();
            return Reply::NoResponse;
        }
        source.reply(request)
    });
    let mut running = KillOnDrop::start(&mut command(&binary, &fake.url, &UNTIL_2021));
    is_page_requested.recv().unwrap();
    running.0.kill().unwrap();
    running.0.wait().unwrap();
    assert_eq!(export(&binary).lines().count(), 2998);
    let before = fake.received_requests().len();
    fake.clear_requests();
    let output = pull(&binary, &fake.url, &UNTIL_2021);
    assert!(
        output.starts_with("0\n{\"imported\":1502,\"updated\":0,\"unchanged\":0,\"rejected\":0,\"requests\":"),
        "{output}"
    );
    let offsets: Vec<Value> = fake.received_requests().iter().map(|request| request["offset"].clone()).collect();
    assert_eq!(offsets[..2], [json!(2997), json!(3996)]);
    // Two pages of the window, and the year after it.
    assert!(fake.received_requests().len() < 5 && before > 10, "{} after {before}", fake.received_requests().len());
    assert_eq!(export(&binary).lines().count(), 4500);
}

#[test]
fn follow_picks_up_changes_despite_errors_until_sigterm() {
    let binary = binary_with_tenant();
    let now = history_gateway::clock::Clock::System.now();
    let recent = |id: i64, status: &str| {
        let at = history_gateway::model::Instant(now.0 - 60_000);
        message(id, json!({"sentOrReceivedAt": at.iso(), "deliveryStatus": status}))
    };
    let history = History::of([recent(1, "SENT")]);
    let source = history.clone();
    let mut failures = 0;
    let fake = FakeUpstream::new(move |request, _| {
        // As many failures in a row as would end a pull without `--follow`.
        let is_new = source.0.lock().unwrap().len() > 1;
        failures += usize::from(is_new);
        if is_new && failures <= 2 { Reply::HangUp } else { source.reply(request) }
    });
    let running = KillOnDrop::start(&mut command(&binary, &fake.url, &["--from", "2026-01-01", "--follow"]));
    let wait_until = |wanted: &dyn Fn(&str) -> bool| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        while !wanted(&export(&binary)) {
            assert!(std::time::Instant::now() < deadline, "{}", export(&binary));
        }
    };
    wait_until(&|exported| exported.contains("\"messageId\":1,"));
    history.add(recent(2, "SENT"));
    wait_until(&|exported| exported.contains("\"messageId\":2,"));
    *history.0.lock().unwrap() = vec![recent(1, "READ"), recent(2, "SENT")];
    wait_until(&|exported| exported.contains("READ"));
    running.signal("-TERM");
    let (code, out, stderr) = running.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(out.starts_with("{\"imported\":2,\"updated\":1,"), "{out}");
    assert!(stderr.starts_with("The request is retried in 1 s: ") && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn follow_ends_on_a_permanent_error() {
    let fake = FakeUpstream::new(|_, _| Reply::status(401));
    assert_snapshot!(pull(&binary_with_tenant(), &fake.url, &["--follow"]), @"
    1
    history-gateway: the upstream returned no messages: it does not know the key (401): give the key file a key that is valid there; what was copied is kept, and the same command resumes from there
    ");
}

#[test]
fn server_pulls_from_its_configured_upstreams() {
    let binary = binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let (one, other) = (History::of([message(1, json!({}))]), History::of([message(2, json!({}))]));
    let (one, requests) = (one.serve(), Arc::new(AtomicUsize::new(0)));
    let counter = requests.clone();
    // The second upstream accepts the key only from the second request on.
    let other = FakeUpstream::new(move |request, _| match counter.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(401),
        _ => other.reply(request),
    });
    binary.write("upstream.key", KEY);
    let table =
        |url: &str| format!("[[pull.upstreams]]\ntenant = 3193\nurl = \"{url}\"\nkey_file = \"upstream.key\"\n");
    binary.write("settings.toml", format!("{}{}", table(&one.url), table(&other.url)));
    let arguments = ["serve", "--bind", "127.0.0.1:0", "--config", "settings.toml"];
    let environment = [&QUICK[..], &[("HISTORY_GATEWAY__LOG__LEVEL", "trace")]].concat();
    let server = &mut binary.start_server(&arguments, &environment);
    let all = r#"{"dateFrom":"2026-01-01"}"#;
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let has_both = |response: &str| response.contains("\"messageId\":1,") && response.contains("\"messageId\":2,");
    while !has_both(&server.history(&key, all)) {
        assert!(std::time::Instant::now() < deadline, "{}", server.log());
    }
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
    let log = server.log();
    assert!(log.contains("it does not know the key (401)"), "{log}");
    assert!(!log.contains(KEY) && !log.contains("79001112233"), "{log}");
}

#[test]
fn output_holds_no_key_phone_or_text() {
    let binary = binary_with_tenant();
    let bad = |id: i64, fields: Value| message(id, fields);
    let page = [
        bad(1, json!({"direction": "+79001112233"})),
        bad(2, json!({"address": ["79001112233"]})),
        bad(3, json!({"sentOrReceivedAt": "79001112233"})),
        bad(4, json!({"content": ["my secret text"], "comment": KEY})),
        json!("my secret text"),
        message(6, json!({"content": "my secret text", "sentOrReceivedAt": "2026-03-01T10:00:00Z"})),
    ];
    let broken = json!({"title": KEY, "detail": "79001112233 my secret text"}).to_string();
    let fake = FakeUpstream::new(move |_, index| match index {
        0 => Reply::Response(500, vec![("Retry-After", "0".into()), ("X-Phone", "79001112233".into())], broken.clone()),
        1 => Reply::page(&page, false),
        2 => Reply::Response(400, Vec::new(), broken.clone()),
        _ => Reply::page(&[], false),
    });
    let range = ["--from", "2026-01-01", "--to", "2026-04-01"];
    let all = [pull(&binary, &fake.url, &range), pull(&binary, &fake.url, &["--from", "2025-01-01"])].join("\n");
    let all = all.replace(&fake.url, "URL");
    for private in [KEY, "7900111", "secret"] {
        assert!(!all.contains(private), "{private}: {all}");
    }
    assert_snapshot!(all, @r#"
    1
    {"imported":1,"updated":0,"unchanged":0,"rejected":5,"requests":2}
    The request is retried in 0 s: it answered with status 500.
    message 1 of 2026-01-01T00:00:00.000Z to 2026-04-01T00:00:00.000Z: rejected: the field 'direction' must be IN or OUT
    message 2 of 2026-01-01T00:00:00.000Z to 2026-04-01T00:00:00.000Z: rejected: the field 'address' must be a string
    message 3 of 2026-01-01T00:00:00.000Z to 2026-04-01T00:00:00.000Z: rejected: the field 'sentOrReceivedAt' must be an ISO 8601 date
    message 4 of 2026-01-01T00:00:00.000Z to 2026-04-01T00:00:00.000Z: rejected: the field 'content' must be a string or an object
    message 5 of 2026-01-01T00:00:00.000Z to 2026-04-01T00:00:00.000Z: rejected: it is not a JSON object

    1
    history-gateway: the upstream returned no messages: it refuses the request (status 400): check that it is edna's message history, or a gateway's; what was copied is kept, and the same command resumes from there
    "#);
    assert!(fake.keys().iter().all(|key| key == KEY));
}

#[test]
fn incomplete_range_is_reported_with_exit_code_1() {
    let fake = FakeUpstream::new(|request, _| {
        let is_broken = request["dateFrom"].as_str().unwrap() < "2026-01-01T00:01";
        Reply::page(&[], is_broken)
    });
    let binary = binary_with_tenant();
    assert_snapshot!(pull(&binary, &fake.url, &["--from", "2026-01-01", "--to", "2026-01-02"]), @r#"
    1
    {"imported":0,"updated":0,"unchanged":0,"rejected":0,"requests":30}
    Messages from 2026-01-01T00:00:00.000Z to 2026-01-01T00:00:59.999Z may be missing: an empty page said that more follows. The next pull requests them again.
    "#);
}

#[test]
fn invalid_arguments_are_reported() {
    let binary = binary_with_tenant();
    binary.write("empty.key", " \n");
    binary.write("two.key", "one\ntwo\n");
    binary.write("odd.key", "schlüssel");
    binary.write("good.key", KEY);
    let error_of = |url: &str, key: &str, more: &[&str]| {
        let mut arguments = vec!["pull", "--tenant", "3193", "--upstream", url, "--upstream-key-file", key];
        arguments.extend(more);
        let errors = binary.run_failing(&arguments);
        assert!(!errors.contains("secret") && !errors.contains("one\n") && !errors.contains("schl"), "{errors}");
        errors.lines().next().unwrap().to_owned()
    };
    let mut errors = Vec::new();
    for url in [
        "upstream.example",
        "ftp://upstream.example",
        "https://",
        "https://:80/",
        "https://host:port",
        "https://me:secret@host",
        "https://upstream.example/?secret",
        "https://upstream.example/a b",
    ] {
        errors.push(error_of(url, "good.key", &[]));
    }
    let fine = "https://upstream.example";
    for key in ["empty.key", "two.key", "odd.key", "missing.key"] {
        errors.push(error_of(fine, key, &[]));
    }
    errors.push(error_of(fine, "good.key", &["--from", "yesterday"]));
    errors.push(error_of(fine, "good.key", &["--to", "2026-01-01", "--follow"]));
    let arguments = ["pull", "--tenant", "9", "--upstream", fine, "--upstream-key-file", "good.key"];
    errors.push(binary.run_failing(&arguments));
    assert_snapshot!(errors.join("\n"), @"
    1 history-gateway: --upstream must be an address such as https://upstream.example: it does not begin with https:// or http://
    1 history-gateway: --upstream must be an address such as https://upstream.example: it does not begin with https:// or http://
    1 history-gateway: --upstream must be an address such as https://upstream.example: it names no host
    1 history-gateway: --upstream must be an address such as https://upstream.example: it names no host
    1 history-gateway: --upstream must be an address such as https://upstream.example: its port is not valid
    1 history-gateway: --upstream must be an address such as https://upstream.example: it has a user or a password in it; keys go into the key file
    1 history-gateway: --upstream must be an address such as https://upstream.example: it has a query; give it without what follows the '?' or '#'
    1 history-gateway: --upstream must be an address such as https://upstream.example: it has a character that is not allowed in a URL
    1 history-gateway: the key file 'empty.key' holds no key: it is empty
    1 history-gateway: the key file 'two.key' holds no key: it has more than one line; it must hold the key and nothing else
    1 history-gateway: the key file 'odd.key' holds no key: it has a character that is not allowed in a key, such as a space or a letter beyond ASCII
    1 history-gateway: the key file 'missing.key' cannot be read: No such file or directory (os error 2)
    2 error: invalid value 'yesterday' for '--from <DATE>': must be an ISO 8601 date such as 2026-03-01 or 2026-03-01T10:00:00Z
    2 error: the argument '--to <DATE>' cannot be used with '--follow'
    1 history-gateway: there is no tenant 9; 'history-gateway tenant create --id 9 --name NAME' makes it
    ");
}

#[test]
fn invalid_settings_are_reported_before_a_store_is_created() {
    let error_of = |settings: &str| {
        let binary = Binary::with_sqlite();
        binary.write("good.key", KEY);
        binary.write("empty.key", "");
        binary.write("settings.toml", settings);
        let errors = binary.run_failing(&["serve", "--config", "settings.toml"]);
        assert!(!binary.path("history.db").exists() && !errors.contains("secret"), "{errors}");
        errors
    };
    let table =
        |url: &str, key: &str| format!("[[pull.upstreams]]\ntenant = 1\nurl = \"{url}\"\nkey_file = \"{key}\"\n");
    let fine = table("https://host", "good.key");
    let errors = [
        error_of("[pull]\nrequests_per_second = 0\nattempts = 0\noverlap_hours = 9000\npoll_interval_seconds = 0\n"),
        error_of("[pull]\nrequests_per_second = \"fast\"\n"),
        error_of(&format!("{fine}{}", table("https://me:secret@host", "good.key"))),
        error_of(&table("https://host", "empty.key")),
        error_of(&table("https://host", "missing.key")),
        error_of(&format!("{fine}{}", table("HTTPS://HOST/", "good.key"))),
        error_of("[[pull.upstreams]]\ntenant = 1\n"),
    ];
    assert_snapshot!(errors.join("\n"), @"
    1 history-gateway: the settings are wrong: pull.attempts (settings.toml:3): must be between 1 and 1000; pull.overlap_hours (settings.toml:4): must be at most 8784 (366 days); pull.poll_interval_seconds (settings.toml:5): must be between 1 and 86400; pull.requests_per_second (settings.toml:2): must be more than 0 and at most 1000
    1 history-gateway: the settings are wrong: pull.requests_per_second (settings.toml:2): must be a number, but its type is string
    1 history-gateway: the settings are wrong: pull.upstreams[1].url (settings.toml:7): must be an address such as https://upstream.example: it has a user or a password in it; keys go into the key file
    1 history-gateway: the settings are wrong: pull.upstreams[0].key_file: the key file 'empty.key' holds no key: it is empty
    1 history-gateway: the settings are wrong: pull.upstreams[0].key_file: the key file 'missing.key' cannot be read: No such file or directory (os error 2)
    1 history-gateway: the settings are wrong: pull.upstreams[1].url: the tenant has this upstream already; name it once
    1 history-gateway: the settings are wrong: pull.upstreams[0].url (settings.toml:1): is required
    ");
}
