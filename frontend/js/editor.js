// The bridge between the site (WebAssembly) and Monaco: the site keeps what a
// file is and when it is saved, this keeps texts, their undo histories and
// what the screen shows. Loaded after the first paint, and by this address
// only, so that nothing of Monaco weighs on any other page.
import "monaco-editor/features/register.all";
import { editor, KeyCode, KeyMod, MarkerSeverity, Uri } from "monaco-editor/editor";
import { languageOf } from "./monaco/languages.js";
import { applyTheme } from "./monaco/theme.js";

self.MonacoEnvironment = {
  getWorker: () => new Worker(new URL("./editor.worker.js", import.meta.url), { type: "module" }),
};

let instances = 0;

const font = () => getComputedStyle(document.documentElement).getPropertyValue("--font-code") || "monospace";

/** Monaco's style sheet, which esbuild puts beside this file. */
function styles() {
  const href = new URL("./editor.css", import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    link.onload = resolve;
    link.onerror = () => reject(new Error("Monaco's style sheet could not be loaded."));
    document.head.append(link);
  });
}

/**
 * Makes an editor in `container`. `heard` is called with what happens in it:
 * `change` (a path), `save`, `run`, `stop`, `blur`, `cursor` (line, column)
 * and `tabs` (whether Tab moves the focus).
 */
export async function create(container, heard) {
  await Promise.all([styles(), document.fonts.load(`12.5px ${font()}`).catch(() => undefined)]);
  return new Bridge(container, heard);
}

class Bridge {
  #documents = new Map(); // path -> { model, view, listener }
  #shown = null;
  #quiet = false;
  #disposables = [];
  #heard;
  #number = (instances += 1);
  #tabsMoveFocus = false;

  constructor(container, heard) {
    this.#heard = heard;
    applyTheme();
    this.editor = editor.create(container, {
      model: null,
      automaticLayout: true,
      fontFamily: font(),
      fontSize: 12.5,
      lineHeight: 20,
      fontLigatures: true,
      padding: { top: 10, bottom: 10 },
      minimap: { enabled: false },
      scrollBeyondLastLine: false,
      smoothScrolling: false,
      renderLineHighlight: "line",
      renderLineHighlightOnlyWhenFocus: false,
      renderFinalNewline: "on",
      lineNumbersMinChars: 4,
      lineDecorationsWidth: 12,
      glyphMargin: false,
      folding: true,
      stickyScroll: { enabled: false },
      bracketPairColorization: { enabled: false },
      guides: { indentation: true },
      overviewRulerLanes: 2,
      fixedOverflowWidgets: true,
      unusualLineTerminators: "off",
      unicodeHighlight: { ambiguousCharacters: false },
      accessibilitySupport: "auto",
      quickSuggestions: { other: true, comments: false, strings: false },
      wordBasedSuggestions: "allDocuments",
      contextmenu: true,
      dropIntoEditor: { enabled: false },
      scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
    });
    this.#disposables.push(
      this.editor,
      this.editor.onDidBlurEditorWidget(() => heard.blur()),
      this.editor.onDidChangeCursorPosition(({ position }) => heard.cursor(position.lineNumber, position.column)),
      ...this.#actions(),
      this.#followTheme(),
    );
    document.fonts.ready.then(() => this.editor.getModel() !== undefined && editor.remeasureFonts());
  }

  #actions() {
    const { CtrlCmd, Shift, WinCtrl } = KeyMod;
    const mac = navigator.platform.startsWith("Mac");
    const act = (id, label, keys, run) =>
      this.editor.addAction({ id: `pitlane.${id}`, label, keybindings: keys, run });
    return [
      act("run", "Run", [CtrlCmd | KeyCode.Enter], () => this.#heard.run()),
      act("stop", "Stop", [CtrlCmd | KeyCode.Period], () => this.#heard.stop()),
      act("save", "Save now", [CtrlCmd | KeyCode.KeyS], () => this.#heard.save()),
      // Monaco's own switch is global and tells nobody; this one is this
      // editor's, and the page says what Tab does now.
      act("tabs", "Let Tab move the focus", [mac ? WinCtrl | Shift | KeyCode.KeyM : CtrlCmd | KeyCode.KeyM], () => {
        this.#tabsMoveFocus = !this.#tabsMoveFocus;
        this.editor.updateOptions({ tabFocusMode: this.#tabsMoveFocus });
        this.#heard.tabs(this.#tabsMoveFocus);
      }),
    ];
  }

  /** The switch on the page sets `data-theme`; the system's choice is a media query. */
  #followTheme() {
    const again = () => applyTheme();
    const observer = new MutationObserver(again);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class", "style"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", again);
    return {
      dispose() {
        observer.disconnect();
        system.removeEventListener("change", again);
      },
    };
  }

  /** Adds a document; when there is one of this path its text is replaced by edits. */
  open(path, text) {
    if (this.#documents.has(path)) return this.applyRemote(path, text);
    const uri = Uri.from({ scheme: "pitlane", authority: String(this.#number), path: `/${path}` });
    const model = editor.createModel(text, languageOf(path), uri);
    model.updateOptions({ tabSize: /\.pyi?$/.test(path) ? 4 : 2, insertSpaces: true, trimAutoWhitespace: true });
    model.detectIndentation(true, /\.pyi?$/.test(path) ? 4 : 2);
    const entry = { model, path, view: null };
    entry.listener = model.onDidChangeContent(() => this.#quiet || this.#heard.change(entry.path));
    this.#documents.set(path, entry);
  }

  show(path, label) {
    const next = this.#documents.get(path);
    if (!next) return;
    if (this.#shown !== next) {
      if (this.#shown) this.#shown.view = this.editor.saveViewState();
      this.#shown = next;
      this.editor.setModel(next.model);
      if (next.view) this.editor.restoreViewState(next.view);
      const { lineNumber, column } = this.editor.getPosition();
      this.#heard.cursor(lineNumber, column);
    }
    this.editor.updateOptions({ ariaLabel: label });
  }

  text(path) {
    // With the byte order mark, if the file has one: it is the file's own.
    return this.#documents.get(path)?.model.getValue(undefined, true);
  }

  /** A text from elsewhere comes in as an edit of what differs: undo, cursor and scroll place survive. */
  applyRemote(path, text) {
    const model = this.#documents.get(path)?.model;
    if (!model) return;
    const old = model.getValue(undefined, true);
    if (old === text) return;
    let start = 0;
    const shorter = Math.min(old.length, text.length);
    while (start < shorter && old[start] === text[start]) start += 1;
    let end = 0;
    while (end < shorter - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end += 1;
    const from = model.getPositionAt(start);
    const to = model.getPositionAt(old.length - end);
    const range = {
      startLineNumber: from.lineNumber,
      startColumn: from.column,
      endLineNumber: to.lineNumber,
      endColumn: to.column,
    };
    this.#quiet = true;
    try {
      model.pushStackElement();
      model.pushEditOperations(null, [{ range, text: text.slice(start, text.length - end) }], () => null);
      model.pushStackElement();
      if (model.getValue(undefined, true) !== text) model.setValue(text);
    } finally {
      this.#quiet = false;
    }
  }

  rename(from, to) {
    const entry = this.#documents.get(from);
    if (!entry) return;
    this.#documents.delete(from);
    this.#documents.set(to, entry);
    entry.path = to;
    editor.setModelLanguage(entry.model, languageOf(to));
  }

  close(path) {
    const entry = this.#documents.get(path);
    if (!entry) return;
    if (this.#shown === entry) {
      this.#shown = null;
      this.editor.setModel(null);
    }
    entry.listener.dispose();
    entry.model.dispose();
    this.#documents.delete(path);
  }

  goTo(line, column) {
    const position = this.editor.getModel()?.validatePosition({ lineNumber: line, column });
    if (!position) return;
    this.editor.setPosition(position);
    this.editor.revealPositionInCenterIfOutsideViewport(position);
    this.editor.focus();
  }

  /** `list` holds `{ line, message, error }`. */
  setMarkers(path, list) {
    const model = this.#documents.get(path)?.model;
    if (!model) return;
    const markers = list.map(({ line, message, error }) => {
      const lineNumber = Math.min(Math.max(line, 1), model.getLineCount());
      return {
        message,
        severity: error ? MarkerSeverity.Error : MarkerSeverity.Warning,
        startLineNumber: lineNumber,
        endLineNumber: lineNumber,
        startColumn: model.getLineFirstNonWhitespaceColumn(lineNumber) || 1,
        endColumn: model.getLineMaxColumn(lineNumber),
      };
    });
    editor.setModelMarkers(model, "pitlane", markers);
  }

  selection() {
    const range = this.editor.getSelection();
    const model = this.editor.getModel();
    return model && range && !range.isEmpty() ? model.getValueInRange(range) : undefined;
  }

  /** Takes over from the plain field: its selection (UTF-16 offsets) and its first line in view. */
  takeOver(start, end, firstLine, focus) {
    const model = this.editor.getModel();
    if (!model) return;
    const from = model.getPositionAt(start);
    const to = model.getPositionAt(end);
    this.editor.setSelection({
      selectionStartLineNumber: from.lineNumber,
      selectionStartColumn: from.column,
      positionLineNumber: to.lineNumber,
      positionColumn: to.column,
    });
    if (firstLine > 1) this.editor.setScrollTop(this.editor.getTopForLineNumber(firstLine));
    if (focus) this.editor.focus();
  }

  focus() {
    this.editor.focus();
  }

  dispose() {
    for (const { model, listener } of this.#documents.values()) {
      listener.dispose();
      model.dispose();
    }
    this.#documents.clear();
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
