//! Users that are copied into another store.

use super::browser::{Browser, PASSWORD, create_user, create_user_of};
use crate::support::{NOW, TENANT, TestApp, instant};
use history_gateway::model::TenantId;
use history_gateway::model::user::{Login, Password, Role};
use history_gateway::store::{StoreError, tenants, users};
use history_gateway::transfer::Transfer;

/// Copies the tenant; returns what the target lacks after it, and how many users were written.
async fn copy(from: &TestApp, to: &TestApp) -> (Vec<String>, u64) {
    let transfer = Transfer { from: &from.store, to: &to.store, tenant: TENANT };
    let tenant = from.store.read_primary(tenants::list).await.unwrap().remove(0);
    let written = transfer.run(&tenant, &mut |_| {}).await.unwrap();
    (transfer.verify(&mut |_| {}).await.unwrap().missing, written.users)
}

async fn set_password(app: &TestApp, password: &str, at: &str) {
    let (hash, at) = (Password::parse(password).unwrap().hash().unwrap(), instant(at));
    let login = Login::parse("anna").unwrap();
    let set = move |connection: &mut _| users::set_password(connection, TENANT, &login, &hash, at);
    assert!(app.store.write(set).await.unwrap());
}

async fn set_disabled(app: &TestApp, is_disabled: bool, at: &str) {
    let (login, at) = (Login::parse("anna").unwrap(), instant(at));
    let set = move |connection: &mut _| users::set_disabled(connection, TENANT, &login, is_disabled, at);
    assert!(app.store.write(set).await.unwrap());
}

#[actix_web::test]
async fn later_password_wins_and_a_disabled_user_stays_disabled() {
    let (from, to) = (TestApp::new().await, TestApp::new().await);
    create_user(&from, "anna", Role::Agent).await;
    assert_eq!(copy(&from, &to).await, (vec![], 1));
    assert_eq!(copy(&from, &to).await, (vec![], 0));
    let mut browser = Browser::signed_in(&to, "anna").await;
    // The target's change is the later one, then the source's.
    set_password(&to, "password of target", "2026-03-01T13:00:00Z").await;
    assert_eq!(copy(&from, &to).await, (vec![], 0));
    assert_eq!(browser.sign_in("anna", "password of target").await.status(), 303);
    set_password(&from, "password of source", "2026-03-01T14:00:00Z").await;
    assert_eq!(copy(&from, &to).await, (vec![], 1));
    assert_eq!(browser.get("/console/").await.status(), 303);
    assert_eq!(browser.sign_in("anna", "password of source").await.status(), 303);
    // Who is disabled in the source stays so in the target, whatever happens there or here.
    set_disabled(&from, true, "2026-03-01T15:00:00Z").await;
    set_password(&to, "password of target", "2026-03-01T16:00:00Z").await;
    assert_eq!(copy(&from, &to).await, (vec![], 1));
    assert_eq!(browser.sign_in("anna", "password of target").await.status(), 422);
    set_disabled(&from, false, "2026-03-01T17:00:00Z").await;
    assert_eq!(copy(&from, &to).await, (vec![], 0));
    assert_eq!(browser.sign_in("anna", "password of target").await.status(), 422);
    // Enabling somebody in the source brings no old password back.
    set_disabled(&to, false, "2026-03-01T18:00:00Z").await;
    assert_eq!(copy(&from, &to).await, (vec![], 0));
    assert_eq!(browser.sign_in("anna", "password of source").await.status(), 422);
    assert_eq!(browser.sign_in("anna", "password of target").await.status(), 303);
}

#[actix_web::test]
async fn login_of_another_tenant_is_not_taken_over() {
    let (from, to) = (TestApp::new().await, TestApp::new().await);
    create_user(&from, "anna", Role::Agent).await;
    to.create_tenant(TenantId(4000)).await;
    create_user_of(&to, TenantId(4000), "anna", Role::Agent).await;
    let transfer = Transfer { from: &from.store, to: &to.store, tenant: TENANT };
    let tenant = from.store.read_primary(tenants::list).await.unwrap().remove(0);
    let error = transfer.run(&tenant, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, StoreError::TakenLogin { tenant: TenantId(4000) }), "{error}");
    let user = Browser::signed_in(&to, "anna").await;
    let token = history_gateway::model::key::Secret::parse(&user.cookies["history_console"]).unwrap();
    let user = to.gateway.app.sign_in.user(&token, None, instant(NOW)).await.unwrap().unwrap();
    assert_eq!(user.grants.tenant, TenantId(4000));
    assert_eq!(Browser::new(&to).sign_in("anna", &format!("{PASSWORD}x")).await.status(), 422);
}
