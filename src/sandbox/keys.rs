//! The keys of a sandbox's tenants: their names, what each may do, and the fixed ones of the demo tenant; knows no store.

use std::time::Duration;

use chrono::NaiveDate;

use super::faults::Fault;
use crate::model::TenantId;
use crate::model::key::{KeyKind, Profile, Secret};
use crate::store::api_keys::NewKey;

/// What every key of one name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// Its name in control responses and in the journal.
    pub name: &'static str,
    /// What it is for, for people.
    pub purpose: &'static str,
    /// Its value for the demo tenant; other tenants' keys are random.
    pub demo: &'static str,
    pub kind: KeyKind,
    profile: Option<Profile>,
    groups: &'static [&'static str],
    senders: Option<&'static [i64]>,
    permissions: &'static [&'static str],
    is_expired: bool,
    pub is_revoked: bool,
}

const MASTER: KeySpec = KeySpec {
    name: "master",
    purpose: "sees everything",
    demo: "00000000-0000-4000-8000-000000003193",
    kind: KeyKind::Master,
    profile: None,
    groups: &[],
    senders: None,
    permissions: &[],
    is_expired: false,
    is_revoked: false,
};

/// The keys of every tenant.
pub const KEYS: [KeySpec; 7] = [
    MASTER,
    KeySpec {
        name: "live",
        purpose: "sees everything, with OneUptime's live response form",
        demo: "00000000-0000-4000-8000-000000003194",
        profile: Some(Profile::Live),
        ..MASTER
    },
    KeySpec {
        name: "expired",
        purpose: "expired: 401, as ApiKey 400",
        demo: "00000000-0000-4000-8000-000000000401",
        kind: KeyKind::Additional,
        groups: &["message-history"],
        is_expired: true,
        ..MASTER
    },
    KeySpec {
        name: "revoked",
        purpose: "revoked: 401, as ApiKey 400",
        demo: "00000000-0000-4000-8000-000000000402",
        kind: KeyKind::Additional,
        groups: &["message-history"],
        is_revoked: true,
        ..MASTER
    },
    KeySpec {
        name: "withoutGroup",
        purpose: "may not read messages: 403, as ApiKey 422",
        demo: "00000000-0000-4000-8000-000000000403",
        kind: KeyKind::Additional,
        groups: &["messaging"],
        ..MASTER
    },
    KeySpec {
        name: "oneSender",
        purpose: "sees subject 501 only",
        demo: "00000000-0000-4000-8000-000000000501",
        kind: KeyKind::Additional,
        groups: &["message-history", "messaging"],
        senders: Some(&[501]),
        permissions: &["Read WhatsApp Log"],
        ..MASTER
    },
    KeySpec {
        name: "webhook",
        purpose: "for edna's webhooks",
        demo: "00000000-0000-4000-8000-000000000601",
        kind: KeyKind::Webhook,
        ..MASTER
    },
];

/// The last day of expired keys, which are valid on a clock that is set to that day or earlier.
const EXPIRED_DAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2000, 1, 1);

/// A tenant's key: what it is, and its value.
#[derive(Clone, Debug)]
pub struct TenantKey {
    pub spec: KeySpec,
    pub secret: Secret,
}

impl TenantKey {
    /// The random keys of a new tenant.
    pub fn random() -> Vec<Self> {
        KEYS.into_iter().map(|spec| Self { spec, secret: Secret::random() }).collect()
    }

    /// The fixed keys of the demo tenant.
    pub fn demo() -> Vec<Self> {
        // Every value is a UUID, which a test checks.
        KEYS.into_iter()
            .chain([SLOW])
            .filter_map(|spec| Some(Self { spec, secret: Secret::parse(spec.demo)? }))
            .collect()
    }

    /// The key as the store holds it.
    pub fn for_store(&self, tenant: TenantId) -> NewKey {
        let spec = self.spec;
        let words = |words: &[&str]| (!words.is_empty()).then(|| words.iter().map(|word| (*word).to_owned()).collect());
        NewKey {
            tenant,
            digest: self.secret.digest(),
            name: spec.name.into(),
            kind: spec.kind,
            groups: words(spec.groups),
            senders: spec.senders.map(<[i64]>::to_vec),
            permissions: words(spec.permissions),
            oneuptime_profile: spec.profile.map(|profile| profile.word().to_owned()),
            valid_until: EXPIRED_DAY.filter(|_| spec.is_expired),
        }
    }
}

/// Whether a key is one of the fixed keys, which are public.
pub fn is_public(secret: &Secret) -> bool {
    let fault_keys = fault_keys().map(|(_, value, _)| value);
    KEYS.iter().map(|key| key.demo).chain(fault_keys).any(|value| value == secret.reveal())
}

/// The demo tenant's fault keys, for programs that can set nothing but a key: name, value, and the fault that every
/// request with the key gets.
pub fn fault_keys() -> [(&'static str, &'static str, Fault); 5] {
    [
        ("fault429", "00000000-0000-4000-8000-000000000429", Fault::error("too-many-requests", "too-many-requests")),
        ("fault500", "00000000-0000-4000-8000-000000000500", Fault::error("internal-error", "internal-error")),
        ("fault503", "00000000-0000-4000-8000-000000000503", Fault::error("service-unavailable", "unavailable")),
        (SLOW.name, SLOW.demo, Fault::late(Duration::from_secs(30))),
        ("fault444", "00000000-0000-4000-8000-000000000444", Fault::closing()),
    ]
}

/// A master key of the demo tenant whose requests are answered late.
const SLOW: KeySpec = KeySpec {
    name: "fault408",
    purpose: "is answered after 30 seconds",
    demo: "00000000-0000-4000-8000-000000000408",
    ..MASTER
};

/// The length of a key's text.
const LENGTH: usize = 36;

/// A text in which every key that `is_known` is replaced.
pub fn redact(text: String, is_known: impl Fn(&Secret) -> bool) -> String {
    let bytes = text.as_bytes();
    let key_at = |start: usize| {
        let candidate = text.get(start..start + LENGTH)?;
        Secret::parse(candidate).filter(|secret| is_known(secret)).map(|_| start)
    };
    let has_hyphens = |start: &usize| [8, 13, 18, 23].into_iter().all(|place| bytes.get(start + place) == Some(&b'-'));
    let mut found = (0..bytes.len()).filter(has_hyphens).filter_map(key_at).peekable();
    if found.peek().is_none() {
        drop(found);
        return text;
    }
    let (mut clean, mut from) = (String::with_capacity(text.len()), 0);
    for start in found {
        if start >= from {
            clean.push_str(&text[from..start]);
            clean.push('…');
            from = start + LENGTH;
        }
    }
    clean.push_str(&text[from..]);
    clean
}
