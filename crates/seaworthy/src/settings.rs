//! Settings: a flag, else an environment variable, else a default; and errors that say which it was.
//!
//! Each setting is declared once, as a value. Its flag, its variable, its help and its error come from that.

use std::{fmt::Display, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, ArgMatches};
use seaworthy_core::text;

use crate::cli::Failure;

/// Where environment variables are looked up.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Something that can be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// The flag, without its dashes.
    pub(crate) name: &'static str,
    /// What stands for its value in the help; a switch has none.
    pub(crate) value: Option<&'static str>,
    /// The environment variable, where it is not `SEAWORTHY_` and the name.
    pub(crate) variable: Option<&'static str>,
    /// What holds when it is not set. Empty: nothing.
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    /// The heading that it stands under in the help.
    pub(crate) group: &'static str,
    /// One letter that stands for the flag, without its dash.
    pub(crate) short: Option<char>,
    /// The same flag by the names that others have for it: a single letter is a short one.
    pub(crate) aliases: &'static [&'static str],
    /// Whether it may be given several times. In its variable each is a line.
    pub(crate) repeatable: bool,
}

/// A setting with a value.
pub(crate) const fn setting(
    group: &'static str,
    name: &'static str,
    value: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        value: Some(value),
        variable: None,
        default,
        help,
        group,
        short: None,
        aliases: &[],
        repeatable: false,
    }
}

/// A setting that is on or off.
pub(crate) const fn switch(group: &'static str, name: &'static str, help: &'static str) -> Setting {
    Setting { value: None, ..setting(group, name, "", "", help) }
}

impl Setting {
    /// With a letter that stands for it.
    pub(crate) const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// With other names for it.
    pub(crate) const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// With another environment variable.
    pub(crate) const fn variable_named(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }

    /// To be given several times.
    pub(crate) const fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// The environment variable.
    ///
    /// Beware of a setting `port`: Kubernetes sets `SEAWORTHY_PORT` to a URL wherever there is a Service of
    /// that name.
    pub(crate) fn variable(&self) -> String {
        match self.variable {
            Some(variable) => variable.to_owned(),
            None => format!("SEAWORTHY_{}", self.name.to_uppercase().replace('-', "_")),
        }
    }

    /// The flag, for clap. Values are checked later, together with those from elsewhere.
    pub(crate) fn arg(&self) -> Arg {
        let default = if self.default.is_empty() { String::new() } else { format!(" [default: {}]", self.default) };
        // On a line of its own: whoever looks for the variable finds it at a glance.
        let help = format!("{}\n[env: {}]{default}", self.help, self.variable());
        let mut arg = Arg::new(self.name).long(self.name).help(help).help_heading(self.group);
        if let Some(letter) = self.short {
            arg = arg.short(letter);
        }
        for alias in self.aliases {
            let mut letters = alias.chars();
            arg = match (letters.next(), letters.next()) {
                (Some(letter), None) => arg.visible_short_alias(letter),
                _ => arg.visible_alias(*alias),
            };
        }
        let action = if self.repeatable { ArgAction::Append } else { ArgAction::Set };
        match self.value {
            Some(value) => arg.value_name(value).action(action).allow_hyphen_values(true),
            None => arg.action(ArgAction::SetTrue),
        }
    }
}

/// What was set, and where.
pub(crate) struct Values<'a> {
    settings: &'static [Setting],
    matches: &'a ArgMatches,
    environment: Environment<'a>,
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable,
}

/// A value and the words for where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) origin: String,
    pub(crate) text: String,
}

impl Given {
    /// The value, read by `parse`, whose error says what is wrong and what would do.
    pub(crate) fn parse<T, E: Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Failure> {
        parse(&self.text).map_err(|error| Failure::usage(format!("{}: {} {error}", self.origin, quoted(&self.text))))
    }
}

impl<'a> Values<'a> {
    pub(crate) fn new(settings: &'static [Setting], matches: &'a ArgMatches, environment: Environment<'a>) -> Self {
        Self { settings, matches, environment }
    }

    /// The declared setting of this name.
    fn setting(&self, name: &str) -> &'static Setting {
        // Names are literals, and a test asks for each of them.
        self.settings.iter().find(|setting| setting.name == name).expect("a declared setting")
    }

    /// Where it was set, if it was. A flag counts more than a variable.
    pub(crate) fn source(&self, name: &str) -> Option<Source> {
        let setting = self.setting(name);
        let flag = match setting.value {
            None => self.matches.get_flag(name),
            Some(_) => self.matches.contains_id(name),
        };
        if flag { Some(Source::Flag) } else { (self.environment)(&setting.variable()).map(|_value| Source::Variable) }
    }

    /// All values of one that may be given several times; those of the variable where there is no flag.
    pub(crate) fn all(&self, name: &str) -> Vec<Given> {
        let setting = self.setting(name);
        if let Some(texts) = self.matches.get_many::<String>(name) {
            let origin = format!("--{name}");
            return texts.map(|text| Given { origin: origin.clone(), text: text.clone() }).collect();
        }
        let origin = setting.variable();
        let text = (self.environment)(&origin).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(|line| Given { origin: origin.clone(), text: line.to_owned() }).collect()
    }

    /// The flags that were given, each with its values, in the order in which they are declared.
    pub(crate) fn flags(&self) -> impl Iterator<Item = (&'static Setting, Vec<&'a str>)> {
        self.settings.iter().filter(|setting| self.source(setting.name) == Some(Source::Flag)).map(|setting| {
            let texts = match setting.value {
                Some(_) => {
                    self.matches.get_many::<String>(setting.name).into_iter().flatten().map(|text| &**text).collect()
                }
                None => Vec::new(),
            };
            (setting, texts)
        })
    }

    pub(crate) fn given(&self, name: &str) -> Option<Given> {
        let setting = self.setting(name);
        if setting.value.is_none() {
            if self.matches.get_flag(name) {
                return Some(Given { origin: format!("--{name}"), text: "true".into() });
            }
        } else if let Some(text) = self.matches.get_one::<String>(name) {
            return Some(Given { origin: format!("--{name}"), text: text.clone() });
        }
        let variable = setting.variable();
        let text = (self.environment)(&variable)?;
        Some(Given { origin: variable, text })
    }

    /// A value that has no default, read by `parse` where it is set.
    pub(crate) fn optional<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        self.given(name).map(|given| given.parse(parse)).transpose()
    }

    /// Whether it was set at all.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// An environment variable that is no setting of ours but a convention of the platform.
    pub(crate) fn platform(&self, variable: &str) -> Option<String> {
        (self.environment)(variable).filter(|value| !value.is_empty())
    }

    /// The value as text: as set, else the default.
    pub(crate) fn text(&self, name: &str) -> String {
        self.origin_and_text(name).1
    }

    /// The value, read by `parse`, whose error says what is wrong and what would do.
    pub(crate) fn parse<T, E: Display>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
        let (origin, text) = self.origin_and_text(name);
        parse(&text).map_err(|error| Failure::usage(format!("{origin}: {} {error}", quoted(&text))))
    }

    /// The value and the words for where it came from; a default comes from its flag.
    fn origin_and_text(&self, name: &str) -> (String, String) {
        match self.given(name) {
            Some(Given { origin, text }) => (origin, text),
            None => (format!("--{name}"), self.setting(name).default.to_owned()),
        }
    }

    /// A URL, read by `parse`, and not repeated in an error where it may hold a password.
    pub(crate) fn url<T, E: Display>(&self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
        let (origin, text) = self.origin_and_text(name);
        // Whatever follows a user's name may be a password.
        let shown = if text.contains('@') { "the URL".to_owned() } else { quoted(&text) };
        parse(&text).map_err(|error| Failure::usage(format!("{origin}: {shown} {error}")))
    }

    /// A file, where one is given. An empty name is a mistake: whoever set it means a file to be used.
    pub(crate) fn path(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        match self.given(name) {
            Some(Given { origin, text }) if text.is_empty() => {
                Err(Failure::usage(format!("{origin}: is empty; name a file, or leave it out")))
            }
            given => Ok(given.map(|given| given.text.into())),
        }
    }

    pub(crate) fn switch(&self, name: &str) -> Result<bool, Failure> {
        self.parse(name, |text| match text {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" | "" => Ok(false),
            _ => Err("is neither; give true or false"),
        })
    }

    pub(crate) fn duration(&self, name: &str) -> Result<Duration, Failure> {
        self.parse(name, duration)
    }

    pub(crate) fn duration_of_at_least(&self, name: &str, least: Duration) -> Result<Duration, Failure> {
        self.parse(name, |text| match duration(text) {
            Ok(duration) if duration < least => Err(format!("is too short; give at least {least:?}")),
            judged => judged.map_err(str::to_owned),
        })
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&self, name: &str, least: usize) -> Result<usize, Failure> {
        self.parse(name, |text| match text.parse() {
            Ok(count) if count >= least => Ok(count),
            _ => Err(format!("is not a whole number of at least {least}")),
        })
    }
}

/// A value for an error: what was typed, but not pages of it, and nothing that may hold a user's name and password.
pub(crate) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    if text.contains('@') {
        "what was given".to_owned()
    } else if text.chars().count() > MOST {
        format!("{:?}…", text.chars().take(MOST).collect::<String>())
    } else {
        format!("{text:?}")
    }
}

/// `5s`, `500ms`, `1m30s`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    text::duration(text).ok_or("is not a duration; give one such as 5s, 500ms or 1m30s, at most a year")
}

/// Where to listen.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_error| "is not an address with a port; give one such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080")
}

/// Each name and each letter stands for one setting.
#[cfg(test)]
pub(crate) fn distinct(settings: &[Setting]) {
    let mut names = std::collections::BTreeSet::new();
    for setting in settings {
        assert!(names.insert(setting.name.to_owned()), "{}", setting.name);
        let letter = setting.short.map(String::from);
        for other in setting.aliases.iter().map(|alias| (*alias).to_owned()).chain(letter) {
            assert!(names.insert(other.clone()), "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, millis) in
            [("5", 5000), ("0", 0), ("0.25", 250), ("500ms", 500), ("1m30s", 90_000), ("2 h", 7_200_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "-5s", "5 bananas", "inf", "nan", "1e300", "400d", "s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
