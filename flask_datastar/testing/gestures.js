// What the tab asks of its page: gestures of a person, timers, and the state that no attribute shows.

let hovered = null;
const user = (Class, type, more = {}) => trusted(new Class(type, { bubbles: true, cancelable: true, composed: true, view: globalThis, ...more }));
const ancestorsOf = (element) => { const all = []; for (let one = element; one; one = one.parentElement) all.push(one); return all; };
const moveTo = (element) => {
  if (hovered === element) return;
  const [from, to] = [ancestorsOf(hovered), ancestorsOf(element)];
  if (hovered?.isConnected) {
    for (const [Class, prefix] of [[PointerEvent, "pointer"], [MouseEvent, "mouse"]]) {
      dispatch(hovered, user(Class, `${prefix}out`, { relatedTarget: element }));
      for (const one of from.filter((each) => !to.includes(each))) dispatch(one, trusted(new Class(`${prefix}leave`, { relatedTarget: element })));
    }
  }
  const old = hovered;
  hovered = element;
  if (element === null) return;
  for (const [Class, prefix] of [[PointerEvent, "pointer"], [MouseEvent, "mouse"]]) {
    dispatch(element, user(Class, `${prefix}over`, { relatedTarget: old }));
    for (const one of to.filter((each) => !from.includes(each)).reverse()) dispatch(one, trusted(new Class(`${prefix}enter`, { relatedTarget: old })));
    dispatch(element, user(Class, `${prefix}move`));
  }
};
const focusByPointer = (element) => {
  const target = ancestorsOf(element).find((one) => isFocusable(one)) ?? null;
  if (target === null && active === null) return;
  target === null ? focusOn(null) : focusOn(target);
};
const typeInto = (field, value) => {
  if (!dispatch(field, user(InputEvent, "beforeinput", { data: value, inputType: "insertText" }))) return;
  changedSince ??= field.value;
  const limit = parseInt(field.getAttribute("maxlength"), 10);
  field[VALUE] = sanitisedFor(field, limit >= 0 ? value.slice(0, limit) : value);
  field[TYPED_BY_USER] = true;
  dispatch(field, user(InputEvent, "input", { cancelable: false, data: value, inputType: "insertText" }));
};
const sanitisedFor = (field, value) => (field instanceof HTMLTextAreaElement ? value.replace(/\r\n?/g, "\n") : sanitised(field, value));
const PICKED = new Set(["range", "color", "date", "month", "week", "time", "datetime-local"]);
const inputAndChange = (element) => {
  dispatch(element, trusted(new Event("input", { bubbles: true, composed: true })));
  dispatch(element, trusted(new Event("change", { bubbles: true })));
};
const implicitSubmit = (field) => {
  const form = formOf(field);
  if (!form) return;
  const isHeard = pathOf(field, {}).some((one) => ["keydown", "keypress", "keyup"].some((type) => one[LISTENERS]?.get(type)?.length));
  const button = controlsOf(form).find((one) => (one.localName === "button" && one.type === "submit") || (one.localName === "input" && (one.type === "submit" || one.type === "image")));
  if (button && isDisabled(button)) { if (!isHeard) host.noEffect("button", form[ID], `${button[ID]}`); return; }
  if (button) { dispatch(button, trusted(new PointerEvent("click", { bubbles: true, cancelable: true, composed: true }))); return; }
  const fields = controlsOf(form).filter((one) => one.localName === "input" && TYPED.has(one.type) && one.type !== "range" && one.type !== "color");
  if (fields.length <= 1) submitForm(form, null);
  else if (!isHeard) host.noEffect("fields", form[ID], "[]");
};
const TEXT_FIELDS = new Set(["text", "search", "tel", "url", "email", "password", "number"]);
const isTextField = (element) => element.localName === "textarea" || (element.localName === "input" && TEXT_FIELDS.has(element.type));
const CODES = { Enter: "Enter", Escape: "Escape", Tab: "Tab", " ": "Space", Backspace: "Backspace", Delete: "Delete" };
const codeOf = (key) => CODES[key] ?? (/^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key);
const pressDefault = (element, key, keys) => {
  if (keys.ctrlKey || keys.metaKey || keys.altKey) return;
  const { localName } = element;
  const isTyped = isTextField(element);
  if (key === "Enter") {
    if (localName === "input" && !isButton(element)) { commitTyping(); implicitSubmit(element); return; }
    if (isButton(element) || (localName === "a" && element.hasAttribute("href")) || isActivatable(element) && localName === "summary") {
      dispatch(element, user(PointerEvent, "click"));
    }
    return;
  }
  if (key === "Tab") { tabOn(element, keys.shiftKey); return; }
  if (key === "Escape") {
    const dialog = [...document.querySelectorAll("dialog[open]")].filter((one) => one[IS_MODAL]).at(-1);
    if (dialog && dispatch(dialog, new Event("cancel", { cancelable: true }))) dialog.close();
    return;
  }
  if (key === " " && (isButton(element) || localName === "summary" || (localName === "input" && (element.type === "checkbox" || element.type === "radio")))) return;
  if (key.length === 1 && isTyped) notInTab(`the key '${key}' in a field: use fill`, element);
  if (/^(Arrow|Home|End|Page)/.test(key) && (localName === "select" || ["radio", "number", "range", "date"].includes(element.type) || isTyped)) notInTab(`the key ${key}`, element);
  if ((key === "Backspace" || key === "Delete") && isTyped) notInTab(`the key ${key} in a field: use fill`, element);
};
const tabOn = (element, isBack) => {
  const all = select(document, "a[href],button,input,select,summary,textarea,[tabindex],[contenteditable]").filter((one) => isFocusable(one) && one.tabIndex >= 0);
  const order = [...all.filter((one) => one.tabIndex > 0).sort((a, b) => a.tabIndex - b.tabIndex), ...all.filter((one) => one.tabIndex === 0)];
  if (!order.length) return;
  const at = order.indexOf(element);
  focusOn(order[isBack ? (at <= 0 ? order.length - 1 : at - 1) : at + 1] ?? null);
};

let root = null;
const TAB = {
  scripts: () => select(document, "script").map((one) => [one[ID], one.type.trim().toLowerCase(), one.getAttribute("src"), one.hasAttribute("nomodule")]),
  runScript(id) { runScript(wrap(id)); },
  watchModule() {
    const module = globalThis.__module;
    delete globalThis.__module;
    const result = typeof module === "function" ? module() : module;
    result?.then?.(undefined, (error) => report(error, null, null));
  },
  startScript(id) { wrap(id)[STARTED] = true; },
  ready(state) {
    readyState = state;
    dispatch(document, new Event("readystatechange"));
    if (state === "interactive") dispatch(document, new Event("DOMContentLoaded", { bubbles: true }));
    if (state === "complete") { dispatch(globalThis, new Event("load")); dispatch(globalThis, new PageTransitionEvent("pageshow")); select(document, "[autofocus]").find(isFocusable)?.focus(); }
  },
  probe(name) {
    const element = document.createElement("flask-datastar-probe");
    globalThis[name] = (found) => { root = found; };
    element.setAttribute("data-init", `globalThis['${name}']($)`);
    document.documentElement.append(element);
    return element[ID];
  },
  unprobe(id, name) { wrap(id).remove(); delete globalThis[name]; return root !== null; },
  signals: () => (root === null ? {} : JSON.parse(JSON.stringify(root, (_, value) => (value instanceof Node || typeof value === "function" ? {} : value)) ?? "{}")),
  event(type, args) { dispatch(document, new CustomEvent("datastar-fetch", { detail: { type, el: document.documentElement, argsRaw: args } })); },
  hover(id) { moveTo(wrap(id)); },
  click(id) {
    const element = wrap(id);
    moveTo(element);
    if (!element.isConnected) return;
    dispatch(element, user(PointerEvent, "pointerdown", { buttons: 1 }));
    if (dispatch(element, user(MouseEvent, "mousedown", { detail: 1, buttons: 1 }))) focusByPointer(element);
    dispatch(element, user(PointerEvent, "pointerup"));
    dispatch(element, user(MouseEvent, "mouseup", { detail: 1 }));
    if (element.isConnected) dispatch(element, user(PointerEvent, "click", { detail: 1 }));
  },
  fill(id, value) {
    const field = wrap(id);
    focusOn(field);
    if (!PICKED.has(field.type)) { typeInto(field, value); return field.value; }
    const taken = sanitised(field, value);
    if (field.type === "range" ? +taken !== +value : taken !== (field.type === "color" ? value.toLowerCase() : value)) return null;
    field.value = taken;
    inputAndChange(field);
    return taken;
  },
  select(id, values) {
    const element = wrap(id);
    const options = optionsOf(element);
    const found = values.map((value) => options.find((one) => one.value === value) ?? options.find((one) => one.label === value) ?? null);
    const bad = found.findIndex((one) => one === null || isDisabled(one));
    if (bad >= 0) return { bad: values[bad], isDisabled: found[bad] !== null, options: options.map((one) => [one.value, one.label]) };
    focusOn(element);
    prepare(element);
    for (const one of options) { one[SELECTED] = found.includes(one); one[READY] = true; }
    inputAndChange(element);
    return null;
  },
  upload(id, files) {
    const element = wrap(id);
    element[FILES] = files.map(({ name, type, bytes }) => { const file = new File([], name, { type }); file[BYTES] = bytes; return file; });
    inputAndChange(element);
  },
  submit(id) {
    const form = wrap(id);
    commitTyping();
    const button = controlsOf(form).find((one) => (one.localName === "button" && one.type === "submit") || (one.localName === "input" && one.type === "submit"));
    if (button && isDisabled(button)) return button[ID];
    submitForm(form, button ?? null);
    return 0;
  },
  press(id, key, keys) {
    const element = id ? wrap(id) : (active ?? document.body);
    if (id) focusOn(element);
    const init = { key, code: codeOf(key), ...keys };
    const target = () => (element.isConnected ? (id && active !== element && isFocusable(element) ? element : active ?? element) : document.body);
    if (dispatch(target(), user(KeyboardEvent, "keydown", init))) {
      const isAllowed = key.length > 1 && key !== "Enter" ? true : dispatch(target(), user(KeyboardEvent, "keypress", init));
      if (isAllowed) pressDefault(target(), key, init);
    }
    const up = target();
    if (!dispatch(up, user(KeyboardEvent, "keyup", init)) || key !== " ") return;
    if (isButton(up) || up.localName === "summary" || (up.localName === "input" && (up.type === "checkbox" || up.type === "radio"))) dispatch(up, user(PointerEvent, "click"));
  },
  focus(id) { focusOn(wrap(id)); return active?.[ID] === id; },
  blur(id) { if (active?.[ID] === id) focusOn(null); },
  intersect: (id, isIntersecting) => intersect(wrap(id), isIntersecting),
  runOwnTimer() {
    const timer = nextTimer((one) => one.isOwn);
    if (timer === null) return dropUnfitFocus();
    fire(timer);
    return true;
  },
  advance(until) {
    const timer = nextTimer((one) => one.due <= until);
    clock = timer === null ? until : Math.max(clock, timer.due);
    if (timer !== null) fire(timer);
    return timer !== null;
  },
  clock: () => clock,
  nextDue() {
    const timer = nextTimer((one) => one.isRepeat) ?? nextTimer(() => true);
    return timer && { ms: timer.due - clock, isRepeat: timer.isRepeat };
  },
  isRepeated: (id) => [...timers.values()].some((one) => one.isRepeat === id),
  answered, arrived, ended,
  visibility(hidden) {
    if (isHidden === hidden) return;
    isHidden = hidden;
    dispatch(document, new Event("visibilitychange", { bubbles: true }));
  },
  windowEvent(type) { dispatch(globalThis, new Event(type)); },
  leaving() { dispatch(globalThis, new Event("beforeunload", { cancelable: true })); dispatch(globalThis, new PageTransitionEvent("pagehide")); },
  popstate(state) { historyState = state; dispatch(globalThis, new PopStateEvent("popstate", { state })); },
  value(id) {
    const element = wrap(id);
    if (element.localName === "select") return element.multiple ? chosenOf(element).map((one) => one.value) : element.value;
    if (element.type === "checkbox" || element.type === "radio") return element.checked;
    if (element.type === "file") return [...element.files].map((one) => one.name);
    return element.value ?? null;
  },
  states: () => select(document, "input,textarea,select").map((one) => [one[ID], one.localName === "select" ? chosenOf(one).map((option) => option.value) : one.value, one.checked ?? null]),
  active: () => (active === null ? 0 : active[ID]),
  isDisabled: (id) => isDisabled(wrap(id)),
  // What keeps a person from an element: itself if it is disabled, a disabled button around it, a modal dialog elsewhere.
  obstacle(id) {
    const element = wrap(id);
    if (isDisabled(element)) return { isModal: false, id };
    const button = element.parentElement?.closest("button");
    if (button && isDisabled(button)) return { isModal: false, id: button[ID] };
    const dialog = modals.filter((one) => one[IS_MODAL] && one.open && one.isConnected).at(-1);
    return dialog && !dialog.contains(element) ? { isModal: true, id: dialog[ID] } : null;
  },
  isFocusable: (id) => isFocusable(wrap(id)),
  describe: (id) => ({ type: wrap(id).type ?? "", readOnly: wrap(id).readOnly === true, multiple: wrap(id).multiple === true }),
  select_all: (selector) => select(document, selector).map((one) => one[ID]),
  label(id) { return wrap(id).control?.[ID] ?? 0; },
  evaluate: (text) => indirectEval(text),
};
const runTab = (name, args) => {
  isRepeating = false;
  nameElements();
  const result = TAB[name](...JSON.parse(args));
  return [JSON.stringify(result === undefined ? null : result)].join("");
};
