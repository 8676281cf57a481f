//! Quotes and variables in the values of instructions, as Docker reads them.

use std::collections::BTreeMap;

/// What is known when a line is reached.
pub(in crate::builds) type Variables = BTreeMap<String, String>;

/// A value may grow no further by its variables.
const LONGEST: usize = 64 << 10;
/// How far `${A:-${B:-…}}` may go.
const DEEPEST: u32 = 16;

/// Takes the quotes and backslashes of a value away and puts variables in. The
/// error goes on after "Line 3 of the Dockerfile".
pub(in crate::builds) fn expand(text: &str, variables: &Variables) -> Result<String, String> {
    let mut reader = Reader {
        letters: text.chars().peekable(),
        variables,
        depth: 0,
    };
    let value = reader.read(None)?;
    if value.len() > LONGEST {
        return Err("has a value that is too long".to_owned());
    }
    Ok(value)
}

struct Reader<'a> {
    letters: std::iter::Peekable<std::str::Chars<'a>>,
    variables: &'a Variables,
    depth: u32,
}

impl Reader<'_> {
    /// Reads to the end, or to the letter that closes a `${…}`.
    fn read(&mut self, until: Option<char>) -> Result<String, String> {
        let mut out = String::new();
        let mut in_double = false;
        while let Some(letter) = self.letters.next() {
            match letter {
                letter if Some(letter) == until && !in_double => return Ok(out),
                '\'' if !in_double => loop {
                    match self.letters.next() {
                        Some('\'') => break,
                        Some(letter) => out.push(letter),
                        None => return Err("has a quote that is not closed".to_owned()),
                    }
                },
                '"' => in_double = !in_double,
                '\\' => self.escaped(in_double, &mut out),
                '$' => self.variable(&mut out)?,
                letter => out.push(letter),
            }
            if out.len() > LONGEST {
                return Err("has a value that is too long".to_owned());
            }
        }
        match (in_double, until) {
            (true, _) => Err("has a quote that is not closed".to_owned()),
            (_, Some(_)) => Err("has a ${ that is not closed".to_owned()),
            _ => Ok(out),
        }
    }

    /// In double quotes a backslash is one, except before what it would change.
    fn escaped(&mut self, in_double: bool, out: &mut String) {
        match self.letters.peek() {
            Some('"' | '$' | '\\') => {}
            Some(_) if !in_double => {}
            _ => {
                out.push('\\');
                return;
            }
        }
        out.extend(self.letters.next());
    }

    fn variable(&mut self, out: &mut String) -> Result<(), String> {
        if self.letters.peek() != Some(&'{') {
            let name = self.name();
            match name.is_empty() {
                true => out.push('$'),
                false => out.push_str(self.value(&name)),
            }
            return Ok(());
        }
        self.letters.next();
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("has too many ${ inside each other".to_owned());
        }
        let name = self.name();
        let odd = || "has a ${…} that cannot be read here".to_owned();
        if name.is_empty() {
            return Err(odd());
        }
        let set = !self.value(&name).is_empty();
        match (self.letters.next(), self.letters.peek()) {
            (Some('}'), _) => out.push_str(self.value(&name)),
            (Some(':'), Some('-')) => {
                self.letters.next();
                let otherwise = self.read(Some('}'))?;
                out.push_str(if set { self.value(&name) } else { &otherwise });
            }
            (Some(':'), Some('+')) => {
                self.letters.next();
                let instead = self.read(Some('}'))?;
                out.push_str(if set { &instead } else { "" });
            }
            _ => return Err(odd()),
        }
        self.depth -= 1;
        Ok(())
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(letter) = self
            .letters
            .next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        {
            name.push(letter);
        }
        name
    }

    fn value(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_variables_are_read_as_docker_does() {
        let variables = Variables::from([("A".into(), "one".into()), ("E".into(), String::new())]);
        for (text, expected) in [
            ("$A/b", "one/b"),
            ("${A}b", "oneb"),
            ("\\$A", "$A"),
            ("'$A'", "$A"),
            ("\"$A b\"", "one b"),
            ("\"a\\\"b\\n\"", "a\"b\\n"),
            ("a\\ b", "a b"),
            ("${E:-two}", "two"),
            ("${A:-two}", "one"),
            ("${A:+x$A}", "xone"),
            ("${NONE:+x}", ""),
            ("$", "$"),
            ("a$-", "a$-"),
            ("${N:-${A}}", "one"),
        ] {
            assert_eq!(expand(text, &variables).unwrap(), expected, "{text}");
        }
        for odd in ["'a", "\"a", "${", "${A", "${A:?x}", "${A:-x", "${}"] {
            assert!(expand(odd, &variables).is_err(), "{odd}");
        }
        assert!(expand(&"${A:-".repeat(50_000), &variables).is_err());
        let long = Variables::from([("L".into(), "x".repeat(60_000))]);
        assert!(expand("$L$L", &long).is_err());
    }
}
