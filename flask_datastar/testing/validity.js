// Checks of form controls, as far as they need no typing: required, types, ranges, patterns.

const EMAIL = /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const FLAWS = ["valueMissing", "typeMismatch", "patternMismatch", "tooLong", "tooShort", "rangeUnderflow", "rangeOverflow", "stepMismatch", "badInput", "customError"];

const canBeInvalid = (control) => {
  if (isDisabled(control) || control.closest("datalist")) return false;
  if (control instanceof HTMLInputElement) return !["hidden", "button", "reset"].includes(control.type) && !control.hasAttribute("readonly");
  if (control instanceof HTMLTextAreaElement) return !control.hasAttribute("readonly");
  if (control instanceof HTMLButtonElement) return control.type === "submit";
  return control instanceof HTMLSelectElement;
};

const isMissing = (control) => {
  if (!control.hasAttribute("required")) return false;
  if (control instanceof HTMLSelectElement) {
    const chosen = chosenOf(control).filter((one) => !isDisabled(one));
    return chosen.length === 0 || (!control.multiple && chosen[0].value === "");
  }
  if (control.type === "checkbox") return !control.checked;
  if (control.type === "radio") return !groupOf(control).some((one) => one.checked);
  if (control.type === "file") return control.files.length === 0;
  return !["range", "color", "submit", "image", "reset", "button", "hidden"].includes(control.type) && control.value === "";
};

const flawsOf = (control) => {
  const flaws = new Set();
  if (isMissing(control)) flaws.add("valueMissing");
  if (control[CUSTOM]) flaws.add("customError");
  if (!(control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) || control.value === "") return flaws;
  const { type, value } = control;
  const limit = (name) => control.getAttribute(name);
  if (control[TYPED_BY_USER]) {
    if (limit("minlength") !== null && value.length < +limit("minlength")) flaws.add("tooShort");
    if (limit("maxlength") !== null && value.length > +limit("maxlength")) flaws.add("tooLong");
  }
  if (!(control instanceof HTMLInputElement)) return flaws;
  if (type === "email" && !(control.hasAttribute("multiple") ? value.split(",") : [value]).every((one) => EMAIL.test(one.trim()))) flaws.add("typeMismatch");
  if (type === "url" && !/^[a-z][a-z\d+.-]*:./i.test(value)) flaws.add("typeMismatch");
  if (limit("pattern") && ["text", "search", "tel", "url", "email", "password"].includes(type)) {
    let pattern = null;
    try { pattern = new RegExp(`^(?:${limit("pattern")})$`, "v"); } catch { pattern = null; }
    if (pattern && !pattern.test(value)) flaws.add("patternMismatch");
  }
  const isNumber = type === "number" || type === "range";
  if (isNumber || type in DATES) {
    const read = isNumber ? (text) => numberOr(text, null) : (text) => (text && DATES[type].test(text) ? text : null);
    const own = read(value);
    const [low, high] = [read(limit("min")), read(limit("max"))];
    if (low !== null && own < low) flaws.add("rangeUnderflow");
    if (high !== null && own > high) flaws.add("rangeOverflow");
    const step = numberOr(limit("step"), 1);
    if (isNumber && limit("step") !== "any" && step > 0) {
      const steps = (own - (low ?? numberOr(limit("value"), 0))) / step;
      if (Math.abs(steps - Math.round(steps)) > 1e-9) flaws.add("stepMismatch");
    }
  }
  return flaws;
};
const TYPED_BY_USER = Symbol("typed by user");

class ValidityState {}
const validityOf = (control) => {
  const flaws = canBeInvalid(control) ? flawsOf(control) : new Set();
  const state = new ValidityState();
  for (const name of FLAWS) state[name] = flaws.has(name);
  state.valid = flaws.size === 0;
  return state;
};
const messageOf = (control) => {
  const [flaw] = flawsOf(control);
  if (flaw === undefined) return "";
  return flaw === "customError" ? control[CUSTOM] : notInTab("validationMessage", control);
};
const checkOne = (control) => {
  if (!canBeInvalid(control) || flawsOf(control).size === 0) return true;
  dispatch(control, new Event("invalid", { cancelable: true }));
  return false;
};
const invalidIn = (form) => controlsOf(form).filter((one) => one.checkValidity && !checkOne(one));
// Where a browser shows a bubble at the first field: a test learns of it when its gesture has sent nothing.
const isSendable = (form) => {
  const invalid = invalidIn(form);
  if (!invalid.length) return true;
  host.noEffect("invalid", form[ID], JSON.stringify(invalid.map((one) => [one[ID], [...flawsOf(one)][0], one[CUSTOM] ?? ""])));
  invalid[0].focus();
  return false;
};
