//! `sandbox`: a throw-away server with a demo tenant, for first steps and for integration tests; knows no SQL.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::common::Common;
use super::failure::{Failure, print};
use super::import::Format;
use super::signals::stop_signal;
use super::{export, fatal, generate, import, serve};
use crate::clock::Clock;
use crate::generate::Plan;
use crate::generate::logs::LogPlan;
use crate::http::Gateway;
use crate::http::docs::ShownKey;
use crate::ingest;
use crate::model::instant::Rounding;
use crate::model::key::{KeyKind, Profile, Secret};
use crate::model::{Instant, Item, Property, TenantId, tenant, wire};
use crate::store::api_keys::{self, NewKey};
use crate::store::{DatabaseUrl, Store, tenants};
use crate::telemetry;

const TENANT: TenantId = TenantId(3193);
const DEMO_MESSAGES: u64 = 400;
const DEMO_SEED: u64 = 3193;
const DEMO_RECIPIENTS: u64 = 20;

/// edna's published sample. The demo data includes its two messages.
const SAMPLE: &str = include_str!("../../tests/fixtures/edna-response.json");

const DEMO_LOGS: u64 = 100;

/// A key of the sandbox. The keys are the same in every run, and for both dialects.
struct DemoKey {
    value: &'static str,
    name: &'static str,
    kind: KeyKind,
    profile: Option<Profile>,
    groups: Option<&'static [&'static str]>,
    senders: Option<&'static [i64]>,
    last_day: Option<&'static str>,
}

const KEYS: [DemoKey; 6] = [
    DemoKey {
        value: "00000000-0000-4000-8000-000000003193",
        name: "sees everything",
        kind: KeyKind::Master,
        profile: None,
        groups: None,
        senders: None,
        last_day: None,
    },
    DemoKey {
        value: "00000000-0000-4000-8000-000000003194",
        name: "sees everything, with OneUptime's live response form",
        kind: KeyKind::Master,
        profile: Some(Profile::Live),
        groups: None,
        senders: None,
        last_day: None,
    },
    DemoKey {
        value: "00000000-0000-4000-8000-000000000401",
        name: "expired: 401, as ApiKey 400",
        kind: KeyKind::Additional,
        profile: None,
        groups: Some(&["message-history"]),
        senders: None,
        last_day: Some("2024-01-01"),
    },
    DemoKey {
        value: "00000000-0000-4000-8000-000000000403",
        name: "may not read messages: 403, as ApiKey 422",
        kind: KeyKind::Additional,
        profile: None,
        groups: Some(&["messaging"]),
        senders: None,
        last_day: None,
    },
    DemoKey {
        value: "00000000-0000-4000-8000-000000000501",
        name: "sees subject 501 only",
        kind: KeyKind::Additional,
        profile: None,
        groups: Some(&["message-history"]),
        senders: Some(&[501]),
        last_day: None,
    },
    DemoKey {
        value: "00000000-0000-4000-8000-000000000601",
        name: "for edna's webhooks",
        kind: KeyKind::Webhook,
        profile: None,
        groups: None,
        senders: None,
        last_day: None,
    },
];

/// Run a throw-away server with a demo tenant, its keys and a few hundred messages
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway sandbox
  history-gateway sandbox --port 0 --seed my-messages.ndjson --now 2026-03-01

All data is deleted when the sandbox stops. The log goes to standard error, one line per request; \
HISTORY_GATEWAY__LOG__LEVEL=warn limits it to warnings and errors.")]
pub struct Sandbox {
    /// The port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Load these files of messages instead of the demo data
    #[arg(long, value_name = "FILE")]
    seed: Vec<PathBuf>,
    /// Load these files of WhatsApp log rows instead of the demo data
    #[arg(long, value_name = "FILE")]
    seed_logs: Vec<PathBuf>,
    /// Stop the server's clock at this date
    #[arg(long, value_name = "DATE", value_parser = parse_now)]
    now: Option<Instant>,
}

impl Sandbox {
    pub async fn run(self, common: &Common) -> Result<(), Failure> {
        fatal::exit_on_panic();
        fatal::check_clock()?;
        if common.database.is_some() {
            return Err(Failure::message("the sandbox has a store of its own; leave --database out, or use 'serve'"));
        }
        // Installed first, so that the directory is removed whenever a signal arrives.
        let stop = stop_signal()?;
        let directory = private_directory()
            .map_err(|error| Failure::message(format!("cannot create a temporary directory: {error}")))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut config = common.load(vec![("server.bind", address.to_string())])?;
        config.database.url = format!("sqlite://{}", directory.path().join("sandbox.db").display());
        let logging = telemetry::start(&config.log);
        let clock = self.now.map_or(Clock::System, Clock::Fixed);
        let store = Store::open(&DatabaseUrl::parse(&config.database.url)?, config.store_options())?;
        let listener = serve::listen(&config.server.bind, "choose another port with --port; 0 picks a free one")?;
        let address = listener.local_addr().map_err(|error| Failure::message(error.to_string()))?;
        let example_address = self.fill(&store, clock).await?;
        let greeting = greeting(address, example_address);
        if let Some(result) = telemetry::write_within_timeout(move || print(&greeting)) {
            result?;
        } else {
            tracing::warn!(%address, "the sandbox's keys were not printed: nobody reads standard output");
        }
        let shown = KEYS.map(|key| ShownKey { name: key.name, value: key.value, kind: key.kind });
        let gateway = Gateway::new(&config, store, clock).showing(&shown);
        gateway.app.metrics.count_dropped_lines(logging.dropped_lines());
        Box::pin(serve::run(listener, gateway, (&config, Vec::new()), stop)).await
    }

    /// Fills the store; returns a recipient's address for the example request.
    async fn fill(&self, store: &Store, clock: Clock) -> Result<Option<String>, Failure> {
        let demo =
            tenant::Tenant { id: TENANT, name: "Demo".into(), project_id: TENANT.derived_project_id().to_string() };
        let keys = KEYS.iter().map(new_key).collect::<Option<Vec<_>>>();
        let keys = keys.ok_or_else(|| Failure::message("a demo key is not a valid key"))?;
        let now = clock.now();
        store
            .write(move |connection| {
                tenants::create(connection, &demo, now)?;
                keys.iter().try_for_each(|key| api_keys::issue(connection, key, now).map(|_| ()))
            })
            .await?;
        if self.seed.is_empty() && self.seed_logs.is_empty() {
            let plan = Plan {
                tenant: TENANT,
                messages: DEMO_MESSAGES,
                seed: DEMO_SEED,
                days: 30,
                until: now,
                recipients: DEMO_RECIPIENTS,
            };
            generate::fill(store, plan).await?;
            ingest::record(store, TENANT, sample()).await?;
            let logs = LogPlan { logs: DEMO_LOGS, seed: DEMO_SEED, days: 30, until: now };
            generate::fill_logs(store, TENANT, logs).await?;
            return Ok(
                crate::generate::Messages::new(plan).find_map(|item| item.text(Property::Address).map(str::to_owned))
            );
        }
        for (option, format, files) in
            [("--seed", Format::Edna, &self.seed), ("--seed-logs", Format::OneUptime, &self.seed_logs)]
        {
            let rejected = import::files(store, TENANT, format, files).await?.rejected;
            if rejected > 0 {
                let sentence = format!("entries of {option} were rejected: {rejected}; correct them and start again");
                return Err(Failure::message(sentence));
            }
        }
        Ok(None)
    }
}

/// Whether a key is one of the sandbox's keys, which are public.
pub fn has_key(secret: &Secret) -> bool {
    KEYS.iter().any(|key| key.value == secret.reveal())
}

/// A directory that only its owner can enter, whatever the umask.
fn private_directory() -> std::io::Result<tempfile::TempDir> {
    let mut directory = tempfile::Builder::new();
    #[cfg(unix)]
    directory.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    directory.tempdir()
}

fn new_key(key: &DemoKey) -> Option<NewKey> {
    Some(NewKey {
        tenant: TENANT,
        digest: Secret::parse(key.value)?.digest(),
        name: key.name.into(),
        kind: key.kind,
        groups: key.groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
        senders: key.senders.map(<[i64]>::to_vec),
        permissions: key.senders.is_some().then(|| vec!["Read WhatsApp Log".to_owned()]),
        oneuptime_profile: key.profile.map(|profile| profile.word().to_owned()),
        valid_until: key.last_day.and_then(|day| day.parse::<NaiveDate>().ok()),
    })
}

fn sample() -> Vec<Item> {
    let fields = wire::object(SAMPLE.trim()).map(|fields| fields.0).unwrap_or_default();
    let content = fields.iter().find(|(name, _)| name == "content").and_then(|(_, raw)| wire::array(raw.get()));
    content.into_iter().flatten().filter_map(|raw| Item::parse(raw.get(), TENANT).ok()).collect()
}

/// The address of the server, its keys, and requests to paste.
fn greeting(address: SocketAddr, example_address: Option<String>) -> String {
    let key = KEYS[0].value;
    let request = match example_address {
        Some(address) => json!({"subscriberFilter": {"address": address, "type": "PHONE"}, "limit": 2}),
        None => json!({"limit": 2}),
    };
    let rows = json!({"select": {"createdAt": true, "toNumber": true, "status": true}, "limit": 2});
    let keys: Vec<String> = KEYS.iter().map(|key| format!("key      {}  {}", key.value, key.name)).collect();
    let keys = keys.join("\n");
    format!(
        "history-gateway sandbox

address  http://{address}
tenant   {TENANT}
{keys}
page     http://{address}/docs/

curl -s http://{address}/api/messages/history -H 'x-api-key: {key}' -H 'Content-Type: application/json' \\
  -d '{request}'

curl -s http://{address}/api/whatsapp-log/get-list -H 'ApiKey: {key}' -H 'Content-Type: application/json' \\
  -d '{rows}'

Ctrl-C stops the sandbox and deletes all of its data.
"
    )
}

fn parse_now(text: &str) -> Result<Instant, String> {
    export::parse(text, Rounding::Down)
}
