//! The files of `deploy`, which the guide to a deployment repeats.

use std::path::Path;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn guide_shows_the_files_of_the_deployment() {
    let guide = read("docs/high-availability.md");
    for file in ["patroni.yml", "pgbouncer.ini", "history-gateway.toml"] {
        assert!(guide.contains(read(&format!("deploy/{file}")).trim_end()), "{file}");
    }
}

#[test]
fn settings_of_the_deployment_are_valid() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/history-gateway.toml");
    let config = history_gateway::config::Config::load(Some(&file), &[]).unwrap();
    assert_eq!(config.database.replicas.len(), 3);
}
