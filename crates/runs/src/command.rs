//! The command line of a run, as shell text.

use model::Language;

/// The command that runs `entrypoint` with `args`, each quoted where the shell would read it otherwise.
pub(crate) fn command_line(language: Language, entrypoint: &str, args: &[String]) -> String {
    // A name that starts with a hyphen would be taken for an option.
    let file = if entrypoint.starts_with('-') {
        format!("./{entrypoint}")
    } else {
        entrypoint.to_owned()
    };
    let mut line = language.interpreter().join(" ");
    for word in std::iter::once(&file).chain(args) {
        line.push(' ');
        line.push_str(&quoted(word));
    }
    line
}

/// A word as the shell reads it back unchanged.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The name of the signal an exit code above 128 tells of.
pub(crate) fn signal_name(exit_code: i32) -> Option<&'static str> {
    Some(match exit_code {
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        142 => "SIGALRM",
        143 => "SIGTERM",
        152 => "SIGXCPU",
        153 => "SIGXFSZ",
        159 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn plain_words_stay_plain() {
        let args = ["--topic=cats".to_owned(), "two words".to_owned(), String::new()];
        assert_eq!(
            command_line(Language::Python, "agent.py", &args),
            "python3 -u agent.py --topic=cats 'two words' ''"
        );
        assert_eq!(command_line(Language::TypeScript, "-x.ts", &[]), "node ./-x.ts");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_shell_reads_back_what_was_quoted(words in proptest::collection::vec("[^\u{0}]{0,12}", 1..4)) {
            let line: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            let output = Command::new("sh")
                .args(["-c", &format!("printf '%s\\0' {}", line.join(" "))])
                .output()
                .expect("sh runs");
            let expected: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
            prop_assert_eq!(output.stdout, expected);
        }
    }
}
