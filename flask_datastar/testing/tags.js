// The other elements of HTML, and the document itself.

class HTMLHtmlElement extends HTMLElement {}
class HTMLHeadElement extends HTMLElement {}
class HTMLBodyElement extends HTMLElement {}
class HTMLDivElement extends HTMLElement {}
class HTMLSpanElement extends HTMLElement {}
class HTMLParagraphElement extends HTMLElement {}
class HTMLTableElement extends HTMLElement {
  get rows() { return listOf(() => select(this, "tr"), HTMLCollection); }
  get tBodies() { return listOf(() => select(this, "tbody"), HTMLCollection); }
}
class HTMLTableRowElement extends HTMLElement { get cells() { return listOf(() => elementsIn(this), HTMLCollection); } }
class HTMLImageElement extends HTMLElement {}
class HTMLProgressElement extends HTMLElement {
  get max() { const max = numberOr(this.getAttribute("max"), 1); return max > 0 ? max : 1; }
  set max(value) { this.setAttribute("max", `${value}`); }
  get value() { return Math.min(this.max, Math.max(0, numberOr(this.getAttribute("value"), 0))); }
  set value(value) { this.setAttribute("value", `${+value}`); }
  get position() { return this.hasAttribute("value") ? this.value / this.max : -1; }
}
class HTMLMeterElement extends HTMLElement {
  get value() { return numberOr(this.getAttribute("value"), 0); }
  set value(value) { this.setAttribute("value", `${+value}`); }
}
class HTMLTemplateElement extends HTMLElement { get content() { return wrap(host.content(this[ID])); } }
class HTMLAnchorElement extends HTMLElement {
  get href() { const value = this.getAttribute("href"); return value === null ? "" : resolve(value)?.href ?? value; }
  set href(value) { this.setAttribute("href", value); }
  toString() { return this.href; }
}
for (const name of ["pathname", "search", "hash", "host", "hostname", "origin", "protocol"]) {
  Object.defineProperty(HTMLAnchorElement.prototype, name, { get() { return resolve(this.href)?.[name] ?? ""; }, configurable: true });
}
for (const name of ["target", "rel", "download"]) property(HTMLAnchorElement, name, "text");
for (const name of ["alt", "src", "srcset", "loading"]) property(HTMLImageElement, name, name === "src" ? "url" : "text");
class HTMLDetailsElement extends HTMLElement {}
property(HTMLDetailsElement, "open", "flag");
property(HTMLDetailsElement, "name", "text");
class HTMLDialogElement extends HTMLElement {
  get returnValue() { return this[VALUE] ?? ""; }
  set returnValue(value) { this[VALUE] = `${value}`; }
  show() { if (!this.open) openDialog(this, false); }
  showModal() {
    if (this.open) throw new DOMException("The element already has an 'open' attribute.", "InvalidStateError");
    openDialog(this, true);
  }
  close(value) {
    if (!this.open) return;
    this.removeAttribute("open");
    if (value !== undefined) this.returnValue = value;
    const before = this[FOCUS_BEFORE];
    if (before && (this[IS_MODAL] || this.contains(active))) focusOn(before);
    this[IS_MODAL] = false;
    this[FOCUS_BEFORE] = null;
    later(() => dispatch(this, new Event("close")));
  }
}
property(HTMLDialogElement, "open", "flag");
const IS_MODAL = Symbol("modal");
const modals = [];
const FOCUS_BEFORE = Symbol("focus before");
const openDialog = (dialog, isModal) => {
  dialog.setAttribute("open", "");
  dialog[IS_MODAL] = isModal;
  if (isModal) modals.push(dialog);
  dialog[FOCUS_BEFORE] = active;
  const inside = dialog.querySelector("[autofocus]") ?? [...dialog.querySelectorAll("*")].find(isFocusable);
  focusOn(inside ?? null);
};
class HTMLScriptElement extends HTMLElement {
  get text() { return this.textContent; }
  set text(value) { this.textContent = value; }
  get type() { return this.getAttribute("type") ?? ""; }
  set type(value) { this.setAttribute("type", value); }
}
property(HTMLScriptElement, "src", "url");
for (const name of ["async", "defer"]) property(HTMLScriptElement, name, "flag");
class HTMLLinkElement extends HTMLElement {}
property(HTMLLinkElement, "href", "url");
class HTMLMetaElement extends HTMLElement {}
property(HTMLMetaElement, "name", "text");
property(HTMLMetaElement, "content", "text");
class HTMLTitleElement extends HTMLElement { get text() { return this.textContent; } set text(value) { this.textContent = value; } }
class HTMLLIElement extends HTMLElement {}
property(HTMLLIElement, "value", "number", "value", 0);

const HTML_CLASSES = {
  a: HTMLAnchorElement, area: HTMLAnchorElement, body: HTMLBodyElement, button: HTMLButtonElement, details: HTMLDetailsElement,
  dialog: HTMLDialogElement, div: HTMLDivElement, fieldset: HTMLFieldSetElement, form: HTMLFormElement, head: HTMLHeadElement,
  html: HTMLHtmlElement, img: HTMLImageElement, input: HTMLInputElement, label: HTMLLabelElement, li: HTMLLIElement,
  link: HTMLLinkElement, meta: HTMLMetaElement, meter: HTMLMeterElement, option: HTMLOptionElement, output: HTMLOutputElement,
  p: HTMLParagraphElement, progress: HTMLProgressElement, script: HTMLScriptElement, select: HTMLSelectElement,
  span: HTMLSpanElement, table: HTMLTableElement, template: HTMLTemplateElement, textarea: HTMLTextAreaElement,
  title: HTMLTitleElement, tr: HTMLTableRowElement,
};

class Document extends Node {
  get documentElement() { return [...elementsIn(this)][0] ?? null; }
  get head() { return this.documentElement?.querySelector("head") ?? null; }
  get body() { return [...(this.documentElement?.children ?? [])].find((one) => one.localName === "body") ?? null; }
  get title() { return (select(this, "title")[0]?.textContent ?? "").trim().replace(/[\t\n\f\r ]+/g, " "); }
  set title(value) {
    const found = select(this, "title")[0] ?? this.head.appendChild(this.createElement("title"));
    found.textContent = value;
  }
  get doctype() { return null; }
  get textContent() { return null; }
  get forms() { return listOf(() => select(this, "form"), HTMLCollection); }
  get scripts() { return listOf(() => select(this, "script"), HTMLCollection); }
  get links() { return listOf(() => select(this, "a[href]"), HTMLCollection); }
  get images() { return listOf(() => select(this, "img"), HTMLCollection); }
  getElementById(id) { return elementById(this, id); }
  getElementsByTagName(name) { return listOf(() => select(this, name), HTMLCollection); }
  getElementsByClassName(names) { return Element.prototype.getElementsByClassName.call(this, names); }
  getElementsByName(name) { return listOf(() => select(this, `[name="${CSS.escape(name)}"]`)); }
  createElement(name) { return wrap(host.create(`${name}`.toLowerCase(), "html")); }
  createElementNS(namespace, name) {
    return wrap(host.create(`${name}`, namespace === SVG_NS ? "svg" : namespace === MATH_NS ? "math" : "html"));
  }
  createTextNode(data) { return makeOf(Text, host.createText(`${data}`)); }
  createComment(data) { return makeOf(Comment, host.createComment(`${data}`)); }
  createDocumentFragment() { return makeOf(DocumentFragment, host.createFragment()); }
  createEvent() { return new CustomEvent(""); }
  importNode(node, isDeep = false) { return cloneOf(node, isDeep); }
  adoptNode(node) { detach(node); return node; }
  get activeElement() { return active ?? this.body; }
  hasFocus() { return true; }
  get hidden() { return isHidden; }
  get visibilityState() { return isHidden ? "hidden" : "visible"; }
  get readyState() { return readyState; }
  get URL() { return location.href; }
  get documentURI() { return location.href; }
  get baseURI() {
    const base = host.byName("base");
    return base ? new URL(wrap(base).getAttribute("href") ?? "", location.href).href : location.href;
  }
  get location() { return location; }
  set location(value) { location.href = value; }
  get defaultView() { return globalThis; }
  get currentScript() { return currentScript; }
  get cookie() { return host.cookies(); }
  set cookie(value) { host.setCookie(`${value}`); }
  get referrer() { return host.referrer(); }
  get characterSet() { return "UTF-8"; }
  get contentType() { return "text/html"; }
  get compatMode() { return "CSS1Compat"; }
  get dir() { return this.documentElement.getAttribute("dir") ?? ""; }
}
class HTMLDocument extends Document {}
mix(Document, PARENT);

class DOMParser {
  parseFromString(text, type) { return wrap(host.parse(`${text}`)); }
}
class XMLSerializer { serializeToString(node) { return host.outer(node[ID]); } }
