//! What containers run, as far as their words tell.

use crate::yaml::Node;

/// Programs that start another one, and become it.
const WRAPPERS: [&str; 12] = [
    "docker-entrypoint.sh",
    "docker-entrypoint",
    "entrypoint.sh",
    "run.sh",
    "cockroach",
    "cockroach.sh",
    "tini",
    "dumb-init",
    "env",
    "exec",
    "nohup",
    "--",
];

/// First words of commands that bash carries out by itself.
#[rustfmt::skip]
const BUILTINS: [&str; 44] = [
    ":", ".", "!", "[", "[[", "{", "}", "(", "alias", "builtin", "case", "cd", "coproc", "declare", "do", "done", "echo", "elif",
    "else", "esac", "eval", "exit", "export", "false", "fi", "for", "function", "if", "kill", "printf", "pwd", "read",
    "return", "select", "set", "source", "test", "then", "time", "true", "umask", "until", "wait", "while",
];

/// A container's words: its command and its arguments.
pub(super) fn words(node: &Node) -> impl Iterator<Item = &str> {
    node.get("command").texts().chain(node.get("args").texts())
}

/// A program's name without its place.
pub(super) fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

pub(super) fn is_shell(program: &str) -> bool {
    matches!(name(program), "sh" | "bash" | "ash" | "dash")
}

/// A shell, its flag and its script, `env` in front of it or not.
pub(super) fn shell(node: &Node) -> Option<(&str, &str)> {
    let is_env = |word: &&str| name(word) == "env" || is_assignment(word);
    let mut words = words(node).skip_while(is_env);
    let (shell, flag, script) = (words.next()?, words.next()?, words.next()?);
    (is_shell(shell) && flag.starts_with('-') && flag.ends_with('c')).then_some((name(shell), script))
}

fn is_assignment(word: &str) -> bool {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// The simple commands of a script, roughly: quotes are not looked into.
fn commands(script: &str) -> impl DoubleEndedIterator<Item = &str> {
    script.split(['\n', ';', '&', '|']).map(str::trim).filter(|part| !part.is_empty() && !part.starts_with('#'))
}

/// Whether bash becomes the last command of a script: an external program, simple, and nothing in the background. (dash does
/// not, and which shell `sh` is, an image does not tell.)
pub(super) fn becomes(script: &str) -> bool {
    let Some(last) = commands(script).next_back() else { return false };
    let joined = script.replace("&&", ";").replace("||", ";").replace(">&", ">").replace("&>", ">");
    let end = joined.trim_end_matches([';', '\n', ' ']);
    let last_of = end.rsplit([';', '\n']).next().unwrap_or_default();
    let first = last.split_whitespace().find(|word| !is_assignment(word));
    !joined.contains('&')
        && !last_of.contains(['|', '>', '<'])
        && first.is_some_and(|first| !BUILTINS.contains(&first) && !first.starts_with(['(', '{']))
}

/// Whether a container runs its image's server: without a command of its own, with options alone, or by the server's name.
pub(super) fn runs(node: &Node, servers: &[&str]) -> bool {
    if let Some((_, script)) = shell(node) {
        let named = |command: &str| {
            let mut words = command.split_whitespace().skip_while(|word| is_assignment(word) || is_wrapper(word));
            let is_wrapped = command.split_whitespace().any(is_wrapper);
            words.next().map_or(is_wrapped, |word| servers.contains(&name(word)))
        };
        return commands(script).any(named);
    }
    let first = words(node).find(|word| !is_wrapper(word));
    first.is_none_or(|word| word.starts_with('-') || servers.contains(&name(word)))
}

fn is_wrapper(word: &str) -> bool {
    WRAPPERS.contains(&name(word))
}

/// What an option is set to: `--name=value`, or `--name value`; the names of one letter also as `-Nvalue`.
pub(super) fn option<'a>(node: &'a Node, names: &[&str]) -> Option<&'a str> {
    let all: Vec<&str> = words(node).flat_map(str::split_whitespace).collect();
    let value = all.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| {
            let rest = word.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => all.get(at + 1).copied(),
                None if name.len() == 2 => Some(rest),
                None => None,
            }
        })
    })?;
    Some(value.trim_matches(['\'', '"']))
}
