//! Monaco, through the bridge in `frontend/js/editor.js`.

use super::{Heard, Marker};
use js_sys::{Array, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};
use web_sys::{HtmlElement, HtmlMetaElement};

// A file of its own beside the WebAssembly, so that the page's policy for
// scripts holds without `eval`.
#[wasm_bindgen(inline_js = "export function importModule(address) { return import(address); }")]
extern "C" {
    #[wasm_bindgen(catch, js_name = importModule)]
    async fn import_module(address: &str) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    type Module;
    #[wasm_bindgen(method, catch)]
    async fn create(this: &Module, container: &HtmlElement, heard: &Object) -> Result<JsValue, JsValue>;

    type Bridge;
    #[wasm_bindgen(method)]
    fn open(this: &Bridge, path: &str, text: &str);
    #[wasm_bindgen(method)]
    fn show(this: &Bridge, path: &str, label: &str);
    #[wasm_bindgen(method)]
    fn text(this: &Bridge, path: &str) -> Option<String>;
    #[wasm_bindgen(method)]
    fn rename(this: &Bridge, from: &str, to: &str);
    #[wasm_bindgen(method)]
    fn close(this: &Bridge, path: &str);
    #[wasm_bindgen(method, js_name = goTo)]
    fn go_to(this: &Bridge, line: u32, column: u32);
    #[wasm_bindgen(method, js_name = setMarkers)]
    fn set_markers(this: &Bridge, path: &str, list: &Array);
    #[wasm_bindgen(method)]
    fn selection(this: &Bridge) -> Option<String>;
    #[wasm_bindgen(method, js_name = takeOver)]
    fn take_over(this: &Bridge, start: u32, end: u32, first_line: u32, focus: bool);
    #[wasm_bindgen(method)]
    fn focus(this: &Bridge);
    #[wasm_bindgen(method)]
    fn dispose(this: &Bridge);
    /// Monaco's own editor.
    #[wasm_bindgen(method, getter)]
    fn editor(this: &Bridge) -> CodeEditor;

    type CodeEditor;
    #[wasm_bindgen(method, js_name = updateOptions)]
    fn update_options(this: &CodeEditor, options: &Object);
}

/// Monaco on the page. Dropping it takes it away.
pub(super) struct Monaco {
    bridge: Bridge,
    container: HtmlElement,
    _heard: Vec<JsValue>,
    _closures: Closures,
}

struct Closures {
    _change: Closure<dyn Fn(String)>,
    _plain: Vec<Closure<dyn Fn()>>,
    _cursor: Closure<dyn Fn(u32, u32)>,
    _tabs: Closure<dyn Fn(bool)>,
}

impl Monaco {
    /// Loads Monaco and makes an editor in a new element of `surface`.
    pub(super) async fn load(surface: &HtmlElement, heard: Heard) -> Result<Self, JsValue> {
        let base = document()
            .query_selector("meta[name=asset-base]")?
            .and_then(|element| element.dyn_into::<HtmlMetaElement>().ok())
            .map(|element| element.content())
            .unwrap_or_default();
        let module: Module = import_module(&format!("{base}/js/editor.js"))
            .await?
            .unchecked_into();

        let container: HtmlElement = document().create_element("div")?.unchecked_into();
        container.set_class_name("editor-monaco");
        surface.append_child(&container)?;
        let (object, closures) = listeners(heard)?;
        let made = module.create(&container, &object).await;
        match made {
            Ok(bridge) => {
                let bridge: Bridge = bridge.unchecked_into();
                if let Some(why) = heard.read_only {
                    bridge.editor().update_options(&read_only(why)?);
                }
                Ok(Self {
                    bridge,
                    container,
                    _heard: vec![object.into()],
                    _closures: closures,
                })
            }
            Err(error) => {
                container.remove();
                Err(error)
            }
        }
    }

    pub(super) fn open(&self, path: &str, text: &str) {
        self.bridge.open(path, text);
    }

    pub(super) fn show(&self, path: &str, label: &str) {
        self.bridge.show(path, label);
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.bridge.text(path)
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        self.bridge.rename(from, to);
    }

    pub(super) fn close(&self, path: &str) {
        self.bridge.close(path);
    }

    pub(super) fn go_to(&self, line: u32, column: u32) {
        self.bridge.go_to(line, column);
    }

    pub(super) fn set_markers(&self, path: &str, markers: &[Marker]) {
        let list = Array::new();
        for marker in markers {
            let object = Object::new();
            let fields = [
                ("line", JsValue::from(marker.line)),
                ("message", JsValue::from(marker.message.as_str())),
                ("error", JsValue::from(marker.error)),
            ];
            for (name, value) in fields {
                // A new object takes any property.
                let _ = Reflect::set(&object, &name.into(), &value);
            }
            list.push(&object);
        }
        self.bridge.set_markers(path, &list);
    }

    pub(super) fn selection(&self) -> Option<String> {
        self.bridge.selection()
    }

    pub(super) fn take_over(&self, start: u32, end: u32, first_line: u32, focus: bool) {
        self.bridge.take_over(start, end, first_line, focus);
    }

    pub(super) fn focus(&self) {
        self.bridge.focus();
    }
}

impl Drop for Monaco {
    fn drop(&mut self) {
        self.bridge.dispose();
        self.container.remove();
    }
}

/// Monaco's options for a text that can only be read, and what it says to whoever types.
fn read_only(why: &str) -> Result<Object, JsValue> {
    let message = Object::new();
    Reflect::set(&message, &"value".into(), &why.into())?;
    let options = Object::new();
    for name in ["readOnly", "domReadOnly"] {
        Reflect::set(&options, &name.into(), &JsValue::TRUE)?;
    }
    Reflect::set(&options, &"readOnlyMessage".into(), &message)?;
    Ok(options)
}

/// What Monaco calls, as an object, and what keeps it callable.
fn listeners(heard: Heard) -> Result<(Object, Closures), JsValue> {
    let object = Object::new();
    let change = Closure::<dyn Fn(String)>::new(move |path| {
        heard.change.try_run(path);
    });
    let cursor = Closure::<dyn Fn(u32, u32)>::new(move |line, column| {
        heard.cursor.try_run((line, column));
    });
    let tabs = Closure::<dyn Fn(bool)>::new(move |move_focus| {
        let _ = heard.tabs_move_focus.try_set(move_focus);
    });
    let plain: Vec<_> = [
        ("save", heard.save),
        ("run", heard.run),
        ("stop", heard.stop),
        ("blur", heard.blur),
    ]
    .into_iter()
    .map(|(name, callback)| {
        let closure = Closure::<dyn Fn()>::new(move || {
            callback.try_run(());
        });
        let _ = Reflect::set(&object, &name.into(), closure.as_ref());
        closure
    })
    .collect();
    Reflect::set(&object, &"change".into(), change.as_ref())?;
    Reflect::set(&object, &"cursor".into(), cursor.as_ref())?;
    Reflect::set(&object, &"tabs".into(), tabs.as_ref())?;
    Ok((
        object,
        Closures {
            _change: change,
            _plain: plain,
            _cursor: cursor,
            _tabs: tabs,
        },
    ))
}
