//! Reading Dockerfiles: bytes of a client become instructions, or a sentence
//! that names the line.
//!
//! What Docker's own parser takes is taken: continuation lines, comments,
//! directives, JSON and shell forms, quoting and variables. What cannot be done
//! here is an instruction all the same; who carries it out refuses it.

mod instruction;
mod lines;
mod read;
mod words;

pub(super) use instruction::{Form, Instruction, Line};
pub(super) use words::{Variables, expand};

/// The longest Dockerfile.
const LONGEST: usize = 256 << 10;

/// What is wrong with a Dockerfile, with the line it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// From 1; 0 is the file as a whole.
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl Wrong {
    pub(super) fn at(line: usize, why: impl Into<String>) -> Self {
        Self {
            line,
            why: why.into(),
        }
    }
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(out, "The Dockerfile {}", self.why),
            line => write!(out, "Line {line} of the Dockerfile {}", self.why),
        }
    }
}

/// Reads a Dockerfile.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, Wrong> {
    if text.len() > LONGEST {
        return Err(Wrong::at(0, format!("is longer than {} KiB", LONGEST >> 10)));
    }
    lines::logical(text)?
        .into_iter()
        .map(|(number, text)| {
            let instruction = read::instruction(&text).map_err(|why| Wrong::at(number, why))?;
            Ok(Line {
                number,
                text,
                instruction,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instructions(text: &str) -> Vec<Instruction> {
        parse(text)
            .unwrap()
            .into_iter()
            .map(|line| line.instruction)
            .collect()
    }

    #[test]
    fn what_the_sdk_writes_is_read() {
        let text = "FROM python:3.12.10-slim-bookworm\nRUN apt-get update\nENV A='it'\"'\"'s b' B=2\nWORKDIR /home/daytona\n\
            ENTRYPOINT [\"python\", \"-m\", \"a b\"]\nCMD [\"x\"]\nRUN python -m pip install 'a>=1' b\n";
        let read = instructions(text);
        assert_eq!(read[0], Instruction::From("python:3.12.10-slim-bookworm".into()));
        assert_eq!(read[1], Instruction::Run(Form::Shell("apt-get update".into())));
        assert_eq!(
            read[2],
            Instruction::Env(vec![
                ("A".into(), "'it'\"'\"'s b'".into()),
                ("B".into(), "2".into())
            ])
        );
        assert_eq!(read[3], Instruction::WorkDir("/home/daytona".into()));
        let exec = |words: &[&str]| Form::Exec(words.iter().map(|word| (*word).into()).collect());
        assert_eq!(read[4], Instruction::Entrypoint(exec(&["python", "-m", "a b"])));
        assert_eq!(read[5], Instruction::Cmd(exec(&["x"])));
    }

    #[test]
    fn lines_go_on_and_comments_do_not_count() {
        let text = "# syntax=docker/dockerfile:1\n\nFROM a\nRUN one \\\n  # between\n\n  two \\   \n  three\n  # last\nENV X y z\n";
        let lines = parse(text).unwrap();
        assert_eq!(
            lines[1].instruction,
            Instruction::Run(Form::Shell("one   two   three".into()))
        );
        assert_eq!(lines[1].number, 4);
        assert_eq!(
            lines[2].instruction,
            Instruction::Env(vec![("X".into(), "y z".into())])
        );
        let escaped = parse("# escape=`\nFROM a\nRUN one `\n two \\\n").unwrap();
        assert_eq!(
            escaped[1].instruction,
            Instruction::Run(Form::Shell("one  two \\".into()))
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line, why) in [
            ("FROM a\nRUN\n", 2, "has nothing after RUN"),
            ("FROM a\nMAKE x\n", 2, "begins with MAKE"),
            ("FROM a\nENV A\n", 2, "has a variable without a value"),
            ("FROM a\nRUN <<EOF\nx\nEOF\n", 2, "heredoc"),
            ("FROM\n", 1, "has nothing after FROM"),
        ] {
            let wrong = parse(text).unwrap_err();
            assert_eq!(wrong.line, line, "{text:?}");
            assert!(wrong.why.contains(why), "{wrong}");
        }
        assert!(parse(&"#".repeat(LONGEST + 1)).is_err());
    }

    /// As Python's `shlex.quote` does, which the SDK uses.
    fn quoted(text: &str) -> String {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,300}") {
            let _ = parse(&text);
        }

        #[test]
        fn anything_like_a_dockerfile_is_read_or_refused(
            lines in prop::collection::vec(("(FROM|RUN|ENV|ARG|COPY|CMD|SHELL|LABEL|USER|#|)", "[ a-z=$\\{\\}:\\-'\"\\\\\\[\\],\n]{0,40}"), 0..12)
        ) {
            let text: String = lines.into_iter().map(|(word, rest)| format!("{word} {rest}\n")).collect();
            if let Ok(lines) = parse(&text) {
                for line in lines {
                    let _ = expand(&line.text, &Variables::default());
                }
            }
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[^\n\r\0]{0,60}") {
            let text = format!("FROM a\nENV KEY={}\n", quoted(&value));
            // A backslash at the end of the line would carry it on, inside quotes too.
            let read = instructions(&text);
            let Instruction::Env(pairs) = &read[1] else { panic!("{read:?}") };
            let got = expand(&pairs[0].1, &Variables::default()).unwrap();
            prop_assert_eq!(got, value);
        }
    }
}
