//! Simulated sending: schedule, life, replies.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{TestSandbox, TestTenant};

pub const START: &str = "2026-03-01T12:00:00Z";

pub async fn post(tenant: &TestTenant<'_>, key: &str, path: &str, body: Value) -> String {
    let headers = [("x-api-key", tenant.key(key)), ("content-type", "application/json")];
    let response = tenant.sandbox.send("POST", path, &headers, &body.to_string()).await;
    format!("{} {}", response.status.as_u16(), response.body)
}

pub fn request(id: &str, cascade: i64, content: Value) -> Value {
    json!({"requestId": id, "cascadeId": cascade, "subscriberFilter": {"address": "+7 900 111-22-33", "type": "PHONE"},
        "comment": format!("order {id}"), "content": content})
}

pub fn whatsapp(text: &str) -> Value {
    json!({"whatsappContent": {"contentType": "TEXT", "text": text}})
}

/// Schedules a WhatsApp message, which must be accepted.
pub async fn schedule(tenant: &TestTenant<'_>, id: &str) {
    let answer = post(tenant, "master", "/api/cascade/schedule", request(id, 31, whatsapp("Hello"))).await;
    assert_eq!(answer, format!("200 {}", json!({"requestId": id})));
}

pub async fn advance(tenant: &TestTenant<'_>, by: &str) {
    let answer = tenant.control("PUT", "/clock", json!({"advance": by})).await;
    assert!(answer.starts_with("200 "), "{answer}");
}

pub async fn messages(tenant: &TestTenant<'_>) -> Vec<Value> {
    let response = tenant.history(json!({"dateFrom": "2020-01-01T00:00:00Z"})).await;
    let mut response: Value = serde_json::from_str(response.strip_prefix("200 ").unwrap()).unwrap();
    response["content"].as_array_mut().unwrap().clone()
}

pub async fn set_callbacks(tenant: &TestTenant<'_>, receiver: &Receiver) {
    let urls = json!({"statusCallbackUrl": receiver.url, "inMessageCallbackUrl": receiver.url});
    assert_eq!(post(tenant, "master", "/api/callback/set", urls).await, r#"200 {"code":"ok"}"#);
}

#[actix_web::test]
async fn a_scheduled_message_is_in_the_history_and_lives_on_the_clock() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": START})).await;
    schedule(&tenant, "r1").await;
    let mut message = messages(&tenant).await.remove(0);
    let id = tenant.id.to_string();
    let shown = message.to_string().replace(&id, "TENANT");
    for field in ["cascadeStageUuid", "subscriberId"] {
        assert!(!message[field].take().is_null(), "{shown}");
    }
    assert_snapshot!(message.to_string().replace(&id, "TENANT"), @r#"{"address":"79001112233","cascadeId":31,"cascadeName":"sandbox_WA","cascadeStageUuid":null,"channelType":"WHATSAPP","comment":"order r1","content":"{\"text\":\"Hello\",\"type\":\"TEXT\"}","deliveryStatus":"ACCEPTED","deliveryStatusAt":"2026-03-01T12:00:00.000+0000","direction":"OUT","messageId":81000000001,"sentOrReceivedAt":"2026-03-01T12:00:00.000+0000","subjectId":501,"subjectName":"sandbox_WA","subscriberId":null,"tenantId":TENANT,"trafficType":"CHAT"}"#);
    let mut statuses = Vec::new();
    for by in ["PT0S", "PT1S", "PT1S", "PT2S", "PT1S", "PT24S", "PT1S", "P31D"] {
        advance(&tenant, by).await;
        let message = messages(&tenant).await.remove(0);
        statuses.push(format!("{by} {} {}", message["deliveryStatus"], message["deliveryStatusAt"]));
    }
    assert_snapshot!(statuses.join("\n"), @r#"
    PT0S "ACCEPTED" "2026-03-01T12:00:00.000+0000"
    PT1S "ENQUEUED" "2026-03-01T12:00:01.000+0000"
    PT1S "SENT" "2026-03-01T12:00:02.000+0000"
    PT2S "SENT" "2026-03-01T12:00:02.000+0000"
    PT1S "DELIVERED" "2026-03-01T12:00:05.000+0000"
    PT24S "DELIVERED" "2026-03-01T12:00:05.000+0000"
    PT1S "READ" "2026-03-01T12:00:30.000+0000"
    P31D "READ" "2026-03-01T12:00:30.000+0000"
    "#);
}

#[actix_web::test]
async fn a_start_time_delays_the_sending() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": START})).await;
    let mut later = request("r1", 32, json!({"smsContent": {"contentType": "TEXT", "text": "Later"}}));
    later["startTime"] = json!("2026-03-02T12:00:00Z");
    post(&tenant, "master", "/api/cascade/schedule", later).await;
    assert!(messages(&tenant).await.is_empty());
    advance(&tenant, "P1D").await;
    let message = messages(&tenant).await.remove(0);
    assert_eq!(message["sentOrReceivedAt"], "2026-03-02T12:00:00.000+0000");
    assert_eq!((&message["channelType"], &message["trafficType"]), (&json!("SMS"), &json!("SERVICE")));
    advance(&tenant, "P1D").await;
    // An SMS is never read.
    assert_eq!(messages(&tenant).await[0]["deliveryStatus"], "DELIVERED");
    tenant.control("PUT", "/clock", json!({"now": START})).await;
    advance(&tenant, "P3D").await;
    assert_eq!(messages(&tenant).await.len(), 1);
}

#[actix_web::test]
async fn a_life_sets_steps_errors_repeats_and_order() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    let steps = json!([{"after": "PT1S", "status": "SENT"}, {"after": "PT2S", "status": "UNDELIVERED", "error": "not-whatsapp-user"}]);
    let life = json!({"steps": steps, "match": {"address": "+7 (900) 111-22-33"}, "repeat": 2, "shuffle": true});
    assert_snapshot!(tenant.control("PUT", "/life", life).await, @"204");
    let other = json!({"steps": [], "match": {"address": "79000000000"}});
    assert_snapshot!(tenant.control("PUT", "/life", other).await, @"204");
    schedule(&tenant, "r1").await;
    advance(&tenant, "PT1S").await;
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(messages(&tenant).await[0]["deliveryStatus"], "SENT");
    advance(&tenant, "PT1S").await;
    let mut statuses = receiver.fields("status");
    assert_ne!(statuses, ["SENT", "SENT", "UNDELIVERED", "UNDELIVERED"]);
    statuses.sort_by_key(Value::to_string);
    assert_eq!(statuses, ["SENT", "SENT", "UNDELIVERED", "UNDELIVERED"]);
    let message = &messages(&tenant).await[0];
    assert_eq!(
        (&message["deliveryStatus"], &message["deliveryStatusMessage"]),
        (&json!("UNDELIVERED"), &json!("not-whatsapp-user"))
    );
    for (wrong, path) in [
        (json!({"steps": [{"after": "1s", "status": "SENT"}]}), "steps[0].after"),
        (json!({"steps": [{"after": "PT1S", "status": ""}]}), "steps[0].status"),
        (json!({"steps": [], "repeat": 0}), "repeat"),
        (json!({}), "steps"),
    ] {
        let answer = tenant.control("PUT", "/life", &wrong).await;
        assert!(answer.starts_with("400 ") && answer.contains(&format!("'{path}'")), "{wrong}: {answer}");
    }
}

#[actix_web::test]
async fn a_message_that_cannot_be_stored_is_not_scheduled() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": START})).await;
    let mut long = request("r1", 31, whatsapp("x"));
    long["subscriberFilter"]["address"] = json!("a".repeat(2000));
    let answer = post(&tenant, "master", "/api/cascade/schedule", long).await;
    assert!(answer.starts_with(r#"400 {"title":"cascade-scheduling-request-not-valid""#), "{answer}");
    assert!(answer.contains("'address'"), "{answer}");
    // Ids that messages of the tenant have are passed over.
    tenant.add([81_000_000_001, 81_000_000_002]).await;
    schedule(&tenant, "r1").await;
    assert_eq!(messages(&tenant).await[0]["messageId"], json!(81_000_000_003_i64));
}

#[actix_web::test]
async fn a_reset_ends_what_was_scheduled() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    schedule(&tenant, "r1").await;
    tenant.control("POST", "/reset", "").await;
    advance(&tenant, "P1D").await;
    assert!(messages(&tenant).await.is_empty() && receiver.received().is_empty());
}

#[actix_web::test]
async fn a_running_clock_delivers_by_itself() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({})).await;
    set_callbacks(&tenant, &receiver).await;
    let steps = json!([{"after": "PT0.1S", "status": "SENT"}, {"after": "PT0.2S", "status": "DELIVERED"}]);
    tenant.control("PUT", "/life", json!({"steps": steps})).await;
    schedule(&tenant, "r1").await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while receiver.received().len() < 2 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(receiver.fields("status"), ["SENT", "DELIVERED"]);
}

#[actix_web::test]
async fn schedule_errors_have_ednas_titles() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": START})).await;
    let content = |channel: &str, content: Value| json!({channel: content});
    let kind = |kind: &str, field: &str, value: Value| {
        let mut content = json!({"contentType": kind});
        content[field] = value;
        json!({"whatsappContent": content})
    };
    let mut seen = String::new();
    for body in [
        request("r1", 99, whatsapp("x")),
        request("r1", 31, Value::Null),
        request("r1", 31, json!({})),
        request("r1", 31, content("smsContent", json!({"contentType": "TEXT", "text": "x"}))),
        request("r1", 31, content("whatsappContent", json!({"text": "x"}))),
        request("r1", 31, kind("TEXT", "caption", json!("x"))),
        request("r1", 33, content("viberContent", json!({"contentType": "BUTTON", "text": "x"}))),
        request("r1", 33, content("viberContent", json!({"contentType": "BUTTON", "text": "x", "caption": "y"}))),
        request("r1", 31, kind("DOCUMENT", "attachmentUrl", json!("https://example.com/a.pdf"))),
        request("r1", 31, kind("DOCUMENT", "attachmentName", json!("x".repeat(71)))),
        request("r1", 31, kind("LOCATION", "longitude", json!(1.5))),
        request("r1", 31, kind("LOCATION", "latitude", json!(1.5))),
        json!({"requestId": "", "cascadeId": 31}),
        json!({"requestId": "r1", "cascadeId": "x"}),
        json!({"requestId": "r1", "cascadeId": 31}),
        json!({"requestId": "r1", "cascadeId": 31, "subscriberFilter": {"address": "7", "type": "LETTER"}}),
        json!([1]),
    ] {
        let answer = post(&tenant, "master", "/api/cascade/schedule", body).await;
        let answer: Value =
            serde_json::from_str(answer.strip_prefix("400 ").unwrap_or_else(|| panic!("{answer}"))).unwrap();
        seen += &format!("{}: {}\n", answer["title"].as_str().unwrap(), answer["detail"].as_str().unwrap());
    }
    assert_snapshot!(seen, @"
    cascade-not-found: The request cannot be scheduled: cascade not found.
    content-not-specified: The request cannot be scheduled: content not specified.
    content-not-specified: The request cannot be scheduled: content not specified.
    request-doesn’t-contain-content-for-all-cascade-stages: The request cannot be scheduled: request doesn’t contain content for all cascade stages.
    contentType-not-specified: The request cannot be scheduled: contentType not specified.
    text-not-specified: The request cannot be scheduled: text not specified.
    caption-not-specified: The request cannot be scheduled: caption not specified.
    action-not-specified: The request cannot be scheduled: action not specified.
    attachmentName-not-specified: The request cannot be scheduled: attachmentName not specified.
    attachmentName-is-too-long: The request cannot be scheduled: attachmentName is too long.
    latitude-not-specified: The request cannot be scheduled: latitude not specified.
    longitude-not-specified: The request cannot be scheduled: longitude not specified.
    cascade-scheduling-request-not-valid: The field 'requestId' must be a string of at most 1024 bytes.
    cascade-scheduling-request-not-valid: The field 'cascadeId' must be an integer.
    cascade-scheduling-request-not-valid: The field 'subscriberFilter.address' must be a string that is not blank.
    cascade-scheduling-request-not-valid: The field 'subscriberFilter.type' must be one of PHONE, EMAIL, UTM, COOKIE_ID, INSTAGRAM_ID, FACEBOOK_ID, TELEGRAM_ID, GOOGLE_ID, APPLE_ID, YANDEX_ID, EXT_USER_ID, EDNA_ID.
    cascade-scheduling-request-not-valid: The body must be a JSON object.
    ");
    schedule(&tenant, "r1").await;
    assert_snapshot!(post(&tenant, "master", "/api/cascade/schedule", request("r1", 31, whatsapp("x"))).await, @r#"400 {"title":"requestId-is-not-unique","status":400,"detail":"The request cannot be scheduled: requestId is not unique."}"#);
    // The cascade may be given as digits.
    let mut digits = request("r2", 31, whatsapp("x"));
    digits["cascadeId"] = json!("31");
    assert_snapshot!(post(&tenant, "oneSender", "/api/cascade/schedule", digits).await, @r#"200 {"requestId":"r2"}"#);
    let other = request("r3", 32, json!({"smsContent": {"contentType": "TEXT", "text": "x"}}));
    assert_snapshot!(post(&tenant, "oneSender", "/api/cascade/schedule", other).await, @r#"403 {"title":"access-denied","status":403,"detail":"The cascade's subject does not belong to the key's senders."}"#);
    tenant.control("POST", "/reset", "").await;
    schedule(&tenant, "r1").await;
}

#[actix_web::test]
async fn simulated_routes_check_keys_and_groups() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    for path in ["/api/cascade/schedule", "/api/cascade/get-all", "/api/callback/set", "/api/in-message/change-status"]
    {
        let unknown = post(&tenant, "expired", path, json!({})).await;
        assert_eq!(
            unknown,
            r#"401 {"title":"Auth error","status":401,"detail":"The x-api-key header holds no valid API key."}"#,
            "{path}"
        );
        let without =
            post(&tenant, if path.ends_with("schedule") { "expired" } else { "withoutGroup" }, path, json!({})).await;
        assert!(without.starts_with("403 ") || without.starts_with("401 "), "{path}: {without}");
        assert_eq!(sandbox.send("POST", path, &[], "{}").await.status.as_u16(), 401, "{path}");
    }
    assert_snapshot!(post(&tenant, "oneSender", "/api/cascade/get-all", json!({})).await, @r#"403 {"title":"access-denied","status":403,"detail":"The key does not belong to the cascades group."}"#);
    let headers = [("x-api-key", tenant.key("webhook"))];
    assert_eq!(sandbox.send("GET", "/api/channel-profile", &headers, "").await.status.as_u16(), 401);
}

#[actix_web::test]
async fn cascades_and_channel_profiles_are_those_of_the_subjects() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({})).await;
    let cascades = post(&tenant, "master", "/api/cascade/get-all", json!({})).await;
    let cascades: Vec<Value> = serde_json::from_str(cascades.strip_prefix("200 ").unwrap()).unwrap();
    let ids: Vec<&Value> = cascades.iter().map(|cascade| &cascade["id"]).collect();
    assert_eq!(json!(ids), json!([31, 32, 33, 34]));
    let mut first = cascades[0].clone();
    assert!(first["stages"][0]["uuid"].take().is_string());
    assert_eq!(first["stages"][0]["subject"]["tenantId"].take(), json!(tenant.id));
    assert_snapshot!(first.to_string(), @r#"{"id":31,"name":"sandbox_WA","stages":[{"decision":null,"order":1,"stages":[],"subject":{"active":true,"id":501,"name":"sandbox_WA","subject":"sandbox_WA","tenantId":null,"type":"WHATSAPP"},"uuid":null}],"stagesCount":1,"status":"ACTIVE"}"#);
    let profiles = async |query: &str| {
        let headers = [("x-api-key", tenant.key("master"))];
        sandbox.send("GET", &format!("/api/channel-profile{query}"), &headers, "").await.body
    };
    assert_snapshot!(profiles("?types=SMS,PUSH").await, @r#"[{"active":true,"id":511,"name":"sandbox_SMS","registrationStatus":"REGISTERED","subject":"sandbox_SMS","subjectId":511,"type":"SMS"},{"active":true,"id":531,"name":"sandbox_PUSH","registrationStatus":"REGISTERED","subject":"sandbox_PUSH","subjectId":531,"type":"PUSH"}]"#);
    assert_eq!(profiles("").await.matches("subjectId").count(), 4);
}

#[actix_web::test]
async fn an_incoming_message_is_stored_and_posted_with_its_reply() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    tenant.control("PUT", "/life", json!({"steps": []})).await;
    schedule(&tenant, "r1").await;
    let sent = messages(&tenant).await[0]["messageId"].clone();
    let reply = json!({"address": "79001112233", "subjectId": 501, "text": "Thanks", "replyTo": sent});
    let mut item = tenant.json("POST", "/incoming", &reply).await;
    let mut event = receiver.received().remove(0).body;
    for field in ["tenantId", "subscriberId"] {
        assert!(item[field].take().is_i64());
    }
    assert!(event["subscriber"]["id"].take().is_i64());
    assert_snapshot!(item.to_string(), @r#"{"address":"79001112233","channelType":"WHATSAPP","content":"{\"text\":\"Thanks\",\"type\":\"TEXT\"}","direction":"IN","messageId":81000000002,"replyOutMessageExternalRequestId":"r1","replyOutMessageId":81000000001,"sentOrReceivedAt":"2026-03-01T12:00:00.000+0000","subjectId":501,"subjectName":"sandbox_WA","subscriberId":null,"tenantId":null}"#);
    assert_snapshot!(event.to_string(), @r#"{"id":81000000002,"lastMessage":null,"messageContent":{"attachment":null,"caption":null,"catalog":null,"contact":null,"items":null,"location":null,"order":null,"payload":null,"product":null,"story":null,"text":"Thanks","type":"TEXT"},"receivedAt":"2026-03-01T12:00:00.000Z","replyInMessageId":null,"replyOutMessageExternalRequestId":"r1","replyOutMessageId":81000000001,"subject":"sandbox_WA","subjectId":501,"subscriber":{"id":null,"identifier":"79001112233"},"userInfo":{"avatarUrl":null,"firstName":null,"lastName":null,"userName":null}}"#);
    assert_eq!(messages(&tenant).await.len(), 2);
    let quoting =
        json!({"address": "79001112233", "subjectId": 511, "content": {"type": "IMAGE"}, "replyTo": item["messageId"]});
    let quoting = tenant.json("POST", "/incoming", quoting).await;
    assert_eq!(quoting["replyInMessageId"], item["messageId"]);
    for (wrong, path) in [
        (json!({"address": "-", "subjectId": 501, "text": "x"}), "'address'"),
        (json!({"address": "7", "subjectId": 9, "text": "x"}), "'subjectId'"),
        (json!({"address": "7", "subjectId": 501}), "either 'text' or 'content'"),
        (json!({"address": "7", "subjectId": 501, "content": "x"}), "'content'"),
        (json!({"address": "7", "subjectId": 501, "text": "x", "replyTo": 5}), "'replyTo'"),
    ] {
        let answer = tenant.control("POST", "/incoming", &wrong).await;
        assert!(answer.starts_with("400 ") && answer.contains(path), "{wrong}: {answer}");
    }
}

#[actix_web::test]
async fn an_incoming_message_is_marked_as_read() {
    let sandbox = TestSandbox::new().await;
    let tenant = sandbox.tenant(json!({"now": START})).await;
    schedule(&tenant, "r1").await;
    let sent = messages(&tenant).await[0]["messageId"].clone();
    let item = tenant.json("POST", "/incoming", json!({"address": "7900", "subjectId": 501, "text": "Hi"})).await;
    let before = tenant.history(json!({})).await;
    let mark = async |body: Value| post(&tenant, "master", "/api/in-message/change-status", body).await;
    assert_snapshot!(mark(json!({"id": item["messageId"], "status": "READ"})).await, @"200 {}");
    assert_eq!(tenant.history(json!({})).await, before);
    for wrong in [
        json!({"id": sent, "status": "READ"}),
        json!({"id": 5, "status": "READ"}),
        json!({"id": item["messageId"], "status": "SEEN"}),
        json!({"status": "READ"}),
    ] {
        let answer = mark(wrong.clone()).await;
        assert!(answer.starts_with(r#"400 {"title":"not-valid-request""#), "{wrong}: {answer}");
    }
}

/// What a real client does after a send (docs/edna.md §8), with callbacks that arrive twice and in any order.
#[actix_web::test]
async fn a_client_sends_reconciles_and_gets_a_reply() {
    let (sandbox, receiver) = (TestSandbox::new().await, Receiver::start());
    let tenant = sandbox.tenant(json!({"now": START})).await;
    set_callbacks(&tenant, &receiver).await;
    let steps = json!([
        {"after": "PT1S", "status": "ENQUEUED"}, {"after": "PT2S", "status": "SENT"},
        {"after": "PT5S", "status": "DELIVERED"}, {"after": "PT30S", "status": "READ"},
    ]);
    tenant.control("PUT", "/life", json!({"steps": steps, "repeat": 2, "shuffle": true})).await;
    for id in ["order-1", "order-2"] {
        schedule(&tenant, id).await;
    }
    advance(&tenant, "PT30S").await;
    let received = receiver.received();
    assert_eq!(received.len(), 16);
    // The gateway's own webhook takes them in the order in which they came.
    let token = format!("Token {}", tenant.key("webhook"));
    let mirror = sandbox.tenant(json!({"now": START})).await;
    let mirror_token = format!("Token {}", mirror.key("webhook"));
    for event in &received {
        assert_eq!(event.authorization, token);
        let headers = [("authorization", mirror_token.as_str()), ("content-type", "application/json")];
        let answer = sandbox.send("POST", "/webhooks/edna", &headers, &event.body.to_string()).await;
        assert_eq!(answer.status.as_u16(), 200);
    }
    let wanted = json!({
        "subscriberFilter": {"address": "79001112233", "type": "PHONE"}, "subjectId": 501, "direction": "OUT",
        "channelTypes": ["WHATSAPP"], "dateFrom": "2026-03-01T11:59:00+00:00", "dateTo": "2026-03-02T12:00:00+00:00",
        "limit": 1000, "offset": 0, "sort": [{"property": "messageId", "direction": "DESC"}],
    });
    let found = tenant.history(wanted).await;
    let found: Value = serde_json::from_str(found.strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!(found["hasNext"], false);
    let own =
        found["content"].as_array().unwrap().iter().find(|message| message["comment"] == "order order-1").unwrap();
    assert_eq!(
        (&own["deliveryStatus"], &own["content"]),
        (&json!("READ"), &json!(r#"{"text":"Hello","type":"TEXT"}"#))
    );
    let reply = json!({"address": "79001112233", "subjectId": 501, "text": "Yes", "replyTo": own["messageId"]});
    tenant.json("POST", "/incoming", reply).await;
    let event = receiver.received().pop().unwrap().body;
    assert_eq!(
        (&event["replyOutMessageExternalRequestId"], &event["messageContent"]["text"]),
        (&json!("order-1"), &json!("Yes"))
    );
    let poll = json!({
        "subscriberFilter": {"address": "79001112233", "type": "PHONE"}, "direction": "IN", "limit": 1,
        "dateFrom": "2026-03-01T12:00:00Z", "dateTo": "2026-03-01T12:05:00Z",
    });
    assert!(tenant.history(poll).await.contains(r#""replyOutMessageExternalRequestId":"order-1""#));
}
