//! Any text as a manifest: reading it ends, an error is one line, and what is read can be run.

#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_trial::manifest::Manifest;

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}

fuzz_target!(|text: &str| {
    let read = Manifest::read(text, None);
    assert_eq!(read, Manifest::read(text, None));
    let manifest = match read {
        Ok(manifest) => manifest,
        Err(invalid) => return assert!(is_line(&invalid.to_string())),
    };
    assert!((1..=20).contains(&manifest.deployment.replicas));
    assert!(manifest.deployment.min_ready < manifest.deployment.progress_deadline);
    assert!(manifest.not_followed.iter().all(|line| is_line(line)));
    assert!(manifest.environment.iter().all(|(name, value)| is_line(name) && !value.contains('\0')));
    assert!(manifest.command.iter().all(|word| !word.contains('\0')));
    let mut ports = manifest.ports.clone();
    ports.sort();
    ports.dedup();
    assert_eq!(ports.len(), manifest.ports.len());
});
