//! `key issue`, `key list` and `key revoke`; knows no SQL.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::failure::{Failure, print, print_note};
use super::table;
use crate::clock::Clock;
use crate::model::key::{GROUPS, KeyKind, PERMISSIONS, Secret};
use crate::model::{Instant, TenantId};
use crate::sandbox::keys::is_public;
use crate::store::api_keys::{ListedKey, NewKey, RevokedKey};
use crate::store::{Store, api_keys, subjects};

/// Minimum number of different digits in a key that is given with --value. A random key hardly ever has fewer.
const MIN_DISTINCT_DIGITS: usize = 8;

/// Issue, list and revoke API keys
#[derive(Subcommand)]
pub enum Key {
    Issue(Issue),
    /// List the keys of a tenant, without their values
    List {
        /// The tenant's id
        #[arg(long)]
        tenant: i64,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key permanently; running servers reject it within a second
    Revoke {
        /// The tenant that the key belongs to
        #[arg(long)]
        tenant: i64,
        /// The key's id, as 'key list' shows it
        #[arg(long)]
        id: i64,
    },
}

/// Issue a key; it is printed only once, as the last line of standard output
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway key issue --tenant 3193
  history-gateway key issue --tenant 3193 --kind additional \\
      --groups message-history --senders 501,502
  history-gateway key issue --tenant 3193 --kind additional \\
      --permissions \"Read WhatsApp Log\"")]
pub struct Issue {
    /// The tenant whose data the key gives access to
    #[arg(long)]
    tenant: i64,
    /// A name for 'key list'
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// What the key may do
    #[arg(long, value_enum, default_value_t = Kind::Master)]
    kind: Kind,
    /// Method groups of an additional key, such as message-history; none if omitted
    #[arg(long, value_delimiter = ',', value_name = "GROUP,…", value_parser = GROUPS)]
    groups: Option<Vec<String>>,
    /// The subjects that an additional key sees; all if omitted
    #[arg(long, value_delimiter = ',', value_name = "ID,…", value_parser = clap::value_parser!(i64).range(1..))]
    senders: Option<Vec<i64>>,
    /// The last day, in UTC, on which an additional key is valid
    #[arg(long, value_name = "YYYY-MM-DD")]
    valid_until: Option<NaiveDate>,
    /// OneUptime permissions of an additional key, such as "Read WhatsApp Log"; a master key has all of them
    #[arg(long, value_delimiter = ',', value_name = "PERMISSION,…", value_parser = PERMISSIONS)]
    permissions: Option<Vec<String>>,
    /// The form of OneUptime responses for this key; the setting oneuptime.profile if omitted
    #[arg(long, value_enum, value_name = "PROFILE")]
    oneuptime_profile: Option<Profile>,
    /// Register an existing key instead of generating a new one
    #[arg(long, value_name = "UUID")]
    value: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// All data of the tenant; never expires
    Master,
    /// What its groups, senders and permissions allow, until its last day
    Additional,
    /// edna's webhooks only
    Webhook,
}

#[derive(Clone, Copy, ValueEnum)]
enum Profile {
    /// As on OneUptime's reference page
    Published,
    /// As OneUptime's own programs see it
    Live,
}

impl Key {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        match self {
            Self::Issue(issue) => issue.run(store).await,
            Self::List { tenant, json } => {
                let keys = store.read_primary(move |connection| api_keys::list(connection, TenantId(tenant))).await?;
                if json {
                    let keys: Vec<_> = keys.iter().map(as_json).collect();
                    return print(&format!("{}\n", serde_json::Value::from(keys)));
                }
                let now = Clock::System.now();
                let headings = [
                    "ID",
                    "NAME",
                    "KIND",
                    "GROUPS",
                    "PERMISSIONS",
                    "SENDERS",
                    "PROFILE",
                    "LAST DAY",
                    "LAST USED",
                    "STATE",
                ];
                print(&table::render(&headings, &keys.into_iter().map(|key| row(key, now)).collect::<Vec<_>>()))
            }
            Self::Revoke { tenant, id } => {
                let now = Clock::System.now();
                let revoked =
                    store.write(move |connection| api_keys::revoke(connection, TenantId(tenant), id, now)).await?;
                let Some(RevokedKey { name, kind }) = revoked else {
                    return Err(Failure::message(format!(
                        "tenant {tenant} has no key {id}; 'history-gateway key list --tenant {tenant}' shows its keys"
                    )));
                };
                let named = if name.is_empty() { String::new() } else { format!(" '{name}'") };
                print_note(format_args!("The {kind} key {id}{named} of tenant {tenant} is revoked."));
                Ok(())
            }
        }
    }
}

impl Issue {
    async fn run(self, store: &Store) -> Result<(), Failure> {
        self.check()?;
        let secret = match &self.value {
            None => Secret::random(),
            Some(value) => parse_value(value)?,
        };
        let key = NewKey {
            tenant: TenantId(self.tenant),
            digest: secret.digest(),
            name: self.name,
            kind: match self.kind {
                Kind::Master => KeyKind::Master,
                Kind::Additional => KeyKind::Additional,
                Kind::Webhook => KeyKind::Webhook,
            },
            groups: self.groups,
            senders: self.senders,
            permissions: self.permissions,
            oneuptime_profile: self.oneuptime_profile.map(|profile| match profile {
                Profile::Published => "published".to_owned(),
                Profile::Live => "live".to_owned(),
            }),
            valid_until: self.valid_until,
        };
        let issued = store.write(move |connection| {
            let known = subjects::list(connection, key.tenant)?;
            let mut senders = key.senders.iter().flatten();
            let unknown = senders.find(|id| known.iter().all(|subject| subject.id != **id)).copied();
            Ok((api_keys::issue(connection, &key, Clock::System.now())?, unknown))
        });
        let (id, unknown_sender) = issued.await?;
        let id = id.ok_or_else(|| {
            Failure::message(
                "the key was not issued: this --value was issued before; leave --value out to generate a new key",
            )
        })?;
        if let Some(sender) = unknown_sender {
            print_note(format_args!("Note: the tenant has no subject {sender} yet."));
        }
        print_note(format_args!("Key {id} of tenant {} is issued. It is shown only once:", self.tenant));
        print(&format!("{}\n", secret.reveal()))
    }

    /// Rejects options that the kind of key would ignore. A user who restricts a key must not get one that sees all.
    fn check(&self) -> Result<(), Failure> {
        let given = [
            ("--groups", self.groups.is_some()),
            ("--senders", self.senders.is_some()),
            ("--valid-until", self.valid_until.is_some()),
            ("--permissions", self.permissions.is_some()),
        ];
        let restricted = given.iter().find(|(_, given)| *given);
        match (self.kind, restricted) {
            (Kind::Master, Some((flag, _))) => {
                let sentence = format!("{flag} is for additional keys, not for a master key; add --kind additional");
                Err(Failure::message(sentence))
            }
            (Kind::Webhook, Some((flag, _))) => {
                Err(Failure::message(format!("{flag} is for additional keys, not for a webhook key; leave it out")))
            }
            (Kind::Webhook, None) if self.oneuptime_profile.is_some() => {
                Err(Failure::message("--oneuptime-profile is for keys that read, not for a webhook key; leave it out"))
            }
            (Kind::Additional, _) if self.groups.is_none() && self.permissions.is_none() => {
                print_note("Note: this key can read nothing. --groups message-history would let it read messages,");
                print_note("--permissions \"Read WhatsApp Log\" the WhatsApp log.");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// Parses an existing key. Rejects one that is public or easy to guess.
fn parse_value(value: &str) -> Result<Secret, Failure> {
    let secret = Secret::parse(value)
        .ok_or_else(|| Failure::message("--value must be a UUID such as 0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"))?;
    if is_public(&secret) {
        return Err(Failure::message(
            "the key was not issued: --value is a key of the sandbox, which is public; \
             leave --value out to generate a new key",
        ));
    }
    let digits: BTreeSet<char> = secret.reveal().chars().filter(char::is_ascii_hexdigit).collect();
    if digits.len() < MIN_DISTINCT_DIGITS {
        return Err(Failure::message(format!(
            "the key was not issued: --value has fewer than {MIN_DISTINCT_DIGITS} different digits, so it can be \
             guessed; leave --value out to generate a new key"
        )));
    }
    Ok(secret)
}

fn as_json(key: &ListedKey) -> serde_json::Value {
    json!({
        "id": key.id,
        "name": key.name,
        "kind": key.kind,
        "groups": key.groups,
        "senders": key.senders,
        "permissions": key.permissions,
        "oneuptimeProfile": key.oneuptime_profile,
        "validUntil": key.valid_until,
        "lastUsedAt": key.last_used_at.map(|at| at.to_string()),
        "revokedAt": key.revoked_at.map(|at| at.to_string()),
    })
}

fn row(key: ListedKey, now: Instant) -> Vec<String> {
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let time = |at: Option<Instant>| or_dash(at.map(|at| at.to_string()).unwrap_or_default());
    let last_day = key.valid_until.as_deref().and_then(|day| day.parse().ok()).and_then(Instant::end_of_day);
    let state = match (key.revoked_at, last_day) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= now => "expired",
        _ => "valid",
    };
    let senders: Vec<String> = key.senders.iter().map(ToString::to_string).collect();
    vec![
        key.id.to_string(),
        or_dash(key.name),
        key.kind,
        or_dash(key.groups.join(",")),
        or_dash(key.permissions.join(",")),
        or_dash(senders.join(",")),
        or_dash(key.oneuptime_profile.unwrap_or_default()),
        or_dash(key.valid_until.unwrap_or_default()),
        time(key.last_used_at),
        state.into(),
    ]
}
