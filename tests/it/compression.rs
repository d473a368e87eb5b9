//! Long responses are compressed for clients that ask for it, and are the same then.

use actix_web::test;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Response, TestApp, message};

async fn page(app: &TestApp, accept: &str, limit: i64) -> Response {
    let headers = [("x-api-key", app.key.as_str()), ("accept-encoding", accept)];
    let headers = if accept.is_empty() { &headers[..1] } else { &headers[..] };
    app.post("/api/messages/history", headers, json!({"limit": limit}).to_string()).await
}

fn sizes(response: &Response) -> String {
    let header = |name| response.header(name);
    format!("{} {} [{}]", response.status.as_u16(), header("content-encoding"), header("vary"))
}

#[actix_web::test]
async fn long_page_is_compressed_as_the_client_asks() {
    let app = TestApp::new().await;
    let content = "Your order is on its way. ".repeat(20);
    app.import((1..=40).map(|id| message(id, json!({"content": content})))).await;
    let plain = page(&app, "", 40).await;
    assert!(plain.body.len() > 16 * 1024);
    let mut found = String::new();
    for accept in [
        "zstd",
        "gzip",
        "gzip, deflate, br, zstd",
        "gzip;q=0.9, zstd;q=0.5",
        "gzip;q=0, zstd;q=0",
        "identity, gzip;q=0.5",
        "identity;q=0, gzip",
        "identity;q=0",
        "*",
        "br",
        "GZIP",
        "zstd;q=nonsense",
        ",;q=",
    ] {
        let response = page(&app, accept, 40).await;
        assert_eq!(response.body, plain.body, "{accept}");
        found += &format!("{accept:?}: {}\n", sizes(&response));
    }
    assert_snapshot!(found, @r#"
    "zstd": 200 zstd [accept-encoding]
    "gzip": 200 gzip [accept-encoding]
    "gzip, deflate, br, zstd": 200 zstd [accept-encoding]
    "gzip;q=0.9, zstd;q=0.5": 200 gzip [accept-encoding]
    "gzip;q=0, zstd;q=0": 200  []
    "identity, gzip;q=0.5": 200  []
    "identity;q=0, gzip": 200 gzip [accept-encoding]
    "identity;q=0": 200  []
    "*": 200  []
    "br": 200  []
    "GZIP": 200 gzip [accept-encoding]
    "zstd;q=nonsense": 200  []
    ",;q=": 200  []
    "#);
    assert_eq!(sizes(&plain), "200  []");
}

#[actix_web::test]
async fn short_response_is_not_compressed() {
    let app = TestApp::new().await;
    app.import((1..=15).map(|id| message(id, json!({})))).await;
    assert_eq!(sizes(&page(&app, "zstd, gzip", 15).await), "200  []");
    let refused = app.post("/api/messages/history", &[("accept-encoding", "gzip")], "{}").await;
    assert_eq!(sizes(&refused), "401  []");
}

#[actix_web::test]
async fn response_that_is_read_in_parts_is_compressed_too() {
    let app = TestApp::new().await;
    app.import((1..=30).map(|id| message(id, json!({"content": id.to_string().repeat(100_000)})))).await;
    let plain = page(&app, "", 1000).await;
    assert!(plain.body.len() > 3 * 1024 * 1024);
    for accept in ["zstd", "gzip"] {
        let response = page(&app, accept, 1000).await;
        assert_eq!(response.header("content-encoding"), accept);
        assert!(response.body == plain.body);
    }
}

#[actix_web::test]
async fn no_more_than_eight_responses_are_compressed_at_the_same_time() {
    let app = TestApp::new().await;
    app.import((1..=40).map(|id| message(id, json!({"content": "x".repeat(1000)})))).await;
    let service = test::init_service(history_gateway::http::app(app.gateway.clone())).await;
    let ask = async || {
        let request = test::TestRequest::post().uri("/api/messages/history").set_payload(r#"{"limit":40}"#);
        let request = request.insert_header(("x-api-key", app.key.as_str())).insert_header(("accept-encoding", "gzip"));
        test::call_service(&service, request.to_request()).await
    };
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(ask().await);
        assert!(unread.last().unwrap().headers().contains_key("content-encoding"));
    }
    let plain = ask().await;
    assert!(!plain.headers().contains_key("content-encoding"));
    assert!(test::read_body(plain).await.starts_with(b"{\"content\""));
    test::read_body(unread.pop().unwrap()).await;
    assert!(ask().await.headers().contains_key("content-encoding"));
}
