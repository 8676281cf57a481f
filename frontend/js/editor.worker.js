// Monaco's worker: word completion and edits of long texts off the main thread.
import "monaco-editor/editor/editor.worker.js";
