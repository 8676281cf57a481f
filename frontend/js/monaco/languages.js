// The languages the editor colours, and which of them a file is in. Each
// definition of Monaco's is a chunk of its own, loaded when a file needs it.
import "./json.js";
import "./python.js";
import "monaco-editor/languages/definitions/css/register";
import "monaco-editor/languages/definitions/dockerfile/register";
import "monaco-editor/languages/definitions/html/register";
import "monaco-editor/languages/definitions/ini/register";
import "monaco-editor/languages/definitions/javascript/register";
import "monaco-editor/languages/definitions/markdown/register";
import "monaco-editor/languages/definitions/shell/register";
import "monaco-editor/languages/definitions/sql/register";
import "monaco-editor/languages/definitions/typescript/register";
import "monaco-editor/languages/definitions/xml/register";
import "monaco-editor/languages/definitions/yaml/register";

const byEnding = {
  py: "python", pyi: "python", pyw: "python",
  ts: "typescript", mts: "typescript", cts: "typescript", tsx: "typescript",
  js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascript",
  json: "json", jsonl: "json", jsonc: "json",
  md: "markdown", markdown: "markdown",
  yaml: "yaml", yml: "yaml",
  toml: "ini", ini: "ini", cfg: "ini", conf: "ini", env: "ini", properties: "ini",
  sh: "shell", bash: "shell",
  sql: "sql", html: "html", htm: "html", css: "css", xml: "xml", svg: "xml",
};
const byName = { Dockerfile: "dockerfile", ".env": "ini", ".gitignore": "ini" };

export function languageOf(path) {
  const name = path.split("/").at(-1);
  return byName[name] ?? byEnding[name.split(".").at(-1).toLowerCase()] ?? "plaintext";
}
