// Requests: fetch, URLs, form data, files. The host sends them, after the script that asked for them has ended.

class DOMException extends Error {
  constructor(message = "", name = "Error") { super(message); Object.defineProperty(this, "name", { value: name, configurable: true }); }
}
class AbortSignal extends EventTarget {
  static abort(reason) { const controller = new AbortController(); controller.abort(reason); return controller.signal; }
  static timeout(ms) { const controller = new AbortController(); setTimeout(() => controller.abort(new DOMException("signal timed out", "TimeoutError")), ms); return controller.signal; }
  get aborted() { return this[REASON] !== undefined; }
  get reason() { return this[REASON]; }
  throwIfAborted() { if (this.aborted) throw this[REASON]; }
}
const REASON = Symbol("reason");
class AbortController {
  get signal() { return (this[SIGNAL] ??= new AbortSignal()); }
  abort(reason = new DOMException("signal is aborted without reason", "AbortError")) {
    if (this.signal.aborted) return;
    this.signal[REASON] = reason;
    dispatch(this.signal, new Event("abort"));
  }
}
const SIGNAL = Symbol("signal");

const encodePart = (text) => encodeURIComponent(`${text}`.toWellFormed()).replace(/%20/g, "+").replace(/[!'()~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
const decodePart = (text) => {
  const plain = text.replace(/\+/g, " ");
  return plain.includes("%") ? utf8(latinOf(plain)) : plain;
};
const latinOf = (text) => bytesOfText(text).replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
const utf8 = (latin) => { if (!/[^\x00-\x7f]/.test(latin)) return latin; try { return decodeURIComponent(escape(latin)); } catch { return host.utf8(base64Of(latin)); } };
const bytesOfText = (text) => unescape(encodeURIComponent(`${text}`.toWellFormed()));

class URLSearchParams {
  constructor(init = "") {
    this[PAIRS] = [];
    if (typeof init === "string") {
      for (const part of init.replace(/^\?/, "").split("&")) {
        if (!part) continue;
        const at = part.indexOf("=");
        this[PAIRS].push([decodePart(at < 0 ? part : part.slice(0, at)), at < 0 ? "" : decodePart(part.slice(at + 1))]);
      }
    } else {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
      for (const [name, value] of pairs) this[PAIRS].push([`${name}`, `${value}`]);
    }
  }
  get size() { return this[PAIRS].length; }
  append(name, value) { this[PAIRS].push([`${name}`, `${value}`]); this[CHANGED]?.(); }
  delete(name) { this[PAIRS] = this[PAIRS].filter(([one]) => one !== name); this[CHANGED]?.(); }
  get(name) { return this[PAIRS].find(([one]) => one === name)?.[1] ?? null; }
  getAll(name) { return this[PAIRS].filter(([one]) => one === name).map(([, value]) => value); }
  has(name) { return this[PAIRS].some(([one]) => one === name); }
  set(name, value) {
    const at = this[PAIRS].findIndex(([one]) => one === name);
    if (at < 0) { this.append(name, value); return; }
    this[PAIRS] = this[PAIRS].filter(([one], i) => one !== name || i === at);
    this[PAIRS][at][1] = `${value}`;
    this[CHANGED]?.();
  }
  sort() { this[PAIRS].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this[CHANGED]?.(); }
  forEach(call) { for (const [name, value] of this[PAIRS]) call(value, name, this); }
  *entries() { yield* this[PAIRS]; }
  *keys() { for (const [name] of this[PAIRS]) yield name; }
  *values() { for (const [, value] of this[PAIRS]) yield value; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this[PAIRS].map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`).join("&"); }
}
const PAIRS = Symbol("pairs");
const CHANGED = Symbol("changed");
const PARTS = Symbol("parts");

class URL {
  constructor(url, base) {
    const text = host.url(`${url}`, base === undefined ? "" : `${base}`);
    if (text === "") throw new TypeError(`Failed to construct 'URL': Invalid URL`);
    this[PARTS] = JSON.parse(text);
  }
  static canParse(url, base) { return host.url(`${url}`, base === undefined ? "" : `${base}`) !== ""; }
  get href() { const { protocol, host: name, pathname, search, hash, userinfo } = this[PARTS]; return name === null ? `${protocol}${pathname}${search}${hash}` : `${protocol}//${userinfo}${name}${pathname}${search}${hash}`; }
  set href(value) { this[PARTS] = new URL(value)[PARTS]; }
  get origin() { return this[PARTS].host === null ? "null" : `${this.protocol}//${this.host}`; }
  get host() { return this[PARTS].host ?? ""; }
  get hostname() { return this.host.replace(/:\d+$/, ""); }
  get port() { return /:(\d+)$/.exec(this.host)?.[1] ?? ""; }
  get search() { return this[PARTS].search === "?" ? "" : this[PARTS].search; }
  set search(value) { const own = `${value}`.replace(/^\?/, ""); this[PARTS].search = own ? `?${encodeURI(own).replace(/%25/g, "%").replace(/'/g, "%27")}` : ""; this[PARTS].params = undefined; }
  get hash() { return this[PARTS].hash === "#" ? "" : this[PARTS].hash; }
  set hash(value) { const own = `${value}`.replace(/^#/, ""); this[PARTS].hash = own ? `#${own}` : ""; }
  get searchParams() {
    if (!this[PARTS].params) {
      const params = (this[PARTS].params = new URLSearchParams(this.search));
      params[CHANGED] = () => { this[PARTS].search = params.size ? `?${params}` : ""; };
    }
    return this[PARTS].params;
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
}
for (const name of ["protocol", "pathname", "username", "password"]) {
  Object.defineProperty(URL.prototype, name, {
    get() { return this[PARTS][name] ?? ""; }, set(value) { this[PARTS][name] = `${value}`; }, configurable: true,
  });
}
const resolve = (url) => { try { return new URL(url, document.baseURI); } catch { return null; } };

const BYTES = Symbol("bytes");
const NEXT = Symbol("next");
const ALL = Symbol("all");
const READ = Symbol("read");
class Blob {
  constructor(parts = [], { type = "" } = {}) {
    this[BYTES] = parts.map((part) => (part instanceof Blob ? part[BYTES] : typeof part === "string" ? bytesOfText(part) : String.fromCharCode(...new Uint8Array(part.buffer ?? part)))).join("");
    this.type = type.toLowerCase();
  }
  get size() { return this[BYTES].length; }
  async text() { return utf8(this[BYTES]); }
  async arrayBuffer() { return arrayOf(this[BYTES]).buffer; }
  slice(start, end, type) { const blob = new Blob([], { type }); blob[BYTES] = this[BYTES].slice(start, end); return blob; }
}
class File extends Blob {
  constructor(parts, name, options = {}) { super(parts, options); this.name = `${name}`; this.lastModified = options.lastModified ?? Date.now(); this.webkitRelativePath = ""; }
}
const arrayOf = (latin) => {
  const array = new Uint8Array(latin.length);
  for (let i = 0; i < latin.length; i++) array[i] = latin.charCodeAt(i);
  return array;
};
// In pieces, because a call takes no more values than that.
const latinOfBytes = (array) => {
  let latin = "";
  for (let at = 0; at < array.length; at += 8192) latin += String.fromCharCode.apply(null, array.subarray(at, at + 8192));
  return latin;
};
const base64Of = (latin) => btoa(latin);
class FileReader extends EventTarget {
  readAsDataURL(blob) { this[READ](() => `data:${blob.type || "application/octet-stream"};base64,${base64Of(blob[BYTES])}`); }
  readAsText(blob) { this[READ](() => utf8(blob[BYTES])); }
  readAsArrayBuffer(blob) { this[READ](() => arrayOf(blob[BYTES]).buffer); }
  [READ](make) {
    later(() => {
      this.result = make();
      this.readyState = 2;
      for (const type of ["load", "loadend"]) { dispatch(this, new ProgressEvent(type)); }
    });
  }
}
for (const type of ["load", "loadend", "loadstart", "error", "progress", "abort"]) {
  Object.defineProperty(FileReader.prototype, `on${type}`, { get() { return this[HANDLERS]?.[type] ?? null; }, set(value) { (this[HANDLERS] ??= {})[type] = value; } });
}

class FormData {
  constructor(form, submitter = null) {
    this[PAIRS] = form ? entriesOf(form, submitter) : [];
    if (submitter && form) { /* entriesOf has included it */ }
  }
  append(name, value, filename) { this[PAIRS].push([`${name}`, value instanceof Blob ? (filename ? new File([value], filename, { type: value.type }) : value) : `${value}`]); }
  set(name, value) { this.delete(name); this.append(name, value); }
  delete(name) { this[PAIRS] = this[PAIRS].filter(([one]) => one !== name); }
  get(name) { return this[PAIRS].find(([one]) => one === name)?.[1] ?? null; }
  getAll(name) { return this[PAIRS].filter(([one]) => one === name).map(([, value]) => value); }
  has(name) { return this[PAIRS].some(([one]) => one === name); }
  forEach(call) { for (const [name, value] of this[PAIRS]) call(value, name, this); }
  *entries() { yield* this[PAIRS]; }
  *keys() { for (const [name] of this[PAIRS]) yield name; }
  *values() { for (const [, value] of this[PAIRS]) yield value; }
  [Symbol.iterator]() { return this.entries(); }
}
File.prototype.toString = Blob.prototype.toString = function () { return this instanceof File ? "[object File]" : "[object Blob]"; };

class Headers {
  constructor(init = {}) {
    this[PAIRS] = new Map();
    const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }
  append(name, value) {
    const key = `${name}`.toLowerCase();
    const text = `${value}`;
    if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(key)) throw new TypeError(`Failed to execute 'fetch' on 'Window': Invalid name`);
    if (/[^\x00-\xff]|[\0\r\n]/.test(text)) throw new TypeError("Failed to execute 'fetch' on 'Window': String contains non ISO-8859-1 code point.");
    const old = this[PAIRS].get(key);
    this[PAIRS].set(key, old === undefined ? text : `${old}, ${text}`);
  }
  set(name, value) { this[PAIRS].delete(`${name}`.toLowerCase()); this.append(name, value); }
  delete(name) { this[PAIRS].delete(`${name}`.toLowerCase()); }
  get(name) { return this[PAIRS].get(`${name}`.toLowerCase()) ?? null; }
  has(name) { return this[PAIRS].has(`${name}`.toLowerCase()); }
  forEach(call) { for (const [name, value] of this[PAIRS]) call(value, name, this); }
  entries() { return this[PAIRS].entries(); }
  keys() { return this[PAIRS].keys(); }
  values() { return this[PAIRS].values(); }
  [Symbol.iterator]() { return this.entries(); }
}

const exchanges = new Map();
class Response {
  get ok() { return this.status >= 200 && this.status < 300; }
  get body() { return { getReader: () => ({ read: () => this[NEXT](), cancel: async () => host.abort(this[EXCHANGE].id), releaseLock() {} }) }; }
  async text() { return utf8(await this[ALL]()); }
  async json() { return JSON.parse(await this.text()); }
  async arrayBuffer() { return arrayOf(await this[ALL]()).buffer; }
  async blob() { const blob = new Blob([], { type: this.headers.get("content-type") ?? "" }); blob[BYTES] = await this[ALL](); return blob; }
  async [ALL]() { let all = ""; for (let part; !(part = await this[NEXT]()).done; ) all += part[LATIN]; return all; }
  [NEXT]() {
    const exchange = this[EXCHANGE];
    return new Promise((done, fail) => {
      exchange.wanting.push({ done, fail });
      serve(exchange);
    });
  }
}
const LATIN = Symbol("latin");
const EXCHANGE = Symbol("exchange");
const serve = (exchange) => {
  while (exchange.wanting.length) {
    if (exchange.error !== undefined) { exchange.wanting.shift().fail(exchange.error); continue; }
    if (exchange.chunks.length) {
      const latin = exchange.chunks.shift();
      exchange.wanting.shift().done({ done: false, value: arrayOf(latin), [LATIN]: latin });
      continue;
    }
    if (!exchange.hasEnded) return;
    exchange.wanting.shift().done({ done: true, value: undefined });
  }
};
let exchangeCount = 0;
const fetch = (input, init = {}) => new Promise((done, fail) => {
  const { signal, method = "GET" } = init;
  if (signal?.aborted) { fail(signal.reason); return; }
  const url = resolve(typeof input === "string" ? input : input.href ?? input.url);
  if (url === null) { fail(new TypeError("Failed to parse URL")); return; }
  let headers;
  try { headers = new Headers(init.headers ?? {}); } catch (error) { fail(error); return; }
  const [body, type] = bodyOf(init.body);
  if (type && !headers.has("content-type")) headers.append("content-type", type);
  const id = ++exchangeCount;
  const exchange = { id, done, fail, chunks: [], wanting: [], hasEnded: false, error: undefined };
  exchanges.set(id, exchange);
  signal?.addEventListener("abort", () => {
    if (exchange.hasEnded || exchange.error !== undefined) return;
    exchange.error = signal.reason;
    host.abort(id);
    fail(signal.reason);
    serve(exchange);
  });
  host.request(id, `${method}`.toUpperCase(), url.href, JSON.stringify([...headers]), JSON.stringify(body));
});
const bodyOf = (body) => {
  if (body === undefined || body === null) return [null, ""];
  if (body instanceof URLSearchParams) return [`${body}`, "application/x-www-form-urlencoded;charset=UTF-8"];
  if (body instanceof FormData) return [body[PAIRS].map(([name, value]) => partOf(name, value)), ""];
  if (body instanceof Blob) return [{ bytes: body[BYTES] }, body.type];
  return [`${body}`, "text/plain;charset=UTF-8"];
};
// What the host hands over, one call for each step of an exchange.
const answered = (id, status, statusText, headers, url) => {
  const exchange = exchanges.get(id);
  if (!exchange || exchange.error !== undefined) return;
  isRepeating = status !== 200 && id;
  const response = Object.create(Response.prototype);
  Object.assign(response, { status, statusText, url, redirected: false, type: "basic" });
  response.headers = new Headers(headers);
  response[EXCHANGE] = exchange;
  exchange.done(response);
};
const arrived = (id, latin) => { const exchange = exchanges.get(id); if (exchange) { exchange.chunks.push(latin); serve(exchange); } };
const ended = (id, isComplete) => {
  const exchange = exchanges.get(id);
  if (!exchange || exchange.error !== undefined || exchange.hasEnded) return;
  isRepeating = id;
  if (isComplete) exchange.hasEnded = true;
  else { exchange.error = new TypeError("network error"); exchange.fail(new TypeError("Failed to fetch")); }
  serve(exchange);
  exchanges.delete(id);
};
