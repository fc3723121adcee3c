// The window: what the document's scripts and expressions find as globals, and what is missing on purpose.

let isHidden = false;
let readyState = "loading";

const notInTab = (what, element) => {
  const where = element instanceof Node ? ` of ${host.shown(element[ID])}` : "";
  host.notInTab(`${what}${where}`);
  throw new Error(`NotInTab: ${what}${where}`);
};

// Selectors that ask for a state that is not in the attributes.
const STATES = { checked: (one) => (one instanceof HTMLOptionElement ? one.selected : one.checked === true), focus: (one) => one === active, disabled: isDisabled, enabled: (one) => DISABLEABLE.has(one.localName) && !isDisabled(one) };
const STATE = /:(checked|focus-within|focus-visible|focus|disabled|enabled|hover|active|valid|invalid|user-valid|user-invalid|placeholder-shown|indeterminate|target|visited|in-range|out-of-range|autofill|fullscreen|modal|popover-open)\b/g;
const statesIn = new Map();
const withStates = (selector, find) => {
  if (!statesIn.has(selector)) statesIn.set(selector, [...new Set([...selector.matchAll(STATE)].map((one) => one[1]))]);
  const names = statesIn.get(selector);
  if (!names.length) return find(selector);
  const marked = [];
  let text = selector;
  for (const name of names) {
    if (!(name in STATES)) notInTab(`the selector :${name}`);
    const mark = `data-flask-datastar-${name}`;
    for (const one of idsOf(host.select(document[ID], "*")).map(wrap)) {
      if (STATES[name](one)) { host.setAttribute(one[ID], mark, ""); marked.push([one, mark]); }
    }
    text = text.replace(new RegExp(`:${name}\\b(?!-)`, "g"), `[${mark}]`);
  }
  try { return find(text); } finally { for (const [one, mark] of marked) host.setAttribute(one[ID], mark, null); }
};

const document = wrap(host.documentId());

const location = {
  assign(url) { go(resolve(url)); },
  replace(url) { host.navigate(resolve(url).href, "GET", "null", true); },
  reload() { host.navigate(location.href, "GET", "null", true); },
  toString() { return location.href; },
};
for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
  Object.defineProperty(location, name, {
    get: () => (name === "href" ? host.location() : new URL(host.location())[name]),
    set: (value) => { if (name === "href") { go(resolve(value)); return; } const url = new URL(host.location()); url[name] = value; go(url); },
    enumerable: true,
  });
}
let historyState = null;
const history = {
  get length() { return host.historyLength(); },
  get state() { return historyState; },
  pushState(state, _, url) { historyState = state; host.pushUrl(url === undefined || url === null ? location.href : resolve(url).href, JSON.stringify(state ?? null), true); },
  replaceState(state, _, url) { historyState = state; host.pushUrl(url === undefined || url === null ? location.href : resolve(url).href, JSON.stringify(state ?? null), false); },
  back() { host.back(); },
  forward() { notInTab("history.forward()"); },
  go() { notInTab("history.go()"); },
};
const storage = (kind) => {
  const methods = {
    getItem: (key) => host.storage(kind, `${key}`),
    setItem: (key, value) => { host.store(kind, `${key}`, `${value}`); },
    removeItem: (key) => { host.store(kind, `${key}`, null); },
    clear: () => { for (const key of JSON.parse(host.storageKeys(kind))) host.store(kind, key, null); },
    key: (i) => JSON.parse(host.storageKeys(kind))[i] ?? null,
    get length() { return JSON.parse(host.storageKeys(kind)).length; },
  };
  return new Proxy({}, {
    get: (_, name) => (typeof name !== "string" ? undefined : name in methods ? methods[name] : host.storage(kind, name) ?? undefined),
    set: (_, name, value) => { methods.setItem(name, value); return true; },
    has: (_, name) => typeof name === "string" && (name in methods || host.storage(kind, name) !== null),
    deleteProperty: (_, name) => { methods.removeItem(name); return true; },
    ownKeys: () => JSON.parse(host.storageKeys(kind)),
    getOwnPropertyDescriptor: (_, name) => (host.storage(kind, name) === null ? undefined : { value: host.storage(kind, name), enumerable: true, configurable: true, writable: true }),
  });
};
const navigator = {
  get onLine() { return host.isOnline(); },
  userAgent: "flask_datastar.testing", language: "en-US", languages: ["en-US"], cookieEnabled: true, webdriver: true, maxTouchPoints: 0,
  clipboard: { writeText: async (text) => { host.store("clipboard", "text", `${text}`); }, readText: async () => host.storage("clipboard", "text") ?? "" },
};
const randomByte = () => Math.floor(Math.random() * 256);
const crypto = {
  getRandomValues(array) { const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength); for (let i = 0; i < bytes.length; i++) bytes[i] = randomByte(); return array; },
  randomUUID() {
    const bytes = Array.from({ length: 16 }, randomByte);
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return bytes.map((one, i) => (i === 4 || i === 6 || i === 8 || i === 10 ? "-" : "") + one.toString(16).padStart(2, "0")).join("");
  },
};
const shownInConsole = (value) => {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Element) return host.shown(value[ID]);
  try { return JSON.stringify(value) ?? `${value}`; } catch { return `${value}`; }
};
const console = Object.fromEntries(["log", "info", "warn", "error", "debug", "trace", "table", "dir"].map((level) => [level, (...values) => host.console(level, values.map(shownInConsole).join(" "))]));
for (const name of ["group", "groupCollapsed", "groupEnd", "time", "timeEnd", "count", "assert"]) console[name] = () => {};

// In JavaScript, because text with NUL does not pass to the host.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const btoa = (value) => {
  const text = `${value}`;
  if (/[^\x00-\xff]/.test(text)) throw new DOMException("The string to be encoded contains characters outside of the Latin1 range.", "InvalidCharacterError");
  const parts = [];
  for (let i = 0; i < text.length; i += 3) {
    const [a, b, c] = [text.charCodeAt(i), text.charCodeAt(i + 1), text.charCodeAt(i + 2)];
    const bits = (a << 16) | ((b || 0) << 8) | (c || 0);
    parts.push(DIGITS[bits >> 18], DIGITS[(bits >> 12) & 63], i + 1 < text.length ? DIGITS[(bits >> 6) & 63] : "=", i + 2 < text.length ? DIGITS[bits & 63] : "=");
  }
  return parts.join("");
};
const atob = (value) => {
  const text = `${value}`.replace(/[\t\n\f\r ]/g, "").replace(/={1,2}$/, "");
  if (/[^A-Za-z0-9+/]/.test(text) || text.length % 4 === 1) throw new DOMException("The string to be decoded is not correctly encoded.", "InvalidCharacterError");
  const parts = [];
  for (let i = 0; i < text.length; i += 4) {
    const four = [0, 1, 2, 3].map((at) => Math.max(0, DIGITS.indexOf(text[i + at] ?? "A")));
    const bits = (four[0] << 18) | (four[1] << 12) | (four[2] << 6) | four[3];
    const rest = text.length - i;
    parts.push(String.fromCharCode(...[bits >> 16, (bits >> 8) & 255, bits & 255].slice(0, rest >= 4 ? 3 : rest - 1)));
  }
  return parts.join("");
};
class TextDecoder { constructor() { this.encoding = "utf-8"; } decode(array) { return array ? utf8(latinOfBytes(array instanceof ArrayBuffer ? new Uint8Array(array) : array)) : ""; } }
class TextEncoder { encode(text = "") { return arrayOf(bytesOfText(text)); } }
const CSS = {
  escape: (text) => [...`${text}`].map((one, i, all) => {
    const code = one.charCodeAt(0);
    if (code === 0) return "\ufffd";
    if (code < 32 || code === 127 || (/\d/.test(one) && (i === 0 || (i === 1 && all[0] === "-")))) return `\\${code.toString(16)} `;
    if (one === "-" && all.length === 1) return "\\-";
    return code >= 128 || /[\w-]/.test(one) ? one : `\\${one}`;
  }).join(""),
  supports: () => notInTab("CSS.supports()"),
};
const structuredClone = (value) => cloneValue(value, new Map());
const cloneValue = (value, seen) => {
  if (typeof value === "function" || value instanceof Node) throw new DOMException(`${value} could not be cloned.`, "DataCloneError");
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  if (value instanceof Date) return new Date(+value);
  if (value instanceof Map) { const copy = new Map(); seen.set(value, copy); for (const [key, one] of value) copy.set(cloneValue(key, seen), cloneValue(one, seen)); return copy; }
  if (value instanceof Set) { const copy = new Set(); seen.set(value, copy); for (const one of value) copy.add(cloneValue(one, seen)); return copy; }
  const copy = Array.isArray(value) ? [] : {};
  seen.set(value, copy);
  for (const key of Object.keys(value)) copy[key] = cloneValue(value[key], seen);
  return copy;
};
const answer = (kind, text) => {
  const found = JSON.parse(host.answer(kind, `${text ?? ""}`));
  if (found === undefined) notInTab(`${kind}()`);
  return found;
};
const RealDate = Date;
class TabDate extends RealDate {
  constructor(...values) { values.length ? super(...values) : super(TabDate.now()); }
  static now() { return RealDate.now() + Math.round(clock); }
}
const startedAt = RealDate.now();
const performance = { now: () => RealDate.now() - startedAt + clock, timeOrigin: startedAt, mark() {}, measure() {} };

// Expressions are functions that the client compiles. What their actions reject is otherwise seen by nobody.
const NativeFunction = Function;
const watchActions = (compiled) => function (...values) {
  const act = values[2];
  if (typeof act !== "function") return compiled.apply(this, values);
  values[2] = (...given) => {
    const result = act(...given);
    if (result && typeof result.then === "function") result.then(undefined, (error) => report(error, values[0], values[3] ?? null));
    return result;
  };
  return compiled.apply(this, values);
};
const compile = (values) => {
  const compiled = NativeFunction(...values);
  return values[0] === "el" && values[2] === "__action" ? watchActions(compiled) : compiled;
};
const WatchedFunction = new Proxy(NativeFunction, { apply: (_, self, values) => compile(values), construct: (_, values) => compile(values) });

const bound = (name) => EventTarget.prototype[name].bind(globalThis);
const GLOBALS = {
  document, location, history, navigator, crypto, console, performance, CSS, setTimeout, setInterval, clearTimeout,
  clearInterval: clearTimeout, requestAnimationFrame, cancelAnimationFrame: clearTimeout, fetch, btoa, atob, structuredClone,
  queueMicrotask: (call) => { Promise.resolve().then(() => { try { call(); } catch (error) { report(error, null, null); } }); },
  requestIdleCallback: (call) => startTimer(() => call({ didTimeout: false, timeRemaining: () => 50 }), 1, [], false),
  reportError: (error) => report(error, null, null),
  sessionStorage: storage("session"), localStorage: storage("local"), Date: TabDate, Function: WatchedFunction,
  addEventListener: bound("addEventListener"), removeEventListener: bound("removeEventListener"), dispatchEvent: bound("dispatchEvent"),
  alert: (text) => { answer("alert", text); }, confirm: (text) => !!answer("confirm", text), prompt: (text) => answer("prompt", text),
  scrollTo() {}, scroll() {}, scrollBy() {}, print() {}, stop() {}, close() {}, blur() {},
  origin: "http://localhost", isSecureContext: true, innerWidth: 1280, innerHeight: 720, devicePixelRatio: 1, name: "", closed: false, opener: null, length: 0,
  EventTarget, Event, CustomEvent, UIEvent, FocusEvent, InputEvent, MouseEvent, PointerEvent, WheelEvent, DragEvent, KeyboardEvent,
  SubmitEvent, ToggleEvent, HashChangeEvent, PopStateEvent, PageTransitionEvent, StorageEvent, MessageEvent, ErrorEvent, ProgressEvent,
  Node, NodeList, HTMLCollection, NamedNodeMap, DOMTokenList, DOMStringMap, CSSStyleDeclaration, CharacterData, Text, Comment, DocumentType,
  DocumentFragment, Document, HTMLDocument, Element, Attr, HTMLElement, SVGElement, MathMLElement, HTMLUnknownElement,
  HTMLInputElement, HTMLTextAreaElement, HTMLButtonElement, HTMLOptionElement, HTMLSelectElement, HTMLFormElement, HTMLFieldSetElement,
  HTMLOutputElement, HTMLLabelElement, HTMLHtmlElement, HTMLHeadElement, HTMLBodyElement, HTMLDivElement, HTMLSpanElement, HTMLParagraphElement,
  HTMLTableElement, HTMLTableRowElement, HTMLImageElement, HTMLProgressElement, HTMLMeterElement, HTMLTemplateElement, HTMLAnchorElement,
  HTMLDetailsElement, HTMLDialogElement, HTMLScriptElement, HTMLLinkElement, HTMLMetaElement, HTMLTitleElement, HTMLLIElement,
  DOMParser, XMLSerializer, DOMException, AbortController, AbortSignal, URL, URLSearchParams, Blob, File, FileList, FileReader, FormData, Headers,
  Response, MutationObserver, MutationRecord, IntersectionObserver, TextDecoder, TextEncoder, ValidityState,
};
for (const name of ["window", "self", "top", "parent", "frames"]) GLOBALS[name] = globalThis;
for (const [name, value] of Object.entries(GLOBALS)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
Object.defineProperty(globalThis, "location", { get: () => location, set: (value) => { location.href = value; }, configurable: true });
for (const name of Object.keys(Object.getOwnPropertyDescriptors(EventTarget.prototype)).filter((one) => one.startsWith("on"))) {
  Object.defineProperty(globalThis, name, { get() { return globalThis[HANDLERS]?.[name.slice(2)] ?? null; }, set(value) { (globalThis[HANDLERS] ??= {})[name.slice(2)] = value; }, configurable: true });
}
for (const Class of [Number, RealDate]) for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
  if (Class.prototype[name]) Object.defineProperty(Class.prototype, name, { value() { return notInTab(`${Class.name}.${name}()`); }, configurable: true, writable: true });
}
// Names that browsers have and this document has not: those of nodes, and, in names.js, of the window.
refuse = notInTab;
const lastPrototype = new Proxy(Object.create(Object.prototype), {
  get(target, name, receiver) {
    if (typeof name === "string" && receiver instanceof Node && !(name in target)) {
      const isMissing = receiver instanceof Element ? hasName("node", name) || hasName(receiver[NAME], name) : receiver === document && hasName("document", name);
      if (isMissing) notInTab(name, receiver);
    }
    return Reflect.get(target, name, receiver);
  },
});
// What most nodes do not have is not looked for there.
hide(EventTarget.prototype, LISTENERS, HANDLERS, NAME, SPACE, PARENT_NODE, CHILD_NODES, OBSERVED, ATTRIBUTES, ITEMS, VALUE, CHECKED, SELECTED, FILES, READY, CUSTOM, STARTED, DATASET, STYLE, IS_MODAL, FOCUS_BEFORE, TYPED_BY_USER);
Object.setPrototypeOf(EventTarget.prototype, lastPrototype);
// Elements with an id are globals, where nothing else has the name. They are brought up to date before each step.
const named = new Set();
const nameElements = () => {
  if (!haveIdsChanged) return;
  haveIdsChanged = false;
  const text = host.namedIds();
  if (text === null) return;
  const ids = new Set(text.split(" "));
  for (const id of named) if (!ids.has(id)) { named.delete(id); delete globalThis[id]; }
  for (const id of ids) {
    if (id === "" || named.has(id) || id in globalThis) continue;
    named.add(id);
    Object.defineProperty(globalThis, id, {
      get: () => elementById(document, id) ?? undefined,
      set(value) { named.delete(id); Object.defineProperty(globalThis, id, { value, configurable: true, writable: true }); },
      configurable: true,
    });
  }
};
