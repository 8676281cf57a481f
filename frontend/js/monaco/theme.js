// Monaco's two themes, made from the page's own custom properties, so that
// the editor has the colours of the rest of the site and no others.
import { editor } from "monaco-editor/editor";

/** Which custom property paints which tokens. */
const syntax = {
  "--code-keyword": ["keyword", "tag", "metatag"],
  "--code-string": ["string", "regexp", "attribute.value"],
  "--code-function": ["function", "annotation", "key", "attribute.name"],
  "--code-type": ["type", "constant", "namespace", "predefined"],
  "--code-number": ["number"],
  "--code-comment": ["comment"],
};

const interface_ = {
  "editor.background": "--surface-0",
  "editor.foreground": "--ink",
  "editor.lineHighlightBackground": "--surface-1",
  "editor.lineHighlightBorder": "--surface-1",
  "editor.selectionBackground": "--editor-selection",
  "editor.inactiveSelectionBackground": "--surface-3",
  "editor.wordHighlightBackground": "--surface-3",
  "editor.selectionHighlightBackground": "--surface-3",
  "editor.findMatchBackground": "--editor-match",
  "editor.findMatchHighlightBackground": "--surface-3",
  "editorCursor.foreground": "--accent-ink",
  "editorLineNumber.foreground": "--ink-3",
  "editorLineNumber.activeForeground": "--ink",
  "editorIndentGuide.background1": "--line",
  "editorIndentGuide.activeBackground1": "--line-strong",
  "editorWhitespace.foreground": "--line-strong",
  "editorBracketMatch.background": "--surface-3",
  "editorBracketMatch.border": "--line-strong",
  "editorBracketHighlight.foreground1": "--ink",
  "editorBracketHighlight.foreground2": "--ink",
  "editorBracketHighlight.foreground3": "--ink",
  "editorError.foreground": "--bad",
  "editorWarning.foreground": "--warn-ink",
  "editorInfo.foreground": "--info",
  "editorOverviewRuler.border": "--surface-0",
  "editorStickyScroll.background": "--surface-1",
  "editorWidget.background": "--surface-2",
  "editorWidget.foreground": "--ink",
  "editorWidget.border": "--line-strong",
  "editorHoverWidget.background": "--surface-2",
  "editorHoverWidget.border": "--line-strong",
  "editorSuggestWidget.background": "--surface-2",
  "editorSuggestWidget.foreground": "--ink",
  "editorSuggestWidget.selectedBackground": "--surface-3",
  "editorSuggestWidget.selectedForeground": "--ink",
  "editorSuggestWidget.highlightForeground": "--accent-ink",
  "editorSuggestWidget.focusHighlightForeground": "--accent-ink",
  "input.background": "--surface-1",
  "input.foreground": "--ink",
  "input.border": "--line-strong",
  "inputOption.activeBackground": "--surface-3",
  "inputOption.activeForeground": "--ink",
  "quickInput.background": "--surface-2",
  "quickInput.foreground": "--ink",
  "quickInputList.focusBackground": "--surface-3",
  "quickInputList.focusForeground": "--ink",
  "list.hoverBackground": "--surface-3",
  "list.highlightForeground": "--accent-ink",
  "menu.background": "--surface-2",
  "menu.foreground": "--ink",
  "menu.selectionBackground": "--surface-3",
  "menu.selectionForeground": "--ink",
  "scrollbarSlider.background": "--editor-scrollbar",
  "scrollbarSlider.hoverBackground": "--editor-scrollbar",
  "scrollbarSlider.activeBackground": "--line-strong",
  "widget.shadow": "--surface-0",
  focusBorder: "--accent",
  foreground: "--ink",
  descriptionForeground: "--ink-2",
};

/** Reads custom properties as `#rrggbb[aa]`, whatever notation they are written in. */
function reader() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const read = (property) => {
    probe.style.color = "";
    probe.style.color = `var(${property})`;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    const hex = [r, g, b, ...(a < 255 ? [a] : [])].map((part) => part.toString(16).padStart(2, "0")).join("");
    return `#${hex}`;
  };
  return { read, end: () => probe.remove() };
}

/** Makes and shows the theme of the page as it looks now. */
export function applyTheme() {
  const { read, end } = reader();
  const dark = getComputedStyle(document.documentElement).colorScheme !== "light";
  const rules = [{ token: "", foreground: read("--ink").slice(1) }];
  for (const [property, tokens] of Object.entries(syntax)) {
    const foreground = read(property).slice(1);
    for (const token of tokens) rules.push({ token, foreground });
  }
  const colors = Object.fromEntries(Object.entries(interface_).map(([name, property]) => [name, read(property)]));
  end();
  const name = dark ? "pitlane-dark" : "pitlane-light";
  editor.defineTheme(name, { base: dark ? "vs-dark" : "vs", inherit: false, rules, colors });
  editor.setTheme(name);
}
