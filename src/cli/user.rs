//! `user create`, `user list`, `user disable`, `user enable` and `user password`; knows no SQL.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::failure::{Failure, print, print_note};
use super::table;
use crate::clock::Clock;
use crate::model::audit::{Action, AuditRecord, Who};
use crate::model::user::{Login, Password, PasswordHash, Role};
use crate::model::{Instant, TenantId};
use crate::store::users::{ListedUser, NewUser};
use crate::store::{Connection, Store, StoreError, audit, subjects, users};

/// Manage the users of the console
#[derive(Subcommand)]
pub enum User {
    Create(Create),
    /// List the users of a tenant
    List {
        /// The tenant's id
        #[arg(long)]
        tenant: i64,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Disable a user; their sessions end at once
    Disable(Named),
    /// Let a disabled user sign in again
    Enable(Named),
    /// Give a user a new password; their sessions end at once
    ///
    /// The password is printed only once, as the last line of standard output.
    Password {
        #[command(flatten)]
        user: Named,
        #[command(flatten)]
        choice: PasswordChoice,
    },
}

/// Create a user; their password is printed only once, as the last line of standard output
#[derive(Args)]
#[command(after_help = "Examples:
  history-gateway user create --tenant 3193 --login anna --role agent
  history-gateway user create --tenant 3193 --login boris --role viewer \\
      --senders 501,502
  pass show anna | history-gateway user create --tenant 3193 \\
      --login anna --role admin --password-stdin")]
pub struct Create {
    #[command(flatten)]
    user: Named,
    /// What the user may do
    #[arg(long, value_enum)]
    role: RoleName,
    /// The subjects whose messages a viewer or an agent sees; all if omitted
    #[arg(long, value_delimiter = ',', value_name = "ID,…", value_parser = clap::value_parser!(i64).range(1..))]
    senders: Option<Vec<i64>>,
    #[command(flatten)]
    choice: PasswordChoice,
}

#[derive(Args)]
pub struct Named {
    /// The tenant whose messages the user sees
    #[arg(long)]
    tenant: i64,
    /// The name that the user signs in with; letters of any case are the same
    #[arg(long, value_parser = Login::parse)]
    login: Login,
}

#[derive(Args)]
pub struct PasswordChoice {
    /// Read the password from the first line of standard input instead of generating one
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    /// Searches and reads; phone numbers are masked
    Viewer,
    /// May also reveal what is masked, with a reason, and print evidence
    Agent,
    /// Searches and reads, masked, and reads the whole audit log
    Auditor,
    /// May do what an agent may, read the whole audit log and manage users
    Admin,
}

impl User {
    pub async fn run(self, store: &Store) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(store).await,
            Self::List { tenant, json } => {
                let now = Clock::System.now();
                let list = move |connection: &mut _| users::list(connection, TenantId(tenant), now);
                let users = store.read_primary(list).await?;
                if json {
                    let users: Vec<_> = users.iter().map(as_json).collect();
                    return print(&format!("{}\n", serde_json::Value::from(users)));
                }
                let headings = ["LOGIN", "ROLE", "SENDERS", "CREATED", "SESSIONS", "STATE"];
                print(&table::render(&headings, &users.into_iter().map(row).collect::<Vec<_>>()))
            }
            Self::Disable(user) => user.set_disabled(store, true).await,
            Self::Enable(user) => user.set_disabled(store, false).await,
            Self::Password { user, choice } => {
                let password = choice.password()?;
                let (tenant, login, hash) = (TenantId(user.tenant), user.login.clone(), hash(&password)?);
                let now = Clock::System.now();
                let record = user.record("user password", Action::PasswordChanged, now);
                let set = move |connection: &mut _| {
                    let is_known = users::set_password(connection, tenant, &login, &hash, now)?;
                    recorded(connection, tenant, is_known, &record, now)
                };
                user.require(store.write(set).await?)?;
                let end = if choice.password_stdin { "." } else { ". It is shown only once:" };
                print_note(format_args!(
                    "User '{}' of tenant {} has a new password{end}",
                    user.login.as_str(),
                    user.tenant
                ));
                choice.print(&password)
            }
        }
    }
}

impl Create {
    async fn run(self, store: &Store) -> Result<(), Failure> {
        let Self { user: Named { tenant, login }, role, senders, choice } = self;
        let role = match role {
            RoleName::Viewer => Role::Viewer,
            RoleName::Agent => Role::Agent,
            RoleName::Auditor => Role::Auditor,
            RoleName::Admin => Role::Admin,
        };
        let password = choice.password()?;
        let senders: Option<BTreeSet<i64>> = senders.map(|senders| senders.into_iter().collect());
        if senders.is_some() && !role.may_be_limited() {
            return Err(Failure::message(format!(
                "the user was not created: --senders is for viewers and agents, because the role {} sees all messages of the \
                 tenant",
                role.word()
            )));
        }
        let now = Clock::System.now();
        let named = Named { tenant, login: login.clone() };
        let record = named.record("user create", Action::UserCreated, now).of_user(role, senders.as_ref());
        let new = NewUser { login: login.clone(), role, senders, password: hash(&password)? };
        let create = move |connection: &mut _| {
            let known = subjects::list(connection, TenantId(tenant))?;
            let is_unknown = |id: &&i64| known.iter().all(|subject| subject.id != **id);
            let unknown: Vec<i64> = new.senders.iter().flatten().filter(is_unknown).copied().collect();
            let id = users::create(connection, TenantId(tenant), &new, now)?;
            recorded(connection, TenantId(tenant), id.is_some(), &record, now)?;
            Ok((id, unknown))
        };
        let (id, unknown_senders) = store.write(create).await?;
        if id.is_none() {
            return Err(Failure::message(format!(
                "the user was not created: the login '{}' is taken; a login is for one user of one tenant",
                login.as_str()
            )));
        }
        for sender in unknown_senders {
            print_note(format_args!("Note: the tenant has no subject {sender} yet."));
        }
        let end = if choice.password_stdin { "." } else { ". Their password is shown only once:" };
        let (login, role) = (login.as_str(), role.word());
        print_note(format_args!("User '{login}' of tenant {tenant} is created, with the role {role}{end}"));
        choice.print(&password)
    }
}

impl Named {
    async fn set_disabled(self, store: &Store, is_disabled: bool) -> Result<(), Failure> {
        let (tenant, login, now) = (TenantId(self.tenant), self.login.clone(), Clock::System.now());
        let (command, action) =
            if is_disabled { ("user disable", Action::UserDisabled) } else { ("user enable", Action::UserEnabled) };
        let record = self.record(command, action, now);
        let set = move |connection: &mut _| {
            let is_known = users::set_disabled(connection, tenant, &login, is_disabled, now)?;
            recorded(connection, tenant, is_known, &record, now)
        };
        self.require(store.write(set).await?)?;
        let what = if is_disabled { "is disabled" } else { "may sign in again" };
        print_note(format_args!("User '{}' of tenant {} {what}.", self.login.as_str(), self.tenant));
        Ok(())
    }

    /// What the tenant's audit log says of a command about this user.
    fn record(&self, command: &str, action: Action, now: Instant) -> AuditRecord {
        let who = Who::Command { command: command.to_owned() };
        AuditRecord { login: Some(self.login.as_str().to_owned()), ..AuditRecord::new(now, who, action) }
    }

    /// Fails if the user was not found.
    fn require(&self, is_found: bool) -> Result<(), Failure> {
        let Self { tenant, login } = self;
        let login = login.as_str();
        let sentence = format!(
            "tenant {tenant} has no user '{login}'; 'history-gateway user list --tenant {tenant}' shows its users"
        );
        if is_found { Ok(()) } else { Err(Failure::message(sentence)) }
    }
}

/// Records a change, if there was one, and tells whether there was.
fn recorded(
    connection: &mut Connection,
    tenant: TenantId,
    is_changed: bool,
    record: &AuditRecord,
    now: Instant,
) -> Result<bool, StoreError> {
    if is_changed {
        audit::append(connection, tenant, std::slice::from_ref(record), now)?;
    }
    Ok(is_changed)
}

impl PasswordChoice {
    /// The password of standard input, or a new one.
    fn password(&self) -> Result<Password, Failure> {
        if !self.password_stdin {
            return Ok(Password::random());
        }
        if std::io::stdin().is_terminal() {
            let sentence = "--password-stdin reads a file or a pipe, because a terminal would show the password; \
                            leave it out to generate one";
            return Err(Failure::message(sentence));
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|error| Failure::message(format!("the password cannot be read from standard input: {error}")))?;
        let text = line.trim_end_matches(['\r', '\n']);
        Password::parse(text).map_err(|must| Failure::message(format!("the password was not accepted: {must}")))
    }

    /// Prints a generated password.
    fn print(&self, password: &Password) -> Result<(), Failure> {
        if self.password_stdin { Ok(()) } else { print(&format!("{}\n", password.reveal())) }
    }
}

fn hash(password: &Password) -> Result<PasswordHash, Failure> {
    password.hash().map_err(|error| Failure::message(format!("the password cannot be hashed: {error}")))
}

fn as_json(listed: &ListedUser) -> serde_json::Value {
    json!({
        "id": listed.user.id,
        "login": listed.user.login,
        "role": listed.user.role.word(),
        "senders": listed.user.grants.senders,
        "createdAt": listed.created_at.to_string(),
        "sessions": listed.sessions,
        "disabledAt": listed.disabled_at.map(|at| at.to_string()),
    })
}

fn row(listed: ListedUser) -> Vec<String> {
    let senders: Vec<String> = listed.user.grants.senders.iter().flatten().map(ToString::to_string).collect();
    vec![
        listed.user.login,
        listed.user.role.word().into(),
        if senders.is_empty() { "all".into() } else { senders.join(",") },
        listed.created_at.to_string(),
        listed.sessions.to_string(),
        if listed.disabled_at.is_some() { "disabled" } else { "enabled" }.into(),
    ]
}
