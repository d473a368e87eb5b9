//! `user`: the commands about people who use the console.

use insta::assert_snapshot;

use crate::commands::binary_with_tenant;

/// Standard output and standard error of a command that must succeed.
fn both(output: std::process::Output) -> (String, String) {
    let (printed, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{notes}");
    (printed, notes)
}

#[test]
fn user_is_created_listed_disabled_and_gets_a_password() {
    let binary = binary_with_tenant();
    let create = ["user", "create", "--tenant", "3193", "--login", "Anna", "--role", "agent"];
    let (password, notes) = both(binary.output(&create));
    assert_eq!(password.trim().split('-').map(str::len).collect::<Vec<_>>(), [6, 6, 6, 6]);
    assert_snapshot!(notes, @"User 'anna' of tenant 3193 is created, with the role agent. Their password is shown only once:");
    let create = ["user", "create", "--tenant", "3193", "--login", "boris", "--role", "viewer", "--senders", "7,5"];
    let output = binary.pipe(&[&create[..], &["--password-stdin"]].concat(), b"correct horse battery\n");
    let (printed, notes) = both(output);
    assert_eq!(printed, "");
    assert_snapshot!(notes, @"
    Note: the tenant has no subject 5 yet.
    Note: the tenant has no subject 7 yet.
    User 'boris' of tenant 3193 is created, with the role viewer.
    ");
    let (printed, notes) = both(binary.output(&["user", "disable", "--tenant", "3193", "--login", "BORIS"]));
    assert_snapshot!(format!("{printed}{notes}"), @"User 'boris' of tenant 3193 is disabled.");
    let (password, notes) = both(binary.output(&["user", "password", "--tenant", "3193", "--login", "anna"]));
    assert_eq!(password.trim().len(), 27);
    assert_snapshot!(notes, @"User 'anna' of tenant 3193 has a new password. It is shown only once:");
    let listed = binary.run(&["user", "list", "--tenant", "3193"]);
    let listed: Vec<String> = listed.lines().map(without_times).collect();
    assert_snapshot!(listed.join("\n"), @"
    LOGIN ROLE SENDERS CREATED SESSIONS STATE
    anna agent all TIME 0 enabled
    boris viewer 5,7 TIME 0 disabled
    ");
    let listed = binary.run(&["user", "list", "--tenant", "3193", "--json"]);
    let mut listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for user in listed.as_array_mut().unwrap() {
        user.as_object_mut().unwrap().remove("createdAt");
        user["disabledAt"] = user["disabledAt"].is_string().into();
    }
    assert_snapshot!(listed, @r#"[{"disabledAt":false,"id":1,"login":"anna","role":"agent","senders":null,"sessions":0},{"disabledAt":true,"id":2,"login":"boris","role":"viewer","senders":[5,7],"sessions":0}]"#);
    let (_, notes) = both(binary.output(&["user", "enable", "--tenant", "3193", "--login", "boris"]));
    assert_snapshot!(notes, @"User 'boris' of tenant 3193 may sign in again.");
}

/// A line with words instead of times.
fn without_times(line: &str) -> String {
    let words =
        line.split_whitespace().map(|word| if word.contains('T') && word.ends_with("+0000") { "TIME" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn wrong_users_are_rejected_with_a_way_out() {
    let binary = binary_with_tenant();
    binary.run(&["tenant", "create", "--id", "4000", "--name", "Other"]);
    binary.run(&["user", "create", "--tenant", "3193", "--login", "anna", "--role", "agent"]);
    let fail = |arguments: &[&str]| binary.run_failing(&[&["user"], arguments].concat());
    assert_snapshot!(fail(&["create", "--tenant", "4000", "--login", "ANNA", "--role", "admin"]), @"1 history-gateway: the user was not created: the login 'anna' is taken; a login is for one user of one tenant");
    assert_snapshot!(fail(&["create", "--tenant", "5000", "--login", "boris", "--role", "admin"]), @"1 history-gateway: there is no tenant 5000; 'history-gateway tenant create --id 5000 --name NAME' makes it");
    assert_snapshot!(fail(&["disable", "--tenant", "4000", "--login", "anna"]), @"1 history-gateway: tenant 4000 has no user 'anna'; 'history-gateway user list --tenant 4000' shows its users");
    assert_snapshot!(fail(&["create", "--tenant", "3193", "--login", "a b", "--role", "admin"]), @"
    2 error: invalid value 'a b' for '--login <LOGIN>': it may contain letters, digits and . _ - @ + only

    For more information, try '--help'.
    ");
    assert_snapshot!(fail(&["create", "--tenant", "3193", "--login", "boris", "--role", "owner"]), @"
    2 error: invalid value 'owner' for '--role <ROLE>'
      [possible values: viewer, agent, auditor, admin]

    For more information, try '--help'.
    ");
    let short = ["user", "create", "--tenant", "3193", "--login", "boris", "--role", "admin", "--password-stdin"];
    let output = binary.pipe(&short, b"short\n");
    assert!(!output.status.success());
    assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"history-gateway: the password was not accepted: it must have at least 12 characters");
}
