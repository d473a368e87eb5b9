//! Which role gets which page: every route of the console, with every role and without a session.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::json;

use super::browser::{Browser, create_user};
use crate::support::{TestApp, message};
use history_gateway::config::Config;
use history_gateway::model::user::Role;

#[actix_web::test]
async fn each_page_and_action_is_for_the_intended_roles() {
    let unlimited =
        |config: &mut Config| (config.console.attempts_per_login, config.console.attempts_per_address) = (0, 0);
    let app = TestApp::with(unlimited).await;
    app.import([message(1, json!({}))]).await;
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

    POST /console/find
      nobody: 303 → /console/login
      viewer: 303 → /console/
      agent: 303 → /console/
      auditor: 303 → /console/
      admin: 303 → /console/

    POST /console/audit
      nobody: 303 → /console/login
      viewer: 303 → /console/audit
      agent: 303 → /console/audit
      auditor: 303 → /console/audit
      admin: 303 → /console/audit

    POST /console/logout
      nobody: 303 → /console/login
      viewer: 303 → /console/login
      agent: 303 → /console/login
      auditor: 303 → /console/login
      admin: 303 → /console/login

    POST /console/messages
      nobody: 303 → /console/login
      viewer: 303 → /console/messages
      agent: 303 → /console/messages
      auditor: 303 → /console/messages
      admin: 303 → /console/messages

    POST /console/evidence/messages/{}
    POST /console/evidence/people/{}
      nobody: 303 → /console/login
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 200 Evidence
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 200 Evidence

    POST /console/people/{}/reveal
      nobody: 303 → /console/login
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 400 Not valid ! The URL or the form has a value that cannot be used. Go back and correct it.
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 400 Not valid ! The URL or the form has a value that cannot be used. Go back and correct it.

    POST /console/users/change
      nobody: 303 → /console/login
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 403 Not allowed ! Your role does not allow this.
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 400 Not valid ! The URL or the form has a value that cannot be used. Go back and correct it.

    POST /console/users
      nobody: 303 → /console/login
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 403 Not allowed ! Your role does not allow this.
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 422 Users ! The user was not created: a login has letters, digits and . _ - @ + only, senders are numbers, and only viewers and agents may be limited to some.

    POST /console/{}
      nobody: 303 → /console/login
      viewer: 404 Not found ! There is no such page.
      agent: 404 Not found ! There is no such page.
      auditor: 404 Not found ! There is no such page.
      admin: 404 Not found ! There is no such page.

    GET /console
      nobody: 303 → /console/login?next=%2Fconsole
      viewer: 200 Start
      agent: 200 Start
      auditor: 200 Start
      admin: 200 Start

    GET /console/{}
      nobody: 303 → /console/login?next=%2Fconsole%2F1
      viewer: 404 Not found ! There is no such page.
      agent: 404 Not found ! There is no such page.
      auditor: 404 Not found ! There is no such page.
      admin: 404 Not found ! There is no such page.

    GET /console/audit
      nobody: 303 → /console/login?next=%2Fconsole%2Faudit
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 200 Audit log
      auditor: 200 Audit log
      admin: 200 Audit log

    GET /console/counts
      nobody: 303 → /console/login?next=%2Fconsole%2Fcounts
      viewer: 200 Today and yesterday
      agent: 200 Today and yesterday
      auditor: 200 Today and yesterday
      admin: 200 Today and yesterday

    GET /console/evidence/messages/{}
      nobody: 303 → /console/login?next=%2Fconsole%2Fevidence%2Fmessages%2F1
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 200 Evidence
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 200 Evidence

    GET /console/evidence/people/{}
      nobody: 303 → /console/login?next=%2Fconsole%2Fevidence%2Fpeople%2F1
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 200 Evidence
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 200 Evidence

    GET /console/find
      nobody: 303 → /console/login?next=%2Fconsole%2Ffind
      viewer: 303 → /console/
      agent: 303 → /console/
      auditor: 303 → /console/
      admin: 303 → /console/

    GET /console/messages
      nobody: 303 → /console/login?next=%2Fconsole%2Fmessages
      viewer: 200 Messages
      agent: 200 Messages
      auditor: 200 Messages
      admin: 200 Messages

    GET /console/messages/{}
      nobody: 303 → /console/login?next=%2Fconsole%2Fmessages%2F1
      viewer: 200 Message 1
      agent: 200 Message 1
      auditor: 200 Message 1
      admin: 200 Message 1

    GET /console/people/{}
      nobody: 303 → /console/login?next=%2Fconsole%2Fpeople%2F1
      viewer: 200 Conversation
      agent: 200 Conversation
      auditor: 200 Conversation
      admin: 200 Conversation

    GET /console/users
      nobody: 303 → /console/login?next=%2Fconsole%2Fusers
      viewer: 403 Not allowed ! Your role does not allow this.
      agent: 403 Not allowed ! Your role does not allow this.
      auditor: 403 Not allowed ! Your role does not allow this.
      admin: 200 Users

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
