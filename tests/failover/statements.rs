//! The statements that a gateway sends, as its server logs them: what a database that is distributed by tenant needs.

use serde_json::json;

use crate::gateway::{Gateway, tenant};
use crate::node::{Node, wait_until};

/// The tables that hold the data of tenants.
const TABLES: [&str; 24] = [
    "messages",
    "message_copies",
    "message_days",
    "message_blocks",
    "message_block_columns",
    "message_block_changes",
    "recipients",
    "subjects",
    "whatsapp_logs",
    "whatsapp_log_copies",
    "whatsapp_log_days",
    "status_events",
    "waiting_messages",
    "other_events",
    "pulls",
    "tenant_states",
    "message_changes",
    "change_marks",
    "search_states",
    "message_terms",
    "search_ranges",
    "audit_entries",
    "audit_heads",
    "reveals",
];

/// Statements about all tenants. If one fails, each tenant is read by itself.
const ABOUT_ALL_TENANTS: [&str; 6] = [
    r#"SELECT "tenant_states"."tenant_id" FROM "tenant_states" WHERE ("tenant_states"."logged_up_to" IS NOT NULL)"#,
    r#"SELECT "tenant_states"."tenant_id", "tenant_states"."waiting_messages""#,
    r#"SELECT "pulls"."tenant_id", "pulls"."upstream", "pulls"."complete_up_to" FROM "pulls""#,
    r#"SELECT DISTINCT "subjects"."tenant_id" FROM "subjects" WHERE EXISTS"#,
    r#"SELECT "tenant_states"."tenant_id" FROM "tenant_states" WHERE  NOT"#,
    r#"SELECT "tenant_states"."tenant_id", "tenant_states"."last_change""#,
];

/// The statements of a server's log, each on one line.
fn statements(log: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in log.lines() {
        // `LOG:  execute name: SELECT …`, `LOG:  statement: SELECT …`, and the lines that follow it.
        if let Some((_, statement)) = line.split_once("LOG:  ") {
            let statement = statement.split_once(": ").map_or("", |(_, statement)| statement);
            found.push(statement.to_owned());
        } else if line.starts_with('\t')
            && let Some(last) = found.last_mut()
        {
            last.push(' ');
            last.push_str(line.trim());
        }
    }
    found
}

fn names(statement: &str, table: &str) -> bool {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    statement.split(|letter| !is_part(letter)).any(|word| word == table)
}

/// Fails if a statement about a tenant does not have it as a parameter.
fn assert_carry_the_tenant(log: &str) {
    let (mut checked, mut wrong) = (0, Vec::new());
    // The schema is read from the system tables, and migrations are about all tenants.
    let migrated = log.rfind("__diesel_schema_migrations").map_or(0, |_| log.find("INSERT INTO \"tenants\"").unwrap());
    for statement in statements(&log[migrated..]) {
        let is_query = ["SELECT", "UPDATE", "DELETE", "WITH"].iter().any(|word| statement.starts_with(word));
        let is_of_tenants = TABLES.iter().any(|table| names(&statement, table))
            && !statement.contains("pg_inherits")
            && !statement.contains("pg_class");
        if !is_query || !is_of_tenants || ABOUT_ALL_TENANTS.iter().any(|known| statement.starts_with(known)) {
            continue;
        }
        checked += 1;
        // A bare column and a parameter, at least once: the planner then knows the one shard.
        if !statement.contains("tenant_id = $") && !statement.contains("\"tenant_id\" = $") {
            wrong.push(statement);
        }
    }
    assert!(checked > 150, "{checked}");
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Walks, a search, and a reader that waits for changes.
fn read_v1(gateway: &Gateway) {
    let key = gateway.tenant.master.clone();
    let post = |path: &str, body: serde_json::Value| {
        let answer = gateway.send("POST", path, &[("x-api-key", &key)], &body.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
    };
    for query in [
        json!({}),
        json!({"address": ["8 900 111-22-33", "79001112233"], "from": "2026-02-01"}),
        json!({"subscriberId": 7, "comment": "another copy"}),
        json!({"messageId": [5, 7], "channelType": ["TELEGRAM"]}),
        json!({"deliveryStatus": "FAILED"}),
        json!({"subjectId": [501], "order": "asc"}),
        json!({"text": "hi \"hi\" -no"}),
    ] {
        post("/v1/messages/query", query);
    }
    let token = gateway.send("GET", "/v1/changes?since=now", &[("x-api-key", &key)], "").unwrap().body;
    let token: serde_json::Value = serde_json::from_str(&token).unwrap();
    post("/v1/changes/query", json!({"since": token["next"], "wait": 1, "address": "79001112233"}));
}

#[test]
fn every_statement_of_a_tenant_carries_it_as_a_parameter() {
    let Some(server) = Node::primary(&["log_statement=all"]) else { return };
    let gateway = Gateway::start(tenant(&server), &[&server], &[], &[]);
    let key = gateway.tenant.master.clone();
    let post = |path: &str, body: serde_json::Value| {
        let answer = gateway.send("POST", path, &[("x-api-key", &key)], &body.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
    };
    let token = format!("Token {}", gateway.tenant.webhook);
    let webhook = |body: serde_json::Value| {
        let answer = gateway.send("POST", "/webhooks/edna", &[("Authorization", &token)], &body.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
    };
    assert_eq!(gateway.record(1..=60).status, 200);
    assert_eq!(gateway.record(30..=90).status, 200);
    post(
        "/v1/messages",
        json!({"messageId": 5, "channelType": "WHATSAPP", "direction": "OUT", "address": "79001112233",
        "content": "{}", "sentOrReceivedAt": "2026-03-01T10:00:00Z", "subjectId": 501, "comment": "another copy"}),
    );
    for (message, request) in [(json!(7), json!("a")), (json!(9999), json!("b")), (json!(null), json!("a"))] {
        post(
            "/v1/statuses",
            json!({"messageId": message, "requestId": request, "subjectId": 501, "status": "READ",
            "statusAt": "2026-03-01T11:00:00Z"}),
        );
    }
    for subject in [501, 777] {
        webhook(json!({"id": 2000 + subject, "subject": "shop", "subjectId": subject,
            "subscriber": {"id": 7, "identifier": "79001112233"}, "receivedAt": "2026-03-01T10:00:00Z",
            "messageContent": {"type": "TEXT", "text": "Hi"}}));
    }
    webhook(json!({"templateId": 3, "state": "APPROVED"}));
    // The subject of a pending message becomes known.
    post(
        "/v1/messages",
        json!({"messageId": 3000, "channelType": "TELEGRAM", "direction": "OUT", "address": "x",
        "content": "{}", "sentOrReceivedAt": "2026-03-01T10:00:00Z", "subjectId": 777}),
    );
    let window = json!({"dateFrom": "2026-02-01", "dateTo": "2026-03-02"});
    let address = |kind: &str, address: &str| json!({"subscriberFilter": {"type": kind, "address": address}});
    for more in [
        json!({}),
        json!({"limit": 1000}),
        json!({"offset": 40}),
        json!({"subjectId": 501}),
        json!({"channelTypes": ["WHATSAPP"], "direction": "OUT"}),
        json!({"sort": {"property": "comment", "direction": "ASC"}}),
        json!({"sort": {"property": "sentOrReceivedAt", "direction": "ASC"}, "offset": 10}),
        address("PHONE", "79001112233"),
        address("EDNA_ID", "7"),
        address("EMAIL", "Somebody@example.org"),
    ] {
        let mut body = window.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        post("/api/messages/history", body);
    }
    assert_eq!(gateway.send("GET", "/v1/messages/7", &[("x-api-key", &key)], "").unwrap().status, 200);
    read_v1(&gateway);
    for (path, query) in [
        ("get-list", json!({})),
        ("get-list", json!({"query": {"status": "Sent"}, "sort": {"updatedAt": "DESC"}})),
        ("get-list", json!({"query": {"toNumber": {"_type": "Search", "value": "900"}}, "skip": 5})),
        ("count", json!({"query": {"toNumber": "79001112233"}})),
    ] {
        let path = format!("/api/whatsapp-log/{path}");
        let answer = gateway.send("POST", &path, &[("ApiKey", &key)], &query.to_string()).unwrap();
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    }
    let run = |arguments: &[&str]| {
        gateway.tenant.binary.run(&[arguments, &["--tenant", "3193", "--database", &server.url()]].concat())
    };
    run(&["export"]);
    run(&["find", "--text", "hi"]);
    run(&["search", "rebuild"]);
    run(&["key", "list"]);
    run(&["subject", "list"]);
    gateway.get("/metrics");
    // The background jobs have run too, blocks included.
    wait_until("the jobs run", || {
        let log = server.log();
        statements(&log).iter().any(|statement| names(statement, "message_blocks"))
            && ABOUT_ALL_TENANTS
                .iter()
                .all(|known| statements(&log).iter().any(|statement| statement.starts_with(known)))
    });
    assert_carry_the_tenant(&server.log());
}

#[test]
fn months_are_created_by_single_statements() {
    let Some(server) = Node::primary(&["log_statement=ddl"]) else { return };
    let gateway = Gateway::start(tenant(&server), &[&server], &[], &[]);
    let item = json!({"messageId": 1, "channelType": "SMS", "direction": "OUT", "address": "79001112233", "content": "{}",
        "sentOrReceivedAt": "2019-07-01T10:00:00Z"});
    let key = [("x-api-key", gateway.tenant.master.as_str())];
    assert_eq!(gateway.send("POST", "/v1/messages", &key, &item.to_string()).unwrap().status, 200);
    let log = server.log();
    let of_month: Vec<String> =
        statements(&log).into_iter().filter(|statement| statement.contains("_2019_07")).collect();
    assert_eq!(of_month.len(), 4, "{of_month:?}");
    assert!(of_month.iter().all(|statement| !statement.contains(';')), "{of_month:?}");
}

/// Row security makes every statement fail that meets a tenant's rows, as a shard that is away does.
#[test]
fn other_tenants_are_served_while_a_shard_is_away() {
    let Some(server) = Node::primary(&[]) else { return };
    server.psql("CREATE ROLE shop LOGIN");
    server.psql("ALTER DATABASE history OWNER TO shop");
    server.psql("GRANT ALL ON SCHEMA public TO shop");
    let url = format!("postgres://shop@{}/history", server.host());
    let tenant =
        crate::feeder::TestTenant::with_arguments(crate::support::Binary::with_sqlite(), &["--database", &url]);
    let run = |arguments: &[&str]| tenant.binary.run(&[arguments, &["--database", &url]].concat()).trim().to_owned();
    run(&["tenant", "create", "--id", "77", "--name", "Away"]);
    let key = run(&["key", "issue", "--tenant", "77"]);
    server.psql(
        "CREATE FUNCTION reachable(tenant BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$ BEGIN \
         IF tenant = 77 THEN RAISE EXCEPTION 'the shard is away'; END IF; RETURN true; END $$",
    );
    for table in ["subjects", "pulls", "tenant_states", "waiting_messages"] {
        server.psql(&format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
        server.psql(&format!("CREATE POLICY shard ON {table} USING (reachable(tenant_id))"));
    }
    server.psql("INSERT INTO pulls (tenant_id, upstream, incomplete) VALUES (77, 'x', ''), (3193, 'x', '')");
    server.psql("INSERT INTO subjects (tenant_id, id, channel_type) VALUES (77, 1, 'SMS')");
    let failing = server.try_psql_as("shop", "SELECT count(*) FROM subjects").unwrap_err();
    assert!(failing.contains("the shard is away"), "{failing}");
    let gateway = Gateway::start_at(tenant, &url, "", &[]);
    // A message waits for its subject, which becomes known: the job that processes it reads all tenants.
    assert_eq!(gateway.record(1..=3).status, 200, "{}", gateway.server.log());
    assert_eq!(gateway.messages(&[]), 3);
    let token = format!("Token {}", gateway.tenant.webhook);
    let incoming = json!({"id": 50, "subject": "s", "subjectId": 900, "subscriber": {"id": 7, "identifier": "79001112233"},
        "receivedAt": "2026-03-01T10:00:00Z", "messageContent": {"type": "TEXT", "text": "Hi"}});
    let sent = gateway.send("POST", "/webhooks/edna", &[("Authorization", &token)], &incoming.to_string());
    assert_eq!(sent.unwrap().status, 200);
    server.psql("INSERT INTO subjects (tenant_id, id, channel_type) VALUES (3193, 900, 'WHATSAPP')");
    wait_until("pending messages are processed", || gateway.messages(&[]) == 4);
    let metrics = gateway.get("/metrics").body;
    assert!(metrics.contains("history_gateway_store_up 1"), "{metrics}");
    let away = gateway.send("POST", "/api/messages/history", &[("x-api-key", &key)], r#"{"subjectId":1}"#).unwrap();
    assert_eq!(away.status, 503, "{}", away.body);
    // Both in one commit: the one that can be written is.
    let item = crate::feeder::item(60).to_string();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sends: Vec<_> = (0..8)
            .map(|number| {
                let (gateway, item) = (&gateway, item.as_str());
                let key = if number % 2 == 0 { key.as_str() } else { gateway.tenant.master.as_str() };
                scope.spawn(move || gateway.send("POST", "/v1/messages", &[("x-api-key", key)], item).unwrap().status)
            })
            .collect();
        sends.into_iter().map(|send| send.join().unwrap()).collect()
    });
    assert_eq!(statuses, [503, 200, 503, 200, 503, 200, 503, 200], "{}", gateway.server.log());
}
