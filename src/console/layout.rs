//! What surrounds every page: head, header, footer with the language; knows no page and no request.

use fluent_bundle::FluentValue;
use maud::{DOCTYPE, Markup, html};

use super::texts::{Language, Localized};
use super::zone::Zone;
use crate::model::Instant;
use crate::model::user::{Role, User};

/// No code from attributes, no style of its own, no cache of pages in the browser's storage.
const HTMX_CONFIG: &str =
    r#"{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"selfRequestsOnly":true}"#;

/// The addresses of the files that pages refer to.
pub struct Files {
    pub style: String,
    pub icon: String,
    pub htmx: String,
    pub script: String,
}

/// What surrounds a page.
pub struct Frame<'a> {
    pub texts: Localized<'a>,
    pub zone: Zone,
    pub now: Instant,
    pub files: Files,
    /// The address of the page, to return to.
    pub address: String,
    /// What its forms contain; empty if it has none.
    pub form_token: &'a str,
    /// Who is signed in.
    pub user: Option<&'a User>,
}

impl Frame<'_> {
    /// A page with a title, which is its heading too.
    pub fn page(&self, title: &str, content: &Markup) -> Markup {
        let texts = self.texts;
        html! {
            (DOCTYPE)
            html lang=(texts.language.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (texts.with("page-title", [("page", FluentValue::from(title))])) }
                    // Nothing that the policy of the pages forbids.
                    @if self.user.is_some() { meta name="htmx-config" content=(HTMX_CONFIG); }
                    link rel="stylesheet" href=(self.files.style);
                    link rel="icon" href=(self.files.icon);
                    @if self.user.is_some() { script src=(self.files.htmx) defer {} }
                    script src=(self.files.script) defer {}
                }
                body {
                    a.skip href="#content" { (texts.text("skip-to-content")) }
                    header {
                        strong { (texts.text("product")) }
                        @if let Some(user) = self.user { (self.signed_in(user)) }
                    }
                    main #content tabindex="-1" { h1 { (title) } (content) }
                    @if !self.form_token.is_empty() { footer { @if self.user.is_some() { (self.help()) } (self.language_form()) } }
                }
            }
        }
    }

    /// A page that says only why there is nothing else.
    pub fn problem(&self, title: &'static str, text: &'static str) -> Markup {
        self.problem_of(title, &self.texts.text(text))
    }

    /// The same with a text in the page's language.
    pub fn problem_of(&self, title: &'static str, text: &str) -> Markup {
        let content = html! {
            p role="alert" { (text) }
            p { a href="/console/" { (self.texts.text("start")) } }
        };
        self.page(&self.texts.text(title), &content)
    }

    /// Who is signed in, and the way out.
    fn signed_in(&self, user: &User) -> Markup {
        let texts = self.texts;
        let (login, role) = (FluentValue::from(user.login.as_str()), role_name(texts, user.role).into());
        html! {
            (self.navigation(user.role))
            (self.find_form())
            p { (texts.with("signed-in-as", [("login", login), ("role", role)])) }
            form method="post" action="/console/logout" {
                (token_field(self.form_token))
                button { (texts.text("sign-out")) }
            }
        }
    }

    fn navigation(&self, role: Role) -> Markup {
        let texts = self.texts;
        html! {
            nav aria-label=(texts.text("navigation")) {
                a href="/console/" { (texts.text("start")) }
                a href="/console/messages" { (texts.text("messages")) }
                @if role != Role::Viewer { a href="/console/audit" { (texts.text("audit")) } }
                @if role == Role::Admin { a href="/console/users" { (texts.text("users")) } }
            }
        }
    }

    /// The one box, on every page.
    fn find_form(&self) -> Markup {
        let texts = self.texts;
        html! {
            search {
                form.find method="post" action="/console/find" {
                    (token_field(self.form_token))
                    label for="q" { (texts.text("find-messages")) }
                    input #q name="q" type="search" autocomplete="off" spellcheck="false" maxlength="500"
                        placeholder=(texts.text("find-placeholder"));
                    button { (texts.text("find")) }
                }
            }
        }
    }

    fn help(&self) -> Markup {
        let texts = self.texts;
        let keys = [
            ("/", "key-find"),
            ("j", "key-next"),
            ("k", "key-previous"),
            ("Enter", "key-open"),
            ("Esc", "key-back"),
            ("g s", "key-start"),
            ("c", "key-copy"),
            ("?", "key-help"),
        ];
        html! {
            details #help {
                summary { (texts.text("keys")) }
                dl { @for (key, id) in keys { div { dt { kbd { (key) } } dd { (texts.text(id)) } } } }
            }
        }
    }

    /// Chooses the language and the zone of all pages.
    fn language_form(&self) -> Markup {
        let texts = self.texts;
        html! {
            form method="post" action="/console/language" {
                (token_field(self.form_token))
                input type="hidden" name="next" value=(self.address);
                label for="language" { (texts.text("language")) }
                select #language name="language" {
                    @for language in Language::ALL {
                        option value=(language.tag()) lang=(language.tag()) selected[language == texts.language] {
                            (language.own_name())
                        }
                    }
                }
                label for="zone" { (texts.text("zone")) }
                select #zone name="zone" {
                    @let other = Some(self.zone).filter(|zone| !Zone::OFFERED.contains(zone));
                    @for zone in other.into_iter().chain(Zone::OFFERED) {
                        option value=(zone.name()) selected[zone == self.zone] { (zone_label(zone, self.now)) }
                    }
                }
                button { (texts.text("apply")) }
            }
        }
    }
}

/// `Europe/Moscow, UTC+3`
fn zone_label(zone: Zone, now: Instant) -> String {
    let (name, offset) = (zone.name(), zone.offset(now));
    if name == offset { offset } else { format!("{name}, {offset}") }
}

/// The field with the token of a form.
pub fn token_field(token: &str) -> Markup {
    html! { input type="hidden" name="token" value=(token); }
}

/// The name of a role.
pub fn role_name(texts: Localized<'_>, role: Role) -> String {
    texts.text(match role {
        Role::Viewer => "role-viewer",
        Role::Agent => "role-agent",
        Role::Auditor => "role-auditor",
        Role::Admin => "role-admin",
    })
}
