//! Makes a tree on the shelf part of a sandbox: a few links in its home, made
//! inside by a program of its own user.

use super::{Language, List};
use crate::registry::Live;
use crate::sandbox::{Exit, SHELF, Spawn, StdinKind};

/// Python reads the tree's packages, with what they ask to be read besides,
/// from a file in the user's own folder of packages; its commands are linked
/// where the user's are. What the sandbox has itself goes first.
const PYTHON: &str = r"
import os, site, sys
tree = sys.argv[1]
own = site.getusersitepackages()
packages = os.path.join(tree, os.path.relpath(own, os.path.expanduser('~')))
os.makedirs(own, exist_ok=True)
with open(os.path.join(own, 'packages-from-the-shelf.pth'), 'w') as file:
    file.write(f'import site; site.addsitedir({packages!r})\n')
commands = os.path.join(tree, '.local', 'bin')
mine = os.path.join(site.getuserbase(), 'bin')
os.makedirs(mine, exist_ok=True)
for name in os.listdir(commands) if os.path.isdir(commands) else []:
    place = os.path.join(mine, name)
    if os.path.islink(place): os.unlink(place)
    if not os.path.exists(place): os.symlink(os.path.join(commands, name), place)
";
/// Node.js looks for packages beside the program alone.
const NODE: &str = r#"
place=node_modules
if [ -e "$place" ] && [ ! -L "$place" ]; then
  if ! rmdir "$place" 2>/dev/null; then echo "there is a folder $place already" >&2; exit 1; fi
fi
ln -sfn "$1/node_modules" "$place"
"#;

/// Links the packages of a tree.
///
/// # Errors
/// The sentence that says why they cannot be linked.
pub(super) async fn attach(live: &Live, list: &List, key: &str) -> Result<(), String> {
    let tree = format!("{SHELF}/{key}");
    let argv: Vec<String> = match list.language {
        Language::Python => {
            let python = live.sandbox.python().unwrap_or("python3");
            [python, "-c", PYTHON, &tree].map(ToOwned::to_owned).into()
        }
        Language::Node => ["sh", "-c", NODE, "sh", &tree].map(ToOwned::to_owned).into(),
    };
    let spawn = Spawn {
        argv,
        env: live.environment(),
        cwd: live.resolve(&list.folder),
        stdin: StdinKind::Null,
        merge_stderr: true,
    };
    let failed = |why: &str| format!("The packages could not be linked into the sandbox: {why}");
    let process = live
        .sandbox
        .spawn(spawn)
        .await
        .map_err(|error| failed(&error.to_string()))?;
    let said = read(process.stdout).await;
    let mut exit = process.exit;
    let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
    match exit.map(Exit::shell_code) {
        Some(0) => Ok(()),
        Some(_) => Err(failed(said.lines().last().unwrap_or("they are not there"))),
        None => Err(failed("the sandbox has ended.")),
    }
}

/// The beginning of what a program prints.
async fn read(pipe: std::os::fd::OwnedFd) -> String {
    use tokio::io::AsyncReadExt;
    const MOST: u64 = 64 << 10;
    let mut bytes = Vec::new();
    if let Ok(pipe) = tokio::net::unix::pipe::Receiver::from_owned_fd(pipe) {
        // What cannot be read was not said.
        let _ = pipe.take(MOST).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
