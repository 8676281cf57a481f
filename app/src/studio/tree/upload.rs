//! Files from the person's disk, dropped onto the tree or chosen.

use super::super::state::Studio;
use crate::{UiError, api};
use leptos::task::spawn_local;
use model::{FilePath, Invalid, SaveOutcome, file::check_size};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileList, FileReader};

impl Studio {
    /// Adds these files to `folder` (empty for the top), replacing those of the same name.
    pub fn upload(self, list: &FileList, folder: &str) {
        let files: Vec<File> = (0..list.length()).filter_map(|i| list.get(i)).collect();
        let folder = folder.to_owned();
        spawn_local(async move {
            let mut added = 0_usize;
            for file in files {
                match self.upload_one(&file, &folder).await {
                    Ok(()) => added += 1,
                    Err(error) => self.notices.fail(&error),
                }
            }
            match added {
                0 => {}
                1 => self.notices.say("1 file is added."),
                many => self.notices.say(format!("{many} files are added.")),
            }
            self.refresh_files();
        });
    }

    async fn upload_one(self, file: &File, folder: &str) -> Result<(), UiError> {
        let name = file.name();
        let path = FilePath::parse(&if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        })?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a size in bytes"
        )]
        check_size(&path, file.size() as u64)?;
        let bytes = read_base64(file).await.ok_or_else(|| {
            Invalid(format!(
                "{path} could not be read. If it is a folder, drop the files inside it instead."
            ))
        })?;
        let base = self.entry(path.as_str()).map(|entry| entry.version);
        match api::upload_file(self.agent_id(), path.clone(), bytes, base).await? {
            SaveOutcome::Saved(entry) => {
                self.put_entry(entry);
                Ok(())
            }
            SaveOutcome::Conflict(there) => {
                self.put_entry(there.entry);
                Err(Invalid(format!(
                    "{path} was changed elsewhere meanwhile. Drop it again to replace it."
                ))
                .into())
            }
        }
    }
}

/// The file's bytes in base64; none when the browser cannot read it.
async fn read_base64(file: &File) -> Option<String> {
    let reader = FileReader::new().ok()?;
    let done = js_sys::Promise::new(&mut |resolve, _| {
        reader.set_onloadend(Some(&resolve));
        if reader.read_as_data_url(file).is_err() {
            let _ = resolve.call0(&wasm_bindgen::JsValue::NULL);
        }
    });
    JsFuture::from(done).await.ok()?;
    let address = reader.result().ok()?.as_string()?;
    // `data:TYPE;base64,BYTES`; an empty file may have no comma.
    Some(
        address
            .split_once(',')
            .map_or_else(String::new, |(_, bytes)| bytes.to_owned()),
    )
}
