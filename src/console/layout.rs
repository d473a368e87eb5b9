//! What surrounds every page: head, header, footer with the language; knows no page and no request.

use fluent_bundle::FluentValue;
use maud::{DOCTYPE, Markup, html};

use super::texts::{Language, Localized};
use crate::model::user::{Role, User};

/// What surrounds a page.
pub struct Frame<'a> {
    pub texts: Localized<'a>,
    pub style_address: String,
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
                    link rel="stylesheet" href=(self.style_address);
                }
                body {
                    a.skip href="#content" { (texts.text("skip-to-content")) }
                    header {
                        strong { (texts.text("product")) }
                        @if let Some(user) = self.user { (self.signed_in(user)) }
                    }
                    main #content tabindex="-1" { h1 { (title) } (content) }
                    @if !self.form_token.is_empty() { footer { (self.language_form()) } }
                }
            }
        }
    }

    /// A page that says only why there is nothing else.
    pub fn problem(&self, title: &'static str, text: &'static str) -> Markup {
        let content = html! {
            p role="alert" { (self.texts.text(text)) }
            p { a href="/console/" { (self.texts.text("start")) } }
        };
        self.page(&self.texts.text(title), &content)
    }

    /// Who is signed in, and the way out.
    fn signed_in(&self, user: &User) -> Markup {
        let texts = self.texts;
        let (login, role) = (FluentValue::from(user.login.as_str()), role_name(texts, user.role).into());
        html! {
            a href="/console/" { (texts.text("start")) }
            p { (texts.with("signed-in-as", [("login", login), ("role", role)])) }
            form method="post" action="/console/logout" {
                (token_field(self.form_token))
                button { (texts.text("sign-out")) }
            }
        }
    }

    /// Chooses the language of all pages.
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
                button { (texts.text("apply")) }
            }
        }
    }
}

/// The field with the token of a form.
pub fn token_field(token: &str) -> Markup {
    html! { input type="hidden" name="token" value=(token); }
}

fn role_name(texts: Localized<'_>, role: Role) -> String {
    texts.text(match role {
        Role::Viewer => "role-viewer",
        Role::Agent => "role-agent",
        Role::Auditor => "role-auditor",
        Role::Admin => "role-admin",
    })
}
