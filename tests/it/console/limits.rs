//! The limits of attempts to sign in.

use super::browser::{Browser, PASSWORD, create_user};
use crate::support::TestApp;
use history_gateway::model::user::{Password, Role};
use history_gateway::sign_in::{Attempt, SignInError};

/// Tries to sign in from an address; returns `None` once the limit is reached.
async fn attempt(app: &TestApp, login: &str, password: &str, from: &str) -> Option<bool> {
    let attempt = Attempt {
        login: login.into(),
        password: Password::presented(password.into()),
        from: Some(from.parse().unwrap()),
        replaces: None,
    };
    match app.gateway.app.sign_in.sign_in(attempt, app.gateway.app.clock.now()).await {
        Ok(_) => Some(true),
        Err(SignInError::Wrong) => Some(false),
        Err(SignInError::TooMany { retry_after }) => {
            assert!((1..=61).contains(&retry_after), "{retry_after}");
            None
        }
        Err(SignInError::Unavailable) => panic!("the store is there"),
    }
}

#[actix_web::test]
async fn attempts_are_limited_for_each_login_and_each_address() {
    let app = TestApp::with(|config| {
        config.console.attempts_per_login = 2;
        config.console.attempts_per_address = 4;
    })
    .await;
    create_user(&app, "anna", Role::Agent).await;
    create_user(&app, "boris", Role::Agent).await;
    // In any letter case. The right password is not accepted either, but from another address it is.
    assert_eq!(attempt(&app, "anna", "wrong", "192.0.2.1").await, Some(false));
    assert_eq!(attempt(&app, "ANNA ", PASSWORD, "192.0.2.1").await, Some(true));
    assert_eq!(attempt(&app, "anna", PASSWORD, "192.0.2.1").await, None);
    assert_eq!(attempt(&app, "anna", PASSWORD, "192.0.2.2").await, Some(true));
    // A login that does not exist is limited alike.
    for expected in [Some(false), Some(false), None] {
        assert_eq!(attempt(&app, "nobody", "wrong", "192.0.2.4").await, expected);
    }
    // One address, with any logins; an IPv6 network counts as one.
    for number in 0..4 {
        assert_eq!(attempt(&app, &format!("x{number}"), "wrong", &format!("2001:db8::{number}")).await, Some(false));
    }
    assert_eq!(attempt(&app, "boris", PASSWORD, "2001:db8::9").await, None);
    assert_eq!(attempt(&app, "boris", PASSWORD, "2001:db8:0:1::9").await, Some(true));
}

#[actix_web::test]
async fn ten_times_as_many_attempts_are_accepted_from_all_addresses() {
    let app = TestApp::with(|config| config.console.attempts_per_login = 1).await;
    create_user(&app, "anna", Role::Agent).await;
    let mut accepted = 0;
    while attempt(&app, "anna", "wrong", &format!("192.0.2.{accepted}")).await == Some(false) {
        accepted += 1;
    }
    // On a slow machine, a few more: one is allowed every six seconds.
    assert!((10..20).contains(&accepted), "{accepted}");
}

#[actix_web::test]
async fn too_many_attempts_get_429_with_the_seconds_to_wait() {
    let app = TestApp::with(|config| config.console.attempts_per_login = 1).await;
    create_user(&app, "anna", Role::Agent).await;
    let mut browser = Browser::new(&app);
    assert_eq!(browser.sign_in("anna", "wrong").await.status(), 422);
    let page = browser.sign_in("anna", PASSWORD).await;
    assert_eq!(page.status(), 429);
    let wait = page.response.header("retry-after").to_owned();
    assert_eq!(page.summary(), format!("429 Sign in ! Too many attempts. Try again in {wait} seconds."));
}
