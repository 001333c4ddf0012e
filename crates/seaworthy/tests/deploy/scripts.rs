//! The pipeline's steps against a stand-in for `kubectl` that writes down what it is asked, and the image where there is one.

use std::{env, fs, os::unix::fs::PermissionsExt as _, process::Command};

use tempfile::TempDir;

use crate::{root, said, skip, tool};

/// A step with a `kubectl` that answers as told: shell that looks at `$*`. `kustomize` is the real one's.
struct Step {
    place: TempDir,
    answers: &'static str,
}

/// What came of a step.
struct Done {
    code: Option<i32>,
    told: String,
    /// What was asked of the cluster, a line each.
    asked: Vec<String>,
    /// What it was given on standard input.
    given: String,
}

/// What the environment says.
fn set(name: &str) -> Option<String> {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

impl Step {
    fn new(answers: &'static str) -> Self {
        Self { place: TempDir::new().unwrap(), answers }
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Option<Done> {
        let (Some(bash), Some(kubectl)) = (tool("bash"), tool("kubectl")) else {
            skip("there is no bash, or no kubectl");
            return None;
        };
        let place = self.place.path();
        let script = format!(
            "#!{}\nif [ \"$1\" = kustomize ]; then exec {} \"$@\"; fi\necho \"$*\" >> {log}/asked\n\
             case \"$*\" in *'--filename -') cat >> {log}/given;; esac\n{}\n",
            bash.display(),
            kubectl.display(),
            self.answers,
            log = place.display(),
        );
        let stand_in = place.join("kubectl");
        fs::write(&stand_in, script).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", place.display(), set("PATH").unwrap_or_default());
        let mut command = Command::new(bash);
        command.arg(root().join("deploy/pipeline").join(name)).args(arguments).env("PATH", path);
        command.envs([("OVERLAY", "loadbalancer"), ("TAG", "abc"), ("IMAGE", "registry.example.org/seaworthy")]);
        let output = command.output().unwrap();
        let read = |name: &str| fs::read_to_string(place.join(name)).unwrap_or_default();
        Some(Done {
            code: output.status.code(),
            told: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
            asked: read("asked").lines().map(str::to_owned).collect(),
            given: read("given"),
        })
    }
}

#[test]
fn a_deploy_makes_the_secrets_once_and_tells_them_to_nobody_but_the_cluster() {
    let fresh = Step::new("case \"$*\" in *'get secret'*) exit 1;; esac");
    let Some(done) = fresh.run("deploy", &[]) else { return };
    assert_eq!(done.code, Some(0), "{}", done.told);
    let values: Vec<&str> = done
        .given
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(": "))
        .map(|(_, value)| value)
        .collect();
    let random: Vec<&&str> = values.iter().filter(|value| value.len() >= 30).collect();
    assert_eq!(random.len(), 3, "two passwords and a token: {}", done.given.lines().count());
    for secret in random {
        assert!(!done.told.contains(*secret) && !done.asked.iter().any(|asked| asked.contains(*secret)));
    }
    let applied: Vec<&String> = done.asked.iter().filter(|asked| asked.contains("apply --server-side")).collect();
    assert_eq!(applied.len(), 3, "{:?}", done.asked);
    assert!(applied[0].contains("--dry-run=server"), "{applied:?}");
    assert!(applied[1].ends_with("--filename -"), "where to go back to is written down first: {applied:?}");
    assert!(!applied[2].contains("--dry-run"), "{applied:?}");

    let again = Step::new("").run("deploy", &[]).unwrap();
    assert!(!again.asked.iter().any(|asked| asked.contains("create --filename")), "{:?}", again.asked);
}

#[test]
fn a_release_that_the_server_refuses_changes_nothing() {
    let refused = Step::new("case \"$*\" in *--dry-run=server*) echo 'denied: no' >&2; exit 1;; esac");
    let Some(done) = refused.run("deploy", &[]) else { return };
    assert!(done.code != Some(0) && done.told.contains("denied: no"), "{}", done.told);
    assert_eq!(done.asked.iter().filter(|asked| asked.contains("apply --server-side")).count(), 1, "{:?}", done.asked);
}

#[test]
fn a_workload_that_does_not_get_there_is_named() {
    let stuck = Step::new(
        "case \"$*\" in
           *'get deployments,statefulsets'*) echo deployment.apps/seaworthy; echo statefulset.apps/seaworthy-mysql;;
           *'rollout status statefulset.apps/seaworthy-mysql'*) exit 1;;
           *'get events'*) echo 'FailedMount: secret not found';;
         esac",
    );
    let Some(done) = stuck.run("verify", &[]) else { return };
    assert_eq!(done.code, Some(1));
    assert!(done.told.contains("statefulset.apps/seaworthy-mysql did not get there"), "{}", done.told);
    assert!(done.told.contains("FailedMount"), "{}", done.told);
}

#[test]
fn a_trial_ends_as_its_load_does() {
    // The load ends when the last rollout is over: as a file of the stand-in's says.
    let answers = |code: u8| -> &'static str {
        match code {
            0 => LOST_NONE,
            _ => LOST_ONE,
        }
    };
    for code in [0, 1] {
        let Some(done) = Step::new(answers(code)).run("trial", &[]) else { return };
        assert_eq!(done.code, Some(code.into()), "{}", done.told);
        let words =
            ["exec deployment/seaworthy-load", "rollout restart deployment/seaworthy", "delete pod seaworthy-1"];
        for asked in words {
            assert!(done.asked.iter().any(|line| line.contains(asked)), "{asked}: {:?}", done.asked);
        }
        assert_eq!(done.told.contains("Killing"), code == 1, "{}", done.told);
    }
    let early = Step::new("case \"$*\" in *'get pods'*) echo seaworthy-1;; *delete*) sleep 2;; esac");
    let done = early.run("trial", &[]).unwrap();
    assert_eq!(done.code, Some(3), "{}", done.told);
    assert!(done.told.contains("give a larger SECONDS_OF_LOAD"), "{}", done.told);
}

/// A load that goes on until the third rollout is waited for, and a cluster that tells what it did.
macro_rules! load_that_ends_with {
    ($code:literal) => {
        concat!(
            "here=\"$(dirname \"$0\")\"
             case \"$*\" in
               *' exec '*) while [ ! -e \"$here/over\" ]; do read -rt 0.05 <> <(:) || :; done; exit ", $code, ";;
               *'rollout status'*) echo >> \"$here/waited\"
                 if [ \"$(wc -l < \"$here/waited\")\" = 3 ]; then (read -rt 0.5 <> <(:) || :; touch \"$here/over\") >/dev/null 2>&1 & fi;;
               *'get pods'*) echo seaworthy-1;;
               *'get events'*) echo 'Killing: stopping container';;
             esac"
        )
    };
}
const LOST_NONE: &str = load_that_ends_with!("0");
const LOST_ONE: &str = load_that_ends_with!("1");

#[test]
fn back_is_to_what_was_there_before_and_nowhere_where_nobody_knows() {
    let recorded = |what: &'static str| Step::new(what).run("rollback", &[]);
    let Some(done) = recorded("case \"$*\" in *'get configmap seaworthy-release'*) echo 'abc 7';; esac") else {
        return;
    };
    assert_eq!(done.code, Some(0), "{}", done.told);
    // Not to the one before the last: a trial restarts, and makes a revision of its own.
    let undone = "rollout undo deployment/seaworthy --to-revision 7";
    assert!(done.asked.iter().any(|asked| asked.contains(undone)), "{:?}", done.asked);

    let first = "case \"$*\" in
        *'get configmap seaworthy-release'*) echo 'abc none';;
        api-resources*) printf 'deployments.apps\\nsecrets\\npersistentvolumeclaims\\nservices\\n';;
      esac";
    let done = recorded(first).unwrap();
    assert_eq!(done.code, Some(0), "{}", done.told);
    let deleted: Vec<&String> = done.asked.iter().filter(|asked| asked.contains(" delete ")).collect();
    assert!(matches!(deleted[..], [one] if one.contains("delete deployments.apps,services ")), "{deleted:?}");

    for (answers, why) in [
        ("case \"$*\" in *configmap*) echo 'Unable to connect to the server' >&2; exit 1;; esac", "Unable to connect"),
        ("case \"$*\" in *configmap*) echo 'older 3';; esac", "release abc was not applied here"),
        ("case \"$*\" in *configmap*) echo 'abc ';; esac", "nobody wrote down"),
    ] {
        let done = recorded(answers).unwrap();
        assert!(done.code != Some(0) && done.told.contains(why), "{why}: {}", done.told);
        let changed = |asked: &String| ["undo", "delete"].iter().any(|verb| asked.contains(verb));
        assert!(!done.asked.iter().any(changed), "{why}: {:?}", done.asked);
    }
}

#[test]
fn a_release_is_taken_back_only_where_it_is_at_fault() {
    let answers = "case \"$*\" in
        *'get deployment seaworthy '*annotations*) echo 7;;
        *'get configmap seaworthy-release'*) echo 'abc 7';;
        *'get pods'*) echo seaworthy-1;;
        *'get deployments,statefulsets'*) echo deployment.apps/seaworthy;;
        *'rollout status deployment.apps/seaworthy'*) FAILS_TO_GET_THERE;;
        *exec*'--duration 2s'*) :;;
        *exec*) LOAD;;
        *delete*) sleep 1;;
      esac";
    let undone = |done: &Done| done.asked.iter().any(|asked| asked.contains("rollout undo"));
    for (there, load, code, back) in [(":", "exit 3", 3, false), ("exit 1", ":", 1, true)] {
        let answers: &'static str = answers.replace("FAILS_TO_GET_THERE", there).replace("LOAD", load).leak();
        let Some(done) = Step::new(answers).run("release", &[]) else { return };
        assert_eq!((done.code, undone(&done)), (Some(code), back), "{}", done.told);
    }
    let refused = Step::new("case \"$*\" in *--dry-run=server*) exit 1;; esac").run("release", &[]).unwrap();
    assert!(refused.code == Some(1) && !undone(&refused), "{}", refused.told);
}

#[test]
fn the_image_is_small_runs_without_rights_and_passes_its_own_trial() {
    let engine = set("CONTAINER").unwrap_or_else(|| "podman".to_owned());
    let (image, tag) =
        (set("IMAGE").unwrap_or_else(|| "seaworthy".to_owned()), set("TAG").unwrap_or_else(|| "dev".to_owned()));
    let Some(program) = tool(&engine) else { return skip(&format!("there is no {engine}")) };
    let name = format!("{image}:{tag}");
    if !said(Command::new(&program).args(["image", "inspect", &name])).0 {
        return skip(&format!(
            "{engine} has no image {name}; deploy/pipeline/build makes it, CONTAINER, IMAGE and TAG name it"
        ));
    }
    // What the engine cannot do on this machine is not the image's fault: 125 is its own failure, 126 that nothing was run.
    let words = |name: &str| set(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut once = Command::new(&program);
    once.args(words("ENGINE_FLAGS")).args(["run", "--rm"]).args(words("RUN_FLAGS")).args([&name, "--version"]);
    let once = once.output().unwrap();
    if matches!(once.status.code(), Some(125 | 126)) {
        let why = String::from_utf8_lossy(&once.stderr);
        return skip(&format!("{engine} runs nothing here (see ENGINE_FLAGS, RUN_FLAGS): {}", why.trim()));
    }
    let mut smoke = Command::new(root().join("deploy/pipeline/smoke"));
    let (passed, told) = said(smoke.envs([("CONTAINER", engine), ("IMAGE", image), ("TAG", tag)]));
    assert!(passed && told.contains("SEAWORTHY"), "{told}");
}

#[test]
fn the_image_is_made_of_named_versions_and_has_nothing_that_is_not_needed() {
    let text = fs::read_to_string(root().join("deploy/image/Dockerfile")).unwrap();
    let bases: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("FROM ")?.split_whitespace().find(|word| !word.starts_with("--")))
        .collect();
    assert_eq!(bases, ["rust:1.95-bookworm", "tools", "tools", "scratch"]);
    let last = text.rsplit("FROM scratch").next().unwrap();
    for line in ["USER 65532:65532", r#"ENTRYPOINT ["/seaworthy"]"#, r#"CMD ["serve"]"#] {
        assert!(last.lines().any(|there| there == line), "{line}");
    }
    assert!(!last.contains("RUN "), "there is nothing that could run");
    let kept = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap_or_default();
    assert!(kept.is_empty() || kept.contains("1.95"), "{kept}");
}
