//! Near misses of history requests, and what a strict tenant answers to them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{TestSandbox, TestTenant};

/// The warnings of one request, each as `path: what`.
async fn warnings(tenant: &TestTenant<'_>, content_type: Option<&str>, body: &str) -> Vec<String> {
    let headers = [Some(("x-api-key", tenant.key("master"))), content_type.map(|kind| ("content-type", kind))];
    let headers: Vec<_> = headers.into_iter().flatten().collect();
    tenant.sandbox.send("POST", "/api/messages/history", &headers, body).await;
    let mut list = tenant.json("GET", "/requests", "").await;
    tenant.control("DELETE", "/requests", "").await;
    let warnings: Vec<Value> = serde_json::from_value(list["requests"][0]["warnings"].take()).unwrap();
    warnings
        .iter()
        .map(|found| format!("{}: {}", found["path"].as_str().unwrap(), found["what"].as_str().unwrap()))
        .collect()
}

#[actix_web::test]
async fn near_misses_of_a_request_are_named() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    let json_type = Some("application/json");
    let mut seen = String::new();
    for body in [
        json!({"trafficType": "CHAT"}),
        json!({"colour": 1}),
        json!({"subscriberFilter": {"adress": "7", "address": "79001112233"}}),
        json!({"limit": "15", "offset": "0", "messageId": "1", "subjectId": "501"}),
        json!({"sort": {"property": "messageId", "order": "ASC"}}),
        json!({"sort": [{"property": "messageId"}, {"direktion": "ASC"}]}),
        json!({"subjectID": 501}),
        json!({"dateFrom": "2026-02-01T10:00:00", "dateTo": "2026-02-20T10:00:00+0300"}),
        json!({"dateTo": "2026-01-01T00:00:00Z"}),
    ] {
        seen += &format!("{body}\n  {}\n", warnings(&tenant, json_type, &body.to_string()).await.join("\n  "));
    }
    seen += &format!("[]\n  {}\n", warnings(&tenant, json_type, "[]").await.join("\n  "));
    seen += &format!("text\n  {}\n", warnings(&tenant, Some("text/plain"), "{}").await.join("\n  "));
    seen += &format!("no type\n  {}\n", warnings(&tenant, None, "{}").await.join("\n  "));
    assert_snapshot!(seen, @r#"
    {"trafficType":"CHAT"}
      trafficType: the field is unknown, and is ignored; did you mean trafficTypes?
    {"colour":1}
      colour: the field is unknown, and is ignored
    {"subscriberFilter":{"address":"79001112233","adress":"7"}}
      subscriberFilter.adress: the field is unknown, and is ignored; did you mean address?
    {"limit":"15","messageId":"1","offset":"0","subjectId":"501"}
      limit: it is a number in a string
      messageId: it is a number in a string
      offset: it is a number in a string
      subjectId: it is a number in a string
    {"sort":{"order":"ASC","property":"messageId"}}
      sort: it is an object; edna documents a list of objects
      sort.order: the field is unknown, and is ignored
    {"sort":[{"property":"messageId"},{"direktion":"ASC"}]}
      sort[1].direktion: the field is unknown, and is ignored; did you mean direction?
    {"subjectID":501}
      subjectID: edna's field is subjectId
    {"dateFrom":"2026-02-01T10:00:00","dateTo":"2026-02-20T10:00:00+0300"}
      dateFrom: it has no time zone, and is read as UTC
    {"dateTo":"2026-01-01T00:00:00Z"}
      dateTo: it is more than 30 days ago, and without dateFrom the window is empty
    []
      body: it is [], which is read as {}
    text
      Content-Type: it is not application/json, which edna expects
    no type
      Content-Type: it is not application/json, which edna expects
    "#);
}

#[actix_web::test]
async fn a_right_request_has_no_warnings() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": "2026-03-01T12:00:00Z"})).await;
    let whole = json!({"subscriberFilter": {"address": "79001112233", "type": "PHONE"}, "offset": 0, "limit": 15,
        "channelTypes": ["SMS"], "messageId": 1, "direction": "OUT", "dateFrom": "2026-01-01T00:00:00Z",
        "dateTo": "2026-02-01", "sort": [{"property": "messageId", "direction": "ASC"}], "trafficTypes": ["AD"],
        "subjectId": 501});
    for (kind, body) in [
        (Some("application/json"), whole.to_string()),
        (Some("application/json; charset=utf-8"), "{}".into()),
        (None, String::new()),
        (Some("application/json"), json!({"dateTo": "2026-02-20T00:00:00Z", "limit": 0, "sort": null}).to_string()),
        (Some("application/json"), json!({"dateTo": "", "subjectId": null, "limit": ""}).to_string()),
    ] {
        assert_eq!(warnings(&tenant, kind, &body).await, Vec::<String>::new(), "{body}");
    }
}

#[actix_web::test]
async fn a_strict_tenant_answers_400_to_near_misses() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"strict": true})).await;
    assert_snapshot!(tenant.history(json!({"trafficType": "CHAT"})).await, @r#"400 {"title":"not-valid-request","status":400,"detail":"'trafficType': the field is unknown, and is ignored; did you mean trafficTypes?."}"#);
    let private = tenant.history(json!({"79001112233": 1})).await;
    assert!(private.starts_with("400 ") && !private.contains("7900"), "{private}");
    // A rule that gives the real answer changes nothing of that.
    tenant.control("POST", "/faults", json!({"times": 1, "then": {"delayMs": 1}})).await;
    assert_eq!(tenant.history(json!({"trafficType": "CHAT"})).await[..3], *"400");
    // Other errors come first.
    assert_snapshot!(tenant.history(json!({"trafficType": "CHAT", "limit": 1001})).await, @r#"400 {"title":"limit-not-valid","status":400,"detail":"The field 'limit' must be between 0 and 1000."}"#);
    assert_snapshot!(tenant.history(json!({})).await, @r#"200 {"content":[],"hasNext":false}"#);
    assert_snapshot!(tenant.control("PUT", "/strict", json!({"strict": false})).await, @"204");
    assert_snapshot!(tenant.history(json!({"trafficType": "CHAT"})).await, @r#"200 {"content":[],"hasNext":false}"#);
    let entries = tenant.json("GET", "/requests?status=400", "").await;
    let many: serde_json::Map<String, Value> = (0..5000).map(|number| (format!("{number:0>5}"), json!(1))).collect();
    tenant.history(json!(many)).await;
    let last = tenant.json("GET", "/requests", "").await["requests"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["warnings"].as_array().unwrap().len(), 50);
    assert_eq!(entries["requests"][0]["answer"]["title"], "not-valid-request");
}
