// Events: targets, listeners, the path through the document, and the reports of errors in listeners.

const LISTENERS = Symbol("listeners");
const FLAGS = Symbol("flags");

class Event {
  static NONE = 0;
  static CAPTURING_PHASE = 1;
  static AT_TARGET = 2;
  static BUBBLING_PHASE = 3;

  constructor(type, { bubbles = false, cancelable = false, composed = false } = {}) {
    this.type = `${type}`;
    this.bubbles = !!bubbles;
    this.cancelable = !!cancelable;
    this.composed = !!composed;
    this.target = this.currentTarget = null;
    this.eventPhase = 0;
    this.defaultPrevented = false;
    this.isTrusted = false;
    this.timeStamp = performance.now();
    this[FLAGS] = { isStopped: false, isEnded: false, isPassive: false, path: [] };
  }
  get srcElement() { return this.target; }
  get returnValue() { return !this.defaultPrevented; }
  set returnValue(value) { if (!value) this.preventDefault(); }
  get cancelBubble() { return this[FLAGS].isStopped; }
  preventDefault() { if (this.cancelable && !this[FLAGS].isPassive) this.defaultPrevented = true; }
  stopPropagation() { this[FLAGS].isStopped = true; }
  stopImmediatePropagation() { this[FLAGS].isStopped = this[FLAGS].isEnded = true; }
  composedPath() { return [...this[FLAGS].path]; }
}

// A class of events: the fields that its second argument may set, with their defaults.
const eventClass = (Base, fields) => class extends Base {
  constructor(type, init = {}) {
    super(type, init);
    for (const name in fields) this[name] = init[name] !== undefined ? init[name] : fields[name];
  }
};
const KEYS = { ctrlKey: false, shiftKey: false, altKey: false, metaKey: false };
class CustomEvent extends eventClass(Event, { detail: null }) {}
class UIEvent extends eventClass(Event, { detail: 0, view: null }) {}
class FocusEvent extends eventClass(UIEvent, { relatedTarget: null }) {}
class InputEvent extends eventClass(UIEvent, { data: null, inputType: "", isComposing: false }) {}
class MouseEvent extends eventClass(UIEvent, {
  ...KEYS, button: 0, buttons: 0, relatedTarget: null, clientX: 0, clientY: 0, screenX: 0, screenY: 0,
}) {}
class PointerEvent extends eventClass(MouseEvent, { pointerId: 0, pointerType: "", isPrimary: false }) {}
class WheelEvent extends eventClass(MouseEvent, { deltaX: 0, deltaY: 0, deltaMode: 0 }) {}
class DragEvent extends eventClass(MouseEvent, { dataTransfer: null }) {}
class KeyboardEvent extends eventClass(UIEvent, { ...KEYS, key: "", code: "", repeat: false, isComposing: false }) {
  getModifierState(name) { return { Control: this.ctrlKey, Shift: this.shiftKey, Alt: this.altKey, Meta: this.metaKey }[name] ?? false; }
}
class SubmitEvent extends eventClass(Event, { submitter: null }) {}
class ToggleEvent extends eventClass(Event, { oldState: "", newState: "" }) {}
class HashChangeEvent extends eventClass(Event, { oldURL: "", newURL: "" }) {}
class PopStateEvent extends eventClass(Event, { state: null }) {}
class PageTransitionEvent extends eventClass(Event, { persisted: false }) {}
class StorageEvent extends eventClass(Event, { key: null, oldValue: null, newValue: null }) {}
class MessageEvent extends eventClass(Event, { data: null, origin: "" }) {}
class ErrorEvent extends eventClass(Event, { message: "", error: null }) {}
class ProgressEvent extends eventClass(Event, { lengthComputable: false, loaded: 0, total: 0 }) {}

class EventTarget {
  addEventListener(type, listener, options) {
    if (listener == null) return;
    const self = this ?? globalThis;
    const { capture = false, once = false, passive = false, signal } = typeof options === "object" && options !== null
      ? options : { capture: !!options };
    if (signal?.aborted) return;
    const all = (self[LISTENERS] ??= new Map());
    const list = all.get(type) ?? [];
    if (list.some((one) => one.listener === listener && one.capture === !!capture)) return;
    all.set(type, [...list, { listener, capture: !!capture, once: !!once, passive: !!passive, isRemoved: false }]);
    signal?.addEventListener("abort", () => self.removeEventListener(type, listener, { capture }));
  }
  removeEventListener(type, listener, options) {
    const self = this ?? globalThis;
    const capture = typeof options === "object" && options !== null ? !!options.capture : !!options;
    const list = self[LISTENERS]?.get(type);
    const found = list?.find((one) => one.listener === listener && one.capture === capture);
    if (!found) return;
    found.isRemoved = true;
    self[LISTENERS].set(type, list.filter((one) => one !== found));
  }
  dispatchEvent(event) { return dispatch(this ?? globalThis, event); }
}

const hide = (owner, ...symbols) => {
  for (const symbol of symbols) Object.defineProperty(owner, symbol, { enumerable: false, writable: true, value: undefined });
};

const pathOf = (target, event) => {
  const path = [target];
  if (!(target instanceof Node)) return path;
  for (let node = target; (node = parentOf(node)); ) path.push(node);
  if (path.at(-1) === document && event.type !== "load") path.push(globalThis);
  return path;
};

const handlerOf = (target, type) => {
  const own = target[HANDLERS]?.[type];
  if (own !== undefined) return own;
  if (target[NAME] === undefined) return null;
  const code = target.getAttribute(`on${type}`);
  return code ? NativeFunction("event", code) : null;
};
const HANDLERS = Symbol("handlers");

const invoke = (target, event, phase) => {
  const flags = event[FLAGS];
  const isCapture = phase === 1;
  const listeners = target[LISTENERS]?.get(event.type);
  event.currentTarget = target;
  event.eventPhase = phase;
  if (listeners !== undefined) callAll(listeners, target, event, isCapture);
  if (isCapture || flags.isEnded) return;
  const handler = handlerOf(target, event.type);
  if (typeof handler !== "function") return;
  try {
    if (handler.call(target, event) === false) event.preventDefault();
  } catch (error) {
    report(error, target, event);
  }
};

const callAll = (listeners, target, event, isCapture) => {
  const flags = event[FLAGS];
  for (const one of listeners) {
    if (flags.isEnded) return;
    if (one.isRemoved || one.capture !== isCapture) continue;
    if (one.once) EventTarget.prototype.removeEventListener.call(target, event.type, one.listener, one);
    flags.isPassive = one.passive;
    try {
      typeof one.listener === "function" ? one.listener.call(target, event) : one.listener.handleEvent(event);
    } catch (error) {
      report(error, target, event);
    }
    flags.isPassive = false;
  }
};

const dispatch = (target, event) => {
  const flags = event[FLAGS];
  event.target = target;
  const path = (flags.path = pathOf(target, event));
  const activation = event.type === "click" && event instanceof MouseEvent ? beforeClick(path, event.bubbles) : null;
  for (let i = path.length - 1; i > 0 && !flags.isStopped; i--) invoke(path[i], event, 1);
  for (const isCapture of [true, false]) {
    if (flags.isStopped) break;
    invokeAtTarget(path[0], event, isCapture);
  }
  for (let i = 1; event.bubbles && i < path.length && !flags.isStopped; i++) invoke(path[i], event, 3);
  event.currentTarget = null;
  event.eventPhase = 0;
  flags.isStopped = flags.isEnded = false;
  if (activation) afterClick(activation, event);
  return !event.defaultPrevented;
};

const invokeAtTarget = (target, event, isCapture) => {
  invoke(target, event, isCapture ? 1 : 3);
};

// What a page throws where nothing catches it. The tab raises it at the end of the gesture.
const report = (error, target, event) => {
  const isError = typeof error === "object" && error !== null;
  host.report(
    isError ? `${error.message ?? error}` : `${error}`,
    isError ? `${error.stack ?? ""}` : "",
    event?.type ?? "",
    target instanceof Element ? target[ID] : 0,
  );
};
