//! As a pod's workload: told by its environment, and ended by SIGTERM.

use std::io::Read as _;

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    client::Client,
    run::{load, started},
    server::Backend,
};

#[test]
fn it_runs_by_its_environment_until_it_is_told_to_end() {
    let database = Backend::sqlite();
    let server = database.start();
    let mut command = load(&[]);
    command.env("SERVER_ADDR", server.address.to_string()).env("REQUESTS_PER_SECOND", "50");
    let (mut child, lines, mut rest) = started(&mut command, 2);
    assert!(lines.iter().all(|line| line.contains("good") || line.contains("/s")), "{lines:?}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut summary = String::new();
    rest.read_to_string(&mut summary).unwrap();
    assert!(child.wait().unwrap().success(), "{summary}");
    assert!(summary.contains("MEASURED  ") && summary.contains("50/s"), "{summary}");
}

#[test]
fn it_is_patient_with_a_name_that_is_not_there_yet() {
    let mut command = load(&[]);
    command.env("SERVER_ADDR", "not-there-yet.invalid:80").env("REQUESTS_PER_SECOND", "5");
    let (mut child, _, mut rest) = started(&mut command, 2);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut summary = String::new();
    rest.read_to_string(&mut summary).unwrap();
    assert!(child.wait().unwrap().success(), "{summary}");
    assert!(summary.contains("name not resolved"), "{summary}");
}

#[test]
fn its_metrics_can_be_scraped() {
    let database = Backend::sqlite();
    let server = database.start();
    let ops = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = load(&["--ops-listen", &ops.to_string()]);
    command.env("SERVER_ADDR", server.address.to_string()).env("REQUESTS_PER_SECOND", "50");
    let (mut child, _, _rest) = started(&mut command, 2);
    let get = |path: &str| Client::connect(ops).unwrap().request("GET", path, &[], b"").unwrap();
    assert_eq!((get("/livez").status, get("/readyz").status), (200, 200));
    let metrics = get("/metrics");
    let value = |sample: &str| {
        let line = metrics.text().lines().find_map(|line| line.strip_prefix(sample));
        line.unwrap_or_else(|| panic!("no {sample} in {}", metrics.text())).trim().parse::<f64>().unwrap()
    };
    assert!(value("seaworthy_load_requests_total{result=\"good\"}") >= 50.0);
    assert!(value("seaworthy_load_response_seconds_count") >= 50.0, "{}", metrics.text());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}
