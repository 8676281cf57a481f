//! From one logical line to its instruction.

use super::instruction::{Form, Instruction};

/// What Docker knows and a sandbox has no use for.
const WITHOUT_EFFECT: &[&str] = &[
    "LABEL",
    "EXPOSE",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "VOLUME",
    "MAINTAINER",
];

/// Reads a line; the error goes on after "Line 3 of the Dockerfile".
pub(super) fn instruction(line: &str) -> Result<Instruction, String> {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (word, rest) = (word.to_ascii_uppercase(), rest.trim());
    let known = |names: &[&'static str]| names.iter().find(|name| **name == word).copied();
    if let Some(word) = known(WITHOUT_EFFECT) {
        return Ok(Instruction::NoEffect(word));
    }
    if rest.is_empty() {
        return Err(
            match known(&[
                "FROM",
                "RUN",
                "CMD",
                "ENTRYPOINT",
                "ENV",
                "ARG",
                "WORKDIR",
                "USER",
                "SHELL",
                "COPY",
                "ADD",
            ]) {
                Some(word) => format!("has nothing after {word}"),
                None => unknown(&word),
            },
        );
    }
    match word.as_str() {
        "FROM" => from(rest).map(Instruction::From),
        "RUN" => form(options(rest)?).map(Instruction::Run),
        "CMD" => form(rest).map(Instruction::Cmd),
        "ENTRYPOINT" => form(rest).map(Instruction::Entrypoint),
        "ENV" => env(rest).map(Instruction::Env),
        "ARG" => arg(rest).map(Instruction::Arg),
        "WORKDIR" => Ok(Instruction::WorkDir(rest.to_owned())),
        "USER" => Ok(Instruction::User(rest.to_owned())),
        "SHELL" => match json(rest) {
            Some(words) if !words.is_empty() => Ok(Instruction::Shell(words)),
            _ => Err("has a SHELL that is no list such as [\"/bin/bash\", \"-c\"]".to_owned()),
        },
        "COPY" | "ADD" => Ok(Instruction::Copy {
            word: if word == "ADD" { "ADD" } else { "COPY" },
            rest: rest.to_owned(),
        }),
        _ => Err(unknown(&word)),
    }
}

fn unknown(word: &str) -> String {
    let word: String = word.chars().take(40).collect();
    format!("begins with {word}, which is no instruction that is known here")
}

/// The image of a FROM; the platform and the stage's name do not matter here.
fn from(rest: &str) -> Result<String, String> {
    let mut words = rest.split_whitespace().filter(|word| !word.starts_with("--"));
    let image = words.next().ok_or("has nothing after FROM")?;
    match (words.next(), words.next(), words.next()) {
        (None, ..) => {}
        (Some(word), Some(_), None) if word.eq_ignore_ascii_case("as") => {}
        _ => return Err("has a FROM with more than an image and AS a name".to_owned()),
    }
    Ok(image.to_owned())
}

/// What follows the options of RUN; mounts for a build's cache only make it
/// faster, others would be missing.
fn options(rest: &str) -> Result<&str, String> {
    let mut rest = rest;
    while let Some(option) = rest.strip_prefix("--") {
        let (option, after) = option.split_once(char::is_whitespace).unwrap_or((option, ""));
        if !option.starts_with("mount=type=cache") && !option.starts_with("network=default") {
            return Err(format!(
                "has the option --{} of RUN, which cannot be honoured here",
                option.chars().take(60).collect::<String>()
            ));
        }
        rest = after.trim_start();
    }
    if rest.is_empty() {
        return Err("has nothing after RUN".to_owned());
    }
    Ok(rest)
}

fn form(rest: &str) -> Result<Form, String> {
    if let Some(words) = json(rest) {
        return match words.is_empty() {
            true => Err("has an empty list where a program should be".to_owned()),
            false => Ok(Form::Exec(words)),
        };
    }
    if is_heredoc(rest) {
        return Err(
            "uses a heredoc (<<), which cannot be read here; write the lines with && between them".to_owned(),
        );
    }
    Ok(Form::Shell(rest.to_owned()))
}

/// `<<WORD` at the beginning of a word; `<<<` and arithmetic are a shell's own.
fn is_heredoc(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let name = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let name = name
            .strip_prefix("<<")
            .map(|name| name.trim_start_matches(['-', '"', '\'']));
        name.is_some_and(|name| {
            name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        })
    })
}

fn json(rest: &str) -> Option<Vec<String>> {
    rest.starts_with('[')
        .then(|| serde_json::from_str(rest).ok())
        .flatten()
}

/// `A=1 B='two words'`, or `A and all that follows`.
fn env(rest: &str) -> Result<Vec<(String, String)>, String> {
    let first = rest.split_whitespace().next().unwrap_or("");
    if !first.contains('=') {
        let (name, value) = rest
            .split_once(char::is_whitespace)
            .ok_or_else(|| "has a variable without a value".to_owned())?;
        return Ok(vec![(named(name)?, value.trim().to_owned())]);
    }
    let mut pairs = Vec::new();
    for word in split(rest)? {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| "has a variable without a value".to_owned())?;
        pairs.push((named(name)?, value.to_owned()));
    }
    Ok(pairs)
}

fn arg(rest: &str) -> Result<Vec<(String, Option<String>)>, String> {
    split(rest)?
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => Ok((named(name)?, Some(value.to_owned()))),
            None => Ok((named(&word)?, None)),
        })
        .collect()
}

fn named(name: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(plain) {
        return Err("has a variable whose name is not of letters, digits and underscores".to_owned());
    }
    Ok(name.to_owned())
}

/// Splits at spaces that are not inside quotes or after a backslash; quotes and
/// backslashes stay.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, letter) if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if open == letter => quote = None,
            (None | Some('"'), '\\') => {
                word.push(letter);
                if let Some(next) = letters.next() {
                    word.push(next);
                }
                continue;
            }
            _ => {}
        }
        word.push(letter);
    }
    if quote.is_some() {
        return Err("has a quote that is not closed".to_owned());
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}
