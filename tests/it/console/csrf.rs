//! Forms that another site's page sends are refused.

use super::browser::{Browser, PASSWORD, create_user};
use crate::support::TestApp;
use history_gateway::model::user::Role;

const REFUSED: &str =
    "403 Not accepted ! The form was not accepted, and nothing was done. Go back, load the page again and repeat.";

#[actix_web::test]
async fn forms_of_other_origins_are_refused() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    let mut form = browser.get("/console/login").await.form("/console/login");
    form.insert("login".into(), "anna".into());
    form.insert("password".into(), PASSWORD.into());
    let body = serde_urlencoded::to_string(&form).unwrap();
    let cases = [
        (vec![], false),
        (vec![("origin", "null")], false),
        (vec![("origin", "https://evil.example")], false),
        (vec![("origin", "https://gateway.example.evil.example")], false),
        (vec![("origin", "http://gateway.example"), ("sec-fetch-site", "cross-site")], false),
        (vec![("origin", "http://gateway.example"), ("sec-fetch-site", "same-site")], false),
        (vec![("sec-fetch-site", "none")], false),
        (vec![("origin", "https://gateway.example")], true),
        // A proxy may call the server by another name; the browser knows its own.
        (vec![("origin", "https://console.example"), ("sec-fetch-site", "same-origin")], true),
    ];
    for (headers, is_accepted) in cases {
        let mut other = Browser::new(&app);
        other.cookies.clone_from(&browser.cookies);
        other.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let page = other.send("POST", "/console/login", body.clone()).await;
        assert_eq!(page.summary(), if is_accepted { "303 → /console/" } else { REFUSED }, "{headers:?}");
    }
}

#[actix_web::test]
async fn forms_without_the_token_of_their_session_are_refused() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    create_user(&app, "boris", Role::Agent).await;
    let mut browser = Browser::new(&app);
    let login = browser.get("/console/login").await.form("/console/login");
    let mut stranger = Browser::new(&app);
    // Of another browser, cut, empty and missing.
    let foreign = stranger.get("/console/login").await.form("/console/login")["token"].clone();
    for token in [Some(foreign.as_str()), Some(&login["token"][1..]), Some(""), None] {
        let mut form = login.clone();
        form.remove("token");
        form.extend(token.map(|token| ("token".to_owned(), token.to_owned())));
        assert_eq!(browser.post("/console/login", &form).await.summary(), REFUSED);
    }
    let mut anna = Browser::signed_in(&app, "anna").await;
    let mut boris = Browser::signed_in(&app, "boris").await;
    let form = boris.get("/console/").await.form("/console/logout");
    assert_eq!(anna.post("/console/logout", &form).await.summary(), REFUSED);
    assert_eq!(anna.get("/console/").await.status(), 200);
    // Without its cookie, a token is worth nothing.
    assert_eq!(Browser::new(&app).post("/console/language", &form).await.summary(), REFUSED);
}

#[actix_web::test]
async fn bodies_that_are_no_forms_or_too_long_are_refused() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    browser.get("/console/login").await;
    browser.headers.push(("sec-fetch-site", "same-origin".into()));
    assert_eq!(browser.send("POST", "/console/login", "%ff".into()).await.summary(), REFUSED);
    let page = browser.send("POST", "/console/login", "x".repeat(20_000)).await;
    assert_eq!(page.status(), 413);
    let form = browser.get("/console/login").await.form("/console/login");
    let body = serde_urlencoded::to_string(&form).unwrap();
    assert_eq!(browser.send("POST", "/console/login", format!("{body}{}", "&".repeat(28))).await.summary(), REFUSED);
    assert_eq!(browser.send("POST", "/console/login", format!("{body}{}", "&".repeat(27))).await.status(), 422);
}
