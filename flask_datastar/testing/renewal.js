// One context serves several pages, because the document's code takes longer to compile than most pages take to run.
// A page leaves it as it was: its globals are removed, and what is built in must be untouched. After a page that has run
// a script of its own, the look is closer.

let isSuspect = false;
const suspect = () => { isSuspect = true; };
const clean = (() => {
  const { Reflect, Set, Object: { is, getOwnPropertyDescriptors } } = globalThis;
  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";
  const describe = (object, key) => Reflect.getOwnPropertyDescriptor(object, key);
  const isSame = (one, other) => other !== undefined && is(one.value, other.value) && one.get === other.get && one.set === other.set;
  const isUntouched = (one, other) => one.writable === other.writable && one.enumerable === other.enumerable && one.configurable === other.configurable
    && [one.value, one.get, one.set].every((part) => typeof part !== "function" || builtIn.has(part) || Reflect.ownKeys(part).every((key) => USUAL.has(key)));
  const USUAL = new Set(["length", "name", "prototype"]);
  const prototype = Reflect.getPrototypeOf(globalThis);
  const globals = Reflect.ownKeys(globalThis).map((key) => [key, describe(globalThis, key)]);
  const names = new Set(globals.map(([key]) => key));
  const builtIn = new Set();
  for (const [, { value }] of globals) {
    for (let one of isObject(value) && value !== globalThis ? [value, value.prototype] : []) {
      for (; isObject(one); one = Reflect.getPrototypeOf(one)) builtIn.add(one);
    }
  }
  for (const one of [[][Symbol.iterator](), new Map().entries(), "".matchAll(/x/g), (function* () {})(), (async () => {})]) {
    for (let each = Reflect.getPrototypeOf(one); isObject(each); each = Reflect.getPrototypeOf(each)) builtIn.add(each);
  }
  const known = [...builtIn].map((one) => ({
    one, prototype: Reflect.getPrototypeOf(one), keys: Reflect.ownKeys(one), properties: getOwnPropertyDescriptors(one),
  }));
  // What the document's code takes the place of.
  const replaced = [Number.prototype, Date.prototype].flatMap((one) => Reflect.ownKeys(one)
    .filter((key) => typeof key === "string" && key.startsWith("toLocale")).map((key) => [one, key, describe(one, key)]));
  return () => {
    if (!Reflect.isExtensible(globalThis) || Reflect.getPrototypeOf(globalThis) !== prototype) return false;
    for (const key of Reflect.ownKeys(globalThis)) if (!names.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const [key, value] of globals) if (!isSame(value, describe(globalThis, key))) Reflect.defineProperty(globalThis, key, value);
    if (Reflect.ownKeys(globalThis).length !== globals.length) return false;
    for (const [one, key, value] of replaced) Reflect.defineProperty(one, key, value);
    const wasSuspect = isSuspect;
    isSuspect = false;
    return known.every(({ one, prototype, keys, properties }) => {
      const now = getOwnPropertyDescriptors(one);
      return Reflect.getPrototypeOf(one) === prototype && Reflect.isExtensible(one) && Reflect.ownKeys(one).length === keys.length
        && keys.every((key) => isSame(properties[key], now[key]) && (!wasSuspect || isUntouched(properties[key], now[key])));
    });
  };
})();
