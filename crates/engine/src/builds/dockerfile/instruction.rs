//! The instructions of a Dockerfile.

/// One instruction with where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::builds) struct Line {
    /// Its first line, from 1.
    pub(in crate::builds) number: usize,
    /// The whole of it in one line.
    pub(in crate::builds) text: String,
    pub(in crate::builds) instruction: Instruction,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::builds) enum Form {
    /// A text for the shell.
    Shell(String),
    /// The program and its arguments.
    Exec(Vec<String>),
}

/// What a line asks for. Values are as they were written, quotes and variables
/// included, where Docker takes them so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::builds) enum Instruction {
    From(String),
    Run(Form),
    Cmd(Form),
    Entrypoint(Form),
    /// Names and values.
    Env(Vec<(String, String)>),
    /// Names and, where given, defaults.
    Arg(Vec<(String, Option<String>)>),
    WorkDir(String),
    User(String),
    Shell(Vec<String>),
    /// COPY or ADD, with all that follows.
    Copy {
        word: &'static str,
        rest: String,
    },
    /// One that changes nothing in a sandbox, by its word.
    NoEffect(&'static str),
}
