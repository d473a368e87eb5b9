//! When a session ends, and how its cookie is sent.

use std::time::Duration;

use super::browser::{Browser, PASSWORD, create_user, create_user_of};
use crate::support::{NOW, TENANT, TestApp, instant, lock_tenant, runs_on_postgres};
use history_gateway::model::TenantId;
use history_gateway::model::key::Secret;
use history_gateway::model::user::{Login, Password, Role};
use history_gateway::sign_in::Attempt;
use history_gateway::store::users;

const SIGNED_OUT: &str = "303 → /console/login?next=%2Fconsole%2F";

fn token(browser: &Browser<'_>) -> Secret {
    Secret::parse(&browser.cookies["history_console"]).unwrap()
}

#[actix_web::test]
async fn session_ends_after_its_hours() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let browser = Browser::signed_in(&app, "anna").await;
    let sign_in = &app.gateway.app.sign_in;
    let after = |time: Duration| instant(NOW).plus(time);
    let hours = Duration::from_hours(8);
    let found =
        sign_in.user(&token(&browser), None, after(Duration::from_millis(8 * 60 * 60 * 1000 - 1))).await.unwrap();
    assert_eq!(found.unwrap().login, "anna");
    assert!(sign_in.user(&token(&browser), None, after(hours)).await.unwrap().is_none());
}

/// A part of a page is asked for by a script, which would take the page for signing in for the part.
#[actix_web::test]
async fn browser_is_led_to_sign_in_when_a_part_of_a_page_is_asked_for() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    browser.headers.push(("hx-request", "true".into()));
    browser.headers.push(("hx-current-url", "https://gateway.example/console/people/7?at=5".into()));
    let page = browser.get("/console/people/7?before=31").await;
    let headers = ["location", "hx-redirect"].map(|name| page.response.header(name).to_owned());
    assert_eq!((page.status(), page.response.body.as_str()), (200, ""));
    assert_eq!(headers, ["", "/console/login?next=%2Fconsole%2Fpeople%2F7%3Fat%3D5"]);
}

#[actix_web::test]
async fn disabling_and_a_new_password_end_sessions_at_once() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    create_user(&app, "boris", Role::Agent).await;
    let login = || Login::parse("anna").unwrap();
    let mut boris = Browser::signed_in(&app, "boris").await;

    let mut anna = Browser::signed_in(&app, "anna").await;
    let password = Password::parse("another password").unwrap().hash().unwrap();
    let set = move |connection: &mut _| users::set_password(connection, TENANT, &login(), &password, instant(NOW));
    assert!(app.store.write(set).await.unwrap());
    assert_eq!(anna.get("/console/").await.summary(), SIGNED_OUT);
    assert_eq!(anna.sign_in("anna", PASSWORD).await.status(), 422);
    assert_eq!(anna.sign_in("anna", "another password").await.status(), 303);

    let disable = move |connection: &mut _| users::set_disabled(connection, TENANT, &login(), true, instant(NOW));
    assert!(app.store.write(disable).await.unwrap());
    assert_eq!(anna.get("/console/").await.summary(), SIGNED_OUT);
    assert_eq!(anna.sign_in("anna", "another password").await.status(), 422);
    let enable = move |connection: &mut _| users::set_disabled(connection, TENANT, &login(), false, instant(NOW));
    assert!(app.store.write(enable).await.unwrap());
    assert_eq!(anna.sign_in("anna", "another password").await.status(), 303);
    assert_eq!(boris.get("/console/").await.status(), 200);
}

#[actix_web::test]
async fn token_is_new_for_each_session_and_ends_with_it() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::signed_in(&app, "anna").await;
    let first = browser.cookies.clone();
    // Whoever signs in with a session that they have leaves it behind.
    let mut again = Browser::new(&app);
    again.get("/console/login").await;
    let form_cookie = again.cookies["history_console_form"].clone();
    again.cookies.clone_from(&first);
    again.cookies.insert("history_console_form".into(), form_cookie);
    let mut form = browser.get("/console/").await.form("/console/logout");
    form.insert("login".into(), "anna".into());
    form.insert("password".into(), PASSWORD.into());
    assert_eq!(again.post("/console/login", &form).await.summary(), "303 → /console/");
    assert_ne!(again.cookies["history_console"], first["history_console"]);
    assert_eq!(browser.get("/console/").await.summary(), SIGNED_OUT);
    assert_eq!(again.get("/console/").await.status(), 200);
    // A token that was made up, and one that ended with its user.
    for token in ["01234567-89ab-4cde-8f01-23456789abcd", "x", &first["history_console"]] {
        let mut other = Browser::new(&app);
        other.cookies.insert("history_console".into(), token.into());
        assert_eq!(other.get("/console/").await.summary(), SIGNED_OUT, "{token}");
    }
}

/// The session that a browser has ends, whoever signs in there.
#[actix_web::test]
async fn user_of_another_tenant_replaces_the_session_too() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let other = TenantId(4000);
    app.create_tenant(other).await;
    create_user_of(&app, other, "boris", Role::Agent).await;
    let mut anna = Browser::signed_in(&app, "anna").await;
    let attempt = Attempt {
        login: "boris".into(),
        password: Password::presented(PASSWORD.into()),
        from: None,
        replaces: Some(token(&anna)),
    };
    let boris = app.gateway.app.sign_in.sign_in(attempt, instant(NOW)).await.unwrap();
    assert_eq!(anna.get("/console/").await.summary(), SIGNED_OUT);
    let user = app.gateway.app.sign_in.user(&boris, None, instant(NOW)).await.unwrap().unwrap();
    assert_eq!((user.grants.tenant, user.login.as_str()), (other, "boris"));
}

/// A long write of the tenant holds up nobody who signs in, and so no other tenant's writers either.
#[actix_web::test]
async fn signing_in_does_not_wait_for_the_tenants_writers() {
    // A writer on SQLite locks the whole file.
    if !runs_on_postgres() {
        return;
    }
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let second = app.open_second_store();
    let (release, locked) = lock_tenant(&second);
    locked.await;
    Browser::signed_in(&app, "anna").await;
    drop(release);
}

#[actix_web::test]
async fn cookies_are_for_tls_only_behind_a_proxy_that_says_so() {
    let cookies = async |setting: &str, headers: &[(&'static str, &str)], trusted: &str| {
        let setting = history_gateway::config::SecureCookies::try_from(setting.to_owned()).unwrap();
        let app = TestApp::with(|config| {
            config.console.secure_cookies = setting;
            config.server.trusted_proxies = vec![trusted.parse().unwrap()];
        })
        .await;
        create_user(&app, "anna", Role::Agent).await;
        let service = actix_web::test::init_service(history_gateway::http::app(app.gateway.clone())).await;
        let mut request = actix_web::test::TestRequest::get().uri("/console/login");
        for header in headers {
            request = request.insert_header(*header);
        }
        let request = request.peer_addr("10.0.0.1:1".parse().unwrap()).to_request();
        let response = actix_web::test::call_service(&service, request).await;
        response.headers().get("set-cookie").unwrap().to_str().unwrap().contains("; Secure")
    };
    let (https, http) = ([("x-forwarded-proto", "https")], [("x-forwarded-proto", "http")]);
    assert!(cookies("auto", &https, "10.0.0.0/8").await);
    // The browser has reached the first of two proxies.
    assert!(cookies("auto", &[("x-forwarded-proto", "HTTPS, http")], "10.0.0.0/8").await);
    assert!(!cookies("auto", &http, "10.0.0.0/8").await);
    assert!(!cookies("auto", &[], "10.0.0.0/8").await);
    assert!(!cookies("auto", &https, "192.0.2.0/24").await);
    assert!(cookies("always", &[], "192.0.2.0/24").await);
}
