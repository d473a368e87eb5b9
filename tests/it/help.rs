//! The help text of every command, and the errors of invalid arguments.

use crate::support::Binary;

#[test]
fn help_succeeds_and_invalid_arguments_exit_with_2() {
    let binary = Binary::new();
    let commands = [
        "serve",
        "sandbox",
        "tenant",
        "key",
        "subject",
        "find",
        "import",
        "export",
        "pull",
        "generate",
        "backup",
        "restore",
        "check",
        "migrate",
        "search",
        "partition",
        "openapi",
    ];
    let help = binary.run(&["--help"]);
    for command in commands {
        assert!(help.contains(command) && binary.run(&[command, "--help"]).contains("Usage:"), "{command}");
    }
    for wrong in [
        &["frobnicate"][..],
        &["serve", "--bnd", "x"],
        &["import", "--tenant", "x", "-"],
        &["import", "--tenant", "1"],
        &["tenant", "create", "--id", "0", "--name", "x"],
        &["export", "--tenant", "1", "--from", "soon"],
    ] {
        assert!(binary.run_failing(wrong).starts_with("2 error: "), "{wrong:?}");
    }
    assert!(binary.run(&["--version"]).starts_with("history-gateway "));
    assert_eq!(std::fs::read_dir(binary.directory.path()).unwrap().count(), 0);
}

/// Every command and subcommand, with its full name.
fn all_commands() -> Vec<(String, clap::Command)> {
    let (mut found, mut left) = (Vec::new(), vec![("history-gateway".to_owned(), history_gateway::cli::definition())]);
    while let Some((name, command)) = left.pop() {
        left.extend(command.get_subcommands().map(|inner| (format!("{name} {}", inner.get_name()), inner.clone())));
        found.push((name, command));
    }
    assert!(found.len() > 20);
    found
}

#[test]
fn every_command_and_option_has_complete_help_text() {
    let is_whole = |text: &str| text.ends_with(|end: char| end.is_alphanumeric() || ")`'\"-.".contains(end));
    for (name, command) in all_commands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(is_whole(&about), "{name}: {about:?}");
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(is_whole(&help), "{name} {}: {help:?}", argument.get_id());
            let values = argument.get_possible_values();
            let is_described = values.iter().any(|value| value.get_help().is_some());
            assert!(
                !is_described || values.iter().all(|value| value.get_help().is_some()),
                "{name} {}",
                argument.get_id()
            );
        }
    }
}

#[test]
fn help_examples_are_not_wrapped_at_80_columns_or_more() {
    for (name, command) in all_commands() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        // A paragraph is one line, which is wrapped to the terminal's width; indented lines are not wrapped.
        let lines: Vec<&str> = after.lines().collect();
        for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ');
            assert!(!(is_prose(line) && is_prose(next)), "{name}: a paragraph of two lines: {line:?}");
        }
        let indented = lines.iter().filter(|line| line.starts_with(' '));
        for width in [80, 100, 200] {
            let help = command.clone().term_width(width).render_long_help().to_string();
            for line in indented.clone() {
                assert!(help.lines().any(|shown| shown == *line), "{name} at {width}: wrapped: {line:?}");
            }
        }
    }
}
