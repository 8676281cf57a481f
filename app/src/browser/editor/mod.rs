//! The code editor: the text as the server painted it, then a plain text
//! field, then Monaco once it is loaded. Nothing typed is lost on the way, and
//! whoever has a narrow window or no Monaco stays with the field.

mod handle;
mod monaco;
mod plain;
mod text_place;

pub use handle::EditorHandle;

use crate::browser::{listener::Listener, timer::Timeout};
use leptos::{html, prelude::*, task::spawn_local};
use monaco::Monaco;
use plain::Plain;
use send_wrapper::SendWrapper;
use web_sys::HtmlElement;

/// From this width on, Monaco is used.
const WIDE: &str = "(min-width: 700px)";
/// The text field is on the screen before Monaco is asked for, this long before.
const PAINT_MILLISECONDS: u32 = 50;

/// A remark on a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
    /// An error; else a warning.
    pub error: bool,
}

/// Who hears what happens in the editor.
#[derive(Clone, Copy)]
struct Heard {
    change: Callback<String>,
    save: Callback<()>,
    run: Callback<()>,
    stop: Callback<()>,
    blur: Callback<()>,
    cursor: Callback<(u32, u32)>,
    tabs_move_focus: RwSignal<bool>,
    /// Why nothing can be typed.
    read_only: Option<&'static str>,
}

/// Where the editor is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Painted,
    Plain,
    Monaco,
    /// Monaco could not be loaded.
    Failed,
}

/// The editor of `handle`'s documents.
#[component]
pub fn CodeEditor(
    /// Its documents. Open and show the first one before rendering, so that
    /// the server's page has its text.
    handle: EditorHandle,
    /// Why nothing can be typed into it; none when it can.
    #[prop(optional_no_strip)]
    read_only: Option<&'static str>,
    /// Called with the path after the person changed a document; read it with [`EditorHandle::text`].
    #[prop(into)]
    on_change: Callback<String>,
    /// Ctrl/Cmd+S.
    #[prop(into)]
    on_save: Callback<()>,
    /// Ctrl/Cmd+Enter.
    #[prop(into)]
    on_run: Callback<()>,
    /// Ctrl/Cmd+.
    #[prop(into)]
    on_stop: Callback<()>,
    /// The editor lost the focus.
    #[prop(into)]
    on_blur: Callback<()>,
    /// The cursor moved: line and column, from 1.
    #[prop(into)]
    on_cursor: Callback<(u32, u32)>,
) -> impl IntoView {
    let heard = Heard {
        change: on_change,
        save: on_save,
        run: on_run,
        stop: on_stop,
        blur: on_blur,
        cursor: on_cursor,
        tabs_move_focus: RwSignal::new(false),
        read_only,
    };
    let stage = RwSignal::new(Stage::Painted);
    let surface = NodeRef::<html::Div>::new();
    let loading = StoredValue::new(None::<SendWrapper<Loading>>);

    Effect::new(move || {
        let Some(surface) = surface.get() else { return };
        let surface: HtmlElement = surface.into();
        let Some(plain) = Plain::new(&surface, heard) else {
            return;
        };
        handle.start_plain(plain);
        stage.set(Stage::Plain);
        loading.set_value(Some(SendWrapper::new(Loading::when_wide(move || {
            load(handle, surface.clone(), heard, stage);
        }))));
        on_cleanup(move || {
            let _ = loading.try_set_value(None);
            handle.leave();
        });
    });

    let path = untrack(|| handle.shown());
    let text = path
        .as_deref()
        .and_then(|path| handle.text(path))
        .unwrap_or_default();
    let hint = move || match (stage.get(), heard.tabs_move_focus.get()) {
        (Stage::Failed, _) => "The full editor could not be loaded. This one works without colours.",
        _ if read_only.is_some() => "Nothing can be typed here.",
        (_, true) => "Tab moves the focus now. Ctrl+M lets it indent again.",
        (_, false) => "Tab indents. Ctrl+M lets it move the focus.",
    };
    view! {
        <div class="editor" class:monaco=move || stage.get() == Stage::Monaco>
            <pre class="editor-first" tabindex="0" aria-label=path hidden=move || stage.get() != Stage::Painted>
                // Within an element of its own a first empty line is kept.
                <code>{text}</code>
            </pre>
            <div class="editor-surface" node_ref=surface></div>
            <p
                class="editor-hint"
                class:stays=move || heard.tabs_move_focus.get() || stage.get() == Stage::Failed
                hidden=move || !matches!(stage.get(), Stage::Monaco | Stage::Failed)
                role="status"
            >
                {hint}
            </p>
        </div>
    }
}

/// Waits for a wide window, and for the page to have been painted.
struct Loading {
    _soon: Option<Timeout>,
    _wider: Option<Listener>,
}

impl Loading {
    fn when_wide(load: impl Fn() + Clone + 'static) -> Self {
        let query = window().match_media(WIDE).ok().flatten();
        if query.as_ref().is_none_or(web_sys::MediaQueryList::matches) {
            let soon = Timeout::after(PAINT_MILLISECONDS, load);
            return Self {
                _soon: Some(soon),
                _wider: None,
            };
        }
        let wider = query.map(|query| {
            let watched = query.clone();
            Listener::on(&query, "change", move |_| {
                if watched.matches() {
                    load();
                }
            })
        });
        Self {
            _soon: None,
            _wider: wider,
        }
    }
}

fn load(handle: EditorHandle, surface: HtmlElement, heard: Heard, stage: RwSignal<Stage>) {
    if !handle.is_plain() {
        return;
    }
    spawn_local(async move {
        match Monaco::load(&surface, heard).await {
            // The page may be another by now, or another load was first.
            Ok(monaco) if handle.is_plain() && surface.is_connected() => {
                handle.start_monaco(monaco);
                let _ = stage.try_set(Stage::Monaco);
            }
            Ok(_) => {}
            Err(error) => {
                leptos::logging::warn!("Monaco could not be loaded: {error:?}");
                let _ = stage.try_set(Stage::Failed);
            }
        }
    });
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_server_paints_the_text_as_text() {
        let html = Owner::new().with(|| {
            let handle = EditorHandle::new();
            handle.open("agent.py", "\n</code><script>1</script>");
            handle.show("agent.py");
            view! {
                <CodeEditor
                    handle=handle
                    on_change=|_: String| ()
                    on_save=|()| ()
                    on_run=|()| ()
                    on_stop=|()| ()
                    on_blur=|()| ()
                    on_cursor=|_: (u32, u32)| ()
                />
            }
            .into_view()
            .to_html()
        });
        assert!(
            html.contains("<code>\n&lt;/code&gt;&lt;script&gt;1&lt;/script&gt;"),
            "{html}"
        );
        assert!(html.contains("aria-label=\"agent.py\""));
    }
}
