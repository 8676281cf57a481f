//! What became of the connection, said in the panel whose log it feeds: lost,
//! tried again, there again.

use crate::browser::{
    events::{Connection, use_events},
    timer::Timeout,
};
use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// How long it is said that all is well again, in milliseconds.
const BACK_MILLISECONDS: u32 = 8_000;

/// What is said of a connection; none when there is nothing to say.
fn words(connection: Connection, is_back: bool) -> Option<&'static str> {
    match connection {
        Connection::Retrying { stopped: true, .. } => Some("The server was stopped. Trying again"),
        Connection::Retrying { stopped: false, .. } => Some("Connection lost. Trying again"),
        Connection::SignedOut => Some("You are signed out. Sign in again to see how the log goes on."),
        _ if is_back => Some("Connected again. The log goes on where it broke off."),
        Connection::Idle | Connection::Connecting | Connection::Live => None,
    }
}

/// The notice between the log and the prompt.
#[component]
pub(super) fn ConnectionNotice() -> impl IntoView {
    let events = use_events();
    let connection = events.connection();
    let is_back = RwSignal::new(false);
    let timer = StoredValue::new(None::<SendWrapper<Timeout>>);
    Effect::new(move |was_lost: Option<bool>| {
        let was_lost = was_lost.unwrap_or(false);
        match connection.get() {
            Connection::Retrying { .. } | Connection::SignedOut => {
                is_back.set(false);
                true
            }
            Connection::Connecting => was_lost,
            Connection::Live if was_lost => {
                is_back.set(true);
                let over = Timeout::after(BACK_MILLISECONDS, move || {
                    let _ = is_back.try_set(false);
                });
                timer.set_value(Some(SendWrapper::new(over)));
                false
            }
            Connection::Live | Connection::Idle => false,
        }
    });
    let said = Memo::new(move |_| words(connection.get(), is_back.get()));
    let seconds = move || match connection.get() {
        Connection::Retrying { seconds: 0, .. } => Some(" now.".to_owned()),
        Connection::Retrying { seconds, .. } => Some(format!(" in {seconds} s.")),
        _ => None,
    };
    let is_lost = Memo::new(move |_| matches!(connection.get(), Connection::Retrying { .. }));
    view! {
        <div class="log-connection" class:lost=move || is_lost.get() hidden=move || said.get().is_none()>
            <p>
                <span role="status">{move || said.get()}</span>
                // Not read out: it changes every second.
                <span aria-hidden="true">{seconds}</span>
            </p>
            <button
                type="button"
                class="btn quiet"
                hidden=move || !is_lost.get()
                on:click=move |_| events.try_now()
            >
                "Try now"
            </button>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_true_is_said() {
        let retrying = |stopped| Connection::Retrying { seconds: 2, stopped };
        assert_eq!(words(Connection::Live, false), None);
        assert_eq!(
            words(retrying(false), true),
            Some("Connection lost. Trying again")
        );
        assert_eq!(
            words(retrying(true), false),
            Some("The server was stopped. Trying again")
        );
        assert!(words(Connection::Live, true).is_some_and(|words| words.starts_with("Connected again")));
        // The run may have ended while nobody heard it.
        assert_eq!(words(Connection::Idle, true), words(Connection::Live, true));
    }
}
