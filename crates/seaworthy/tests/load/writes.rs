//! The users scenario and its ledger, against the real service.

use crate::{
    run::{report, url},
    server::{Backend, Server},
};

fn users(server: &Server, more: &[&str]) -> (crate::run::Done, serde_json::Value) {
    report(&[&[&*url(server.address), "--scenario", "users", "-q", "200", "-z", "3s"], more].concat())
}

#[test]
fn what_is_acknowledged_is_kept() {
    let database = Backend::sqlite();
    let server = database.start();
    let (done, report) = users(&server, &["--threshold", "lost_writes==0"]);
    assert_eq!(done.code, 0, "{done:?}");
    let writes = &report["writes"];
    let count = |name: &str| writes[name].as_u64().unwrap();
    assert!(count("acknowledged") > 100, "{writes}");
    assert_eq!(count("kept"), count("acknowledged"), "{writes}");
    assert_eq!((count("lost"), count("unverified")), (0, 0), "{writes}");
    // They are there, under names that say where they come from.
    assert!(server.all_users().iter().any(|user| user["email"].as_str().unwrap().ends_with("@load.example")));
}

#[test]
fn a_service_that_forgets_fails() {
    let database = Backend::sqlite();
    let server = database.start();
    // Half-way through, somebody else takes everything away.
    let address = server.address;
    let taken = std::thread::spawn(move || {
        let mut client = crate::client::Client::connect(address).unwrap();
        let mut gone = 0;
        while gone < 30 {
            let page = client.request("GET", "/v1/users?limit=10", &[], b"").unwrap().json();
            for user in page["items"].as_array().unwrap() {
                client.request("DELETE", &format!("/v1/users/{}", user["id"]), &[], b"").unwrap();
                gone += 1;
            }
        }
    });
    let (done, report) = users(&server, &[]);
    taken.join().unwrap();
    assert_eq!(done.code, 1, "{done:?}");
    assert!(report["writes"]["lost"].as_u64().unwrap() > 0, "{}", report["writes"]);
    assert!(done.stdout.contains("acknowledged") && done.stdout.contains("read nothing"), "{}", done.stdout);
}
