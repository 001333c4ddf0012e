//! The OpenAPI description, judged by schemathesis: every request that it allows is answered as it says, and
//! every request that it forbids is refused.

use std::process::Command;

use crate::{server::Backend, tools};

#[test]
fn schemathesis_finds_nothing() {
    let backend = Backend::sqlite();
    let server = backend.start_with(&["--log-level", "warn"]);
    let done = Command::new(tools::python_program("schemathesis"))
        .args(["--no-color", "run", &format!("http://{}/openapi.json", server.address)])
        .args(["--checks", "all", "--max-examples", "40", "--seed", "1", "--generation-database", "none"])
        .current_dir(tempfile::TempDir::new().unwrap().path())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&done.stdout);
    println!("{report}");
    assert!(done.status.success(), "{report}{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(server.metric("process_max_fds").map(|_| server.get("/").status), Some(200));
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
