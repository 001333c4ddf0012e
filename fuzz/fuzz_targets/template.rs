//! Any text as a request with something to be filled in: an error is one line that repeats nothing, and what is taken names
//! what it has to.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_load::template::{Role, Template};

fuzz_target!(|input: (u8, &str)| {
    let (role, text) = input;
    let role = [Role::Write, Role::Read, Role::List, Role::Delete][usize::from(role) % 4];
    match Template::parse(text, role) {
        Err(error) => assert!(!error.is_empty() && !error.chars().any(char::is_control)),
        Ok(template) => {
            assert!(template.path().starts_with('/') && !template.path().contains(char::is_whitespace));
            assert_eq!(template, Template::parse(text.trim(), role).expect("the same text"));
            match role {
                Role::Write => assert!(!template.needs_id() && !template.method().is_safe()),
                Role::Read => assert_ne!(template.method(), "HEAD"),
                Role::List => assert!(!template.needs_id() && !template.path().contains("{key}")),
                Role::Delete => assert!(!template.method().is_safe()),
            }
        }
    }
});
