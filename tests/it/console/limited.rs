//! Users who may see the messages of some subjects only: nothing of any other is told, by any page.

use std::collections::BTreeSet;

use serde_json::json;

use super::browser::{Browser, Page, create_limited_user};
use crate::support::{TENANT, TestApp, message};
use history_gateway::model::user::Role;

/// What stands in messages of subject 701 only.
const HIDDEN: [&str; 5] = ["device-0001-abcd", "de•••cd", "autumn", "Overheard", "order-701"];

/// One person with a message of subject 501, which the users see, and one of subject 701, which they do not.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.import([
        message(1, json!({"subjectId": 501, "subscriberId": 7, "broadcastId": 3, "broadcastName": "spring sale"})),
        message(
            2,
            json!({"subjectId": 701, "subscriberId": 7, "broadcastId": 4, "broadcastName": "autumn sale",
                "address": "device-0001-abcd", "content": "Overheard", "comment": "order-701",
                "deliveryStatus": "UNDELIVERED", "deliveryStatusMessage": "autumn-reason"}),
        ),
    ])
    .await;
    for role in Role::ALL {
        create_limited_user(&app, TENANT, (role.word(), role), Some(BTreeSet::from([501]))).await;
    }
    create_limited_user(&app, TENANT, ("root", Role::Admin), None).await;
    app
}

fn assert_hidden(page: &Page, what: &str) {
    for hidden in HIDDEN {
        assert!(!page.response.body.contains(hidden), "{what}: {hidden}");
    }
}

/// Looking for the few messages that a user may see among many others takes several pages, which leave nothing out.
#[actix_web::test]
async fn conversation_that_was_cut_goes_on() {
    let app = TestApp::with(|config| config.database.walk_rows = 7).await;
    let of_user = |id: i64| id % 20 == 1;
    app.import((1..=60).map(|id| message(id, json!({"subjectId": if of_user(id) { 501 } else { 701 }})))).await;
    create_limited_user(&app, TENANT, ("anna", Role::Agent), Some(BTreeSet::from([501]))).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    for (start, link, wanted) in [
        ("", "older", vec![41, 21, 1]),
        ("?after=0", "newer", vec![1, 21, 41]),
        ("?date=2026-03-01", "older", vec![41, 21, 1]),
    ] {
        let (mut address, mut found) = (format!("/console/people/41{start}"), Vec::new());
        for _ in 0..30 {
            let page = browser.get(&address).await;
            let ids = page.all("li").filter_map(|item| item.attribute("id").strip_prefix('m'));
            found.extend(ids.map(|id| id.parse::<i64>().unwrap()));
            let place = page.elements.iter().position(|element| element.attribute("id") == link);
            let Some(place) = place else { break };
            let next = page.elements[place..].iter().find(|element| element.name == "a").unwrap();
            address = next.attribute("href").to_owned();
        }
        assert_eq!(found, wanted, "{start}");
    }
}

#[actix_web::test]
async fn no_page_tells_of_another_subject() {
    let app = app().await;
    let routes = crate::openapi::all_routes();
    let pages: Vec<String> = routes.into_iter().filter(|path| path.starts_with("/console")).collect();
    for role in Role::ALL {
        let mut browser = Browser::signed_in(&app, role.word()).await;
        for path in pages.iter().map(|path| path.replace("{}", "1")).chain(["/console/messages/2".into()]) {
            assert_hidden(&browser.get(&path).await, &path);
        }
        for text in ["sale", "autumn", "order-701", "Overheard", "device-0001-abcd", "2", "7", "4", "79001112233"] {
            let mut form = browser.get("/console/").await.form("/console/find");
            form.insert("q".into(), text.into());
            let address = browser.post("/console/find", &form).await.response.header("location").to_owned();
            let found = browser.get(&address).await;
            // What was typed may be said again.
            let said = found.response.body.replace(text, "");
            for hidden in HIDDEN.iter().filter(|hidden| !text.contains(*hidden) && **hidden != "de•••cd") {
                assert!(!said.contains(hidden), "{text}: {hidden}");
            }
        }
    }
}

#[actix_web::test]
async fn what_is_revealed_is_of_the_own_subjects() {
    let app = app().await;
    let mut browser = Browser::signed_in(&app, "agent").await;
    let mut form = browser.get("/console/people/1").await.form("/console/people/1/reveal");
    form.insert("reason".into(), "a refund".into());
    browser.post("/console/people/1/reveal", &form).await;
    for path in ["/console/people/1", "/console/messages/1", "/console/evidence/people/1"] {
        let page = browser.get(path).await;
        assert!(page.response.body.contains("79001112233"), "{path}");
        assert_hidden(&page, path);
    }
    // Not even by a digest, which could be compared with that of a guess.
    let records = crate::audit::records(&app).await;
    assert!(records.contains(r#""action":"reveal","addresses":"1 digests""#), "{records}");
    let sheet = browser.get("/console/evidence/people/1").await;
    assert!(sheet.response.body.contains("because its author sees no others: 501."));
}

/// Nobody gives others more than they have.
#[actix_web::test]
async fn limited_admin_manages_nobody_and_is_not_created() {
    let app = app().await;
    let mut limited = Browser::signed_in(&app, "admin").await;
    let mut root = Browser::signed_in(&app, "root").await;
    let page = root.get("/console/users").await;
    let mut form = page.form("/console/users");
    for role in ["admin", "auditor"] {
        form.extend(
            [("login", "new"), ("role", role), ("senders", "501")].map(|(name, value)| (name.into(), value.into())),
        );
        assert_eq!(root.post("/console/users", &form).await.status(), 422, "{role}");
    }
    root.get("/console/people/1").await;
    let own = limited.get("/console/").await.form("/console/logout");
    form.insert("token".into(), own["token"].clone());
    form.insert("senders".into(), String::new());
    assert_eq!(limited.post("/console/users", &form).await.status(), 403);
    assert_eq!(limited.get("/console/users").await.status(), 403);
    let change = [("token", own["token"].as_str()), ("login", "root"), ("change", "password")];
    let change = change.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(limited.post("/console/users/change", &change).await.status(), 403);
    assert!(!limited.get("/console/audit").await.response.body.contains("root"), "only the own records");
}
