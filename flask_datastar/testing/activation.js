// What elements do by themselves: focus, clicks, keys, scripts that are inserted.

let active = null;
let changedSince = null; // the value of the focused field when it got the focus; null if the user has not typed since

const FOCUSABLE = new Set(["input", "select", "textarea", "button"]);
const isFocusable = (element) => {
  if (isDisabled(element) || !host.isVisible(element[ID])) return false;
  if (FOCUSABLE.has(element.localName)) return element.type !== "hidden";
  if ((element.localName === "a" || element.localName === "area") && element.hasAttribute("href")) return true;
  if (element.localName === "summary" && element.parentElement instanceof HTMLDetailsElement) return true;
  return /^-?\d+$/.test((element.getAttribute("tabindex") ?? "").trim()) || element.isContentEditable === true;
};
const focusOn = (element) => {
  if (element !== null && (element === active || !element.isConnected || !isFocusable(element))) return;
  const old = active;
  if (old !== null) {
    commitTyping();
    active = null;
    dispatch(old, new FocusEvent("blur", { relatedTarget: element, composed: true }));
    dispatch(old, new FocusEvent("focusout", { bubbles: true, relatedTarget: element, composed: true }));
  }
  if (element === null || active !== null) return;
  active = element;
  dispatch(element, new FocusEvent("focus", { relatedTarget: old, composed: true }));
  if (active === element) dispatch(element, new FocusEvent("focusin", { bubbles: true, relatedTarget: old, composed: true }));
};
// The change event of a field in which a user has typed, before it loses the focus or its form is sent.
const commitTyping = () => {
  const before = changedSince;
  changedSince = null;
  if (active !== null && before !== null && active.value !== before) dispatch(active, new Event("change", { bubbles: true }));
};
// An element that is removed loses the focus at once, one that can no longer have it when the page is drawn again.
const loseFocusIn = (node) => { if (active !== null && node.contains(active)) focusOn(null); };
const dropUnfitFocus = () => {
  if (active === null || isFocusable(active)) return false;
  focusOn(null);
  return true;
};

const isButton = (element) => element.localName === "button" || (element.localName === "input" && BUTTONS.has(element.type));
const isActivatable = (element) => {
  if (!(element instanceof HTMLElement)) return false;
  const { localName } = element;
  if (localName === "input") return isButton(element) || element.type === "checkbox" || element.type === "radio";
  if (localName === "summary") return element.parentElement instanceof HTMLDetailsElement && element.parentElement.querySelector("summary") === element;
  if (localName === "a" || localName === "area") return element.hasAttribute("href");
  return localName === "button" || localName === "label";
};
const beforeClick = (path, bubbles) => {
  const element = (bubbles ? path : path.slice(0, 1)).find(isActivatable);
  if (!element || isDisabled(element)) return null;
  const undo = [];
  if (element.localName === "input" && element.type === "checkbox") {
    const was = element[CHECKED];
    element[CHECKED] = !element.checked;
    undo.push(() => { element[CHECKED] = was; });
  } else if (element.localName === "input" && element.type === "radio") {
    const group = groupOf(element).map((one) => [one, one[CHECKED]]);
    const wasChecked = element.checked;
    element.checked = true;
    undo.push(() => { for (const [one, was] of group) one[CHECKED] = was; }, wasChecked);
  }
  return { element, undo };
};
const afterClick = ({ element, undo }, event) => {
  if (event.defaultPrevented) { undo[0]?.(); return; }
  const { localName } = element;
  if (undo.length) {
    if (undo[1] === true || !element.isConnected) return;
    dispatch(element, new Event("input", { bubbles: true, composed: true }));
    dispatch(element, new Event("change", { bubbles: true }));
  } else if (localName === "label") {
    clickControl(element, event);
  } else if (localName === "summary") {
    element.parentElement.open = !element.parentElement.open;
  } else if (localName === "a" || localName === "area") {
    followLink(element);
  } else if (element.type === "submit" || element.type === "image") {
    const form = formOf(element);
    if (form) submitForm(form, element);
    commandOf(element);
  } else if (element.type === "reset") {
    formOf(element)?.reset();
  } else {
    commandOf(element);
  }
};
const clickControl = (label, event) => {
  const control = label.control;
  if (!control || control.contains(event.target)) return;
  for (let node = event.target; node && node !== label; node = node.parentElement) {
    if (["a", "button", "input", "select", "textarea"].includes(node.localName)) return;
  }
  if (isDisabled(control)) { if (event.isTrusted) host.noEffect("label", control[ID], "[]"); return; }
  if (event.isTrusted) focusOn(control);
  dispatch(control, trusted(new PointerEvent("click", { bubbles: true, cancelable: true, composed: true, detail: event.detail })));
};
const commandOf = (button) => {
  const id = button.getAttribute("popovertarget") ?? button.getAttribute("commandfor");
  if (id !== null) notInTab("popovertarget", button);
};
const followLink = (link) => {
  const url = resolve(link.getAttribute("href"));
  if (url.protocol === "javascript:") notInTab("a javascript: URL", link);
  if (link.hasAttribute("download")) { host.leftOut(`download ${url.href}`); return; }
  if (link.target && link.target !== "_self") { host.leftOut(`link ${url.href} in another tab (target="${link.target}")`); return; }
  go(url);
};
const go = (url) => {
  const own = new URL(location.href);
  if (url.hash && url.href.split("#")[0] === own.href.split("#")[0]) {
    const oldURL = own.href;
    if (oldURL === url.href) return;
    host.pushUrl(url.href, "null", true);
    if (document.getElementById(decodeURIComponent(url.hash.slice(1)))) focusOn(null);
    later(() => dispatch(globalThis, new HashChangeEvent("hashchange", { oldURL, newURL: url.href })));
    return;
  }
  host.navigate(url.href, "GET", "null");
};

const trusted = (event) => { event.isTrusted = true; return event; };

// Scripts run once, when they are inserted into the document.
const STARTED = Symbol("started");
let currentScript = null;
const connected = (node) => {
  if (!(node instanceof Element)) return;
  const scripts = node instanceof HTMLScriptElement ? [node] : host.hasScripts(node[ID]) ? select(node, "script") : [];
  for (const script of scripts) runScript(script);
};
const runScript = (script) => {
  if (script[STARTED] || !script.isConnected) return;
  const type = script.type.trim().toLowerCase();
  const isModule = type === "module";
  if (!isModule && type !== "" && !/^(text|application)\/(x-)?(java|ecma)script$/.test(type)) return;
  const src = script.getAttribute("src");
  if (src === null && script.text === "") return;
  script[STARTED] = true;
  if (src !== null) { host.leftOut(`script ${src}`); return; }
  const run = () => {
    currentScript = isModule ? null : script;
    try { host.noteScript(script.text); evaluate(script.text, isModule); } catch (error) { report(error, script, null); } finally { currentScript = null; }
  };
  isModule ? later(run) : run();
};
const evaluate = (text, isModule) => {
  if (!isModule) { indirectEval(text); return; }
  if (/^\s*(import|export)\b/m.test(text)) { host.leftOut("a module script with imports"); return; }
  indirectEval(`(async () => { "use strict"; ${text}\n})()`);
};
const nativeEval = globalThis.eval;
const indirectEval = (text) => { suspect(); return nativeEval(text); };
// Scripts in HTML that a page sets as text never run.
const parsed = (html, context) => {
  const fragment = wrap(host.fragment(textOf(html), context[NAME] ?? "body", context[SPACE] ?? "html"));
  for (const script of select(fragment, "script")) script[STARTED] = true;
  return [...fragment.childNodes];
};
