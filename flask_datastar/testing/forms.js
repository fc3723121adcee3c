// Form controls: what a user has entered lives here, beside the attributes, as in a browser.

const VALUE = Symbol("value");
const CHECKED = Symbol("checked");
const SELECTED = Symbol("selected");
const FILES = Symbol("files");
const READY = Symbol("ready");
const CUSTOM = Symbol("custom validity");
const TYPES = ["text", "search", "tel", "url", "email", "password", "date", "month", "week", "time", "datetime-local", "number", "range", "color", "checkbox", "radio", "file", "submit", "image", "reset", "button", "hidden"];
const TYPED = new Set(["text", "search", "tel", "url", "email", "password", "date", "month", "week", "time", "datetime-local", "number", "range", "color"]);
const BUTTONS = new Set(["submit", "image", "reset", "button"]);
const DATES = { date: /^\d{4,}-\d\d-\d\d$/, month: /^\d{4,}-\d\d$/, week: /^\d{4,}-W\d\d$/, time: /^\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/, "datetime-local": /^\d{4,}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?$/ };
const FLOAT = /^-?(\d+(\.\d+)?|\.\d+)(e[+-]?\d+)?$/i;

const sanitised = (input, value) => {
  const { type } = input;
  if (type === "number") return FLOAT.test(value) && Number.isFinite(+value) ? value : "";
  if (type === "range") return inRange(input, value);
  if (type === "color") return /^#[\da-f]{6}$/i.test(value) ? value.toLowerCase() : "#000000";
  if (type in DATES) return DATES[type].test(value) && isRealDate(type, value) ? value : "";
  const line = value.replace(/[\r\n]/g, "");
  return type === "email" || type === "url" ? line.trim() : line;
};
const isRealDate = (type, value) => {
  if (type === "time" || type === "week") return type === "week" || (+value.slice(0, 2) < 24 && +value.slice(3, 5) < 60);
  const [year, month, day = "01"] = value.slice(0, 10).split("-");
  const date = new Date(Date.UTC(+year, +month - 1, +day));
  return date.getUTCMonth() === +month - 1 && date.getUTCDate() === +day;
};
const numberOr = (text, fallback) => (text !== null && FLOAT.test(text) ? +text : fallback);
const inRange = (input, value) => {
  const low = numberOr(input.getAttribute("min"), 0);
  const high = Math.max(low, numberOr(input.getAttribute("max"), 100));
  let number = FLOAT.test(value) ? +value : low + (high - low) / 2;
  const stepText = input.getAttribute("step");
  if (stepText !== "any") {
    const step = numberOr(stepText, 1) > 0 ? numberOr(stepText, 1) : 1;
    number = low + Math.round((Math.min(high, Math.max(low, number)) - low) / step) * step;
    while (number > high) number -= step;
    number = +number.toFixed(10);
  }
  return `${Math.min(high, Math.max(low, number))}`;
};

class HTMLInputElement extends HTMLElement {
  get type() { const type = (this.getAttribute("type") ?? "text").toLowerCase(); return TYPES.includes(type) ? type : "text"; }
  set type(value) { this.setAttribute("type", value); }
  get value() {
    if (this.type === "file") return this.files.length ? `C:\\fakepath\\${this.files[0].name}` : "";
    if (TYPED.has(this.type)) return sanitised(this, this[VALUE] ?? this.getAttribute("value") ?? "");
    return this.getAttribute("value") ?? (this.type === "checkbox" || this.type === "radio" ? "on" : "");
  }
  set value(value) {
    if (this.type === "file") { if (textOf(value) === "") this[FILES] = []; return; }
    if (TYPED.has(this.type)) this[VALUE] = sanitised(this, textOf(value));
    else this.setAttribute("value", textOf(value));
  }
  get valueAsNumber() { return this.type === "number" || this.type === "range" ? (this.value === "" ? NaN : +this.value) : NaN; }
  set valueAsNumber(value) { this.value = `${value}`; }
  get checked() { return this[CHECKED] ?? this.hasAttribute("checked"); }
  set checked(value) { this[CHECKED] = !!value; if (value && this.type === "radio") for (const other of groupOf(this)) if (other !== this) other[CHECKED] = false; }
  get files() { return this.type === "file" ? listOf(() => this[FILES] ?? [], FileList) : null; }
  set files(files) { this[FILES] = [...files]; }
  get list() { const id = this.getAttribute("list"); return id ? document.getElementById(id) : null; }
  stepUp(count = 1) { this.value = `${(+this.value || 0) + count * numberOr(this.getAttribute("step"), 1)}`; }
  stepDown(count = 1) { this.stepUp(-count); }
  select() {}
}
class FileList {}
class HTMLTextAreaElement extends HTMLElement {
  get type() { return "textarea"; }
  get value() { return (this[VALUE] ?? this.textContent).replace(/\r\n?/g, "\n"); }
  set value(value) { this[VALUE] = textOf(value); }
  get defaultValue() { return this.textContent; }
  set defaultValue(value) { this.textContent = value; }
  get textLength() { return this.value.length; }
  select() {}
}
class HTMLButtonElement extends HTMLElement {
  get value() { return this.getAttribute("value") ?? ""; }
  set value(value) { this.setAttribute("value", value); }
}
class HTMLOptionElement extends HTMLElement {
  get value() { return this.getAttribute("value") ?? this.text; }
  set value(value) { this.setAttribute("value", value); }
  get text() { return this.textContent.trim().replace(/[\t\n\f\r ]+/g, " "); }
  set text(value) { this.textContent = value; }
  get label() { return this.getAttribute("label") || this.text; }
  get selected() { const select = selectOf(this); if (select) prepare(select); return isChosen(this); }
  set selected(value) {
    const select = selectOf(this);
    if (select) prepare(select);
    this[SELECTED] = !!value;
    this[READY] = true;
    if (!select || select.multiple) return;
    if (value) for (const other of optionsOf(select)) { if (other !== this) other[SELECTED] = false; }
    else chooseFirst(select);
  }
  get index() { const select = selectOf(this); return select ? optionsOf(select).indexOf(this) : 0; }
}
class HTMLSelectElement extends HTMLElement {
  get type() { return this.multiple ? "select-multiple" : "select-one"; }
  get options() { return listOf(() => optionsOf(this), HTMLCollection); }
  get length() { return optionsOf(this).length; }
  get selectedOptions() { return listOf(() => chosenOf(this), HTMLCollection); }
  get selectedIndex() { const chosen = chosenOf(this); return chosen.length ? optionsOf(this).indexOf(chosen[0]) : -1; }
  set selectedIndex(index) { this[READY] = true; optionsOf(this).forEach((one, i) => { one[SELECTED] = i === +index; }); }
  get value() { return chosenOf(this)[0]?.value ?? ""; }
  set value(value) {
    this[READY] = true;
    const options = optionsOf(this);
    const found = options.find((one) => one.value === `${value}`);
    for (const one of options) { one[SELECTED] = one === found; one[READY] = true; }
  }
  add(option, before = null) { this.insertBefore(option, before); }
}
const optionsOf = (select) => idsOf(host.select(select[ID], "option")).map(wrap);
const selectOf = (option) => option.closest("select");
const isChosen = (option) => option[SELECTED] ?? option.hasAttribute("selected");
const chosenOf = (select) => { prepare(select); return optionsOf(select).filter(isChosen); };
// Choose an option where a menu shows one: the last that is selected, or the first that can be.
const prepare = (select) => {
  if (select[READY]) return;
  select[READY] = true;
  if (select.multiple) return;
  const chosen = optionsOf(select).filter(isChosen);
  for (const one of chosen.slice(0, -1)) one[SELECTED] = false;
  if (!chosen.length) chooseFirst(select);
};
const chooseFirst = (select) => {
  if (select.multiple || +(select.getAttribute("size") ?? 1) > 1) return;
  const first = optionsOf(select).find((one) => !isDisabled(one));
  if (first) first[SELECTED] = true;
};
class HTMLFormElement extends HTMLElement {
  get elements() {
    const items = () => controlsOf(this).filter((one) => one.type !== "image");
    return listOf(items, HTMLFormControlsCollection, (name) => items().find((one) => one.id === name || one.name === name));
  }
  get length() { return this.elements.length; }
  get action() { return resolve(this.getAttribute("action") || document.URL).href; }
  set action(value) { this.setAttribute("action", value); }
  get encoding() { return this.enctype; }
  checkValidity() { return invalidIn(this).length === 0; }
  reportValidity() { return isSendable(this); }
  submit() { sendForm(this, null); }
  requestSubmit(submitter = null) { submitForm(this, submitter); }
  reset() {
    if (!dispatch(this, new Event("reset", { bubbles: true, cancelable: true }))) return;
    for (const one of controlsOf(this)) {
      one[VALUE] = one[CHECKED] = one[FILES] = one[READY] = undefined;
      if (one instanceof HTMLSelectElement) for (const option of optionsOf(one)) option[SELECTED] = option[READY] = undefined;
    }
  }
}
class HTMLFormControlsCollection extends HTMLCollection {}
class HTMLFieldSetElement extends HTMLElement { get elements() { return listOf(() => select(this, CONTROLS), HTMLCollection); } }
class HTMLOutputElement extends HTMLElement {
  get value() { return this.textContent; }
  set value(value) { this.textContent = value; }
}
class HTMLLabelElement extends HTMLElement {
  get control() {
    const id = this.getAttribute("for");
    const found = id !== null ? document.getElementById(id) : select(this, "button,input,meter,output,progress,select,textarea")[0];
    return found && LABELABLE.has(found.localName) && found.type !== "hidden" ? found : null;
  }
  get form() { return this.control?.form ?? null; }
}
const LABELABLE = new Set(["button", "input", "meter", "output", "progress", "select", "textarea"]);
const CONTROLS = "button,fieldset,input,object,output,select,textarea";
const formOf = (control) => {
  const id = control.getAttribute("form");
  if (id !== null) { const form = document.getElementById(id); return form instanceof HTMLFormElement ? form : null; }
  return control.parentElement?.closest("form") ?? null;
};
const controlsOf = (form) => select(wrap(host.root(form[ID])), CONTROLS).filter((one) => formOf(one) === form);
const groupOf = (radio) => {
  const name = radio.getAttribute("name");
  if (!name) return [radio];
  const form = formOf(radio);
  return select(wrap(host.root(radio[ID])), "input").filter((one) => one.type === "radio" && one.getAttribute("name") === name && formOf(one) === form);
};
const isDisabled = (element) => {
  if (!(element instanceof HTMLElement) || !DISABLEABLE.has(element.localName)) return false;
  if (element.hasAttribute("disabled")) return true;
  if (element.localName === "option") return element.parentElement?.localName === "optgroup" && element.parentElement.hasAttribute("disabled");
  for (let set = element.parentElement?.closest("fieldset[disabled]"); set; set = set.parentElement?.closest("fieldset[disabled]")) {
    const legend = [...set.children].find((one) => one.localName === "legend");
    if (!legend?.contains(element)) return true;
  }
  return false;
};
const DISABLEABLE = new Set(["button", "fieldset", "input", "optgroup", "option", "select", "textarea"]);

for (const Class of [HTMLInputElement, HTMLButtonElement, HTMLSelectElement, HTMLTextAreaElement, HTMLFieldSetElement, HTMLOutputElement]) {
  property(Class, "name", "text");
  property(Class, "disabled", "flag");
  Object.defineProperty(Class.prototype, "form", { get() { return formOf(this); }, configurable: true });
  Object.defineProperty(Class.prototype, "labels", {
    get() { return listOf(() => select(document, "label").filter((label) => label.control === this)); }, configurable: true,
  });
  mix(Class, {
    get willValidate() { return canBeInvalid(this); },
    get validity() { return validityOf(this); },
    get validationMessage() { return canBeInvalid(this) ? messageOf(this) : ""; },
    checkValidity() { return checkOne(this); },
    reportValidity() { const isValid = checkOne(this); if (!isValid) this.focus(); return isValid; },
    setCustomValidity(text) { this[CUSTOM] = `${text}`; },
  });
}
for (const Class of [HTMLInputElement, HTMLTextAreaElement]) {
  for (const name of ["required", "readOnly"]) property(Class, name, "flag");
  property(Class, "placeholder", "text");
  for (const name of ["maxLength", "minLength"]) property(Class, name, "number", name.toLowerCase(), -1);
}
for (const name of ["min", "max", "step", "pattern", "accept", "alt"]) property(HTMLInputElement, name, "text");
property(HTMLInputElement, "defaultValue", "text", "value");
property(HTMLInputElement, "defaultChecked", "flag", "checked");
property(HTMLInputElement, "size", "number", "size", 20);
for (const Class of [HTMLInputElement, HTMLSelectElement]) property(Class, "multiple", "flag");
for (const Class of [HTMLInputElement, HTMLTextAreaElement, HTMLFormElement]) property(Class, "autocomplete", "text");
property(HTMLTextAreaElement, "rows", "number", "rows", 2);
property(HTMLTextAreaElement, "cols", "number", "cols", 20);
property(HTMLSelectElement, "required", "flag");
property(HTMLButtonElement, "type", "oneOf", "type", ["submit", "reset", "button"], "submit");
property(HTMLOptionElement, "disabled", "flag");
property(HTMLOptionElement, "defaultSelected", "flag", "selected");
property(HTMLFormElement, "name", "text");
property(HTMLFormElement, "noValidate", "flag");
property(HTMLFormElement, "method", "oneOf", "method", ["get", "post", "dialog"], "get");
property(HTMLFormElement, "enctype", "oneOf", "enctype", ["multipart/form-data", "text/plain", "application/x-www-form-urlencoded"], "application/x-www-form-urlencoded");
property(HTMLFormElement, "target", "text");
property(HTMLLabelElement, "htmlFor", "text", "for");

// Attributes and children that change what a control shows.
const stateFollows = (element, name, oldValue, value) => {
  if (element instanceof HTMLOptionElement && name === "selected") {
    const select = selectOf(element);
    if (!element[READY]) {
      element[SELECTED] = value !== null;
      if (select && !select.multiple) {
        if (value !== null) for (const other of optionsOf(select)) { if (other !== element) other[SELECTED] = false; }
        else if (!optionsOf(select).some(isChosen)) chooseFirst(select);
      }
    }
  }
  if (element instanceof HTMLInputElement && name === "checked" && element[CHECKED] === undefined && value !== null && element.type === "radio") {
    for (const other of groupOf(element)) if (other !== element && other.checked) other[CHECKED] = false;
  }
  if (element instanceof HTMLDetailsElement && name === "open" && (oldValue === null) !== (value === null)) {
    later(() => dispatch(element, new ToggleEvent("toggle", { oldState: value === null ? "open" : "closed", newState: value === null ? "closed" : "open" })));
  }
};
const childrenChanged = (parent) => {
  let select = parent;
  while (select !== null && select[NAME] !== "select") select = parentOf(select);
  if (select === null || select.multiple || !select[READY]) return;
  const chosen = optionsOf(select).filter(isChosen);
  for (const one of chosen.slice(0, -1)) one[SELECTED] = false;
  if (!chosen.length) chooseFirst(select);
};
const copyState = (node, clone, isDeep) => {
  const pairs = isDeep && node.childNodes.length ? [[node, clone], ...select(node, "input,textarea,script").map((one, i) => [one, i])] : [[node, clone]];
  const inside = pairs.length > 1 ? select(clone, "input,textarea,script") : [];
  for (const [from, to] of pairs) {
    const target = typeof to === "number" ? inside[to] : to;
    for (const symbol of [VALUE, CHECKED, STARTED]) if (from[symbol] !== undefined) target[symbol] = from[symbol];
  }
};

// The fields of a form as they are sent.
const entriesOf = (form, submitter) => {
  const entries = [];
  for (const one of controlsOf(form)) {
    const { localName } = one;
    if (isDisabled(one) || localName === "fieldset" || localName === "output" || localName === "object" || one.closest("datalist")) continue;
    const name = one.getAttribute("name") ?? "";
    const isButton = localName === "button" || (localName === "input" && BUTTONS.has(one.type));
    if (isButton && one !== submitter) continue;
    if (localName === "input" && (one.type === "checkbox" || one.type === "radio") && !one.checked) continue;
    if (!name) continue;
    if (localName === "select") {
      for (const option of chosenOf(one)) if (!isDisabled(option)) entries.push([name, option.value]);
    } else if (one.type === "file") {
      const files = [...one.files];
      for (const file of files.length ? files : [new File([], "", { type: "application/octet-stream" })]) entries.push([name, file]);
    } else {
      entries.push([name, one.value]);
    }
  }
  return entries;
};

const submitForm = (form, submitter) => {
  const skipsChecks = form.noValidate || submitter?.hasAttribute("formnovalidate");
  if (!skipsChecks && !isSendable(form)) return;
  if (!form.isConnected) return;
  if (dispatch(form, new SubmitEvent("submit", { bubbles: true, cancelable: true, submitter }))) sendForm(form, submitter);
};
const sendForm = (form, submitter) => {
  const of = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? "";
  const method = of("method").toLowerCase();
  if (method === "dialog") { form.closest("dialog")?.close(submitter?.value); return; }
  const url = resolve(of("action") || document.URL);
  const entries = entriesOf(form, submitter);
  if (method === "post") {
    const isMultipart = of("enctype").toLowerCase() === "multipart/form-data";
    const data = isMultipart ? entries.map(([name, value]) => partOf(name, value)) : `${new URLSearchParams(entries.map(([name, value]) => [name, (value instanceof File ? value.name : value).replace(/\r\n?|\n/g, "\r\n")]))}`;
    host.navigate(url.href, "POST", JSON.stringify(data));
    return;
  }
  url.search = `${new URLSearchParams(entries.map(([name, value]) => [name, value instanceof File ? value.name : value]))}`;
  host.navigate(url.href, "GET", "null");
};
const partOf = (name, value) => (value instanceof Blob
  ? { name, filename: value.name ?? "blob", type: value.type, bytes: value[BYTES] }
  : { name, value: `${value}`.replace(/\r\n?|\n/g, "\r\n") });
