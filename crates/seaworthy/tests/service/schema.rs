//! The OpenAPI description, judged by schemathesis: every request that it allows is answered as it says, and
//! every request that it forbids is refused.

use std::process::Command;

use crate::{server::Backend, tools};

#[test]
fn schemathesis_finds_nothing() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--log-level", "info,seaworthy::access=warn"]);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/schemathesis");
    let done = Command::new(tools::python_program("schemathesis"))
        .args(["--config-file", "schemathesis.toml", "--no-color", "run"])
        .arg(format!("http://{}/openapi.json", server.address))
        .args(["--checks", "all", "--warnings", "off", "--max-examples", "40", "--seed", "1"])
        .args(["--continue-on-failure", "--generation-database", "none"])
        // Not into the source tree.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&done.stdout);
    println!("{report}");
    assert!(done.status.success(), "{report}{}", String::from_utf8_lossy(&done.stderr));
    let tested = report.lines().find_map(|line| line.trim().strip_prefix("Tested: ")?.parse::<usize>().ok());
    assert_eq!(tested, Some(16), "every operation was tested");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
