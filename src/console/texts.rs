//! The console's texts in each language, from Fluent files; knows no page.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Russian,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Russian];

    /// Its tag, as in HTML and in HTTP headers.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Russian => "ru",
        }
    }

    /// Its name in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Russian => "Русский",
        }
    }

    /// The language of a tag such as `ru` or `ru-RU`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    fn source(self) -> &'static str {
        match self {
            Self::English => include_str!("locale/en.ftl"),
            Self::Russian => include_str!("locale/ru.ftl"),
        }
    }
}

/// The texts of all languages.
pub struct Texts([FluentBundle<FluentResource>; 2]);

impl Default for Texts {
    fn default() -> Self {
        Self(Language::ALL.map(bundle))
    }
}

impl Texts {
    /// The texts of one language.
    pub fn of(&self, language: Language) -> Localized<'_> {
        let [english, russian] = &self.0;
        let bundle = match language {
            Language::English => english,
            Language::Russian => russian,
        };
        Localized { language, bundle }
    }
}

/// The embedded files have no errors and no id twice, which a test checks.
fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(language.source().to_owned()).unwrap_or_else(|(partial, _)| partial);
    let tag: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Marks that isolate values of another direction would be copied with the text.
    bundle.set_use_isolating(false);
    let _ = bundle.add_resource(resource);
    bundle
}

/// The texts of one language.
#[derive(Clone, Copy)]
pub struct Localized<'a> {
    pub language: Language,
    bundle: &'a FluentBundle<FluentResource>,
}

impl fmt::Debug for Localized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Localized({})", self.language.tag())
    }
}

impl Localized<'_> {
    /// A text without values.
    pub fn text(&self, id: &'static str) -> String {
        self.format(id, None)
    }

    /// A text with values.
    pub fn with<'v>(
        &self,
        id: &'static str,
        values: impl IntoIterator<Item = (&'static str, FluentValue<'v>)>,
    ) -> String {
        let mut arguments = FluentArgs::new();
        for (name, value) in values {
            arguments.set(name, value);
        }
        self.format(id, Some(&arguments))
    }

    /// The id itself if there is no such text, which a test excludes.
    fn format(&self, id: &'static str, values: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.bundle.get_message(id).and_then(|message| message.value());
        let format = |pattern| self.bundle.format_pattern(pattern, values, &mut Vec::new()).into_owned();
        pattern.map_or_else(|| id.to_owned(), format)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fluent_bundle::FluentResource;
    use fluent_bundle::FluentValue;

    use super::{Language, Texts};

    /// The ids of a language's texts, each with the names of its values.
    fn texts_of(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let resource = FluentResource::try_new(language.source().to_owned()).unwrap();
        let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in resource.source().lines().filter(|line| !line.starts_with('#')) {
            if let Some((id, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                id.clone_into(&mut last);
            }
            let names = line.split('$').skip(1).filter_map(|rest| rest.split([' ', '}']).next());
            texts.entry(last.clone()).or_default().extend(names.map(str::to_owned));
        }
        texts
    }

    #[test]
    fn no_text_is_missing_in_a_language_or_unused() {
        let english = texts_of(Language::English);
        assert_eq!(english, texts_of(Language::Russian));
        let english: Vec<&String> = english.keys().filter(|id| !id.is_empty()).collect();
        let texts = Texts::default();
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
            for id in &english {
                assert!(texts.of(language).bundle.has_message(id), "{} {id}", language.tag());
            }
        }
        let mut sources = String::new();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("texts.rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
        for id in &english {
            assert!(sources.contains(&format!("\"{id}\"")), "{id} is not used");
        }
    }

    #[test]
    fn russian_numbers_have_their_forms() {
        let texts = Texts::default();
        let seconds = |number: u64| {
            texts.of(Language::Russian).with("too-many-attempts", [("seconds", FluentValue::from(number))])
        };
        assert!(seconds(1).contains("1 секунду"));
        assert!(seconds(3).contains("3 секунды"));
        assert!(seconds(11).contains("11 секунд"));
        assert!(seconds(21).contains("21 секунду"));
    }
}
