// Names that browsers have and this document has not: for all pages of a context, and behind what a page defines.
// Unknown names stay undefined, as in a browser.

const sets = new Map();
const hasName = (kind, name) => {
  if (!sets.has(kind)) sets.set(kind, new Set(BROWSER[kind]?.split(" ")));
  return sets.get(kind).has(name);
};
let refuse = null; // a function of the page: it throws
const missing = Object.create(Reflect.getPrototypeOf(globalThis));
for (const name of BROWSER.window.split(" ")) {
  Object.defineProperty(missing, name, {
    get: () => refuse(name, null),
    set(value) { Object.defineProperty(globalThis, name, { value, configurable: true, writable: true }); },
    configurable: true,
  });
}
Reflect.setPrototypeOf(globalThis, Object.freeze(missing));
