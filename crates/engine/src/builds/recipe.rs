//! What a Dockerfile comes to: the image it begins with, the steps to its home,
//! and what its sandboxes start with.

use std::collections::BTreeMap;

use serde::Serialize;

use super::dockerfile::{Form, Instruction, Line, Variables, Wrong, expand, parse};
use crate::mount_point;
use crate::sandbox::{HOME, USER};

/// What sandboxes of an image start with, besides files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Start {
    /// Variables of the image; a sandbox's own win.
    pub(crate) env: BTreeMap<String, String>,
    /// Where programs start; none is the home.
    pub(crate) work_dir: Option<String>,
    /// The program that runs from the start, with its arguments.
    pub(crate) entrypoint: Vec<String>,
    /// Folders outside the home that can be written to.
    pub(crate) places: Vec<String>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// The line it comes from.
    pub(super) line: usize,
    /// As it is shown in the log.
    pub(super) text: String,
    pub(super) work: Work,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Work {
    /// Run a program, with these variables over the sandbox's, in this folder.
    Run {
        argv: Vec<String>,
        env: BTreeMap<String, String>,
        folder: String,
    },
    /// See that the host has these packages.
    Packages(Vec<String>),
    /// Make a folder that is not there.
    Folder(String),
    /// Nothing but saying so.
    Note(&'static str),
}

/// A Dockerfile that was read and whose image is still to be found.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    /// The image after FROM.
    pub(crate) from: String,
    lines: Vec<Line>,
    args: Variables,
}

impl Recipe {
    /// Reads a Dockerfile as far as its FROM.
    pub(crate) fn read(text: &str) -> Result<Self, Wrong> {
        let mut lines = parse(text)?.into_iter();
        let mut args = Variables::new();
        for line in lines.by_ref() {
            match line.instruction {
                // Before FROM they stand for a part of its image.
                Instruction::Arg(pairs) => {
                    for (name, default) in pairs {
                        let default = default.unwrap_or_default();
                        let value = expand(&default, &args).map_err(|why| Wrong::at(line.number, why))?;
                        args.insert(name, value);
                    }
                }
                Instruction::From(image) => {
                    let from = expand(&image, &args).map_err(|why| Wrong::at(line.number, why))?;
                    return Ok(Self {
                        from,
                        lines: lines.collect(),
                        args,
                    });
                }
                _ => return Err(Wrong::at(line.number, "comes before FROM and an image")),
            }
        }
        Err(Wrong::at(0, "does not begin with FROM and an image"))
    }

    /// Whether there is nothing in it but FROM.
    pub(crate) fn is_bare(&self) -> bool {
        self.lines.is_empty()
    }

    /// The steps to be done on an image that starts its sandboxes with `start`,
    /// where programs are looked up along `path`.
    pub(super) fn steps(&self, start: Start, path: &str) -> Result<(Vec<Step>, Start), Wrong> {
        let mut state = State {
            args: Variables::from([("PATH".to_owned(), path.to_owned())]),
            known: &self.args,
            shell: vec!["/bin/sh".to_owned(), "-c".to_owned()],
            command: Vec::new(),
            entrypoint: None,
            steps: Vec::new(),
            start,
        };
        for line in &self.lines {
            state.take(line).map_err(|why| Wrong::at(line.number, why))?;
        }
        let State {
            mut start,
            steps,
            command,
            entrypoint,
            ..
        } = state;
        if let Some(entrypoint) = entrypoint {
            start.entrypoint = entrypoint;
            start.entrypoint.extend(command);
        } else if !command.is_empty() {
            start.entrypoint = command;
        }
        Ok((steps, start))
    }
}

/// What has been read so far.
struct State<'a> {
    args: Variables,
    /// ARGs before FROM: they count again once they are named.
    known: &'a Variables,
    shell: Vec<String>,
    command: Vec<String>,
    entrypoint: Option<Vec<String>>,
    steps: Vec<Step>,
    start: Start,
}

impl State<'_> {
    /// Variables as later lines see them; ENV wins over ARG.
    fn variables(&self) -> Variables {
        let mut all = self.args.clone();
        all.extend(self.start.env.clone());
        all
    }

    fn folder(&self) -> String {
        self.start.work_dir.clone().unwrap_or_else(|| HOME.to_owned())
    }

    fn argv(&self, form: &Form) -> Vec<String> {
        match form {
            Form::Exec(words) => words.clone(),
            Form::Shell(text) => {
                let mut argv = self.shell.clone();
                argv.push(text.clone());
                argv
            }
        }
    }

    fn add(&mut self, line: &Line, work: Work) {
        self.steps.push(Step {
            line: line.number,
            text: line.text.clone(),
            work,
        });
    }

    fn take(&mut self, line: &Line) -> Result<(), String> {
        match &line.instruction {
            Instruction::From(_) => {
                return Err("is a second FROM: builds in several stages cannot be done here".to_owned());
            }
            Instruction::Run(form) => {
                let work = Work::Run {
                    argv: self.argv(form),
                    env: self.variables(),
                    folder: self.folder(),
                };
                self.add(line, work);
            }
            Instruction::Cmd(form) => self.command = self.argv(form),
            Instruction::Entrypoint(form) => self.entrypoint = Some(self.argv(form)),
            Instruction::Env(pairs) => {
                // All of a line see what was before the line.
                let before = self.variables();
                for (name, value) in pairs {
                    self.start.env.insert(name.clone(), expand(value, &before)?);
                }
            }
            Instruction::Arg(pairs) => {
                for (name, default) in pairs {
                    let value = match default {
                        Some(default) => expand(default, &self.variables())?,
                        None => self.known.get(name).cloned().unwrap_or_default(),
                    };
                    self.args.insert(name.clone(), value);
                }
            }
            Instruction::WorkDir(path) => self.work_dir(line, path)?,
            Instruction::User(user) => {
                let user = expand(user, &self.variables())?;
                if user.split(':').next() != Some(USER) {
                    return Err(format!(
                        "asks for the user {}: the only user of a sandbox here is {USER}",
                        user.chars().take(40).collect::<String>()
                    ));
                }
                self.add(line, Work::Note("it is the user anyway"));
            }
            Instruction::Shell(words) => self.shell.clone_from(words),
            Instruction::Copy { word, .. } => {
                return Err(format!(
                    "has a {word}: this engine keeps no files for builds; upload them to the sandbox instead"
                ));
            }
            Instruction::NoEffect(word) => {
                tracing::debug!(word, "a line of a Dockerfile has no effect here");
                self.add(line, Work::Note("it has no effect in a sandbox"));
            }
        }
        Ok(())
    }

    fn work_dir(&mut self, line: &Line, path: &str) -> Result<(), String> {
        let path = expand(path, &self.variables())?;
        let path = joined(&self.folder(), &path);
        if !path.starts_with(&format!("{HOME}/")) && path != HOME && path != "/" {
            mount_point::check(&path).map_err(|why| format!("has the folder {path}, {why}"))?;
            if !self
                .start
                .places
                .iter()
                .any(|place| mount_point::is_within(&path, place))
            {
                self.start.places.push(path.clone());
            }
        }
        self.add(line, Work::Folder(path.clone()));
        self.start.work_dir = Some(path);
        Ok(())
    }
}

/// A path from a folder, without `.` and `..`.
fn joined(folder: &str, path: &str) -> String {
    let whole = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{folder}/{path}"),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Step>, Start) {
        Recipe::read(text)
            .unwrap()
            .steps(Start::default(), "/bin")
            .unwrap()
    }

    fn refused(text: &str) -> Wrong {
        match Recipe::read(text) {
            Ok(recipe) => recipe.steps(Start::default(), "/bin").unwrap_err(),
            Err(wrong) => wrong,
        }
    }

    #[test]
    fn a_dockerfile_comes_to_steps_and_a_start() {
        let text = "ARG TAG=12\nFROM debian:$TAG\nARG TAG\nARG N=1\nENV A=\"x $N\" B=$A\nWORKDIR work\nWORKDIR ../made\n\
            RUN echo $A\nSHELL [\"/bin/bash\", \"-c\"]\nRUN [\"true\", \"x\"]\nRUN y\nLABEL a=b\nUSER daytona\n\
            ENTRYPOINT [\"e\"]\nCMD [\"c\"]\n";
        let recipe = Recipe::read(text).unwrap();
        assert_eq!(recipe.from, "debian:12");
        assert!(!recipe.is_bare());
        let (steps, start) = recipe.steps(Start::default(), "/bin").unwrap();
        assert_eq!(
            start.env,
            BTreeMap::from([("A".into(), "x 1".into()), ("B".into(), String::new())])
        );
        assert_eq!(start.work_dir.as_deref(), Some("/home/daytona/made"));
        assert_eq!(start.entrypoint, ["e", "c"]);
        assert!(start.places.is_empty());
        let runs: Vec<_> = steps
            .iter()
            .filter_map(|step| match &step.work {
                Work::Run { argv, env, folder } => Some((argv.join(" "), env["TAG"].clone(), folder.clone())),
                _ => None,
            })
            .collect();
        let made = || "/home/daytona/made".to_owned();
        assert_eq!(runs[0], ("/bin/sh -c echo $A".into(), "12".into(), made()));
        assert_eq!(runs[1].0, "true x");
        assert_eq!(runs[2].0, "/bin/bash -c y");
        assert_eq!(steps[0].work, Work::Folder("/home/daytona/work".into()));
    }

    #[test]
    fn the_search_path_can_be_added_to() {
        let (steps, start) = read("FROM a\nENV PATH=\"/x:$PATH\"\nRUN y\n");
        assert_eq!(start.env["PATH"], "/x:/bin");
        let Work::Run { env, .. } = &steps[0].work else {
            panic!("{steps:?}")
        };
        assert_eq!(env["PATH"], "/x:/bin");
    }

    #[test]
    fn a_folder_outside_the_home_becomes_a_place() {
        let (_, start) = read("FROM a\nWORKDIR /app\nWORKDIR src\nWORKDIR /\n");
        assert_eq!(start.places, ["/app"]);
        assert_eq!(start.work_dir.as_deref(), Some("/"));
        assert_eq!(refused("FROM a\nWORKDIR /usr/x\n").line, 2);
        assert_eq!(refused("FROM a\nWORKDIR /app/../etc\n").line, 2);
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_line() {
        for text in [
            "FROM a\nFROM b\n",
            "FROM a\nCOPY a b\n",
            "FROM a\nUSER root\n",
            "FROM a\nENV A='x\n",
        ] {
            assert_eq!(refused(text).line, 2, "{text}");
        }
        assert_eq!(refused("RUN x\nFROM a\n").line, 1);
        assert_eq!(refused("# nothing\n").line, 0);
        assert!(Recipe::read("FROM a\n").unwrap().is_bare());
    }
}
