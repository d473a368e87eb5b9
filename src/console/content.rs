//! What a message says, readably: texts, captions, files as links that are never loaded, templates, lists, places; anything
//! else as its JSON; knows no page.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::texts::Localized;
use super::time::Times;
use crate::model::{Item, Property};

/// The longest text that is shown at once, in characters. The rest is behind a summary.
const MAX_SHOWN: usize = 2000;

/// The keys whose texts are shown, in the order in which they are.
const TEXTS: [&str; 7] = ["header", "title", "text", "caption", "body", "footer", "name"];

/// The content of a message; on paper nothing is cut or behind a summary.
pub fn content(Times { texts, is_printed, .. }: Times<'_>, item: &Item) -> Markup {
    let given = item.text(Property::Content).unwrap_or_default();
    if given == "•••" {
        return html! { p.hidden { (texts.text("content-hidden")) } };
    }
    if let Ok(Value::Object(object)) = serde_json::from_str(given) {
        parsed((texts, is_printed), &object, given)
    } else {
        long_text((texts, is_printed), given)
    }
}

fn parsed((texts, is_printed): (Localized<'_>, bool), object: &Map<String, Value>, given: &str) -> Markup {
    let kind = object.get("type").or_else(|| object.get("contentType")).and_then(Value::as_str).unwrap_or_default();
    let shown = strings(object);
    let location = object.get("location").unwrap_or(&Value::Null);
    let place = location.get("latitude").zip(location.get("longitude"));
    let url = ["attachment", "media", "file"].iter().find_map(|key| object.get(*key)?.get("url")?.as_str());
    let options = options(object);
    let is_text = kind == "TEXT" || kind.is_empty();
    // Whatever else it has stands in its JSON.
    let is_plain = is_text && object.keys().all(|key| ["type", "contentType", "text"].contains(&key.as_str()));
    if shown.is_empty() && place.is_none() && url.is_none() && options.is_empty() {
        return html! { pre { (cut(given, is_printed)) } };
    }
    html! {
        @if !is_text { p.kind { (kind) } }
        @for text in &shown { (long_text((texts, is_printed), text)) }
        @if let Some(url) = url { p { (link(url)) } }
        @if let Some((latitude, longitude)) = place {
            p { (texts.text("place")) ": " (latitude.to_string()) ", " (longitude.to_string()) }
        }
        @if !options.is_empty() { ul { @for option in &options { li { (option) } } } }
        @if !is_plain {
            details open[is_printed] { summary { (texts.text("content-json")) } pre { (cut(given, is_printed)) } }
        }
    }
}

/// The texts of a content, also those inside a template.
fn strings(object: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for key in TEXTS {
        match object.get(key) {
            Some(Value::String(text)) if !text.is_empty() => found.push(text.clone()),
            Some(Value::Object(inner)) => found.extend(inner.get("text").and_then(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    for key in ["template", "flow", "listPicker", "content"] {
        if let Some(Value::Object(inner)) = object.get(key) {
            found.extend(strings(inner));
        }
    }
    found
}

/// The titles of buttons and of the items of lists.
fn options(object: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in object {
        let is_list = ["buttons", "items", "sections", "rows", "options", "keyboard"].contains(&key.as_str());
        match value {
            Value::Array(list) if is_list => {
                for inner in list.iter().filter_map(Value::as_object) {
                    let title = ["title", "text", "name"].iter().find_map(|key| inner.get(*key)?.as_str());
                    found.extend(title.map(str::to_owned));
                    found.extend(options(inner));
                }
            }
            Value::Object(inner) => found.extend(options(inner)),
            _ => {}
        }
    }
    found
}

/// A link that says where it leads. The page never loads it.
fn link(url: &str) -> Markup {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    html! {
        @if is_web { a href=(url) rel="noreferrer noopener nofollow" { (url) } } @else { (url) }
    }
}

/// A text in its own direction, its lines kept.
fn long_text((texts, is_printed): (Localized<'_>, bool), text: &str) -> Markup {
    let end = text.char_indices().nth(MAX_SHOWN).map(|(at, _)| at).filter(|_| !is_printed);
    html! {
        @match end {
            None => p.said dir="auto" { (text) },
            Some(end) => {
                p.said dir="auto" { (text[..end]) "…" }
                details { summary { (texts.text("whole-text")) } p.said dir="auto" { (cut(text, false)) } }
            }
        }
    }
}

/// A text of which a page shows at most 30,000 characters; paper and the copied forms have all of it.
fn cut(text: &str, is_printed: bool) -> String {
    if is_printed {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(30_000).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::content;
    use crate::console::texts::{Language, Texts};
    use crate::console::time::Times;
    use crate::console::zone::Zone;
    use crate::model::{Instant, Item, TenantId};

    fn shown(given: &str) -> String {
        on(given, false)
    }

    fn on(given: &str, is_printed: bool) -> String {
        let json = format!(
            r#"{{"messageId":1,"channelType":"SMS","direction":"OUT","address":"1","content":{},"sentOrReceivedAt":"2026-03-01T10:00:00Z"}}"#,
            serde_json::to_string(given).unwrap()
        );
        let texts = Texts::default();
        let texts = texts.of(Language::English);
        let times = Times { texts, zone: Zone::default(), now: Instant(0), is_printed };
        content(times, &Item::parse(&json, TenantId(1)).unwrap()).into_string()
    }

    #[test]
    fn contents_are_shown_readably() {
        assert_eq!(shown(r#"{"type":"TEXT","text":"a <b>\nc"}"#), "<p class=\"said\" dir=\"auto\">a &lt;b&gt;\nc</p>");
        assert_eq!(shown("plain"), "<p class=\"said\" dir=\"auto\">plain</p>");
        let image = shown(r#"{"type":"IMAGE","attachment":{"url":"https://cdn.example/1.jpg"},"caption":"Hi"}"#);
        assert!(image.contains("IMAGE") && image.contains("<p class=\"said\" dir=\"auto\">Hi</p>"), "{image}");
        assert!(
            image.contains(r#"<a href="https://cdn.example/1.jpg" rel="noreferrer noopener nofollow">"#),
            "{image}"
        );
        assert!(!shown(r#"{"type":"IMAGE","attachment":{"url":"javascript:alert(1)"}}"#).contains("href"));
        let list = shown(
            r#"{"type":"LIST_PICKER","listPicker":{"text":"Choose","sections":[{"title":"A","items":[{"title":"B"}]}]}}"#,
        );
        assert!(list.contains(">Choose</p>") && list.contains("<li>A</li><li>B</li>"), "{list}");
        let flow =
            shown(r#"{"type":"FLOW","flow":{"header":{"text":"Form"},"body":"Fill in","buttons":[{"text":"Open"}]}}"#);
        assert!(
            flow.contains(">Form</p>") && flow.contains(">Fill in</p>") && flow.contains("<li>Open</li>"),
            "{flow}"
        );
        assert!(
            shown(r#"{"type":"LOCATION","location":{"latitude":55.75,"longitude":37.62}}"#).contains("55.75, 37.62")
        );
        assert_eq!(
            shown(r#"{"kind":"new","x":[1]}"#),
            r"<pre>{&quot;kind&quot;:&quot;new&quot;,&quot;x&quot;:[1]}</pre>"
        );
        assert!(shown("•••").contains("hidden"));
    }

    #[test]
    fn long_texts_are_cut_with_the_rest_at_hand() {
        let long = shown(&"я".repeat(3000));
        assert!(long.contains(&format!("{}…", "я".repeat(2000))) && long.contains("<details>"));
        assert!(shown(&"x".repeat(1_000_000)).len() < 40_000);
        assert_eq!(on(&"я".repeat(3000), true), format!("<p class=\"said\" dir=\"auto\">{}</p>", "я".repeat(3000)));
        assert!(on(r#"{"type":"IMAGE","caption":"Hi"}"#, true).contains("<details open>"));
    }
}
