// Colours for Python. Monaco's own rules take `print` for a keyword, know no
// names of functions and stumble over prefixed and triple-quoted strings.
import { languages } from "monaco-editor/editor";
import { conf } from "monaco-editor/languages/definitions/python/python";

const keywords =
  "and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try type while with yield".split(" ");
const constants = ["True", "False", "None", "NotImplemented", "Ellipsis", "__name__", "__file__"];
const types =
  "int float complex bool str bytes bytearray list tuple dict set frozenset object range slice memoryview Exception BaseException".split(" ");

const triple = (quote) => [
  [/[^\\'"{}]+/, "string"],
  [/\\./, "string.escape"],
  [new RegExp(quote.repeat(3)), "string", "@pop"],
  [/./, "string"],
];
const single = (quote) => [
  [new RegExp(`[^\\\\${quote}]+$`), "string", "@pop"],
  [new RegExp(`[^\\\\${quote}]+`), "string"],
  [/\\./, "string.escape"],
  [/\\$/, "string"],
  [new RegExp(quote), "string", "@pop"],
];

const language = {
  defaultToken: "",
  tokenPostfix: ".python",
  unicode: true,
  keywords,
  constants,
  types,
  brackets: [
    { open: "{", close: "}", token: "delimiter.curly" },
    { open: "[", close: "]", token: "delimiter.bracket" },
    { open: "(", close: ")", token: "delimiter.parenthesis" },
  ],
  tokenizer: {
    root: [
      [/\s+/, "white"],
      [/#.*$/, "comment"],
      [/(def)(\s+)([\p{L}_][\p{L}\p{N}_]*)/u, ["keyword", "white", "function"]],
      [/(class)(\s+)([\p{L}_][\p{L}\p{N}_]*)/u, ["keyword", "white", "type"]],
      [/[rRbBuUfF]{0,2}"""/, "string", "@tripleDouble"],
      [/[rRbBuUfF]{0,2}'''/, "string", "@tripleSingle"],
      [/[rRbBuUfF]{0,2}"/, "string", "@double"],
      [/[rRbBuUfF]{0,2}'/, "string", "@single"],
      [/0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+/, "number"],
      [/(\d[\d_]*)?\.?\d[\d_]*([eE][+-]?\d+)?[jJ]?/, "number"],
      [/@[\p{L}_][\p{L}\p{N}_.]*/u, "annotation"],
      [/[{}[\]()]/, "@brackets"],
      [
        /[\p{L}_][\p{L}\p{N}_]*/u,
        { cases: { "@keywords": "keyword", "@constants": "constant", "@types": "type", "@default": "identifier" } },
      ],
    ],
    tripleDouble: triple('"'),
    tripleSingle: triple("'"),
    double: single('"'),
    single: single("'"),
  },
};

languages.register({ id: "python", extensions: [".py", ".pyw", ".pyi"], firstLine: "^#!/.*\\bpython[0-9.-]*\\b" });
languages.setLanguageConfiguration("python", conf);
languages.setMonarchTokensProvider("python", language);
