//! The one box: each thing that an agent may know of a message leads to it.

use insta::assert_snapshot;
use serde_json::json;

use super::browser::{Browser, Page, create_user, create_user_of};
use crate::support::{TestApp, message};
use history_gateway::model::TenantId;
use history_gateway::model::user::Role;

async fn app() -> TestApp {
    let app = TestApp::with(|config| config.search.on_demand = true).await;
    app.import([
        message(1, json!({"content": r#"{"type":"TEXT","text":"Ваш заказ оплачен"}"#, "comment": "order-17"})),
        message(2, json!({"channelType": "WHATSAPP", "subscriberId": 77, "deliveryStatus": "READ"})),
        message(3, json!({"channelType": "PUSH", "address": "device-0001-abcd", "subscriberId": 77})),
        message(4, json!({"address": "79005556677", "broadcastId": 31, "broadcastName": "Spring sale"})),
        message(5, json!({"channelType": "EMAIL", "address": "Anna@shop.example"})),
        message(6, json!({"address": "79005556688", "content": r#"{"type":"TEXT","text":"заказы в пути"}"#})),
    ])
    .await;
    create_user(&app, "anna", Role::Agent).await;
    app
}

/// Types a text into the box, and follows the address that it leads to.
async fn find(browser: &mut Browser<'_>, text: &str) -> (Page, String) {
    let mut form = browser.get("/console/").await.form("/console/find");
    form.insert("q".into(), text.into());
    let page = browser.post("/console/find", &form).await;
    let address = page.response.header("location").to_owned();
    (browser.get(&address).await, address)
}

#[actix_web::test]
async fn one_box_takes_a_text_for_everything_that_it_may_be() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let mut found = Vec::new();
    for text in [
        "+7 (900) 111-22-33",
        "8 900 111 22 33",
        "79005556677",
        "9005556677",
        "device-0001-abcd",
        "anna@SHOP.example",
        "77",
        "3",
        "31",
        "order-17",
        "оплаченный",
        "заказ",
        "spring",
        "79005550000",
        "нет такого",
    ] {
        let (page, address) = find(&mut browser, text).await;
        assert!(address.starts_with("/console/find?q=") && (text.len() < 4 || !address.contains(text)), "{address}");
        let said = page.elements.iter().find(|element| element.attribute("role") == "status");
        let said = said.map(|element| format!(" — {}", element.text)).unwrap_or_default();
        found.push(format!("{text}: {}{said}", page.summary()));
    }
    assert_snapshot!(found.join("\n"), @"
    +7 (900) 111-22-33: 303 → /console/people/3#newest
    8 900 111 22 33: 303 → /console/people/3#newest
    79005556677: 303 → /console/people/4#newest
    9005556677: 303 → /console/people/4#newest
    device-0001-abcd: 303 → /console/people/3#newest
    anna@SHOP.example: 303 → /console/people/5#newest
    77: 303 → /console/people/3#newest
    3: 303 → /console/messages/3
    31: 303 → /console/messages?broadcastId=31
    order-17: 303 → /console/messages/1
    оплаченный: 200 Search results — Nothing found. Searched as address оп•••ый, comment “оплаченный”, words “оплаченный”.
    заказ: 200 Search results — words “заказ”: 2
    spring: 303 → /console/messages?broadcastId=31
    79005550000: 200 Search results — Nothing found. Searched as phone +7 900 ••• •• 00, address +7 900 ••• •• 00, message 79005550000, subscriber 79005550000, broadcast 79005550000, cascade 79005550000, comment “•••••••••00”, words “•••••••••00”.
    нет такого: 200 Search results — Nothing found. Searched as comment “нет такого”, words “нет такого”.
    ");
}

#[actix_web::test]
async fn several_kinds_are_listed_in_groups() {
    let app = app().await;
    app.import([message(7, json!({"comment": "79005556677", "address": "79001234567"}))]).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let (page, _) = find(&mut browser, "77").await;
    assert_eq!(page.summary(), "303 → /console/people/3#newest");
    let (page, _) = find(&mut browser, "заказ").await;
    let rows: Vec<String> = page.all("td").map(|cell| cell.text.trim().to_owned()).collect();
    assert_snapshot!(page.all("h2").map(|heading| heading.text.clone()).collect::<Vec<_>>().join("\n"), @"words “заказ”");
    assert_snapshot!(rows.join(" | "), @"2026-03-01 10:00:00 UTC, 2 hours ago | outgoing, SMS | +7 900 ••• •• 88 | заказы в пути |  | 2026-03-01 10:00:00 UTC, 2 hours ago | outgoing, SMS | +7 900 ••• •• 33 | Ваш заказ оплачен |");
}

/// Nothing found says what was tried, where, and what else to do.
#[actix_web::test]
async fn nothing_found_explains_itself() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let (page, _) = find(&mut browser, "оплачивается завтра").await;
    let main = page.all("main").next().unwrap();
    assert_snapshot!(main.text, @"Search resultsNothing found. Searched as comment “оплачивается завтра”, words “оплачивается завтра”.Every message of tenant 3193 that you may see was searched, with no time limit.Search for words that begin like thisLook through the list of all messagesA phone number must be complete. A text that is hidden from you is not searched.");
    let beginning =
        page.all("a").find(|link| link.text.contains("begin like this")).unwrap().attribute("href").to_owned();
    assert_eq!(browser.get(&beginning).await.summary(), "303 → /console/messages/1");
}

/// A search that takes too long does not say that there is nothing.
#[actix_web::test]
async fn search_that_was_cut_is_continued_in_the_list() {
    let app = TestApp::with(|config| {
        config.database.walk_rows = 7;
        config.search.on_demand = true;
    })
    .await;
    // What is hidden is not searched, but looked at.
    let text = |id| if id == 3 { "Код города".into() } else { format!("Код {}", 4000 + id) };
    app.import((1..=30).map(|id| message(id, json!({"content": text(id)})))).await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let (mut page, _) = find(&mut browser, "код").await;
    assert_snapshot!(page.all("main").next().unwrap().text, @"Search resultswords “код”: 0+words “код”The search took too long and was stopped before its end.Continue the search");
    let mut link = page.all("a").find(|link| link.text == "Continue the search").unwrap().attribute("href").to_owned();
    for _ in 0..5 {
        page = browser.get(&link).await;
        let next = page.all("a").find(|link| link.text == "Next messages");
        link = match next {
            Some(next) if page.all("td").count() == 0 => next.attribute("href").to_owned(),
            _ => break,
        };
    }
    assert!(page.all("a").any(|link| link.attribute("href") == "/console/messages/3"));
}

#[actix_web::test]
async fn address_of_another_session_finds_nothing() {
    let app = app().await;
    create_user_of(&app, crate::support::TENANT, "boris", Role::Agent).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let (_, address) = find(&mut browser, "79005556677").await;
    let mut other = Browser::signed_in(&app, "boris").await;
    assert_snapshot!(other.get(&address).await.summary(), @"404 A link from another session ! This link contains an address or a text that only the session that made it can read. Search again.");
    assert_snapshot!(other.get("/console/find?q=79005556677").await.summary(), @"404 A link from another session ! This link contains an address or a text that only the session that made it can read. Search again.");
    assert_eq!(browser.get(&address).await.summary(), "303 → /console/people/4#newest");
}

#[actix_web::test]
async fn other_tenants_and_other_subjects_are_never_found() {
    let app = app().await;
    app.create_tenant(TenantId(9)).await;
    create_user_of(&app, TenantId(9), "other", Role::Admin).await;
    let mut browser = Browser::signed_in(&app, "other").await;
    for text in ["79005556677", "4", "order-17", "заказ", "spring", "77"] {
        let (page, _) = find(&mut browser, text).await;
        assert_eq!(page.summary(), "200 Search results", "{text}");
        assert_eq!(page.all("td").count(), 0, "{text}");
    }
    for path in
        ["/console/messages/4", "/console/people/4", "/console/evidence/messages/4", "/console/messages?subjectId=5"]
    {
        assert!(browser.get(path).await.summary().starts_with("404 Not found"), "{path}");
    }
}
