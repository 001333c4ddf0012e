//! Variables, and the command that refers to them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    expand::{expand, is_name},
    field::{Field, Invalid, Notes, list, shown},
    sources::{Held, Source, Sources},
    wire,
};

/// Bytes that Linux takes as one argument or variable, with the zero at its end.
const LONGEST: usize = 128 * 1024 - 1;

/// Bytes of all of them together: half of what Linux takes by default, since the tool's own come on top.
const MOST: usize = 1 << 20;

/// Variables as a container has them.
#[derive(Default)]
pub(super) struct Environment {
    values: Vec<(String, String)>,
    at: BTreeMap<String, usize>,
    bytes: usize,
}

impl Environment {
    /// A container's variables: what `envFrom` has, and then `env`, which goes before it.
    pub(super) fn of(
        container: &wire::Container,
        place: &Field,
        sources: &mut Sources<'_>,
        notes: &mut Notes,
    ) -> Result<Self, Invalid> {
        let mut environment = Self::default();
        for (index, from) in container.env_from.iter().enumerate() {
            environment.take_all(from, &place.nth("envFrom", index), sources, notes)?;
        }
        for (index, variable) in container.env.iter().enumerate() {
            environment.take(variable, &place.nth("env", index), sources, notes)?;
        }
        if environment.at.contains_key("PORT") {
            notes.add("env PORT: each replica gets the number of its own port as PORT, in place of the manifest's");
        }
        Ok(environment)
    }

    /// The variables with their values, each once.
    pub(super) fn into_values(self) -> Vec<(String, String)> {
        self.values
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.at.get(name).and_then(|at| self.values.get(*at)).map(|(_, value)| value.as_str())
    }

    fn set(&mut self, name: &str, value: String, place: &Field) -> Result<(), Invalid> {
        if value.contains('\0') {
            return Err(place.invalid("has a zero byte in it, which no variable can have; remove it"));
        }
        self.bytes += name.len() + value.len();
        if value.len() > LONGEST || self.bytes > MOST {
            return Err(place.invalid(TOO_LONG));
        }
        if let Some((_, old)) = self.at.get(name).and_then(|at| self.values.get_mut(*at)) {
            *old = value;
        } else {
            self.at.insert(name.into(), self.values.len());
            self.values.push((name.into(), value));
        }
        Ok(())
    }

    /// One variable of `env`.
    fn take(
        &mut self,
        variable: &wire::Variable,
        place: &Field,
        sources: &mut Sources<'_>,
        notes: &mut Notes,
    ) -> Result<(), Invalid> {
        let name = variable.name.as_deref().unwrap_or_default();
        if !can_be_set(name) {
            return Err(place.of("name").invalid("has to be a variable's name, of printable ASCII without ="));
        }
        let value = variable.value.as_deref().unwrap_or_default();
        let Some(from) = &variable.value_from else {
            let mut unknown = BTreeSet::new();
            let value = expand(value, |name| self.get(name), &mut unknown, LONGEST)
                .ok_or_else(|| place.of("value").invalid(TOO_LONG))?;
            note_unknown(&format!("env {}", shown(name)), &unknown, notes);
            return self.set(name, value, &place.of("value"));
        };
        if !value.is_empty() {
            return Err(place.invalid("has value and valueFrom; keep one of them"));
        }
        if let Some(value) = value_from(name, from, &place.of("valueFrom"), sources, notes)? {
            self.set(name, value, &place.of("valueFrom"))?;
        }
        Ok(())
    }

    /// All of a Secret or `ConfigMap`, by `envFrom`.
    fn take_all(
        &mut self,
        from: &wire::VariablesFrom,
        place: &Field,
        sources: &mut Sources<'_>,
        notes: &mut Notes,
    ) -> Result<(), Invalid> {
        let (source, reference) = match (&from.secret_ref, &from.config_map_ref) {
            (Some(reference), None) => (Source::Secret, reference),
            (None, Some(reference)) => (Source::ConfigMap, reference),
            (Some(_), Some(_)) | (None, None) => {
                return Err(place.invalid("needs one of secretRef and configMapRef"));
            }
        };
        let (kind, name) = (source.kind(), named(reference, place)?);
        let Some(entries) = sources.get(source, name)? else {
            let name = shown(name);
            notes.add(format!("envFrom: {kind} {name} is not in this file; set what it holds with --env NAME=VALUE"));
            return Ok(());
        };
        for (key, held) in entries.iter() {
            let variable = format!("{}{key}", from.prefix);
            match held {
                // The kubelet passes over what cannot be a name, too.
                Held::Text(value) if can_be_set(&variable) => self.set(&variable, value.clone(), place)?,
                Held::Text(_) | Held::Binary => {
                    notes.add(format!("envFrom: {} of {kind} {} is not set as a variable", shown(key), shown(name)));
                }
            }
        }
        Ok(())
    }

    /// A list of words with the values of variables in it: a command, or its arguments.
    pub(super) fn words(&self, words: &[String], place: &Field, notes: &mut Notes) -> Result<Vec<String>, Invalid> {
        let mut unknown = BTreeSet::new();
        let mut bytes = self.bytes;
        let mut expanded = Vec::with_capacity(words.len());
        for word in words {
            let word = expand(word, |name| self.get(name), &mut unknown, LONGEST);
            let word = word.ok_or_else(|| place.invalid(TOO_LONG))?;
            bytes += word.len() + 1;
            if bytes > MOST {
                return Err(place.invalid(TOO_LONG));
            }
            expanded.push(word);
        }
        note_unknown("command", &unknown, notes);
        without_zeros(expanded, place)
    }
}

const TOO_LONG: &str = "is longer than a process can be given: 128 KiB each, 1 MiB together";

/// Words that can be given to a process.
pub(super) fn without_zeros(words: Vec<String>, place: &Field) -> Result<Vec<String>, Invalid> {
    if words.iter().any(|word| word.contains('\0')) {
        return Err(place.invalid("has a zero byte in it, which no argument can have; remove it"));
    }
    Ok(words)
}

/// Whether a variable can be called so.
fn can_be_set(name: &str) -> bool {
    !name.is_empty() && name.len() <= 1000 && name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=')
}

/// What looks like a reference to a variable and has no value would otherwise be a riddle.
fn note_unknown(what: &str, unknown: &BTreeSet<String>, notes: &mut Notes) {
    let names: Vec<String> = unknown.iter().filter(|name| is_name(name)).map(|name| format!("$({name})")).collect();
    if !names.is_empty() {
        notes.add(format!("{what}: {} has no value here and stays as it is written", list(&names)));
    }
}

/// A variable's value from elsewhere, where it is known.
fn value_from(
    name: &str,
    from: &wire::ValueFrom,
    place: &Field,
    sources: &mut Sources<'_>,
    notes: &mut Notes,
) -> Result<Option<String>, Invalid> {
    let name = shown(name);
    let (source, reference, place) = match (&from.secret_key_ref, &from.config_map_key_ref) {
        (Some(reference), None) => (Source::Secret, reference, place.of("secretKeyRef")),
        (None, Some(reference)) => (Source::ConfigMap, reference, place.of("configMapKeyRef")),
        (Some(_), Some(_)) => return Err(place.invalid("has secretKeyRef and configMapKeyRef; keep one of them")),
        (None, None) => {
            let path = from.field_ref.as_ref().and_then(|field| field.field_path.as_deref());
            let what = path.map_or_else(|| "what it comes from".into(), shown);
            notes.add(format!("env {name}: {what} is not known here; set it with --env {name}=VALUE"));
            return Ok(None);
        }
    };
    let (kind, object) = (source.kind(), named(reference, &place)?);
    let key = reference.key.as_deref().ok_or_else(|| place.of("key").invalid("is missing"))?;
    let Some(entries) = sources.get(source, object)? else {
        let object = shown(object);
        notes.add(format!("env {name}: {kind} {object} is not in this file; set it with --env {name}=VALUE"));
        return Ok(None);
    };
    match entries.get(key) {
        Some(Held::Text(value)) => Ok(Some(value.clone())),
        Some(Held::Binary) => {
            let (key, object) = (shown(key), shown(object));
            notes.add(format!("env {name}: {key} of {kind} {object} is not text; set it with --env {name}=VALUE"));
            Ok(None)
        }
        None if reference.optional => Ok(None),
        None => {
            let (key, object) = (shown(key), shown(object));
            Err(place.of("key").invalid(format!("is {key}, which {kind} {object} does not have; add it there")))
        }
    }
}

fn named<'a>(reference: &'a wire::KeyRef, place: &Field) -> Result<&'a str, Invalid> {
    reference.name.as_deref().filter(|name| !name.is_empty()).ok_or_else(|| place.of("name").invalid("is missing"))
}
