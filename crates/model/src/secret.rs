//! Secrets, and the environment variables of an agent.

use crate::{AgentId, Invalid, Millis, SecretId, time::byte_words};
use serde::{Deserialize, Serialize};

/// The shortest secret, in characters, and so at least as many bytes: shorter
/// values stand in ordinary words, and masking them would make a log unreadable and still tell what they are.
pub const SHORTEST_BYTES: usize = 8;
/// The longest secret or value of a variable, in bytes.
pub const LONGEST_BYTES: usize = 16 * 1024;
/// The longest name of a secret or a variable, in characters.
pub const LONGEST_NAME: usize = 100;
/// The most variables of one agent.
pub const MOST_VARIABLES: usize = 100;
/// The most that all names and values of a run's environment may have together, in bytes.
pub const MOST_ENVIRONMENT_BYTES: usize = 48 * 1024;

/// A secret without its value, which nobody can read again once it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// Its name; unique in its team.
    pub name: String,
    /// When it was made.
    pub created_at: Millis,
    /// When its value was last saved.
    pub updated_at: Millis,
    /// The agents whose runs get it.
    pub used_by: Vec<SecretUse>,
}

/// An agent that is given a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SecretUse {
    /// The agent.
    pub agent: AgentId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The variable that carries the secret.
    pub variable: String,
}

/// An environment variable that an agent's runs get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub value: VariableValue,
}

/// What is in a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VariableValue {
    /// A text that everybody who sees the agent may read.
    Plain(String),
    /// The value that a secret has when the run starts.
    Secret(SecretId),
}

/// Checks the name of a secret or a variable.
///
/// # Errors
/// When no program could be given a variable of that name.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if !begins || !characters.all(|character| character.is_ascii_alphanumeric() || character == '_') {
        return Err(Invalid(
            "A name has letters, digits and underscores, and does not begin with a digit: for example API_KEY."
                .to_owned(),
        ));
    }
    if name.len() > LONGEST_NAME {
        return Err(Invalid(format!(
            "A name may have {LONGEST_NAME} characters, and this one has {}.",
            name.len()
        )));
    }
    Ok(())
}

/// Checks the value of a secret.
///
/// # Errors
/// When it could not be masked, or no program could be given it.
pub fn check_secret(value: &str) -> Result<(), Invalid> {
    let length = value.trim().chars().count();
    if length < SHORTEST_BYTES {
        return Err(Invalid(format!(
            "A secret has at least {SHORTEST_BYTES} characters: a shorter one cannot be masked in logs, as it would stand in ordinary words. Use a variable with a plain value for it."
        )));
    }
    check_value(value)
}

/// Checks the plain value of a variable.
///
/// # Errors
/// When no program could be given it.
pub fn check_value(value: &str) -> Result<(), Invalid> {
    if value.contains('\0') {
        return Err(Invalid(
            "A value holds a NUL, which no program can be given.".to_owned(),
        ));
    }
    if value.len() > LONGEST_BYTES {
        return Err(Invalid(format!(
            "A value may have {}, and this one has {}. Put it into a file of the agent, if it is no secret.",
            byte_words(LONGEST_BYTES as u64),
            byte_words(value.len() as u64)
        )));
    }
    Ok(())
}

/// Checks the variables of an agent.
///
/// # Errors
/// The first thing that is wrong with them.
pub fn check_variables(variables: &[Variable]) -> Result<(), Invalid> {
    if variables.len() > MOST_VARIABLES {
        return Err(Invalid(format!(
            "An agent may have {MOST_VARIABLES} variables, and these are {}.",
            variables.len()
        )));
    }
    let mut size = 0;
    for (index, variable) in variables.iter().enumerate() {
        check_name(&variable.name)?;
        if variables[..index].iter().any(|other| other.name == variable.name) {
            return Err(Invalid(format!("There are two variables {}.", variable.name)));
        }
        size += variable.name.len();
        if let VariableValue::Plain(value) = &variable.value {
            check_value(value)?;
            size += value.len();
        }
    }
    check_size(size)
}

/// Checks how many bytes the names and values of an environment have together.
///
/// # Errors
/// When a program could not be started with it.
pub fn check_size(size: usize) -> Result<(), Invalid> {
    if size > MOST_ENVIRONMENT_BYTES {
        return Err(Invalid(format!(
            "The variables have {} together, and {} is the limit.",
            byte_words(size as u64),
            byte_words(MOST_ENVIRONMENT_BYTES as u64)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_program_can_be_given_is_taken() {
        for name in ["A", "_x1", "api_key"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "1A", "A-B", "A=B", "Ä", "A B", "A\n", &"A".repeat(101)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_secret("12345678").is_ok() && check_secret(" 1234567 ").is_err());
        assert!(check_secret("1234\u{0}5678").is_err() && check_secret(&"x".repeat(16 * 1024 + 1)).is_err());
    }

    #[test]
    fn variables_have_a_name_each_and_a_size_together() {
        let plain = |name: &str, value: &str| Variable {
            name: name.to_owned(),
            value: VariableValue::Plain(value.to_owned()),
        };
        assert!(check_variables(&[plain("A", ""), plain("B", "x")]).is_ok());
        assert!(check_variables(&[plain("A", ""), plain("A", "x")]).is_err());
        let large: Vec<_> = (0..4)
            .map(|index| plain(&format!("A{index}"), &"x".repeat(13 * 1024)))
            .collect();
        assert!(check_variables(&large).is_err() && check_variables(&large[1..]).is_ok());
    }
}
