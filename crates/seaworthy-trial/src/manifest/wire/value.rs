//! Single values, and what is said where one is of the wrong type.

use std::fmt;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::manifest::field::{Field, Invalid, shown};

/// Reads a value as what it has to be. The words of the error are our own: serde's quote the value.
pub(in crate::manifest) fn read<T: DeserializeOwned>(value: &Value, place: &Field) -> Result<T, Invalid> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { path.as_str() };
        let problem = error.inner().to_string();
        place.of(path).invalid(wanted(problem.rsplit_once("expected ").map_or("", |(_, expected)| expected)))
    })
}

/// What has to be there, where serde expected this.
fn wanted(expected: &str) -> &'static str {
    match expected {
        "i64" => "has to be a whole number, without quotes",
        "a string" => "has to be text: put it in quotes",
        "a boolean" => "has to be true or false",
        "a sequence" => "has to be a list",
        "a map" => "has to have fields of its own",
        NUMBER_OR_TEXT => "has to be a whole number or text",
        QUANTITY => "has to be a quantity such as 500m or 256Mi",
        _ if expected.starts_with("struct ") => "has to have fields of its own",
        _ => "has a value that Kubernetes does not take here",
    }
}

const NUMBER_OR_TEXT: &str = "a whole number or text";
const QUANTITY: &str = "a quantity";

/// A port or a share: a number, or a name or percentage.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a whole number or text")]
pub(in crate::manifest) enum NumberOrText {
    Number(i64),
    Text(String),
}

impl fmt::Display for NumberOrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{}\"", shown(text)),
        }
    }
}

/// An amount of CPU time or memory.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a quantity")]
pub(in crate::manifest) enum Quantity {
    Whole(i64),
    Fraction(f64),
    Text(String),
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Fraction(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&shown(text)),
        }
    }
}
