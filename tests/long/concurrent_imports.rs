//! Several processes that write to one store at once while a server reads it.

use std::process::Stdio;

use serde_json::Value;

use crate::binary_with_tenant;

#[test]
fn concurrent_imports_beside_a_busy_server_lose_nothing() {
    let binary = binary_with_tenant();
    let key = binary.run(&["key", "issue", "--tenant", "3193"]).trim().to_owned();
    let mut expected = Vec::new();
    for part in 0..3 {
        let source = binary_with_tenant();
        let seed = part.to_string();
        source.run(&["generate", "--tenant", "3193", "--messages", "4000", "--seed", &seed, "--until", "2026-03-01"]);
        let items = source.run(&["export", "--tenant", "3193"]);
        expected.extend(items.lines().map(str::to_owned));
        binary.write(&format!("{part}.ndjson"), items);
    }
    expected.sort_by_key(|line| serde_json::from_str::<Value>(line).unwrap()["messageId"].as_i64());
    let server = binary.start_server(&["serve", "--bind", "127.0.0.1:0"], &[]);
    let imports: Vec<_> = (0..3)
        .map(|part| {
            let file = format!("{part}.ndjson");
            let mut command = binary.command(&["import", "--tenant", "3193", &file]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..150 {
                    let response = server.history(&key, r#"{"dateFrom":"2025-01-01","limit":50}"#);
                    assert!(response.starts_with("200 "), "{response}");
                }
            });
        }
    });
    for import in imports {
        let output = import.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains(r#""imported":4000"#));
    }
    let exported = binary.run(&["export", "--tenant", "3193"]);
    assert!(exported.lines().eq(expected.iter().map(String::as_str)));
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
