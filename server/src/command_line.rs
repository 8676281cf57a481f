//! What may be typed after `pitlane`. The values are taken as text here and
//! read in `configuration`, which treats a flag, an environment variable and
//! a line of a file alike.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const AFTER: &str = "Settings are taken from flags, then environment variables (PITLANE_ADDR, DATABASE_URL, \
DAYTONA_API_KEY and so on), then .env, then pitlane.toml, both in the working directory.";

/// Runs agent code in isolated sandboxes, from a browser or a terminal.
#[derive(Debug, Parser)]
#[command(name = "pitlane", version, after_help = AFTER)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings of `serve`, which is what happens when nothing else is named.
    #[command(flatten)]
    pub serve: ServeFlags,
    /// Settings every command knows.
    #[command(flatten)]
    pub settings: SettingFlags,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve the site (the default)
    Serve(ServeFlags),
    /// Run a file or a folder in a fresh sandbox, with its output here
    Run(RunFlags),
    /// Serve only the Daytona-compatible sandbox engine
    Engine(EngineFlags),
    /// The log of who did what
    Audit {
        /// What to do with the log.
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Say what works on this machine, and what to do about the rest
    Doctor(DoctorFlags),
    /// Write the whole database into a file, also while a server uses it
    Backup(BackupFlags),
    /// Put a backup into the database
    Restore(RestoreFlags),
    /// Move everything to another database, such as from SQLite to PostgreSQL
    MigrateData(MigrateFlags),
    /// The secrets that runs are given
    Secrets {
        /// What to do with secrets.
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Teams, and who is in them
    Team {
        /// What to do with teams.
        #[command(subcommand)]
        command: TeamCommand,
    },
    /// Tokens for programs that use the API
    Token {
        /// What to do with tokens.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Accounts
    User {
        /// What to do with accounts.
        #[command(subcommand)]
        command: UserCommand,
    },
}

/// Settings every command knows.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingFlags {
    /// The file of settings [default: pitlane.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where Pitlane keeps its data [default: ./pitlane-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<String>,
    /// The database [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// How sandboxes are kept apart: auto, namespaces, landlock or unsafe-none [default: auto]
    #[arg(long, global = true, value_name = "WAY")]
    pub isolation: Option<String>,
    /// What sandboxes may reach: off, or open for public addresses [default: off]
    #[arg(long, global = true, value_name = "WHAT")]
    pub network: Option<String>,
    /// How many sandboxes are kept ready [default: 2]
    #[arg(long, global = true, value_name = "COUNT")]
    pub warm: Option<String>,
    /// The Python of sandboxes, several with commas between them [default: the newest there is]
    #[arg(long, global = true, value_name = "PATH")]
    pub python: Option<String>,
    /// The Node.js of sandboxes [default: the newest there is]
    #[arg(long, global = true, value_name = "PATH")]
    pub node: Option<String>,
    /// What is logged: error, warn, info, debug, or a filter such as info,runs=debug
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
}

/// Settings of the site.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeFlags {
    /// Where the site listens [default: 127.0.0.1:3000]
    #[arg(long, value_name = "HOST:PORT")]
    pub addr: Option<String>,
    /// The address people open, when it is another one, such as https://pitlane.example
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// How many runs may go on at the same time; others wait
    #[arg(long, value_name = "COUNT")]
    pub concurrency: Option<String>,
    /// Leave the engine and its sandboxes running when the server is stopped
    #[arg(long)]
    pub keep_engine: bool,
}

/// How to say what works.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The exit code is 0 when programs can be run in isolation, 1 when not, and 2 when a setting cannot be used."
)]
pub struct DoctorFlags {
    /// Say it as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A backup.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The backup has every account, agent, file, run, log, secret and token in it as they are at one \
moment, and the name of this installation. Secrets are encrypted; the key is only in it with --with-key. Sandboxes, and \
who is signed in, are not."
)]
pub struct BackupFlags {
    /// The file to write
    pub file: PathBuf,
    /// Put the key of the secrets into it, too
    #[arg(long)]
    pub with_key: bool,
    /// Replace the file when it is there
    #[arg(long)]
    pub overwrite: bool,
}

/// A backup that is put back.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The server has to be stopped. A backup of SQLite can be restored into PostgreSQL, and the other \
way round. A backup of another version is restored with that version of Pitlane, then brought up to date by the next start."
)]
pub struct RestoreFlags {
    /// The backup
    pub file: PathBuf,
    /// Put it in the place of what is there
    #[arg(long)]
    pub replace: bool,
}

/// A move to another database.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Servers on both databases have to be stopped. The database to move to is empty or new; the one \
to move from is left as it is. Interrupted, nothing was moved: run it again."
)]
pub struct MigrateFlags {
    /// The database to move from
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The database to move to
    #[arg(long, value_name = "URL")]
    pub to: String,
}

/// A run in the terminal.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The program's output is passed through byte for byte, its standard output and standard \
error apart, and its exit code is returned: 128 and the signal's number when a signal ended it, 124 when it took too \
long, 130 after Ctrl+C, 125 when Pitlane itself failed. Progress goes to standard error, and only to a terminal.\n\n\
In a folder, agent.*, main.* or index.* (.py, .ts, .js) is run. Hidden files, node_modules and __pycache__ are left \
out, and symbolic links are not followed."
)]
pub struct RunFlags {
    /// A program (.py, .ts or .js), or the folder it is in
    #[arg(value_name = "FILE|FOLDER")]
    pub path: PathBuf,
    /// The file to run in a folder, when it has another name than the usual ones
    #[arg(long, value_name = "FILE")]
    pub entrypoint: Option<String>,
    /// How long the program may take, in seconds [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// Print one JSON object about the run as the last line of standard error
    #[arg(long)]
    pub json: bool,
    /// No progress, also in a terminal
    #[arg(short, long)]
    pub quiet: bool,
    /// Arguments for the program
    #[arg(last = true, value_name = "ARGS")]
    pub arguments: Vec<String>,
}

/// The engine by itself.
#[derive(Clone, Debug, Args)]
pub struct EngineFlags {
    /// Where the engine listens
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3986")]
    pub addr: String,
    /// The key clients must send; one is made and printed when none is given
    #[arg(long, value_name = "KEY", env = "PITLANE_ENGINE_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Take the listening socket from standard input: how `serve` starts its engine
    #[arg(long, hide = true)]
    pub listen_on_stdin: bool,
    /// End when nobody asked for anything for so many seconds
    #[arg(long, hide = true, value_name = "SECONDS")]
    pub orphan_grace: Option<u64>,
    /// End when this process, which started the engine, ends
    #[arg(long, hide = true, value_name = "PID")]
    pub ends_with: Option<i32>,
    /// Where the engine keeps its things, when not below the data folder
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub engine_data: Option<PathBuf>,
    /// What is bound into sandboxes at /opt/pitlane
    #[arg(long, hide = true, value_name = "FOLDER")]
    pub runtime: Option<PathBuf>,
}

/// What to do with the audit log.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no record was changed, and that none is missing
    #[command(
        after_help = "Ends with 0 when everything is as it was written, and with 1 and the first record that is not. \
A file that holds a part of the log, as when it was filtered, is checked as far as neighbours are in it."
    )]
    Verify {
        /// Check this file of JSON lines instead of the database
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print all records as JSON, one a line, the oldest first
    Export,
}

/// What to do with accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Set an account's password, read from the terminal or standard input
    SetPassword {
        /// The account's name.
        name: String,
    },
    /// Print a link that signs an account in, once
    Link {
        /// The account's name; the only account when there is just one.
        name: Option<String>,
    },
    /// Print a link with which somebody chooses a new password, once
    Reset {
        /// The account's name.
        name: String,
    },
    /// Show the accounts: id, name, whether they may sign in, last use, browsers, tokens
    List,
    /// Keep an account from signing in, and end its sessions and tokens
    Disable {
        /// The account's name.
        name: String,
    },
    /// Let a disabled account sign in again
    Enable {
        /// The account's name.
        name: String,
    },
    /// Delete an account for good; what it made stays
    Delete {
        /// The account's name.
        name: String,
    },
}

/// What to do with teams.
#[derive(Clone, Debug, Subcommand)]
pub enum TeamCommand {
    /// Show all teams: id, name, how many people
    List,
    /// Make a team
    Create {
        /// Its name.
        name: String,
        /// Who owns it; the only account when there is just one
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
    },
    /// Show who is in a team: name, role
    Members {
        /// The team's name or id.
        team: String,
    },
    /// Take an account into a team
    Add {
        /// The team's name or id.
        team: String,
        /// The account's name.
        user: String,
        /// What it is there: viewer, member, admin or owner
        #[arg(long, value_name = "ROLE", default_value = "member")]
        role: String,
    },
    /// Change what an account is in a team
    Role {
        /// The team's name or id.
        team: String,
        /// The account's name.
        user: String,
        /// What it is from now on: viewer, member, admin or owner.
        role: String,
    },
    /// Take an account out of a team, with its tokens there
    Remove {
        /// The team's name or id.
        team: String,
        /// The account's name.
        user: String,
    },
}

/// Whose tokens.
#[derive(Clone, Debug, Args)]
pub struct Whose {
    /// Whose; the only account when there is just one
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The team it acts in; the account's only team when it is in just one
    #[arg(long, value_name = "TEAM")]
    pub team: Option<String>,
}

/// What to do with tokens.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token, and print it: it is shown this once
    Create {
        /// What it is for.
        name: String,
        /// What it may do: read, run, edit, administer, manage_team or manage_instance; can be given several times [default: read and run]
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// When it ends, such as 30d or 12w [default: never]
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Show the tokens of an account: id, name, scopes, last use, end
    List {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Revoke a token: it cannot be used from now on
    Revoke {
        /// Its id or its name.
        token: String,
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
}

/// What to do with secrets.
#[derive(Clone, Debug, Subcommand)]
pub enum SecretsCommand {
    /// Encrypt all secrets with another master key
    #[command(
        after_help = "The server has to be stopped. The key in the data folder is replaced by a new one; when \
PITLANE_MASTER_KEY is set, everything is encrypted with the key in PITLANE_NEW_MASTER_KEY, which the server is then to \
be started with. Nothing is lost when it is interrupted: run it again."
    )]
    RotateKey,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [
            ["pitlane", "--data", "x", "doctor"],
            ["pitlane", "doctor", "--data", "x"],
        ] {
            let arguments = Arguments::try_parse_from(line).expect("readable");
            assert_eq!(arguments.settings.data.as_deref(), Some("x"));
        }
    }

    #[test]
    fn a_programs_arguments_are_its_own() {
        let arguments =
            Arguments::try_parse_from(["pitlane", "run", "a.py", "--timeout", "5", "--", "--json", "-x"])
                .expect("readable");
        let Some(Command::Run(run)) = arguments.command else {
            panic!("another command")
        };
        assert_eq!(
            (run.timeout, run.json, run.arguments),
            (Some(5), false, vec!["--json".into(), "-x".into()])
        );
    }
}
