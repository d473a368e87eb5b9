//! `copy`: copies a whole store, or one tenant, into another store, and compares the two; knows no SQL.

use std::io::IsTerminal;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::blocks;
use super::common::{Common, command_options, throttled};
use super::failure::{Failure, print, print_note};
use crate::model::TenantId;
use crate::model::tenant::Tenant;
use crate::store::messages::daily_counts;
use crate::store::{DatabaseUrl, Options, Store};
use crate::transfer::{self, Transfer, Verification, Written};

/// Copy a store, or one tenant of it, into another store: from SQLite to PostgreSQL, or back
#[derive(Args)]
#[command(
    after_help = "Copies tenants, keys, users, subjects, messages with their status events and provenance, pending \
messages, WhatsApp log rows and the progress of pulls, and compares both stores at the end. The target is created if \
there is none. Both stores may be in use meanwhile. If it is stopped, the same command continues; a later run copies \
what came since. Nothing is deleted in the target, and what both received is merged.

For each tenant, standard output has a line such as
  {\"tenant\":3193,\"messages\":100,\"copied\":100, …, \"sha256\":\"…\",\"complete\":true}
The exit status is 1 if the target lacks something, as it does while the source receives messages: then run it again.

Examples:
  history-gateway copy --from sqlite://history.db \\
      --to postgres://history@db1,db2/history
  history-gateway copy --from postgres://history@db1/history \\
      --to sqlite://copy.db --tenant 3193"
)]
pub struct Copy {
    /// The store to copy
    #[arg(long, value_name = "URL")]
    from: String,
    /// The store to copy it into
    #[arg(long, value_name = "URL")]
    to: String,
    /// Only this tenant
    #[arg(long, value_name = "ID")]
    tenant: Option<i64>,
}

impl Copy {
    pub async fn run(self, common: &Common) -> Result<u8, Failure> {
        let options = command_options(&common.load(Vec::new())?);
        let (from, to) = (DatabaseUrl::parse(&self.from)?, DatabaseUrl::parse(&self.to)?);
        if from.is_same(&to) {
            return Err(Failure::message("--from and --to name the same store; name another one in --to"));
        }
        let (from, to) = open(from, to, options).await?;
        let mut is_complete = true;
        for tenant in transfer::tenants_of(&from, self.tenant.map(TenantId)).await? {
            let (written, verification) = copy(&from, &to, &tenant).await?;
            print(&summary(&tenant, &written, &verification))?;
            is_complete &= verification.is_complete();
            report(&tenant, &verification);
        }
        Ok(u8::from(!is_complete))
    }
}

/// Opens both stores. The source is not migrated, because a server of its version may be running.
async fn open(from: DatabaseUrl, to: DatabaseUrl, options: Options) -> Result<(Store, Store), Failure> {
    let opened = tokio::task::spawn_blocking(move || {
        let from = Store::open_current(&from, options)?;
        Ok((from, Store::open(&to, options)?))
    });
    opened
        .await
        .map_err(|error| Failure::message(format!("opening the stores failed: {error}")))?
        .map_err(Failure::Store)
}

async fn copy(from: &Store, to: &Store, tenant: &Tenant) -> Result<(Written, Verification), Failure> {
    let id = tenant.id;
    let messages = from.read_primary(move |connection| daily_counts::total(connection, id)).await?;
    let transfer = Transfer { from, to, tenant: id };
    let bar = Bar::new(&format!("Tenant {id}: copying"), messages);
    let written = transfer.run(tenant, &mut bar.progress()).await;
    bar.0.finish_and_clear();
    let written = written?;
    if written.copied > 0 {
        blocks::build(to, id).await;
    }
    let bar = Bar::new(&format!("Tenant {id}: comparing"), messages);
    let verification = transfer.verify(&mut bar.progress()).await;
    bar.0.finish_and_clear();
    Ok((written, verification?))
}

/// A bar on a terminal, lines elsewhere.
struct Bar(ProgressBar, String, u64);

impl Bar {
    fn new(what: &str, messages: i64) -> Self {
        let total = u64::try_from(messages).unwrap_or_default();
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(total) } else { ProgressBar::hidden() };
        // The template is a constant that indicatif accepts.
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} messages, {per_sec}, {eta} left")
        {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self(bar, what.to_owned(), total)
    }

    fn progress(&self) -> impl FnMut(u64) {
        let (bar, what, total) = (self.0.clone(), self.1.clone(), self.2);
        let mut note =
            throttled(move |done: u64| print_note(format_args!("{what}: {done} of {total} messages so far.")));
        move |done| {
            bar.set_position(done);
            if bar.is_hidden() {
                note(done);
            }
        }
    }
}

/// The summary of a tenant, written by hand to keep the order of the keys, which users see.
fn summary(tenant: &Tenant, written: &Written, verification: &Verification) -> String {
    let counts = [
        ("messages", verification.messages),
        ("copied", written.copied),
        ("updated", written.updated),
        ("statuses", written.statuses),
        ("logs", written.logs),
        ("keys", written.keys),
        ("users", written.users),
    ];
    let counts = counts.map(|(name, count)| format!("{}:{count}", json!(name))).join(",");
    let (digest, complete) = (json!(verification.digest), verification.is_complete());
    format!("{{\"tenant\":{},{counts},\"sha256\":{digest},\"complete\":{complete}}}\n", tenant.id)
}

/// Tells what differs, and what only the target has.
fn report(tenant: &Tenant, found: &Verification) {
    let id = tenant.id;
    if found.only_in_target > 0 {
        print_note(format_args!(
            "Tenant {id}: {} messages are only in the target, and stay there.",
            found.only_in_target
        ));
    }
    if found.further_messages > 0 {
        print_note(format_args!(
            "Tenant {id}: {} messages have more in the target, which stays.",
            found.further_messages
        ));
    }
    let mut missing = found.missing.clone();
    if found.incomplete_messages > 0 {
        missing.push(format!("{} messages", found.incomplete_messages));
    }
    if found.missing_statuses > 0 {
        missing.push(format!("{} status events", found.missing_statuses));
    }
    if !missing.is_empty() {
        let missing = missing.join("; ");
        print_note(format_args!(
            "Tenant {id}: the target lacks {missing}. The source has changed meanwhile: run the command again."
        ));
    }
}
