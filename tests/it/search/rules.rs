//! What a search finds, and what its response tells (docs/api.md 3.1, 3.2).

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{found, ids, index, search, text};
use crate::support::{TENANT, TestApp, message};
use crate::v1;
use history_gateway::model::TenantId;
use history_gateway::model::key::KeyKind;

async fn app(messages: impl IntoIterator<Item = Value>) -> TestApp {
    let app = TestApp::new().await;
    app.import(messages).await;
    index(&app.store).await;
    app
}

#[actix_web::test]
async fn word_forms_case_and_accents_do_not_count() {
    let app = app([
        text(1, "Ваша доставка прибыла"),
        text(2, "Отменить доставку?"),
        text(3, "Two deliveries today"),
        text(4, "Ёлка у Café"),
        text(5, "доставщик, delirium"),
    ])
    .await;
    assert_eq!(found(&app, "доставка").await, [2, 1]);
    assert_eq!(found(&app, "ДОСТАВКИ").await, [2, 1]);
    assert_eq!(found(&app, "delivery").await, [3]);
    assert_eq!(found(&app, "елки cafe").await, [4]);
    assert_eq!(found(&app, "ёлка кафе").await, [] as [i64; 0]);
}

#[actix_web::test]
async fn words_phrases_beginnings_and_negations_combine() {
    let app = app([
        text(1, "Заказ готов и ждёт вас"),
        text(2, "Готов ваш заказ"),
        text(3, "Заказ отменён"),
        text(4, "Заказы: готов один"),
        text(5, "Приготовить"),
    ])
    .await;
    assert_eq!(found(&app, "заказ готов").await, [4, 2, 1]);
    assert_eq!(found(&app, "\"заказ готов\"").await, [4, 1]);
    assert_eq!(found(&app, "гот*").await, [4, 2, 1]);
    assert_eq!(found(&app, "заказ -готов").await, [3]);
    assert_eq!(found(&app, "заказ -\"заказ готов\"").await, [3, 2]);
    assert_eq!(found(&app, "заказ -отмен*").await, [4, 2, 1]);
    for wrong in ["-заказ", "", "!!!", "-\"заказ готов\" -да"] {
        let response = v1::query(&app, json!({"text": wrong})).await;
        assert!(response.starts_with("400 "), "{wrong}: {response}");
    }
}

#[actix_web::test]
async fn code_is_found_whole_and_by_its_parts() {
    let app =
        app([text(1, "Заказ A-1042, 12.50 руб."), text(2, "Заказ A-1043 от 2026/11/29"), text(3, "интернет-магазин")])
            .await;
    assert_eq!(found(&app, "a-1042").await, [1]);
    assert_eq!(found(&app, "1042").await, [1]);
    assert_eq!(found(&app, "A-104*").await, [2, 1]);
    assert_eq!(found(&app, "12.50").await, [1]);
    assert_eq!(found(&app, "2026/11/29").await, [2]);
    assert_eq!(found(&app, "2026 11").await, [2]);
    assert_eq!(found(&app, "магазин").await, [3]);
    assert_eq!(found(&app, "интернет-магазины").await, [3]);
    assert_eq!(found(&app, "A-104").await, [] as [i64; 0]);
}

#[actix_web::test]
async fn all_texts_of_a_message_are_searched() {
    let content = json!({"type": "LIST_PICKER", "header": "верх", "footer": {"text": "низ"}, "caption": "подпись",
        "items": [{"title": "первый", "id": "невидимый"}, {"name": "второй"}], "url": "адрес"});
    let app = app([
        message(1, json!({"content": content.to_string(), "comment": "пометка X-1"})),
        message(2, json!({"content": "просто текст"})),
        message(3, json!({"content": "\"строка\"", "cascadeName": "каскад"})),
    ])
    .await;
    for word in ["верх", "низ", "подпись", "первый", "второй", "пометка", "X-1"] {
        assert_eq!(found(&app, word).await, [1], "{word}");
    }
    assert_eq!(found(&app, "просто").await, [2]);
    assert_eq!(found(&app, "строка").await, [3]);
    for word in ["невидимый", "адрес", "LIST_PICKER", "каскад", "79001112233"] {
        assert_eq!(found(&app, word).await, [] as [i64; 0], "{word}");
    }
}

#[actix_web::test]
async fn response_tells_terms_and_hits() {
    let content = json!({"text": "😀 Доставка A-1042 готова", "items": [{"title": "доставку"}]}).to_string();
    let app = app([
        message(1, json!({"content": content, "comment": "о доставке"})),
        message(2, json!({"content": "нет доставки"})),
    ])
    .await;
    assert_snapshot!(v1::query(&app, json!({"text": "доставка \"a-1042 готова\" -нет"})).await, @r#"200 {"messages":[{"message":{"messageId":1,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"{\"items\":[{\"title\":\"доставку\"}],\"text\":\"😀 Доставка A-1042 готова\"}","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000","comment":"о доставке"},"hits":[{"path":"content.items.0.title","from":0,"to":8},{"path":"content.text","from":3,"to":11},{"path":"content.text","from":12,"to":25},{"path":"comment","from":2,"to":10}]}],"complete":true,"search":{"terms":["доставка","a-1042 готова"]}}"#);
    assert_snapshot!(v1::get(&app, "/v1/messages?text=%D0%9D%D0%95%D0%A2*").await, @r#"200 {"messages":[{"message":{"messageId":2,"tenantId":3193,"channelType":"SMS","direction":"OUT","address":"79001112233","content":"нет доставки","sentOrReceivedAt":"2026-03-01T10:00:00.000+0000"},"hits":[{"path":"content","from":0,"to":3}]}],"complete":true,"search":{"terms":["нет*"]}}"#);
    assert_snapshot!(v1::query(&app, json!({"text": "ничего"})).await, @r#"200 {"messages":[],"complete":true,"search":{"terms":["ничего"]}}"#);
}

#[actix_web::test]
async fn search_is_newest_first_page_by_page() {
    let app = app((1..=25).map(|id| text(id, if id % 2 == 0 { "чётный заказ" } else { "нечётный заказ" }))).await;
    for limit in [1, 4, 25] {
        let mut found = Vec::new();
        for page in v1::walk(&app, &app.key, json!({"text": "заказ", "limit": limit})).await {
            found.extend(ids(&page));
        }
        assert_eq!(found, (1..=25).rev().collect::<Vec<i64>>(), "{limit}");
    }
    assert_eq!(v1::ids(&v1::query(&app, json!({"text": "заказ", "order": "asc"})).await), "400 not-valid-request");
    let cursor = search(&app, json!({"limit": 2}), "заказ").await["next"].clone();
    assert_eq!(v1::ids(&v1::query(&app, json!({"text": "заказы", "cursor": cursor})).await), "400 not-valid-request");
    assert_eq!(v1::ids(&v1::query(&app, json!({"cursor": cursor})).await), "400 not-valid-request");
}

#[actix_web::test]
async fn search_and_other_filters_restrict_together() {
    let app = TestApp::new().await;
    let with = |id: i64, fields: Value| {
        let mut message = text(id, "заказ готов");
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        message
    };
    app.import([
        with(1, json!({"subjectId": 5, "address": "79000003193"})),
        with(2, json!({"subjectId": 6, "direction": "IN"})),
        with(3, json!({"subjectId": 5, "comment": "A-1", "sentOrReceivedAt": "2026-02-01T00:00:00Z"})),
        text(4, "другое"),
    ])
    .await;
    index(&app.store).await;
    let found = async |query: Value| ids(&search(&app, query, "заказ").await);
    assert_eq!(found(json!({"subjectId": 5})).await, [3, 1]);
    assert_eq!(found(json!({"direction": "IN"})).await, [2]);
    assert_eq!(found(json!({"address": "8 900 000 31 93"})).await, [1]);
    assert_eq!(found(json!({"comment": "A-1"})).await, [3]);
    assert_eq!(found(json!({"messageId": [1, 4]})).await, [1]);
    assert_eq!(found(json!({"from": "2026-02-15"})).await, [2, 1]);
    assert_eq!(found(json!({"to": "2026-02-15"})).await, [3]);
    let key = app
        .issue_key(TENANT, |key| {
            key.kind = KeyKind::Additional;
            key.groups = Some(vec!["message-history".into()]);
            key.senders = Some(vec![6]);
        })
        .await;
    let response = v1::query_with(&app, &key, json!({"text": "заказ"})).await;
    assert_eq!(ids(&serde_json::from_str(&response[4..]).unwrap()), [2], "a key sees its senders' messages");
}

#[actix_web::test]
async fn other_tenants_texts_are_never_found() {
    let app = app([text(1, "заказ")]).await;
    let other = TenantId(77);
    app.create_tenant(other).await;
    app.import_for(other, [text(1, "другое"), text(2, "заказ")]).await;
    let step = move |connection: &mut _| {
        history_gateway::store::search::indexing::step(
            connection,
            other,
            100,
            crate::support::instant(crate::support::NOW),
        )
    };
    while app.store.write(step).await.unwrap().is_behind {}
    assert_eq!(found(&app, "заказ").await, [1]);
    let key = app.issue_key(other, |_| {}).await;
    let response = v1::query_with(&app, &key, json!({"text": "заказ"})).await;
    assert_eq!(ids(&serde_json::from_str(&response[4..]).unwrap()), [2]);
}
