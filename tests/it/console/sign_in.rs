//! Signing in and out.

use insta::assert_snapshot;

use super::browser::{Browser, PASSWORD, create_user};
use crate::sandbox::TestSandbox;
use crate::support::TestApp;
use history_gateway::model::user::Role;
use history_gateway::sandbox::users::USERS;

#[actix_web::test]
async fn there_is_no_console_until_a_user_exists() {
    let app = TestApp::new().await;
    for path in ["/console", "/console/", "/console/login"] {
        let response = app.send("GET", path, &[], "").await;
        assert_eq!(response.body, app.send("GET", "/unknown", &[], "").await.body, "{path}");
        assert_eq!(response.status.as_u16(), 404, "{path}");
    }
    create_user(&app, "anna", Role::Agent).await;
    assert_eq!(Browser::new(&app).get("/console").await.summary(), "303 → /console/login?next=%2Fconsole");
    let disabled = TestApp::with(|config| config.console.enabled = false).await;
    create_user(&disabled, "anna", Role::Agent).await;
    assert_eq!(disabled.send("GET", "/console/login", &[], "").await.status.as_u16(), 404);
}

#[actix_web::test]
async fn signing_in_leads_to_the_wanted_page() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/console/login?next=%2Fconsole%2F%3Fx%3D1").await;
    assert_eq!(page.summary(), "200 Sign in");
    assert_snapshot!(page.set_cookies().join("\n"), @"history_console_form=TOKEN; HttpOnly; SameSite=Strict; Path=/console");
    let mut form = page.form("/console/login");
    form.insert("login".into(), " ANNA ".into());
    form.insert("password".into(), PASSWORD.into());
    let page = browser.post("/console/login", &form).await;
    assert_eq!(page.summary(), "303 → /console/?x=1");
    assert_snapshot!(page.set_cookies().join("\n"), @"
    history_console=TOKEN; HttpOnly; SameSite=Lax; Path=/console
    history_console_form=; HttpOnly; SameSite=Strict; Path=/console; Max-Age=0
    ");
    let page = browser.get("/console/").await;
    assert_snapshot!(page.all("header").next().unwrap().text, @"history-gatewayStartMessagesAudit logFind messagesFindSigned in as anna (agent)Sign out");
    assert_eq!(browser.get("/console/login").await.summary(), "303 → /console/");
    let form = page.form("/console/logout");
    let page = browser.post("/console/logout", &form).await;
    assert_eq!(page.summary(), "303 → /console/login");
    assert_snapshot!(page.set_cookies().join("\n"), @"history_console=; HttpOnly; SameSite=Strict; Path=/console; Max-Age=0");
    assert_eq!(browser.get("/console/").await.summary(), "303 → /console/login?next=%2Fconsole%2F");
}

/// A script adds the zone of the browser to the form.
#[actix_web::test]
async fn zone_is_that_of_the_browser_until_another_is_chosen() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    // With the language, the form at the bottom sends the zone that is shown.
    let mut form = browser.get("/console/login").await.form("/console/language");
    form.extend([("language".into(), "en".into()), ("zone".into(), "UTC".into())]);
    browser.post("/console/language", &form).await;
    for (sent, kept) in [("Mars/Base", None), ("Asia/Kabul", Some("Asia/Kabul")), ("Europe/Berlin", Some("Asia/Kabul"))]
    {
        let mut form = browser.get("/console/login").await.form("/console/login");
        form.extend(
            [("login", "anna"), ("password", PASSWORD), ("zone", sent)]
                .map(|(name, value)| (name.into(), value.into())),
        );
        assert_eq!(browser.post("/console/login", &form).await.status(), 303, "{sent}");
        assert_eq!(browser.cookies.get("history_console_zone").map(String::as_str), kept, "{sent}");
        let form = browser.get("/console/").await.form("/console/logout");
        browser.post("/console/logout", &form).await;
    }
}

#[actix_web::test]
async fn sandbox_has_a_user_for_each_role() {
    let sandbox = TestSandbox::with_demo().await;
    for user in USERS {
        let mut browser = Browser::new(&sandbox);
        assert_eq!(browser.sign_in(user.role.word(), user.password).await.summary(), "303 → /console/");
        assert_eq!(browser.get("/console/").await.status(), 200);
    }
    // A request of the console is no request of a test.
    assert_snapshot!(sandbox.control("GET", "/tenants/3193/requests", "").await, @r#"200 {"requests":[],"dropped":0}"#);
}

/// A page is the same for whoever guesses a login and whoever guesses a password, and takes as long.
#[actix_web::test]
async fn wrong_login_and_wrong_password_are_told_apart_by_nothing() {
    let app = TestApp::with(|config| {
        config.console.attempts_per_login = 0;
        config.console.attempts_per_address = 0;
    })
    .await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let mut pages = Vec::new();
    for _ in 0..9 {
        for (attempt, login) in ["anna", "hanna", "no login"].into_iter().enumerate() {
            let mut form = browser.get("/console/login").await.form("/console/login");
            form.insert("login".into(), login.into());
            form.insert("password".into(), "wrong horse battery".into());
            let started = std::time::Instant::now();
            let page = browser.post("/console/login", &form).await;
            times[attempt].push(started.elapsed());
            assert_eq!(page.summary(), "422 Sign in ! The login or the password is wrong, or the user is disabled.");
            pages.push(page.response.body.replace(&format!("\"{login}\""), "LOGIN"));
        }
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    // The shortest times have the least of what else the machine does.
    let shortest = times.map(|times| times.into_iter().min().unwrap());
    for time in shortest {
        assert!(time < shortest[0] * 3 && time * 3 > shortest[0], "{shortest:?}");
    }
}

#[actix_web::test]
async fn pages_are_in_the_language_of_the_browser_or_the_chosen_one() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    for (accepted, language) in [("ru-RU,ru;q=0.9,en;q=0.8", "ru"), ("de,en;q=0.5", "en"), ("*", "en"), ("", "en")] {
        let mut browser = Browser::new(&app);
        browser.headers.push(("accept-language", accepted.into()));
        let page = browser.get("/console/login").await;
        assert_eq!(page.all("html").next().unwrap().attribute("lang"), language, "{accepted}");
    }
    let mut browser = Browser::new(&app);
    let mut form = browser.get("/console/login?next=/console/").await.form("/console/language");
    form.insert("language".into(), "ru".into());
    assert_eq!(browser.post("/console/language", &form).await.summary(), "303 → /console/login?next=%2Fconsole%2F");
    assert_eq!(browser.get("/console/login").await.summary(), "200 Вход");
    let page = browser.sign_in("anna", "wrong").await;
    assert_eq!(page.summary(), "422 Вход ! Неверный логин или пароль, либо пользователь заблокирован.");
}

/// What a browser may load, frame and send, and that the page holds what a form sent as text only.
#[actix_web::test]
async fn pages_have_security_headers_and_escape_what_was_typed() {
    let app = TestApp::new().await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    let page = browser.sign_in("<script>alert(1)</script>", "\"><script>alert(2)</script>").await;
    let scripts: Vec<_> = page.all("script").map(|script| (script.attribute("src"), script.text.as_str())).collect();
    assert!(matches!(scripts[..], [(own, "")] if own.starts_with("/console/files/script-")), "{scripts:?}");
    assert_eq!(page.form("/console/login")["login"], "<script>alert(1)</script>");
    assert!(!page.response.body.contains("alert(2)"));
    let names =
        ["content-security-policy", "referrer-policy", "x-content-type-options", "cache-control", "content-type"];
    let headers: Vec<String> = names.iter().map(|name| format!("{name}: {}", page.response.header(name))).collect();
    assert_snapshot!(headers.join("\n"), @"
    content-security-policy: default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'
    referrer-policy: same-origin
    x-content-type-options: nosniff
    cache-control: no-store
    content-type: text/html; charset=utf-8
    ");
    let style = page.all("link").next().unwrap().attribute("href").to_owned();
    let style = browser.get(&style).await;
    let headers: Vec<String> = names.iter().map(|name| format!("{name}: {}", style.response.header(name))).collect();
    assert_snapshot!(headers.join("\n"), @"
    content-security-policy: frame-ancestors 'none'
    referrer-policy: 
    x-content-type-options: nosniff
    cache-control: public, max-age=31536000, immutable
    content-type: text/css; charset=utf-8
    ");
    assert_eq!(browser.get("/console/files/style.css").await.status(), 404);
}
