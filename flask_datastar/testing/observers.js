// Observers of the document, of what is in view, and the tasks that run later.

const OBSERVED = Symbol("observed"); // by whom, on the node
let observedCount = 0;
let waiting = [];
class MutationRecord {
  constructor(type, target, { attributeName = null, oldValue = null, previousSibling = null, nextSibling = null, addedNodes = [], removedNodes = [] }) {
    this.type = type;
    this.target = target;
    this.attributeName = attributeName;
    this.attributeNamespace = null;
    this.oldValue = oldValue;
    this.previousSibling = previousSibling;
    this.nextSibling = nextSibling;
    this.addedNodes = addedNodes;
    this.removedNodes = removedNodes;
  }
}
const setObserved = (target, list) => {
  observedCount += (list.length > 0) - (target[OBSERVED] !== undefined);
  target[OBSERVED] = list.length ? list : undefined;
};
class MutationObserver {
  constructor(call) { this[CALL] = call; this[RECORDS] = []; }
  observe(target, options = {}) {
    const { attributeFilter, attributeOldValue, characterDataOldValue } = options;
    const full = {
      childList: !!options.childList,
      attributes: options.attributes ?? (attributeFilter !== undefined || attributeOldValue !== undefined),
      characterData: options.characterData ?? characterDataOldValue !== undefined,
      subtree: !!options.subtree, attributeFilter,
    };
    if (!full.childList && !full.attributes && !full.characterData) throw new TypeError("Failed to execute 'observe' on 'MutationObserver': The options object must set at least one of 'attributes', 'characterData', or 'childList' to true.");
    const others = (target[OBSERVED] ?? []).filter((one) => one.observer !== this);
    setObserved(target, [...others, { observer: this, options: full }]);
    (this[TARGETS] ??= new Set()).add(target);
  }
  disconnect() {
    for (const target of this[TARGETS] ?? []) setObserved(target, target[OBSERVED].filter((one) => one.observer !== this));
    this[TARGETS] = new Set();
    this[RECORDS] = [];
  }
  takeRecords() { const records = this[RECORDS]; this[RECORDS] = []; return records; }
}
const CALL = Symbol("call");
const RECORDS = Symbol("records");
const TARGETS = Symbol("targets");

const record = (type, target, details) => {
  if (observedCount === 0) return;
  const told = [];
  for (let node = target; node !== null; node = parentOf(node)) {
    const list = node[OBSERVED];
    if (list === undefined) continue;
    for (const { observer, options } of list) {
      if (!options[type] || (node !== target && !options.subtree) || told.includes(observer)) continue;
      if (type === "attributes" && options.attributeFilter && ![...options.attributeFilter].includes(details.attributeName)) continue;
      told.push(observer);
      observer[RECORDS].push(new MutationRecord(type, target, details));
      if (!waiting.length) Promise.resolve().then(tellObservers);
      if (!waiting.includes(observer)) waiting.push(observer);
    }
  }
};
const tellObservers = () => {
  const observers = waiting;
  waiting = [];
  for (const observer of observers) {
    const records = observer.takeRecords();
    if (!records.length) continue;
    try { observer[CALL].call(observer, records, observer); } catch (error) { report(error, null, null); }
  }
};

const watchers = new Set();
class IntersectionObserver {
  constructor(call, options = {}) { this[CALL] = call; this[TARGETS] = new Set(); this.thresholds = [options.threshold ?? 0].flat(); this.root = null; this.rootMargin = "0px"; }
  observe(target) {
    this[TARGETS].add(target);
    watchers.add(this);
    host.leftOut(`data-on-intersect of ${host.shown(target[ID])}: nothing scrolls here; tab.intersect(selector) fires it`);
  }
  unobserve(target) { this[TARGETS].delete(target); }
  disconnect() { this[TARGETS].clear(); watchers.delete(this); }
  takeRecords() { return []; }
}
const intersect = (target, isIntersecting) => {
  let count = 0;
  for (const observer of [...watchers]) {
    if (!observer[TARGETS].has(target)) continue;
    count++;
    const entry = { target, isIntersecting, intersectionRatio: isIntersecting ? 1 : 0, time: performance.now() };
    try { observer[CALL].call(observer, [entry], observer); } catch (error) { report(error, target, null); }
  }
  return count;
};

// Timers run on the tab's own clock, which `tab.wait` moves. Those of the client that a gesture has started (debounce,
// throttle, delay) run at the end of the gesture, unless a person sees what is before them; longer ones, repeats of
// requests and the page's own timers wait for the clock.
const LONGEST_OWN_MS = 1000;
const timers = new Map();
let timerCount = 0;
let clock = 0;
let isRepeating = false; // the number of a failed or ended response while it is handed over: timers that start now repeat its request
const startTimer = (call, delay, values, isInterval) => {
  const ms = Math.max(0, Number(delay) || 0);
  const isOwn = !isInterval && !isRepeating && (ms <= 20 || (ms <= LONGEST_OWN_MS && isCalledByClient()));
  const id = ++timerCount;
  timers.set(id, { id, call, values, due: clock + ms, ms, isInterval, isOwn, isRepeat: isRepeating !== false && isCalledByClient() && isRepeating });
  return id;
};
// The host starts the client's file at a line that no other script has.
const isCalledByClient = () => {
  const calls = new Error().stack.split("\n").filter((line) => line.trim() && !/ at (isCalledByClient|startTimer|setTimeout) /.test(line));
  return /:1\d{4}:/.test(calls[0] ?? "");
};
const later = (call) => { const id = ++timerCount; timers.set(id, { id, call, values: [], due: clock, ms: 0, isInterval: false, isOwn: true }); };
const fire = (timer) => {
  if (timer.isInterval) timer.due += Math.max(timer.ms, 1);
  else timers.delete(timer.id);
  try {
    typeof timer.call === "function" ? timer.call.apply(globalThis, timer.values) : indirectEval(`${timer.call}`);
  } catch (error) {
    report(error, null, null);
  }
};
const nextTimer = (isWanted) => {
  let found = null;
  for (const timer of timers.values()) if (isWanted(timer) && (found === null || timer.due < found.due)) found = timer;
  return found;
};
const setTimeout = (call, delay, ...values) => startTimer(call, delay, values, false);
const setInterval = (call, delay, ...values) => startTimer(call, delay, values, true);
const clearTimeout = (id) => { timers.delete(id); };
const requestAnimationFrame = (call) => startTimer(() => call(performance.now()), 16, [], false);
