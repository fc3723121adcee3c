// Elements: attributes, classes, data, styles, and HTML as text.

const ATTRIBUTES = Symbol("attributes");
// A copy of what the tree has, because they are read far more often than written: by name, in their order.
const attributesOf = (element) => (element[ATTRIBUTES] ??= new Map(JSON.parse(host.attributes(element[ID]))));
// As objects, until one changes.
const ITEMS = Symbol("items");
const attributeItems = (element) => (element[ITEMS] ??= [...attributesOf(element)].map(([name, value]) => new Attr(element, name, value)));
const attributeName = (element, name) => (element[SPACE] === "html" ? `${name}`.toLowerCase() : `${name}`);

class Attr {
  constructor(ownerElement, name, value) {
    this.name = this.localName = this.nodeName = name;
    this.value = value;
    this.ownerElement = ownerElement;
    this.specified = true;
  }
  get nodeValue() { return this.value; }
}

class Element extends Node {
  get nodeType() { return 1; }
  get localName() { return this[NAME]; }
  get tagName() { return this[SPACE] === "html" ? this[NAME].toUpperCase() : this[NAME]; }
  get nodeName() { return this.tagName; }
  get namespaceURI() { return NAMESPACES[this[SPACE]]; }
  get prefix() { return null; }
  get attributes() {
    const items = () => attributeItems(this);
    return listOf(items, NamedNodeMap, (name) => items().find((one) => one.name === name));
  }
  getAttribute(name) {
    const all = attributesOf(this);
    return all.get(name) ?? all.get(attributeName(this, name)) ?? null;
  }
  getAttributeNames() { return [...attributesOf(this).keys()]; }
  getAttributeNode(name) { const value = this.getAttribute(name); return value === null ? null : new Attr(this, name, value); }
  hasAttribute(name) { return this.getAttribute(name) !== null; }
  hasAttributes() { return attributesOf(this).size > 0; }
  setAttribute(name, value) {
    const own = attributeName(this, name);
    if (!/^[^\s"'<>/=\0]+$/.test(own)) throw new DOMException(`'${own}' is not a valid attribute name.`, "InvalidCharacterError");
    const oldValue = this.getAttribute(own);
    host.setAttribute(this[ID], own, `${value}`);
    attributesOf(this).set(own, `${value}`);
    attributeChanged(this, own, oldValue, `${value}`);
  }
  setAttributeNS(namespace, name, value) { this.setAttribute(name, value); }
  getAttributeNS(namespace, name) { return this.getAttribute(name); }
  removeAttribute(name) {
    const own = attributeName(this, name);
    const oldValue = this.getAttribute(own);
    if (oldValue === null) return;
    host.setAttribute(this[ID], own, null);
    attributesOf(this).delete(own);
    attributeChanged(this, own, oldValue, null);
  }
  toggleAttribute(name, force) {
    const isThere = this.hasAttribute(name);
    const wanted = force ?? !isThere;
    if (wanted && !isThere) this.setAttribute(name, "");
    if (!wanted && isThere) this.removeAttribute(name);
    return wanted;
  }
  matches(selector) { return withStates(`${selector}`, (text) => checked(host.matches(this[ID], text), selector) === 1); }
  closest(selector) { return withStates(`${selector}`, (text) => wrap(checked(host.closest(this[ID], text), selector))); }
  get innerHTML() { return host.inner(this[ID]); }
  set innerHTML(html) {
    const target = this instanceof HTMLTemplateElement ? this.content : this;
    replaceAll(target, parsed(html, this));
  }
  get outerHTML() { return host.outer(this[ID]); }
  set outerHTML(html) {
    this.replaceWith(...parsed(html, this.parentNode));
  }
  insertAdjacentElement(where, element) { adjacent(this, where, [element]); return element; }
  insertAdjacentText(where, text) { adjacent(this, where, [text]); }
  insertAdjacentHTML(where, html) {
    const isInside = /^(afterbegin|beforeend)$/i.test(where);
    adjacent(this, where, parsed(html, isInside ? this : this.parentNode ?? this));
  }
  getElementsByTagName(name) { return listOf(() => select(this, name), HTMLCollection); }
  getElementsByClassName(names) { return listOf(() => select(this, `${names}`.trim().split(/\s+/).map((one) => `.${CSS.escape(one)}`).join("")), HTMLCollection); }
  get classList() { return classListOf(this); }
  get nextElementSibling() { return nextElement(this, "nextSibling"); }
  get previousElementSibling() { return nextElement(this, "previousSibling"); }
  get shadowRoot() { return null; }
  get slot() { return this.getAttribute("slot") ?? ""; }
}
class NamedNodeMap {}
mix(Element, PARENT, CHILD);

const checked = (found, selector) => {
  if (found === -1) throw new DOMException(`'${selector}' is not a valid selector.`, "SyntaxError");
  return found;
};

const adjacent = (element, where, items) => {
  const method = { beforebegin: "before", afterbegin: "prepend", beforeend: "append", afterend: "after" }[`${where}`.toLowerCase()];
  if (!method) throw new DOMException(`'${where}' is not a position.`, "SyntaxError");
  element[method](...items);
};

const attributeChanged = (element, name, oldValue, value) => {
  element[ITEMS] = undefined;
  if (name === "id") haveIdsChanged = true;
  if (oldValue !== value || value !== null) record("attributes", element, { attributeName: name, oldValue });
  if (element instanceof HTMLElement) stateFollows(element, name, oldValue, value);
};

// An attribute as a property: text, a flag, a number.
const reflect = {
  text: (name) => ({ get() { return this.getAttribute(name) ?? ""; }, set(value) { this.setAttribute(name, value); } }),
  flag: (name) => ({ get() { return this.hasAttribute(name); }, set(value) { this.toggleAttribute(name, !!value); } }),
  number: (name, fallback) => ({
    get() { const value = parseInt(this.getAttribute(name), 10); return Number.isNaN(value) ? fallback : value; },
    set(value) { this.setAttribute(name, `${Math.trunc(value)}`); },
  }),
  oneOf: (name, values, fallback) => ({
    get() { const value = (this.getAttribute(name) ?? "").toLowerCase(); return values.includes(value) ? value : fallback; },
    set(value) { this.setAttribute(name, value); },
  }),
  url: (name) => ({
    get() { const value = this.getAttribute(name); return value === null ? "" : resolve(value)?.href ?? value; },
    set(value) { this.setAttribute(name, value); },
  }),
};
const property = (Class, name, kind, attribute = name.toLowerCase(), ...more) =>
  Object.defineProperty(Class.prototype, name, { ...reflect[kind](attribute, ...more), configurable: true, enumerable: true });

for (const name of ["id", "className"]) property(Element, name, "text", name === "className" ? "class" : name);
for (const name of ["ariaLabel", "ariaExpanded", "ariaHidden", "ariaBusy", "ariaPressed", "ariaChecked", "ariaInvalid", "ariaSelected", "ariaDisabled", "ariaLive", "ariaCurrent"]) {
  Object.defineProperty(Element.prototype, name, {
    get() { return this.getAttribute(name.replace("aria", "aria-").toLowerCase()); },
    set(value) { value === null ? this.removeAttribute(name.replace("aria", "aria-").toLowerCase()) : this.setAttribute(name.replace("aria", "aria-").toLowerCase(), value); },
  });
}
Object.defineProperty(Element.prototype, "role", {
  get() { return this.getAttribute("role"); }, set(value) { this.setAttribute("role", value); },
});

class DOMTokenList {}
const classListOf = (element, attribute = "class") => {
  const tokens = () => [...new Set((element.getAttribute(attribute) ?? "").split(/[\t\n\f\r ]+/).filter(Boolean))];
  const write = (list) => { if (list.length || element.hasAttribute(attribute)) element.setAttribute(attribute, list.join(" ")); };
  const valid = (token) => {
    if (token === "") throw new DOMException("The token provided must not be empty.", "SyntaxError");
    if (/[\t\n\f\r ]/.test(token)) throw new DOMException(`The token provided ('${token}') contains HTML space characters.`, "InvalidCharacterError");
    return token;
  };
  const list = listOf(tokens, DOMTokenList, (name) => methods[name]);
  const methods = {
    contains: (token) => tokens().includes(`${token}`),
    add: (...more) => write([...new Set([...tokens(), ...more.map((one) => valid(`${one}`))])]),
    remove: (...less) => { const gone = less.map((one) => valid(`${one}`)); write(tokens().filter((one) => !gone.includes(one))); },
    toggle: (token, force) => {
      const isThere = tokens().includes(valid(`${token}`));
      if (force ?? !isThere) { if (!isThere) methods.add(token); return true; }
      if (isThere) methods.remove(token);
      return false;
    },
    replace: (old, token) => {
      const all = tokens();
      if (!all.includes(old)) return false;
      write([...new Set(all.map((one) => (one === old ? valid(`${token}`) : one)))]);
      return true;
    },
    toString: () => element.getAttribute(attribute) ?? "",
    get value() { return element.getAttribute(attribute) ?? ""; },
  };
  return list;
};

const datasetOf = (element) => {
  const toAttribute = (name) => `data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const names = () => [...attributesOf(element).keys()].filter((name) => /^data-/.test(name) && !/[A-Z]/.test(name))
    .map((name) => name.slice(5).replace(/-([a-z])/g, (_, letter) => letter.toUpperCase()));
  return new Proxy(Object.create(DOMStringMap.prototype), {
    get: (target, name) => (typeof name === "string" ? element.getAttribute(toAttribute(name)) ?? undefined ?? target[name] : target[name]),
    set: (target, name, value) => { element.setAttribute(toAttribute(name), value); return true; },
    has: (target, name) => typeof name === "string" && element.hasAttribute(toAttribute(name)),
    deleteProperty: (target, name) => { element.removeAttribute(toAttribute(name)); return true; },
    ownKeys: () => names(),
    getOwnPropertyDescriptor: (target, name) => (typeof name === "string" && element.hasAttribute(toAttribute(name))
      ? { value: element.getAttribute(toAttribute(name)), enumerable: true, configurable: true, writable: true } : undefined),
  });
};
class DOMStringMap {}

// Inline styles. Values are kept as written, but for colours and zero, which browsers write in one way.
class CSSStyleDeclaration {}
const LENGTHS = /^(width|height|(min|max)-(width|height)|top|right|bottom|left|(margin|padding)(-\w+)?|font-size|gap|border-radius)$/;
const COLOURS = /color$|^(fill|stroke)$/;
const cssValue = (name, value) => {
  if (name.startsWith("--")) return value;
  if (LENGTHS.test(name)) {
    if (/^[+-]?0(\.0*)?$/.test(value)) return "0px";
    if (/^[+-]?[\d.]+$/.test(value)) return null;
  }
  if (COLOURS.test(name)) {
    const hex = /^#([\da-f]{3}|[\da-f]{6})$/i.exec(value)?.[1];
    if (hex) {
      const full = hex.length === 3 ? [...hex].map((one) => one + one).join("") : hex;
      return `rgb(${[0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16)).join(", ")})`;
    }
    return value.toLowerCase();
  }
  if (name === "display" && !/^(none|block|inline|flex|grid|contents|table|list-item|flow-root|inherit|initial|unset|revert|inline-\w+|table-\w+)$/.test(value)) return null;
  if (name === "opacity" && !/^[\d.]+%?$/.test(value)) return null;
  return value;
};
const declarations = (text) => {
  const found = new Map();
  for (const part of text.match(/(?:"[^"]*"|'[^']*'|\([^)]*\)|[^;"'(])+/g) ?? []) {
    const at = part.indexOf(":");
    if (at < 0) continue;
    const name = part.slice(0, at).trim();
    const raw = part.slice(at + 1).trim();
    const isImportant = /\s*!important$/i.test(raw);
    const value = cssValue(name.startsWith("--") ? name : name.toLowerCase(), raw.replace(/\s*!important$/i, ""));
    if (name && value) found.set(name.startsWith("--") ? name : name.toLowerCase(), value + (isImportant ? " !important" : ""));
  }
  return found;
};
const styleOf = (element) => {
  const read = () => declarations(element.getAttribute("style") ?? "");
  const write = (all) => element.setAttribute("style", [...all].map(([name, value]) => `${name}: ${value};`).join(" "));
  const kebab = (name) => (name === "cssFloat" ? "float" : name.startsWith("--") ? name : name.replace(/^webkit/, "-webkit").replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`));
  const methods = {
    getPropertyValue: (name) => (read().get(name.startsWith("--") ? name : name.toLowerCase()) ?? "").replace(/ !important$/, ""),
    getPropertyPriority: (name) => (/ !important$/.test(read().get(name) ?? "") ? "important" : ""),
    setProperty: (name, value, priority = "") => {
      const all = read();
      const own = name.startsWith("--") ? name : name.toLowerCase();
      if (value === null || `${value}` === "") { methods.removeProperty(own); return; }
      const checkedValue = cssValue(own, `${value}`.trim());
      if (checkedValue === null || /!important|;/.test(checkedValue)) return;
      const wanted = checkedValue + (priority === "important" ? " !important" : "");
      if (all.get(own) === wanted) return;
      all.set(own, wanted);
      write(all);
    },
    removeProperty: (name) => {
      const all = read();
      const old = methods.getPropertyValue(name);
      if (all.delete(name.startsWith("--") ? name : name.toLowerCase())) write(all);
      return old;
    },
    item: (i) => [...read().keys()][i] ?? "",
    get length() { return read().size; },
    get cssText() { return [...read()].map(([name, value]) => `${name}: ${value};`).join(" "); },
    set cssText(value) { write(declarations(`${value}`)); },
  };
  return new Proxy(Object.create(CSSStyleDeclaration.prototype), {
    get: (target, name) => (typeof name !== "string" ? target[name] : name in methods ? methods[name] : name in target ? target[name] : methods.getPropertyValue(kebab(name))),
    set: (target, name, value) => { name === "cssText" ? (methods.cssText = value) : methods.setProperty(kebab(name), value ?? ""); return true; },
    has: (target, name) => name in methods || typeof name === "string",
  });
};

const cached = (symbol, makeValue) => ({
  get() { return (this[symbol] ??= makeValue(this)); },
});
const DATASET = Symbol("dataset");
const STYLE = Symbol("style");
class HTMLElement extends Element {
  get offsetParent() { return notInTab("offsetParent", this); }
  click() { if (!isDisabled(this)) dispatch(this, new PointerEvent("click", { bubbles: true, cancelable: true, composed: true, detail: 0 })); }
  focus() { focusOn(this); }
  blur() { if (document.activeElement === this) focusOn(null); }
  get innerText() { return host.visibleText(this[ID]); }
  set innerText(value) { this.textContent = value; }
  get outerText() { return this.innerText; }
  get tabIndex() { const value = parseInt(this.getAttribute("tabindex"), 10); return Number.isNaN(value) ? (isFocusable(this) ? 0 : -1) : value; }
  set tabIndex(value) { this.setAttribute("tabindex", `${value}`); }
  get isContentEditable() { return !!this.closest('[contenteditable=""],[contenteditable="true"]'); }
  get hidden() { return this.hasAttribute("hidden"); }
  set hidden(value) { this.toggleAttribute("hidden", !!value); }
}
for (const Class of [HTMLElement]) for (const [name, kind] of Object.entries({ title: "text", lang: "text", dir: "text", nonce: "text", accessKey: "text", inputMode: "text", popover: "text", autofocus: "flag", inert: "flag" })) property(Class, name, kind);
property(HTMLElement, "draggable", "oneOf", "draggable", ["true"], false);
class SVGElement extends Element {
  focus() { focusOn(this); }
  blur() { if (document.activeElement === this) focusOn(null); }
}
class MathMLElement extends Element {}
for (const Class of [HTMLElement, SVGElement, MathMLElement]) {
  Object.defineProperty(Class.prototype, "dataset", cached(DATASET, datasetOf));
  Object.defineProperty(Class.prototype, "style", {
    ...cached(STYLE, styleOf), set(value) { this.setAttribute("style", value); },
  });
}
class HTMLUnknownElement extends HTMLElement {}
for (const type of ["click", "input", "change", "submit", "reset", "focus", "blur", "keydown", "keyup", "load", "error", "toggle", "mouseover", "mouseenter", "mouseleave", "invalid", "close", "cancel", "message", "visibilitychange", "online", "offline", "popstate", "hashchange", "pageshow", "pagehide", "beforeunload", "DOMContentLoaded", "abort", "loadend", "loadstart"]) {
  Object.defineProperty(EventTarget.prototype, `on${type}`, {
    get() { return this[HANDLERS]?.[type] ?? null; }, set(value) { (this[HANDLERS] ??= {})[type] = value; }, configurable: true,
  });
}
