//! The docs page, where the API can be tried out: its addresses, what it may load, and whose keys it shows.

use std::io::{Read, Write};

use insta::assert_snapshot;

use crate::support::{Binary, TestApp};

const FILES: [(&str, &str); 7] = [
    ("", "text/html; charset=utf-8"),
    ("page.js", "text/javascript; charset=utf-8"),
    ("page.css", "text/css; charset=utf-8"),
    ("keys.json", "application/json"),
    ("swagger-ui-bundle.js", "text/javascript"),
    ("swagger-ui.css", "text/css"),
    ("favicon-32x32.png", "image/png"),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[actix_web::test]
async fn root_and_docs_redirect_to_the_docs_page() {
    let app = TestApp::new().await;
    for path in ["/", "/docs"] {
        for method in ["GET", "HEAD"] {
            let response = app.send(method, path, &[], "").await;
            assert_eq!((response.status.as_u16(), response.header("location")), (302, "docs/"), "{method} {path}");
        }
        let response = app.send("POST", path, &[], "").await;
        assert_eq!((response.status.as_u16(), response.header("allow")), (405, "GET, HEAD"), "{path}");
    }
    assert_eq!(app.send("GET", "/docs/no-such-file", &[], "").await.status, 404);
}

#[test]
fn head_returns_the_type_and_length_that_get_does() {
    let server = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    for (file, kind) in FILES {
        let request_head = |method: &str| {
            let request = format!("{method} /docs/{file} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let mut stream = server.connect();
            stream.write_all(request.as_bytes()).unwrap();
            let mut response = Vec::new();
            stream.read_to_end(&mut response).unwrap();
            let end = response.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
            let head = String::from_utf8(response[..end].to_vec()).unwrap().to_lowercase();
            (head, response.len() - end - 4)
        };
        let (get, length) = request_head("GET");
        let (head, head_length) = request_head("HEAD");
        assert!(get.starts_with("http/1.1 200 ok") && head.starts_with("http/1.1 200 ok"), "{file}: {head}");
        assert!(head.contains(&format!("content-type: {kind}")), "{file}: {head}");
        let announced = format!("content-length: {length}");
        assert!(length > 0 && get.contains(&announced) && head.contains(&announced), "{file}: {head}");
        assert_eq!(head_length, 0, "{file}");
    }
}

#[actix_web::test]
async fn docs_page_loads_no_external_or_inline_resources() {
    let app = TestApp::new().await;
    for (file, _) in FILES.iter().filter(|(_, kind)| !kind.starts_with("image/")) {
        let response = app.send("GET", &format!("/docs/{file}"), &[], "").await;
        let policy = response.header("content-security-policy");
        assert_eq!(policy, POLICY, "{file}");
        assert_eq!(response.header("x-content-type-options"), "nosniff", "{file}");
        assert_eq!(response.header("referrer-policy"), "no-referrer", "{file}");
    }
    let page = app.send("GET", "/docs/", &[], "").await.body;
    for forbidden in ["http:", "https:", "<style", "style=", "onload=", "onclick="] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    for script in page.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"") && script.contains("defer></script>"), "{script}");
    }
    for mark in ["<script src=\"", "rel=\"stylesheet\" href=\""] {
        for file in page.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(FILES.iter().any(|(known, _)| *known == file), "{file}");
        }
    }
}

/// An entered key belongs to its tab: other tabs and the next visit must not find it.
#[actix_web::test]
async fn an_entered_key_is_kept_for_the_tab_only() {
    let app = TestApp::new().await;
    let script = app.send("GET", "/docs/page.js", &[], "").await.body;
    assert!(script.contains("sessionStorage") && !script.contains("localStorage"), "{script}");
    assert!(!script.contains("persistAuthorization"), "{script}");
}

#[test]
fn docs_page_shows_only_sandbox_keys() {
    let request = b"GET /docs/keys.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let sandbox = Binary::new().start_server(&["sandbox", "--port", "0"], &[]);
    let response = sandbox.send(request);
    let shown: serde_json::Value = serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let shown = shown["keys"].as_array().unwrap();
    assert_eq!(shown.len(), 7);
    for key in shown {
        let line = format!("key      {}  {}", key["value"].as_str().unwrap(), key["name"].as_str().unwrap());
        assert!(sandbox.startup_output.contains(&line), "{line}");
    }
    assert_snapshot!(shown[0]["entered"], @r#"{"ApiKey":"00000000-0000-4000-8000-000000003193","x-api-key":"00000000-0000-4000-8000-000000003193"}"#);
    assert_snapshot!(shown[6]["entered"], @r#"{"webhook":"Token 00000000-0000-4000-8000-000000000601"}"#);

    let binary = Binary::with_sqlite();
    binary.run(&["tenant", "create", "--id", "3193", "--name", "Shop"]);
    binary.run(&["key", "issue", "--tenant", "3193"]);
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    assert_snapshot!(server.send(request).split("\r\n\r\n").nth(1).unwrap(), @r#"{"keys":[]}"#);
}
