//! An open file between its text in the editor and its version on the server:
//! what is saved, what is not, and what stands in the way.

use model::FileContent;

/// What keeps a document from being saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server cannot be reached; it is tried again.
    Offline,
    /// The server will not have it: the sentence says why.
    Refused(String),
    /// Somebody else saved first: their file, or none when they deleted it.
    Conflict(Option<Box<FileContent>>),
}

/// An open file. Its text lives in the editor, not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// The version its text is based on; none for a file the server does not have.
    pub base: Option<i64>,
    /// How many changes were made to it here.
    typed: u64,
    /// How many of them are saved.
    stored: u64,
    /// Whether a save is on its way.
    saving: bool,
    /// What keeps it from being saved.
    trouble: Option<Trouble>,
}

/// How a document is doing, as tabs and the status bar say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// The server has it.
    Saved,
    /// It was changed a moment ago.
    Changed,
    /// It is on its way.
    Saving,
    /// The server cannot be reached.
    Offline,
    /// The server will not have it.
    Refused(String),
    /// Somebody else saved first.
    Conflict,
}

impl Document {
    /// A document as the server has it.
    #[must_use]
    pub fn saved(version: i64) -> Self {
        Self {
            base: Some(version),
            ..Self::default()
        }
    }

    /// How it is doing.
    #[must_use]
    pub fn state(&self) -> SaveState {
        match (&self.trouble, self.saving) {
            (Some(Trouble::Conflict(_)), _) => SaveState::Conflict,
            (Some(Trouble::Refused(why)), _) => SaveState::Refused(why.clone()),
            (Some(Trouble::Offline), _) => SaveState::Offline,
            (None, true) => SaveState::Saving,
            (None, false) if self.is_changed() => SaveState::Changed,
            (None, false) => SaveState::Saved,
        }
    }

    /// Whether the editor has what the server has not.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.typed != self.stored
    }

    /// Whether a save is on its way.
    #[must_use]
    pub const fn is_saving(&self) -> bool {
        self.saving
    }

    /// The number of the newest change: a timer that finds the same number
    /// knows that nothing was typed since.
    #[must_use]
    pub const fn change(&self) -> u64 {
        self.typed
    }

    /// Their file when somebody else saved first; the inner none when they deleted it.
    #[must_use]
    pub fn conflict(&self) -> Option<Option<&FileContent>> {
        match &self.trouble {
            Some(Trouble::Conflict(theirs)) => Some(theirs.as_deref()),
            _ => None,
        }
    }

    /// The person changed it. A text the server refused may be right now.
    pub fn type_in(&mut self) {
        self.typed += 1;
        if matches!(self.trouble, Some(Trouble::Refused(_))) {
            self.trouble = None;
        }
    }

    /// Begins a save of the text as it is now; says which change that is. None
    /// when there is nothing to save, a save is on its way, or somebody has to
    /// decide first.
    pub fn begin_save(&mut self) -> Option<u64> {
        if self.saving || !self.is_changed() || matches!(self.trouble, Some(Trouble::Conflict(_))) {
            return None;
        }
        self.saving = true;
        Some(self.typed)
    }

    /// The save of `change` arrived; the file is at `version` now.
    pub fn arrived(&mut self, change: u64, version: i64) {
        self.saving = false;
        self.stored = change;
        self.base = Some(version);
        self.trouble = None;
    }

    /// The save did not work.
    pub fn failed(&mut self, trouble: Trouble) {
        self.saving = false;
        self.trouble = Some(trouble);
    }

    /// The person wants their own text: it is based on `theirs` from now on.
    pub fn keep_mine(&mut self, theirs: Option<i64>) {
        self.base = theirs;
        self.trouble = None;
        self.typed += 1;
    }

    /// The editor has the server's text of this version from now on.
    pub fn take(&mut self, version: i64) {
        self.base = Some(version);
        self.trouble = None;
        self.stored = self.typed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_during_a_save_is_saved_next() {
        let mut document = Document::saved(1);
        assert_eq!(document.state(), SaveState::Saved);
        document.type_in();
        assert_eq!(document.state(), SaveState::Changed);
        let first = document.begin_save().expect("there is something to save");
        assert_eq!(document.state(), SaveState::Saving);
        document.type_in();
        assert_eq!(document.begin_save(), None, "one save at a time");
        document.arrived(first, 2);
        assert_eq!(document.state(), SaveState::Changed);
        let second = document.begin_save().expect("the second change");
        document.arrived(second, 3);
        assert_eq!((document.state(), document.base), (SaveState::Saved, Some(3)));
    }

    #[test]
    fn a_conflict_waits_for_the_person() {
        let mut document = Document::saved(1);
        document.type_in();
        document.begin_save().expect("there is something to save");
        document.failed(Trouble::Conflict(None));
        document.type_in();
        assert_eq!(document.begin_save(), None, "never a silent overwrite");
        assert_eq!(document.conflict(), Some(None));
        let mut taken = document.clone();
        taken.take(5);
        assert_eq!((taken.state(), taken.base), (SaveState::Saved, Some(5)));
        document.keep_mine(None);
        assert!(document.begin_save().is_some());
        assert_eq!(document.base, None);
    }

    #[test]
    fn offline_is_tried_again_and_a_refusal_waits_for_a_change() {
        let mut document = Document::saved(1);
        document.type_in();
        document.begin_save().expect("there is something to save");
        document.failed(Trouble::Offline);
        assert_eq!(document.state(), SaveState::Offline);
        assert!(document.begin_save().is_some());
        document.failed(Trouble::Refused("too large".to_owned()));
        assert_eq!(document.state(), SaveState::Refused("too large".to_owned()));
        document.type_in();
        assert_eq!(document.state(), SaveState::Changed);
    }
}
