//! Short notices at the lower edge: what was done, with a way to undo it, and
//! what went wrong.

use super::icon::Icon;
use crate::UiError;
use leptos::prelude::*;
use std::time::Duration;

/// How long a notice stays, in seconds; an error stays until it is closed.
const SECONDS: u64 = 8;

#[derive(Clone)]
struct Notice {
    number: u64,
    text: String,
    bad: bool,
    action: Option<(&'static str, Callback<()>)>,
}

/// The notices of this tab, in the context of the whole app.
#[derive(Clone, Copy)]
pub struct Notices {
    shown: RwSignal<Vec<Notice>>,
    made: StoredValue<u64>,
}

/// Makes the notices known to all pages. Called once, in `App`.
pub fn provide_notices() -> Notices {
    let notices = Notices {
        shown: RwSignal::new(Vec::new()),
        made: StoredValue::new(0),
    };
    provide_context(notices);
    notices
}

/// The notices of this tab.
///
/// # Panics
/// Outside of `App`, which is a fault of the page.
#[must_use]
pub fn use_notices() -> Notices {
    use_context().expect("App provides the notices before any page is made")
}

impl Notices {
    /// Says that something was done.
    pub fn say(self, text: impl Into<String>) {
        self.add(text.into(), false, None);
    }

    /// Says that something was done, and offers `action` for a few seconds.
    pub fn offer(self, text: impl Into<String>, name: &'static str, action: Callback<()>) {
        self.add(text.into(), false, Some((name, action)));
    }

    /// Says what went wrong. A session that ended is said by the page itself.
    pub fn fail(self, error: &UiError) {
        self.add(error.text.clone(), true, None);
    }

    fn add(self, text: String, bad: bool, action: Option<(&'static str, Callback<()>)>) {
        let number = self.made.get_value() + 1;
        self.made.set_value(number);
        self.shown.update(|shown| {
            // The same error again and again is one notice.
            shown.retain(|notice| notice.text != text);
            shown.push(Notice {
                number,
                text,
                bad,
                action,
            });
            if shown.len() > 3 {
                shown.remove(0);
            }
        });
        if !bad {
            set_timeout(move || self.close(number), Duration::from_secs(SECONDS));
        }
    }

    fn close(self, number: u64) {
        let _ = self
            .shown
            .try_update(|shown| shown.retain(|notice| notice.number != number));
    }
}

/// Where notices appear.
#[component]
pub fn NoticeArea() -> impl IntoView {
    let notices = use_notices();
    let row = move |notice: Notice| {
        let number = notice.number;
        view! {
            <div class="notice" class:bad=notice.bad role=if notice.bad { "alert" } else { "status" }>
                <span>{notice.text}</span>
                {notice
                    .action
                    .map(|(name, action)| {
                        view! {
                            <button
                                class="link"
                                on:click=move |_| {
                                    notices.close(number);
                                    action.run(());
                                }
                            >
                                {name}
                            </button>
                        }
                    })}
                <button class="icon-button" aria-label="Close this notice" on:click=move |_| notices.close(number)>
                    <Icon name="close" />
                </button>
            </div>
        }
    };
    view! {
        <div class="notices">
            <For each=move || notices.shown.get() key=|notice| notice.number children=row />
        </div>
    }
}
