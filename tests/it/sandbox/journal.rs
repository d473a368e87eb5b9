//! The journal.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{TestSandbox, TestTenant};

async fn requests(tenant: &TestTenant<'_>, query: &str) -> Vec<Value> {
    let list = tenant.json("GET", &format!("/requests{query}"), "").await;
    list["requests"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_request_is_recorded_with_its_answer() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    tenant.history(json!({"limit": 2, "trafficType": "CHAT"})).await;
    let mut entries = requests(&tenant, "").await;
    assert!(entries[0]["took"].as_f64().unwrap() > 0.0);
    entries[0]["took"] = json!("took");
    assert_snapshot!(json!(entries).to_string(), @r#"[{"answer":{"content":[],"hasNext":false},"at":"2026-03-01T12:00:00.000Z","body":{"limit":2,"trafficType":"CHAT"},"fault":null,"id":1,"key":"master","method":"POST","path":"/api/messages/history","route":"/api/messages/history","status":200,"took":"took","warnings":[{"path":"trafficType","what":"the field is unknown, and is ignored; did you mean trafficTypes?"}]}]"#);
    // Control requests are not recorded.
    assert_eq!(requests(&tenant, "").await.len(), 1);
}

#[actix_web::test]
async fn entries_are_filtered_by_route_status_and_id() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    tenant.history(json!({})).await;
    tenant.history(json!({"limit": -1})).await;
    tenant.count_logs_with("live").await;
    tenant.history_with("expired", json!({})).await;
    let ids = async |query: &str| -> Vec<u64> {
        requests(&tenant, query).await.iter().map(|entry| entry["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids("").await, [1, 2, 3, 4]);
    assert_eq!(ids("?route=/api/messages/history").await, [1, 2, 4]);
    assert_eq!(ids("?status=400").await, [2]);
    assert_eq!(ids("?after=2").await, [3, 4]);
    assert_eq!(ids("?after=1&limit=2").await, [2, 3]);
    assert_eq!(ids("?route=%2Fapi%2Fmessages%2Fhistory&status=401").await, [4]);
    let entries = requests(&tenant, "").await;
    let keys: Vec<&str> = entries.iter().map(|entry| entry["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["master", "master", "live", "expired"]);
    for (query, named) in [
        ("?rout=x", "rout"),
        ("?limit=0", "limit"),
        ("?after=x", "after"),
        ("?status=1&status=2", "status"),
        ("?route=/x", "route"),
    ] {
        let answer = tenant.control("GET", &format!("/requests{query}"), "").await;
        assert!(answer.starts_with("400 ") && answer.contains(&format!("'{named}'")), "{query}: {answer}");
    }
    assert_snapshot!(tenant.control("DELETE", "/requests", "").await, @"204");
    assert_eq!(ids("").await, Vec::<u64>::new());
    tenant.history(json!({})).await;
    assert_eq!(ids("").await, [5]);
}

#[actix_web::test]
async fn the_journal_shows_no_key() {
    let sandbox = TestSandbox::with_demo().await;
    let tenant = sandbox.tenant(json!({})).await;
    let other = sandbox.tenant(json!({})).await;
    let key = other.key("master");
    let body = json!({"comment": format!("key {key}!"), "upper": key.to_uppercase(), "free": "00000000-0000-4000-8000-999999999999"});
    let headers = [("x-api-key", tenant.key("master")), ("content-type", "application/json")];
    let path = format!("/api/messages/history?x={key}&KEY=abc&apikey=def&token=ghi&limit=3");
    sandbox.send("POST", &path, &headers, &body.to_string()).await;
    let entry = requests(&tenant, "").await.remove(0);
    assert_snapshot!(entry["path"].as_str().unwrap(), @"/api/messages/history?x=…&KEY=…&apikey=…&token=…&limit=3");
    assert_snapshot!(entry["body"].to_string(), @r#"{"comment":"key …!","free":"00000000-0000-4000-8000-999999999999","upper":"…"}"#);
    let whole = tenant.control("GET", "/requests", "").await;
    assert!(!whole.contains(key) && !whole.contains(tenant.key("master")), "{whole}");
}

/// A key that begins within what is kept, and ends after it.
#[actix_web::test]
async fn a_key_at_the_cut_of_a_body_is_not_shown() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let key = tenant.key("master");
    for before in [65_490, 65_510, 65_535] {
        let body = format!("{}{key}{}", "x".repeat(before), "y".repeat(1000));
        sandbox.send("POST", "/api/messages/history", &[("x-api-key", key)], &body).await;
        let entry = requests(&tenant, "").await.pop().unwrap();
        let kept = entry["body"].as_str().unwrap();
        let end = &kept[kept.len() - 60..];
        assert!(!end.contains(&key[..8]) && kept.len() <= 65_536, "{end}");
    }
}

#[actix_web::test]
async fn bodies_are_json_or_text_of_64_kib() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let key = tenant.key("master");
    for body in ["", "{\"limit\": 1}", "not json", "\u{feff}{}"] {
        sandbox.send("POST", "/api/messages/history", &[("x-api-key", key)], body).await;
    }
    let long = format!("{{\"comment\":\"{}\"}}", "я".repeat(50_000));
    sandbox.send("POST", "/api/messages/history", &[("x-api-key", key)], &long).await;
    let bodies: Vec<Value> = requests(&tenant, "").await.into_iter().map(|mut entry| entry["body"].take()).collect();
    assert_eq!(bodies[..4], [Value::Null, json!({"limit": 1}), json!("not json"), json!("\u{feff}{}")]);
    let kept = bodies[4].as_str().unwrap();
    assert!(long.starts_with(kept.trim_end_matches('\u{fffd}')), "{}", kept.len());
    assert!((65_530..=65_540).contains(&kept.len()), "{}", kept.len());
}

#[actix_web::test]
async fn requests_of_unknown_callers_are_kept_apart() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let unknown = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10";
    for headers in [&[("x-api-key", unknown)][..], &[]] {
        sandbox.send("POST", "/api/messages/history", headers, "{}").await;
    }
    sandbox.send("GET", "/healthz", &[], "").await;
    sandbox.send("GET", "/nothing", &[], "").await;
    // The other dialect's header still tells whose request it is.
    sandbox.send("POST", "/api/messages/history", &[("apikey", tenant.key("master"))], "{}").await;
    let list = sandbox.control("GET", "/unmatched", "").await;
    let list: Value = serde_json::from_str(list.strip_prefix("200 ").unwrap()).unwrap();
    let seen: Vec<String> = list["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {} {} {}", entry["key"], entry["path"], entry["route"], entry["status"]))
        .collect();
    assert_snapshot!(seen.join("\n"), @r#"
    null "/api/messages/history" "/api/messages/history" 401
    null "/api/messages/history" "/api/messages/history" 401
    null "/nothing" null 404
    "#);
    assert_eq!(requests(&tenant, "").await.len(), 1);
}
