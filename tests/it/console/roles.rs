//! Which role gets which page: every route of the console, with every role and without a session.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::browser::{Browser, create_user};
use crate::support::TestApp;
use history_gateway::model::user::Role;

#[actix_web::test]
async fn each_page_and_action_is_for_the_intended_roles() {
    let app = TestApp::new().await;
    let paths: Vec<String> =
        crate::openapi::all_routes().into_iter().filter(|path| path.starts_with("/console")).collect();
    assert!(paths.len() >= 5, "{paths:?}");
    for role in Role::ALL {
        create_user(&app, role.word(), role).await;
    }
    let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, method) in paths.iter().flat_map(|path| ["GET", "POST"].map(|method| (path, method))) {
        let uri = path.replace("{}", "1");
        let mut rule = String::new();
        for who in [None].into_iter().chain(Role::ALL.map(Some)) {
            let mut browser = Browser::new(&app);
            let mut form = browser.get("/console/login").await.form("/console/login");
            if let Some(role) = who {
                browser = Browser::signed_in(&app, role.word()).await;
                form = browser.get("/console/").await.form("/console/language");
            }
            form.remove("next");
            let page = if method == "GET" { browser.get(&uri).await } else { browser.post(&uri, &form).await };
            rule += &format!("  {}: {}\n", who.map_or("nobody", Role::word), page.summary());
        }
        if !rule.contains(": 405") {
            rules.entry(rule).or_default().push(format!("{method} {path}"));
        }
    }
    let table: Vec<String> = rules.iter().map(|(rule, routes)| format!("{}\n{rule}", routes.join("\n"))).collect();
    assert_snapshot!(table.join("\n"), @"
    GET /console/login
      nobody: 200 Sign in
      viewer: 303 → /console/
      agent: 303 → /console/
      auditor: 303 → /console/
      admin: 303 → /console/

    POST /console/language
      nobody: 303 → /console/
      viewer: 303 → /console/
      agent: 303 → /console/
      auditor: 303 → /console/
      admin: 303 → /console/

    POST /console/logout
      nobody: 303 → /console/login
      viewer: 303 → /console/login
      agent: 303 → /console/login
      auditor: 303 → /console/login
      admin: 303 → /console/login

    GET /console
      nobody: 303 → /console/login?next=%2Fconsole
      viewer: 200 Start
      agent: 200 Start
      auditor: 200 Start
      admin: 200 Start

    GET /console/files/{}
      nobody: 404 
      viewer: 404 
      agent: 404 
      auditor: 404 
      admin: 404 

    POST /console/login
      nobody: 422 Sign in ! The login or the password is wrong, or the user is disabled.
      viewer: 422 Sign in ! The login or the password is wrong, or the user is disabled.
      agent: 422 Sign in ! The login or the password is wrong, or the user is disabled.
      auditor: 422 Sign in ! The login or the password is wrong, or the user is disabled.
      admin: 422 Sign in ! The login or the password is wrong, or the user is disabled.
    ");
}
