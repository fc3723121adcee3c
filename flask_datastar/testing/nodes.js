// The document's nodes. The tree is the host's: an object here is a handle with the id of its node.

const ID = Symbol("id");
const wrappers = new Map();
const HTML_NS = "http://www.w3.org/1999/xhtml";
const SVG_NS = "http://www.w3.org/2000/svg";
const MATH_NS = "http://www.w3.org/1998/Math/MathML";
const NAMESPACES = { html: HTML_NS, svg: SVG_NS, math: MATH_NS };

const wrap = (id) => (id ? (wrappers.get(id) ?? make(id)) : null);
const idsOf = (text) => (text ? text.split(",").map(Number) : []);
const make = (id) => {
  const [kind, ...attributes] = host.describe(id).split("\x1f");
  const [type, name, namespace, isOnRequest] = kind.split(" ");
  const node = makeOf(classOf(+type, name, namespace), id);
  if (type === "1") {
    node[NAME] = name;
    node[SPACE] = namespace;
    if (!isOnRequest) {
      const all = (node[ATTRIBUTES] = new Map());
      for (let i = 0; i < attributes.length; i += 2) all.set(attributes[i], attributes[i + 1]);
    }
  }
  return node;
};
// A new node of the host.
const makeOf = (Class, id) => {
  const node = Object.create(Class.prototype);
  node[ID] = id;
  wrappers.set(id, node);
  return node;
};
const NAME = Symbol("name");
const SPACE = Symbol("namespace");

const classOf = (type, name, namespace) => {
  if (type === 3) return Text;
  if (type === 8) return Comment;
  if (type === 9) return HTMLDocument;
  if (type === 10) return DocumentType;
  if (type === 11) return DocumentFragment;
  if (namespace === "svg") return SVGElement;
  if (namespace === "math") return MathMLElement;
  return HTML_CLASSES[name] ?? (name.includes("-") ? HTMLElement : UNKNOWN_TAGS.has(name) ? HTMLUnknownElement : HTMLElement);
};
const UNKNOWN_TAGS = new Set(["blink", "foo", "bar", "unknown"]);

// A list of nodes as documents have them: without the methods of arrays. `items` is called at each use, so a live
// list sees what has changed since.
const listOf = (items, Class = NodeList, named) => new Proxy(Object.create(Class.prototype), {
  get(target, name) {
    if (name === "length") return items().length;
    if (name === Symbol.iterator) return function* () { for (let i = 0, all; (all = items()), i < all.length; i++) yield all[i]; };
    if (name === "item") return (i) => items()[i] ?? null;
    if (name === "namedItem") return (key) => items().find((one) => one.id === key || one.name === key) ?? null;
    if (name === "forEach") return (call, self) => items().forEach((one, i) => call.call(self, one, i));
    if (name === "entries" || name === "keys" || name === "values") return () => items()[name]();
    if (typeof name === "string" && /^\d+$/.test(name)) return items()[name];
    if (named && typeof name === "string") { const found = named(name); if (found !== undefined) return found; }
    return target[name];
  },
  has: (target, name) => (typeof name === "string" && /^\d+$/.test(name) ? +name < items().length : name in target),
  ownKeys: () => items().map((_, i) => `${i}`),
  getOwnPropertyDescriptor: (target, name) => (items()[name] !== undefined
    ? { value: items()[name], enumerable: true, configurable: true } : undefined),
});
class NodeList {}
class HTMLCollection {}

const textOf = (value) => (value === null ? "" : `${value}`);

class Node extends EventTarget {
  get nodeType() { return parseInt(host.describe(this[ID]), 10); }
  get nodeName() { return { 3: "#text", 8: "#comment", 9: "#document", 10: "html", 11: "#document-fragment" }[this.nodeType]; }
  get nodeValue() { return null; }
  set nodeValue(value) {}
  get ownerDocument() { return this === document ? null : document; }
  get baseURI() { return document.baseURI; }
  get parentNode() { return parentOf(this); }
  get parentElement() { const parent = this.parentNode; return parent instanceof Element ? parent : null; }
  get firstChild() { return this[CHILD_NODES] === undefined ? wrap(host.child(this[ID], 0)) : this[CHILD_NODES][0] ?? null; }
  get lastChild() { return this[CHILD_NODES] === undefined ? wrap(host.child(this[ID], -1)) : this[CHILD_NODES].at(-1) ?? null; }
  get nextSibling() { return siblingOf(this, 1); }
  get previousSibling() { return siblingOf(this, -1); }
  get childNodes() { return listOf(() => childrenOf(this)); }
  get isConnected() {
    let node = this;
    for (let parent; (parent = parentOf(node)) !== null; ) node = parent;
    return node === document;
  }
  get textContent() { return host.text(this[ID]); }
  set textContent(value) { replaceAll(this, textOf(value) === "" ? [] : [document.createTextNode(textOf(value))]); }
  hasChildNodes() { return host.child(this[ID], 0) !== 0; }
  getRootNode() { return wrap(host.root(this[ID])); }
  contains(other) {
    for (let node = other instanceof Node ? other : null; node !== null; node = parentOf(node)) if (node === this) return true;
    return false;
  }
  isSameNode(other) { return this === other; }
  isEqualNode(other) { return other instanceof Node && host.equal(this[ID], other[ID]); }
  compareDocumentPosition(other) { return host.compare(this[ID], other[ID]); }
  cloneNode(isDeep = false) { return cloneOf(this, isDeep); }
  appendChild(node) { insert(this, [node], null); return node; }
  insertBefore(node, before) { insert(this, [node], before ?? null); return node; }
  moveBefore(node, before) { isMoving++; try { insert(this, [node], before ?? null); } finally { isMoving--; } }
  removeChild(node) {
    if (node.parentNode !== this) throw new DOMException("The node to be removed is not a child of this node.", "NotFoundError");
    detach(node);
    return node;
  }
  replaceChild(node, old) { const next = old.nextSibling; detach(old); insert(this, [node], next === node ? node.nextSibling : next); return old; }
  normalize() { host.normalize(this[ID]); for (const node of wrappers.values()) node[PARENT_NODE] = node[CHILD_NODES] = undefined; }
}
Object.assign(Node, {
  ELEMENT_NODE: 1, TEXT_NODE: 3, COMMENT_NODE: 8, DOCUMENT_NODE: 9, DOCUMENT_FRAGMENT_NODE: 11,
  DOCUMENT_POSITION_PRECEDING: 2, DOCUMENT_POSITION_FOLLOWING: 4, DOCUMENT_POSITION_CONTAINS: 8, DOCUMENT_POSITION_CONTAINED_BY: 16,
});
Object.assign(Node.prototype, { ELEMENT_NODE: 1, TEXT_NODE: 3, COMMENT_NODE: 8, DOCUMENT_NODE: 9, DOCUMENT_FRAGMENT_NODE: 11 });

const cloneOf = (node, isDeep) => {
  const clone = wrap(host.clone(node[ID], !!isDeep));
  copyState(node, clone, isDeep);
  return clone;
};

// Where nodes are is remembered: all changes of the tree go through these two, and `normalize`.
const PARENT_NODE = Symbol("parent");
const CHILD_NODES = Symbol("children");
let haveIdsChanged = true;
const parentOf = (node) => {
  const known = node[PARENT_NODE];
  return known === undefined ? (node[PARENT_NODE] = wrap(host.parent(node[ID]))) : known;
};
const place = (parent, node, before) => {
  moved(node, parent);
  host.insert(parent[ID], node[ID], before === null ? 0 : before[ID]);
};
const takeOut = (node) => {
  moved(node, null);
  host.detach(node[ID]);
};
const moved = (node, parent) => {
  const old = parentOf(node);
  if (old !== null) old[CHILD_NODES] = undefined;
  if (parent !== null) parent[CHILD_NODES] = undefined;
  node[PARENT_NODE] = parent;
  if (!(node instanceof CharacterData)) haveIdsChanged = true;
};
const childrenOf = (node) => (node[CHILD_NODES] ??= idsOf(host.children(node[ID])).map(wrap));
const siblingOf = (node, step) => {
  const known = parentOf(node)?.[CHILD_NODES];
  return known === undefined ? wrap(host.sibling(node[ID], step)) : known[known.indexOf(node) + step] ?? null;
};

// While a node is moved, it keeps its focus.
let isMoving = 0;

const nodesOf = (items) => items.flatMap((item) => {
  if (!(item instanceof Node)) return [document.createTextNode(item)];
  return item instanceof DocumentFragment ? childrenOf(item) : [item];
});

const insert = (parent, items, before) => {
  const nodes = nodesOf(items);
  for (const node of nodes) {
    if (node.contains(parent)) throw new DOMException("The new child element contains the parent.", "HierarchyRequestError");
  }
  const at = before === null || !nodes.includes(before) ? before : nodes.reduce((next, node) => (next === node ? node.nextSibling : next), before);
  const fragment = items.find((item) => item instanceof DocumentFragment);
  for (const node of nodes) detach(node, fragment !== undefined);
  const previousSibling = at === null ? parent.lastChild : at.previousSibling;
  for (const node of nodes) place(parent, node, at);
  if (!nodes.length) return;
  record("childList", parent, { addedNodes: nodes, previousSibling, nextSibling: at });
  if (parent.isConnected) for (const node of nodes) connected(node);
  if (parent instanceof HTMLElement) childrenChanged(parent);
};

const detach = (node) => {
  const parent = node.parentNode;
  if (parent === null) return;
  if (!isMoving) loseFocusIn(node);
  if (node.parentNode !== parent) return;
  const { previousSibling, nextSibling } = node;
  takeOut(node);
  record("childList", parent, { removedNodes: [node], previousSibling, nextSibling });
  if (parent instanceof HTMLElement) childrenChanged(parent);
};

const replaceAll = (parent, nodes) => {
  const removed = childrenOf(parent);
  const added = nodesOf(nodes);
  for (const node of removed) loseFocusIn(node);
  for (const node of removed) if (node.parentNode === parent) takeOut(node);
  for (const node of added) { if (node.parentNode) detach(node); place(parent, node, null); }
  if (!(parent instanceof HTMLTemplateElement)) parent[CHILD_NODES] = added;
  if (removed.length || added.length) record("childList", parent, { addedNodes: added, removedNodes: removed });
  if (parent.isConnected) for (const node of added) connected(node);
  if (parent instanceof HTMLElement) childrenChanged(parent);
};

class CharacterData extends Node {
  get data() { return host.data(this[ID]); }
  set data(value) {
    const oldValue = this.data;
    host.setData(this[ID], textOf(value));
    record("characterData", this, { oldValue });
    const parent = this.parentNode;
    if (parent instanceof HTMLElement) childrenChanged(parent);
  }
  get nodeValue() { return this.data; }
  set nodeValue(value) { this.data = value; }
  get textContent() { return this.data; }
  set textContent(value) { this.data = value; }
  get length() { return this.data.length; }
  appendData(more) { this.data += more; }
  // The client reads these of any node that it morphs, and browsers have neither.
  get id() { return undefined; }
  get tagName() { return undefined; }
  get nextElementSibling() { return nextElement(this, "nextSibling"); }
  get previousElementSibling() { return nextElement(this, "previousSibling"); }
}
class Text extends CharacterData {
  constructor(data = "") { super(); return document.createTextNode(data); }
  get wholeText() { return this.data; }
}
class Comment extends CharacterData {
  constructor(data = "") { super(); return document.createComment(data); }
}
class DocumentType extends Node { get name() { return "html"; } }

const nextElement = (node, direction) => {
  let next = node[direction];
  while (next && !(next instanceof Element)) next = next[direction];
  return next;
};
const elementsIn = (node) => childrenOf(node).filter((one) => one[NAME] !== undefined);

const select = (node, selector) => withStates(`${selector}`, (text) => {
  const found = host.select(node[ID], text);
  if (found.startsWith("!")) throw new DOMException(`'${selector}' is not a valid selector.`, "SyntaxError");
  return idsOf(found).map(wrap);
});

// Methods of nodes that have elements, and of nodes that stand among others.
const PARENT = {
  get children() { return listOf(() => elementsIn(this), HTMLCollection); },
  get childElementCount() { return elementsIn(this).length; },
  get firstElementChild() { return elementsIn(this)[0] ?? null; },
  get lastElementChild() { return elementsIn(this).at(-1) ?? null; },
  append(...items) { insert(this, [fragmentOf(items)], null); },
  prepend(...items) { insert(this, [fragmentOf(items)], this.firstChild); },
  replaceChildren(...items) { replaceAll(this, items); },
  querySelector(selector) { return select(this, selector)[0] ?? null; },
  querySelectorAll(selector) { const found = select(this, selector); return listOf(() => found); },
};
const CHILD = {
  before(...items) { if (this.parentNode) insert(this.parentNode, [fragmentOf(items)], this); },
  after(...items) { if (this.parentNode) insert(this.parentNode, [fragmentOf(items)], this.nextSibling); },
  replaceWith(...items) {
    const parent = this.parentNode;
    if (!parent) return;
    const fragment = fragmentOf(items);
    const next = this.nextSibling;
    if (this.parentNode === parent) detach(this);
    insert(parent, [fragment], next?.parentNode === parent ? next : null);
  },
  remove() { detach(this); },
};
// One node stays as it is, so that it is moved at most once.
const fragmentOf = (items) => {
  if (items.length === 1 && items[0] instanceof Node) return items[0];
  const fragment = document.createDocumentFragment();
  insert(fragment, items.map((item) => (item instanceof Node ? item : document.createTextNode(item))), null);
  return fragment;
};
const mix = (Class, ...parts) => {
  for (const part of parts) Object.defineProperties(Class.prototype, Object.getOwnPropertyDescriptors(part));
};

class DocumentFragment extends Node {
  constructor() { super(); return document.createDocumentFragment(); }
  getElementById(id) { return elementById(this, id); }
}
const elementById = (node, id) => wrap(host.byId(node[ID], `${id}`));
mix(DocumentFragment, PARENT);
mix(CharacterData, CHILD);
mix(DocumentType, CHILD);
