// Colours for JSON: Monaco has them only together with a worker of their own.
import { languages } from "monaco-editor/editor";

languages.register({ id: "json", extensions: [".json", ".jsonc"] });
languages.setLanguageConfiguration("json", {
  brackets: [["{", "}"], ["[", "]"]],
  autoClosingPairs: [
    { open: "{", close: "}" },
    { open: "[", close: "]" },
    { open: '"', close: '"', notIn: ["string"] },
  ],
});
languages.setMonarchTokensProvider("json", {
  tokenPostfix: ".json",
  brackets: [
    { open: "{", close: "}", token: "delimiter.curly" },
    { open: "[", close: "]", token: "delimiter.bracket" },
  ],
  tokenizer: {
    root: [
      [/"(?:[^"\\]|\\.)*"(?=\s*:)/, "key"],
      [/"(?:[^"\\]|\\.)*"?/, "string"],
      [/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, "number"],
      [/\b(?:true|false|null)\b/, "constant"],
      [/[{}[\]]/, "@brackets"],
      [/\/\/.*$/, "comment"],
    ],
  },
});
