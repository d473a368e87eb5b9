//! What is masked stands in no response, and no search, sort, count or page size tells it.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};

use super::browser::{Browser, create_user};
use crate::support::{NOW, TestApp, instant, message};
use history_gateway::config::Config;
use history_gateway::model::key::Secret;
use history_gateway::model::user::{Role, User};
use history_gateway::model::{Grants, Item, MessageFilters, Sight, TenantId, search};
use history_gateway::viewer::Viewer;

/// A message with secrets in a place that a person or a program may have written them to.
fn with_secret(id: i64, place: usize, secret: &str, around: &str) -> Value {
    let text = format!("{around}{secret} {around}");
    let content = |json: Value| json!({"content": json.to_string()});
    let fields = match place {
        0 => content(json!({"type": "TEXT", "text": text})),
        1 => content(
            json!({"type": "IMAGE", "caption": text, "attachment": {"url": format!("https://x.example/{secret}")}}),
        ),
        2 => json!({"content": text}),
        3 => json!({"comment": text}),
        4 => json!({"deliveryStatus": "FAILED", "deliveryStatusMessage": text}),
        5 => json!({"subjectName": text, "broadcastName": text, "broadcastId": 5}),
        6 => json!({"replyOutMessageExternalRequestId": secret}),
        7 => json!({"other": {"a": [text, secret.parse::<i64>().unwrap()]}}),
        8 => json!({"address": secret}),
        _ => content(json!({"type": "HSM", "template": {"parameters": [secret]}, "buttons": [{"text": text}]})),
    };
    message(id, fields)
}

/// All pages that a viewer can open contain no masked number.
#[actix_web::test]
async fn no_masked_number_stands_in_any_response() {
    let unlimited = |config: &mut Config| config.console.attempts_per_login = 0;
    let app = TestApp::with(unlimited).await;
    let secret = "79267654321";
    let around = ["", "Call ", "№", "тел.:"];
    let messages = (0..40_usize)
        .map(|number| with_secret(i64::try_from(number).unwrap() + 1, number % 10, secret, around[number / 10]));
    app.import(messages).await;
    for role in Role::ALL {
        create_user(&app, role.word(), role).await;
        let mut browser = Browser::signed_in(&app, role.word()).await;
        let mut paths: Vec<String> = (1..=40).map(|id| format!("/console/messages/{id}")).collect();
        paths.extend(
            [
                "/console/people/1",
                "/console/people/9",
                "/console/messages",
                "/console/counts",
                "/console/",
                "/console/audit",
            ]
            .map(String::from),
        );
        paths.extend(["/console/evidence/messages/8", "/console/evidence/people/1"].map(String::from));
        for text in [secret, "Call", "+7 926 765-43-21", "7654321"] {
            let mut form = browser.get("/console/").await.form("/console/find");
            form.insert("q".into(), text.into());
            paths.push(browser.post("/console/find", &form).await.response.header("location").to_owned());
        }
        for path in paths {
            let body = browser.get(&path).await.response.body;
            let digits: String =
                body.chars().filter(|letter| letter.is_ascii_digit() || letter.is_alphabetic()).collect();
            assert!(!digits.contains("7926765432") && !digits.contains("267654321"), "{}: {path}", role.word());
        }
    }
}

fn viewer(app: &TestApp, tenant: TenantId) -> Viewer {
    let grants = Grants { sight: Sight::Masked, ..Grants::all(tenant) };
    let user = User { id: tenant.0, login: "vera".into(), role: Role::Viewer, grants };
    Viewer::new(app.gateway.app.clone(), user, Secret::random(), (None, instant(NOW)))
}

/// What a list shows, and whether it goes on.
async fn listed(viewer: &Viewer, filters: MessageFilters) -> String {
    let list = viewer.list(filters, None).await.unwrap();
    let items: Vec<String> = list.items.iter().map(without_tenant).collect();
    format!("{items:?} {:?} {}", list.next, list.is_cut)
}

fn without_tenant(item: &Item) -> String {
    let mut item: Value = serde_json::from_str(&item.render()).unwrap();
    item.as_object_mut().unwrap().remove("tenantId");
    item.to_string()
}

/// Two tenants whose messages differ only in what is masked get the same responses to any search.
#[actix_web::test]
async fn nothing_tells_one_masked_text_from_another() {
    let app = Arc::new(TestApp::with(|config| config.search.on_demand = true).await);
    let tenants = [(TenantId(1), "79261112244"), (TenantId(2), "79355553344")];
    for (tenant, secret) in tenants {
        app.create_tenant(tenant).await;
        let messages = (0..60_usize).map(|number| {
            let around = ["заказ ", "code word ", "a-", ""][number % 4];
            with_secret(i64::try_from(number).unwrap() + 1, [0, 1, 2, 3, 4, 5, 6, 7, 9][number % 9], secret, around)
        });
        app.import_for(tenant, messages).await;
        let store = app.store.clone();
        let step = move |connection: &mut _| {
            history_gateway::store::search::indexing::step(connection, tenant, 1000, instant(NOW))
        };
        while store.write(step).await.unwrap().is_behind {}
    }
    let words = [
        "заказ",
        "79261112244",
        "79355553344",
        "792611*",
        "-79261112244 заказ",
        "\"заказ 79261112244\"",
        "44",
        "\"44 заказ\"",
        "a-79261112244",
        "7926111*",
        "-7935555* code",
        "code",
        "word -44",
        "79*",
        "a*",
    ];
    let comments = ["заказ 79261112244 заказ", "79355553344", "a-79261112244 a-"];
    for word in words {
        let Ok(query) = search::Query::parse(word) else { continue };
        let filters = MessageFilters { text: Some(query), ..MessageFilters::default() };
        let [one, other] = [
            listed(&viewer(&app, tenants[0].0), filters.clone()).await,
            listed(&viewer(&app, tenants[1].0), filters).await,
        ];
        assert_eq!(one, other, "{word}");
    }
    for comment in comments {
        let filters = MessageFilters { comment: Some(comment.into()), ..MessageFilters::default() };
        let [one, other] = [
            listed(&viewer(&app, tenants[0].0), filters.clone()).await,
            listed(&viewer(&app, tenants[1].0), filters).await,
        ];
        assert_eq!(one, other, "{comment}");
    }
    let mut runner = TestRunner::new(Cases { cases: 60, failure_persistence: None, ..Cases::default() });
    let alphabet = r#"(заказ|code|word|a-|7926111|79261112244|79355553344|44|-|"|\*| ){1,5}"#;
    for _ in 0..60 {
        let text = alphabet_value(&mut runner, alphabet);
        let mut found = Vec::new();
        for (tenant, _) in tenants {
            let findings = viewer(&app, tenant).find(&text).await;
            found.push(findings.ok().map(|findings| {
                let groups = findings.groups.iter().map(|group| {
                    let items: Vec<String> = group.items.iter().map(without_tenant).collect();
                    format!("{:?} {items:?} {}", group.kind, group.next.is_some())
                });
                groups.collect::<Vec<_>>().join("\n")
            }));
        }
        assert_eq!(found[0], found[1], "{text}");
    }
}

fn alphabet_value(runner: &mut TestRunner, pattern: &str) -> String {
    let strategy = proptest::string::string_regex(pattern).unwrap();
    strategy.new_tree(runner).unwrap().current()
}
