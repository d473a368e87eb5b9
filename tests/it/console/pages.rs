//! What pages contain: the conversation, a message, the list, the start page, the users.

use insta::assert_snapshot;
use serde_json::json;

use super::browser::{Browser, Page, create_user, main_of};
use crate::support::{TestApp, message};
use history_gateway::model::user::Role;

async fn app() -> TestApp {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    create_user(&app, "root", Role::Admin).await;
    create_user(&app, "vera", Role::Viewer).await;
    app
}

/// The messages of a person on all channels, the newest last, in parts.
#[actix_web::test]
async fn conversation_is_shown_in_parts() {
    let app = app().await;
    let days = |id: i64| format!("2026-02-{:02}T10:00:00Z", (id - 1) / 3 + 1);
    app.import((1..=50).map(|id| message(id, json!({"sentOrReceivedAt": days(id)})))).await;
    app.import([message(60, json!({"address": "79005556677"}))]).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let mut shown = Vec::new();
    for part in [
        "",
        "?before=31",
        "?before=5",
        "?after=20",
        "?at=25",
        "?date=2026-02-03",
        "?date=2026-03-03",
        "?date=2026-01-31",
        "?date=x",
        "?before=x",
    ] {
        let page = browser.get(&format!("/console/people/7{part}")).await;
        let ids: Vec<&str> = page.all("li").filter_map(|item| item.attribute("id").strip_prefix('m')).collect();
        let links = ["older", "newer"].map(|id| page.elements.iter().any(|element| element.attribute("id") == id));
        let range = ids.first().zip(ids.last()).map(|(first, last)| format!("{first} to {last}"));
        let note = page.elements.iter().find(|element| element.attribute("id") == "newest" && element.name == "p");
        let note = note.map_or("", |note| note.text.as_str());
        let line = format!("{part}: {} {range:?} {} older, newer {links:?} {note}", page.status(), ids.len());
        shown.push(line.trim_end().to_owned());
    }
    assert_snapshot!(shown.join("\n"), @r#"
    : 200 Some("31 to 50") 20 older, newer [true, false]
    ?before=31: 200 Some("11 to 30") 20 older, newer [true, true]
    ?before=5: 200 Some("1 to 4") 4 older, newer [false, true]
    ?after=20: 200 Some("21 to 40") 20 older, newer [true, true]
    ?at=25: 200 Some("13 to 32") 20 older, newer [true, true]
    ?date=2026-02-03: 200 Some("1 to 9") 9 older, newer [false, true]
    ?date=2026-03-03: 200 Some("31 to 50") 20 older, newer [true, false] There are no messages on that day. These are the last ones before it.
    ?date=2026-01-31: 200 Some("1 to 20") 20 older, newer [false, true] There are no messages up to that day. These are the first ones after it.
    ?date=x: 400 None 0 older, newer [false, false]
    ?before=x: 400 None 0 older, newer [false, false]
    "#);
}

#[actix_web::test]
async fn message_is_shown_with_its_history() {
    let app = app().await;
    let fields = json!({
        "content": r#"{"type":"TEXT","text":"Call +7 900 555-66-77"}"#, "deliveryStatus": "UNDELIVERED",
        "deliveryStatusAt": "2026-03-01T10:00:05Z", "deliveryStatusMessage": "not-whatsapp-user", "channelType": "WHATSAPP",
        "replyInMessageId": 4, "comment": "order-17", "broadcastId": 31,
    });
    app.import([message(5, fields)]).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    assert_snapshot!(main_of(&browser.get("/console/messages/5").await), @r#"Message 5Show the conversationPrint evidenceDownload evidenceAddresses, names, long numbers and codes are hidden. Reveal them with a reason.Reason; it is recordedRevealReply to message 4Call +• ••• •••-••-77Status historyStatusTimeReasonSourceReceived✗ not delivered (UNDELIVERED)2026-03-01 10:00:05 UTC, 1 hour agothe number is not registered with WhatsApp (not-whatsapp-user)import of a fileWhere it came fromimport of a fileFieldsmessageId5tenantId3193channelTypeWHATSAPPdirectionoutgoing (OUT)address+7 900 ••• •• 33deliveryStatusUNDELIVEREDdeliveryStatusAt2026-03-01 10:00:05 UTC, 1 hour agodeliveryStatusMessagethe number is not registered with WhatsApp (not-whatsapp-user)sentOrReceivedAt2026-03-01 10:00:00 UTC, 2 hours agobroadcastId31commentorder-17replyInMessageId4The message as JSON{"messageId":5,"tenantId":3193,"channelType":"WHATSAPP","direction":"OUT","address":"+7 900 ••• •• 33","content":"{\"text\":\"Call +• ••• •••-••-77\",\"type\":\"TEXT\"}","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","deliveryStatusMessage":"not-whatsapp-user","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":31,"comment":"order-17","replyInMessageId":4}Copy linkText of “Copy link”http://gateway.example/console/messages/5Copy as cURL (edna)Text of “Copy as cURL (edna)”curl -X POST 'http://gateway.example/api/messages/history' -H 'x-api-key: KEY' -H 'Content-Type: application/json' -d '{"dateFrom":"2026-03-01T10:00:00.000Z","dateTo":"2026-03-01T10:00:00.000Z","subscriberFilter":{"address":"ADDRESS","type":"PHONE"}}'Copy as cURL (OneUptime)Text of “Copy as cURL (OneUptime)”curl -X POST 'http://gateway.example/api/whatsapp-log/0db8af39-0932-8002-8000-000000000005/get-item' -H 'ApiKey: KEY' -H 'Content-Type: application/json' -d '{"select":{"createdAt":true,"messageText":true,"status":true,"statusMessage":true,"toNumber":true}}'Copy as JSONText of “Copy as JSON”{"messageId":5,"tenantId":3193,"channelType":"WHATSAPP","direction":"OUT","address":"+7 900 ••• •• 33","content":"{\"text\":\"Call +• ••• •••-••-77\",\"type\":\"TEXT\"}","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","deliveryStatusMessage":"not-whatsapp-user","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":31,"comment":"order-17","replyInMessageId":4}Copy for a ticketText of “Copy for a ticket”#5 2026-03-01 10:00:00 UTC outgoing, WhatsApp — not delivered 2026-03-01 10:00:05 UTC: the number is not registered with WhatsApp — +7 900 ••• •• 33 — order-17 — Call +• ••• •••-••-77"#);
    assert_snapshot!(browser.get("/console/messages/6").await.summary(), @"404 Not found ! There is no such message, or you may not see it.");
    assert_snapshot!(browser.get("/console/messages/x").await.summary(), @"404 Not found ! There is no such message, or you may not see it.");
    browser.headers.push(("accept-language", "ru".into()));
    browser.cookies.insert("history_console_zone".into(), "Europe/Moscow".into());
    assert_snapshot!(main_of(&browser.get("/console/messages/5").await), @r#"Сообщение 5Показать перепискуРаспечатать выпискуСкачать выпискуАдреса, имена, длинные номера и коды скрыты. Укажите причину, чтобы показать их.Причина; она будет записанаПоказатьОтвет на сообщение 4Call +• ••• •••-••-77История статусовСтатусВремяПричинаИсточникПолучено✗ не доставлено (UNDELIVERED)2026-03-01 13:00:05 UTC+3, 1 час назадномер не зарегистрирован в WhatsApp (not-whatsapp-user)импорт из файлаОткуда полученоимпорт из файлаПоляmessageId5tenantId3193channelTypeWHATSAPPdirectionисходящее (OUT)address+7 900 ••• •• 33deliveryStatusUNDELIVEREDdeliveryStatusAt2026-03-01 13:00:05 UTC+3, 1 час назадdeliveryStatusMessageномер не зарегистрирован в WhatsApp (not-whatsapp-user)sentOrReceivedAt2026-03-01 13:00:00 UTC+3, 2 часа назадbroadcastId31commentorder-17replyInMessageId4Сообщение в виде JSON{"messageId":5,"tenantId":3193,"channelType":"WHATSAPP","direction":"OUT","address":"+7 900 ••• •• 33","content":"{\"text\":\"Call +• ••• •••-••-77\",\"type\":\"TEXT\"}","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","deliveryStatusMessage":"not-whatsapp-user","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":31,"comment":"order-17","replyInMessageId":4}Скопировать ссылкуТекст для «Скопировать ссылку»http://gateway.example/console/messages/5Скопировать как cURL (edna)Текст для «Скопировать как cURL (edna)»curl -X POST 'http://gateway.example/api/messages/history' -H 'x-api-key: KEY' -H 'Content-Type: application/json' -d '{"dateFrom":"2026-03-01T10:00:00.000Z","dateTo":"2026-03-01T10:00:00.000Z","subscriberFilter":{"address":"ADDRESS","type":"PHONE"}}'Скопировать как cURL (OneUptime)Текст для «Скопировать как cURL (OneUptime)»curl -X POST 'http://gateway.example/api/whatsapp-log/0db8af39-0932-8002-8000-000000000005/get-item' -H 'ApiKey: KEY' -H 'Content-Type: application/json' -d '{"select":{"createdAt":true,"messageText":true,"status":true,"statusMessage":true,"toNumber":true}}'Скопировать как JSONТекст для «Скопировать как JSON»{"messageId":5,"tenantId":3193,"channelType":"WHATSAPP","direction":"OUT","address":"+7 900 ••• •• 33","content":"{\"text\":\"Call +• ••• •••-••-77\",\"type\":\"TEXT\"}","deliveryStatus":"UNDELIVERED","deliveryStatusAt":"2026-03-01T10:00:05.000+0000","deliveryStatusMessage":"not-whatsapp-user","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","broadcastId":31,"comment":"order-17","replyInMessageId":4}Скопировать для заявкиТекст для «Скопировать для заявки»#5 2026-03-01 13:00:00 UTC+3 исходящее, WhatsApp — не доставлено 2026-03-01 13:00:05 UTC+3: номер не зарегистрирован в WhatsApp — +7 900 ••• •• 33 — order-17 — Call +• ••• •••-••-77"#);
}

/// What is masked of a person is shown after a reason, to that session, for a quarter of an hour.
#[actix_web::test]
async fn masked_data_is_revealed_with_a_reason() {
    let app = app().await;
    app.import([
        message(1, json!({"subscriberId": 7, "content": "Your code: 483920"})),
        message(2, json!({"subscriberId": 7, "channelType": "WHATSAPP"})),
        message(3, json!({"address": "79005556677"})),
    ])
    .await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let page = browser.get("/console/people/1").await;
    assert!(!page.response.body.contains("79001112233") && !page.response.body.contains("483920"));
    let mut form = page.form("/console/people/1/reveal");
    assert_eq!(browser.post("/console/people/1/reveal", &form).await.status(), 400, "without a reason");
    form.insert("reason".into(), "Called from 79001112233".into());
    assert_eq!(browser.post("/console/people/1/reveal", &form).await.summary(), "303 → /console/people/1#newest");
    for path in ["/console/people/1", "/console/people/2", "/console/messages/1", "/console/evidence/messages/1"] {
        assert!(browser.get(path).await.response.body.contains("79001112233"), "{path}");
    }
    assert!(browser.get("/console/messages/1").await.response.body.contains("483920"));
    for path in ["/console/people/3", "/console/messages", "/console/"] {
        let body = browser.get(path).await.response.body;
        assert!(!body.contains("79005556677") && !body.contains("79001112233"), "{path}");
    }
    let mut other = Browser::signed_in(&app, "anna").await;
    assert!(!other.get("/console/people/1").await.response.body.contains("79001112233"), "another session");
    // A message that gives the person another address ends it: nobody has asked for that address.
    app.import([message(4, json!({"subscriberId": 7, "address": "79990001122"}))]).await;
    assert!(!browser.get("/console/people/1").await.response.body.contains("79990001122"));
}

#[actix_web::test]
async fn list_has_removable_filters_and_a_count() {
    let app = app().await;
    app.import((1..=60).map(|id| {
        let status = if id % 20 == 0 { "FAILED" } else { "DELIVERED" };
        message(
            id,
            json!({"deliveryStatus": status, "deliveryStatusMessage": if id == 20 { "user-blocked" } else { "" }}),
        )
    }))
    .await;
    let mut browser = Browser::signed_in(&app, "vera").await;
    let page = browser.get("/console/messages").await;
    let said = |page: &Page| {
        let said = page.elements.iter().find(|element| element.attribute("role") == "status").unwrap().text.clone();
        let chips: Vec<String> =
            page.all("li").filter(|item| item.text.contains('×')).map(|item| item.text.clone()).collect();
        format!("{said} {chips:?} {} rows", page.all("tr").count().saturating_sub(1))
    };
    assert_snapshot!(said(&page), @"50 messages are shown; there are more [] 50 rows");
    let next = page.all("a").find(|link| link.text == "Next messages").unwrap().attribute("href").to_owned();
    assert_snapshot!(said(&browser.get(&next).await), @"The end of the list: 10 more messages [] 10 rows");
    let page = browser.get("/console/messages?deliveryStatus=FAILED&channelType=SMS").await;
    assert_snapshot!(said(&page), @r#"3 messages ["deliveryStatus: failed ×", "channelType: SMS ×"] 3 rows"#);
    let remove = page.all("a").find(|link| link.text == "×").unwrap().attribute("href").to_owned();
    assert_eq!(remove, "/console/messages?channelType=SMS");
    let mut form = page.form("/console/messages");
    form.insert("address".into(), "8 900 111 22 33".into());
    let page = browser.post("/console/messages", &form).await;
    let address = page.response.header("location").to_owned();
    assert!(!address.contains("900") && address.starts_with("/console/messages?"), "{address}");
    assert_snapshot!(said(&browser.get(&address).await), @r#"3 messages ["deliveryStatus: failed ×", "channelType: SMS ×", "address: hidden ×"] 3 rows"#);
}

#[actix_web::test]
async fn page_says_which_filter_cannot_be_used() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let mut said = Vec::new();
    for path in [
        "messages?subjectId=x",
        "messages?fromDate=soon&toDate=",
        "messages?fromDate=2026-03-02&toDate=2026-03-01",
        "messages?direction=UP",
        "messages?cursor=x",
        "messages?subjectId=999",
        "messages?subject=501",
        "audit?from=2026-03-02&to=2026-03-01",
        "evidence/people/1?from=2026-03-02&to=2026-03-01",
    ] {
        let page = browser.get(&format!("/console/{path}")).await;
        let page = match page.response.header("location") {
            "" => page,
            list => browser.get(list).await,
        };
        said.push(format!("{path}: {}", page.summary()));
    }
    assert_snapshot!(said.join("\n"), @r"
    messages?subjectId=x: 400 Not valid ! The filter subjectId has a value that cannot be used. Go back and correct it.
    messages?fromDate=soon&toDate=: 400 Not valid ! The filter from has a value that cannot be used. Go back and correct it.
    messages?fromDate=2026-03-02&toDate=2026-03-01: 400 Not valid ! The dates cannot be used: each must be a date, and the first not after the last. Go back and correct them.
    messages?direction=UP: 400 Not valid ! The filter direction has a value that cannot be used. Go back and correct it.
    messages?cursor=x: 400 Not valid ! The URL or the form has a value that cannot be used. Go back and correct it.
    messages?subjectId=999: 404 Not found ! There is no such subject, or you may not see it. Go back and remove the filter.
    messages?subject=501: 400 Not valid ! The URL or the form has a value that cannot be used. Go back and correct it.
    audit?from=2026-03-02&to=2026-03-01: 400 Not valid ! The dates cannot be used: each must be a date, and the first not after the last. Go back and correct them.
    evidence/people/1?from=2026-03-02&to=2026-03-01: 400 Not valid ! The dates cannot be used: each must be a date, and the first not after the last. Go back and correct them.
    ");
}

/// A field of the form has one value; the others of its filter are sent along.
#[actix_web::test]
async fn form_keeps_the_filters_that_it_does_not_show() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let filters =
        "channelType=TELEGRAM&channelType=SMS&deliveryStatus=ACCEPTED&cascadeId=5&from=2026-03-01T10:00:00.000Z";
    let page = browser.get(&format!("/console/messages?{filters}")).await;
    let hidden = page.all("input").filter(|input| input.attribute("type") == "hidden");
    let hidden = hidden.map(|input| format!("{}={}", input.attribute("name"), input.attribute("value")));
    let is_of_page = |field: &String| ["token=", "next=", "filters="].iter().all(|other| !field.starts_with(other));
    let hidden: Vec<String> = hidden.filter(is_of_page).collect();
    let chosen = page.all("option").filter(|option| option.attributes.contains_key("selected"));
    let chosen: Vec<&str> = chosen.map(|option| option.text.as_str()).collect();
    assert_snapshot!(format!("{hidden:?} {chosen:?}"), @r#"["channelType=SMS", "cascadeId=5", "from=2026-03-01T10:00:00.000Z"] ["Telegram", "accepted", "English", "UTC"]"#);
}

#[actix_web::test]
async fn start_page_counts_two_days() {
    let app = app().await;
    let failed = json!({"deliveryStatus": "FAILED", "deliveryStatusMessage": "user-blocked"});
    app.import([
        message(1, json!({"deliveryStatus": "DELIVERED"})),
        message(2, failed),
        message(3, json!({"direction": "IN", "channelType": "VIBER"})),
        message(4, json!({"sentOrReceivedAt": "2026-02-28T23:59:59.999Z", "deliveryStatus": "READ"})),
        message(5, json!({"sentOrReceivedAt": "2026-02-27T10:00:00Z"})),
    ])
    .await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let page = browser.get("/console/counts").await;
    assert_snapshot!(main_of(&page), @"Today and yesterdayToday, 2026-03-01 UTCChannelSentDelivered, not readReadNot deliveredReceivedSMS21010Viber00001Why messages were not delivered✗ failed: the number is blocked (user-blocked) — 1Yesterday, 2026-02-28 UTCChannelSentDelivered, not readReadNot deliveredReceivedSMS10100");
    assert!(!page.response.body.contains("As of"), "counted just now");
    let failures = page.all("a").find(|link| link.attribute("href").contains("deliveryError")).unwrap();
    let list = browser.get(failures.attribute("href")).await;
    assert_eq!(list.all("tr").count(), 2);
    browser.get("/console/people/1").await;
    let start = browser.get("/console/").await;
    assert_snapshot!(main_of(&start), @"StartFind a person or a message in the box above; press / to get there.Show the counts of today and yesterdayPeople you viewed recently+7 900 ••• •• 33 (SMS), 2026-03-01 12:00:00 UTC, just now");
}

#[actix_web::test]
async fn administrators_manage_users() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "root").await;
    let mut form = browser.get("/console/users").await.form("/console/users");
    form.insert("login".into(), "Boris".into());
    form.insert("role".into(), "viewer".into());
    let page = browser.post("/console/users", &form).await;
    let password = page.all("code").next().unwrap().text.clone();
    let mut boris = Browser::new(&app);
    assert_eq!(boris.sign_in("boris", &password).await.summary(), "303 → /console/");
    assert_snapshot!(browser.post("/console/users", &form).await.summary(), @"422 Users ! The user was not created: the login is taken, or the tenant has no such sender.");
    form.insert("login".into(), "a b".into());
    assert_snapshot!(browser.post("/console/users", &form).await.summary(), @"422 Users ! The user was not created: a login has letters, digits and . _ - @ + only, senders are numbers, and only viewers and agents may be limited to some.");
    let mut change = browser.get("/console/users").await.form("/console/users/change");
    change.insert("login".into(), "boris".into());
    change.insert("change".into(), "end-sessions".into());
    assert_eq!(browser.post("/console/users/change", &change).await.summary(), "303 → /console/users");
    assert!(boris.get("/console/").await.summary().starts_with("303 → /console/login"));
    change.insert("change".into(), "disable".into());
    browser.post("/console/users/change", &change).await;
    assert_eq!(boris.sign_in("boris", &password).await.status(), 422);
    change.insert("login".into(), "root".into());
    assert_eq!(browser.post("/console/users/change", &change).await.status(), 400, "nobody disables themselves");
    change.insert("login".into(), "nobody".into());
    assert_eq!(browser.post("/console/users/change", &change).await.status(), 404);
}

/// Stored text is text, whatever it contains.
#[actix_web::test]
async fn hostile_text_is_shown_as_text() {
    let app = app().await;
    let script = "<script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}😀";
    let content = json!({"type": "TEXT", "text": format!("{script}\u{0}{}", "w".repeat(100_000))}).to_string();
    let url = json!({"type": "IMAGE", "attachment": {"url": "javascript:alert(1)"}, "caption": script}).to_string();
    app.import([
        message(1, json!({"content": content, "comment": script, "subjectId": 5, "subjectName": script})),
        message(2, json!({"content": url, "deliveryStatus": script, "deliveryStatusMessage": script, "<b>": script})),
        message(3, json!({"content": script, "channelType": script, "broadcastId": 1, "broadcastName": script})),
    ])
    .await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    for path in [
        "/console/messages",
        "/console/people/1",
        "/console/messages/1",
        "/console/messages/2",
        "/console/messages/3",
        "/console/evidence/people/2",
        "/console/counts",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(page.all("img").count(), 0, "{path}");
        assert!(page.all("script").all(|script| script.text.is_empty()), "{path}");
        assert!(page.all("a").all(|link| !link.attribute("href").starts_with("javascript")), "{path}");
        assert!(!page.response.body.contains('\0'), "{path}");
        assert!(page.response.body.len() < 300_000, "{path}: {}", page.response.body.len());
    }
}
