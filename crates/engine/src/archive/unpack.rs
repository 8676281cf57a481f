//! From a file to a sandbox's home.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use super::flow::Way;
use crate::fault::Fault;
use crate::sandbox::{Sandbox, StdinKind};

/// The argument is the compressor that made the archive.
const SCRIPT: &str = r#"
"$1" -q -d -c | tar --extract --file=- --no-same-owner --preserve-permissions --delay-directory-restore
codes=("${PIPESTATUS[@]}")
[ "${codes[1]}" = 0 ] || exit "${codes[1]}"
exit "${codes[0]}"
"#;

/// How an archive made by zstd begins.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Unpacks an archive into the home of a running sandbox.
///
/// # Errors
/// When the archive is not there, or its files have no room.
pub(crate) async fn unpack(sandbox: &Sandbox, from: &Path) -> Result<(), Fault> {
    let (file, compressor) = open(from).map_err(|error| {
        Fault::internal(format!("The kept files of the sandbox cannot be read: {error}."))
    })?;
    let arguments = [compressor.to_owned()];
    let mut process = super::run(sandbox, SCRIPT, &arguments, StdinKind::Pipe).await?;
    let Some(stdin) = process.stdin.take() else {
        return Err(Fault::internal("A program was started without its input."));
    };
    let way = Way::In { file, stdin };
    super::finish(sandbox, process, way, "The sandbox's files could not be restored").await
}

fn open(from: &Path) -> std::io::Result<(File, &'static str)> {
    let mut file = File::open(from)?;
    let mut first = Vec::new();
    (&mut file).take(4).read_to_end(&mut first)?;
    file.rewind()?;
    Ok((file, if first == ZSTD { "zstd" } else { "gzip" }))
}
