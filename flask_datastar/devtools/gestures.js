// The gestures of the person at this page since it was loaded, for "copy as test". They are only looked at: no event is
// stopped, no request is changed.

const MOST_STEPS = 60
const MOST_ELEMENTS = 3000
const MOST_RUNS = 200
// How long after a gesture the action that it has started may come: the client delays some.
const LONGEST_DELAY_MS = 10_000

const startPath = location.pathname + location.search
// What exceptions are shown in, and no test sees.
const OVERLAY = '#datastar-error'
const steps = []
// The runs of actions: when each started, the code of its element, the number of steps up to its gesture, and its URL once
// that is known.
const runs = []
let raw = null
let isComplete = true
// The click whose effects run.
let clicked = null

const isTextField = (el) =>
  el.matches('textarea, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=reset], [type=image], [type=file])')
const isOwn = (event) => event.composedPath().some((node) => node.id === 'datastar-timeline')

// Names of elements, as the testing kit takes them

const isOnly = (selector, el) => {
  const found = document.querySelectorAll(selector)
  return found.length === 1 && found[0] === el
}

const tidy = (text) => (text ?? '').split(/\s+/).filter(Boolean).join(' ')

function pathTo(el) {
  const parts = []
  for (let node = el; node && node !== document.documentElement; node = node.parentElement) {
    const own = node.id && `#${CSS.escape(node.id)}`
    if (own && isOnly(own, node)) return [own, ...parts].join(' > ')
    const alike = [...(node.parentElement?.children ?? [])].filter((other) => other.localName === node.localName)
    parts.unshift(alike.length > 1 ? `${node.localName}:nth-of-type(${alike.indexOf(node) + 1})` : node.localName)
    const selector = parts.join(' > ')
    if (isOnly(selector, el)) return selector
  }
  return parts.join(' > ')
}

function textOf(el) {
  const text = tidy(el.innerText)
  const all = document.body.getElementsByTagName('*')
  // What is shown takes a layout to know: not for thousands of elements at each click.
  if (!text || text.length > 60 || all.length > MOST_ELEMENTS) return null
  const isAlike = (other) => other.textContent.length < 300 && tidy(other.innerText) === text
  const alike = [...all].filter(isAlike)
  const innermost = alike.filter((other) => !alike.some((inner) => inner !== other && other.contains(inner)))
  return innermost.length === 1 && el.contains(innermost[0]) ? text : null
}

function labelOf(el) {
  const texts = (field) => [tidy(field.labels?.[0]?.innerText), field.getAttribute('aria-label'), field.placeholder]
  const label = texts(el).find(Boolean)
  const fields = [...document.querySelectorAll('input, select, textarea')]
  return label && fields.filter((field) => texts(field).includes(label)).length === 1 ? label : null
}

function named(el) {
  if (el.id && isOnly(`#${CSS.escape(el.id)}`, el)) return { selector: `#${CSS.escape(el.id)}` }
  const isField = el.matches('input, select, textarea')
  const label = isField ? labelOf(el) : null
  if (label) return { label }
  const text = isField ? null : textOf(el)
  return text ? { text } : { selector: pathTo(el) }
}

// Gestures

function add(el, step) {
  const last = steps.at(-1)
  if (last?.el === el && last.what.do === step.do && step.do === 'fill') steps.pop()
  // Without the first ones, the rest does not lead to where the page is.
  if (steps.length >= MOST_STEPS) isComplete = false
  else steps.push({ el, at: performance.now(), what: { ...step, ...named(el) } })
}

function handlesClick(el) {
  for (let node = el; node; node = node.parentElement) {
    if (node.getAttributeNames().some((name) => name.startsWith('data-on:click'))) return node
  }
  return null
}

function noteClick(event) {
  if (!event.isTrusted || isOwn(event) || !(event.target instanceof Element) || event.target.closest(OVERLAY)) return
  const control = event.target.closest('button, a, summary, label, input, select, textarea, option, [role=button]')
  const el = control ?? handlesClick(event.target)
  // The click on a label is followed by one on its field.
  if (!el || (el.localName === 'label' && el.control) || isTextField(el) || el.matches('select, option')) return
  if (el.matches('[type=file]')) isComplete = false
  else if (el.matches('[type=checkbox], [type=radio]')) add(el, { do: el.checked ? 'check' : 'uncheck' })
  else {
    add(el, { do: 'click' })
    clicked = steps.at(-1)
    setTimeout(() => { clicked = null })
  }
}

function noteInput(event) {
  const el = event.target
  if (!event.isTrusted || isOwn(event) || !(el instanceof Element)) return
  if (el.localName === 'select') add(el, { do: 'select', values: [...el.selectedOptions].map((option) => option.value) })
  else if (isTextField(el)) add(el, { do: 'fill', value: el.value })
  else if (el.isContentEditable) isComplete = false
}

// A click that sends a form with a wrong field sends nothing, and the testing kit fails at it.
function noteInvalid() {
  if (clicked) clicked.isStopped = true
}

const RAW = { keydown: 'press', mouseover: 'hover', focusin: 'focus', focusout: 'blur', change: 'blur' }
const RAW_ATTRIBUTE = {
  press: /^data-on:key/,
  hover: /^data-on:(mouse|pointer)(enter|over)/,
  focus: /^data-on:focus/,
  blur: /^data-on:(blur|focusout|change)/,
}

function noteRaw(event) {
  if (event.isTrusted && !isOwn(event)) {
    const keys = ['Control', 'Shift', 'Alt', 'Meta'].filter((name) => event[`${name.toLowerCase().replace('control', 'ctrl')}Key`])
    raw = { do: RAW[event.type], el: event.target, at: performance.now(), key: [...keys, event.key].join('+') }
  }
}

function noteStart(event) {
  const { type, el } = event.detail ?? {}
  if (type !== 'started' || !(el instanceof Element)) return
  const names = el.getAttributeNames()
  const now = performance.now()
  const isNear = (found) => found && now - found.at < LONGEST_DELAY_MS && (el.contains(found.el) || now - found.at < 50)
  let count = 0
  if (names.some((name) => name.startsWith('data-on:'))) {
    const index = steps.findLastIndex(isNear)
    const isRaw = isNear(raw) && raw.at > (steps[index]?.at ?? 0) && names.some((name) => RAW_ATTRIBUTE[raw.do].test(name))
    if (isRaw) add(raw.el instanceof Element ? raw.el : el, raw.do === 'press' ? { do: 'press', key: raw.key } : { do: raw.do })
    count = isRaw ? steps.length : index + 1
  }
  runs.push({ at: now, count, url: null, code: names.map((name) => el.getAttribute(name)).join(' ') })
  if (runs.length > MOST_RUNS) runs.shift()
}

function noteRequests(list) {
  for (const entry of list.getEntries()) {
    if (entry.initiatorType !== 'fetch') continue
    const url = new URL(entry.name)
    // The page may fetch other things by itself, and the panel does.
    const run = runs.findLast((one) => !one.url && one.at <= entry.startTime + 1 && one.code.includes(url.pathname))
    if (run) run.url = url
  }
}

const LISTENERS = { click: noteClick, input: noteInput, invalid: noteInvalid, ...Object.fromEntries(Object.keys(RAW).map((type) => [type, noteRaw])) }

export function watchGestures() {
  for (const [type, note] of Object.entries(LISTENERS)) window.addEventListener(type, note, { capture: true, passive: true })
  document.addEventListener('datastar-fetch', noteStart)
  new PerformanceObserver(noteRequests).observe({ type: 'resource' })
}

const keyOf = (run) => run.url?.searchParams.get('_k')

// The gestures up to the one that has started the request of an entry, without those whose action has failed, or that
// have sent no form: they would fail in the test. `failed` has the keys of these. Null if the gestures are not known.
export function gesturesFor(entry, failed) {
  const key = new URLSearchParams(entry.query).get('_k')
  const isIt = ({ url, at }) =>
    key
      ? url?.searchParams.get('_k') === key
      : url && decodeURI(url.pathname) === entry.path && Math.abs(performance.timeOrigin + at - entry.at) < 2000
  const run = runs.findLast(isIt)
  if (!run?.count || !isComplete) return null
  const left = new Set(runs.filter((one) => failed.has(keyOf(one))).map((one) => one.count - 1))
  left.delete(run.count - 1)
  const sent = new Set(runs.filter((one) => one.url).map((one) => one.count - 1))
  steps.forEach((step, index) => step.isStopped && !sent.has(index) && left.add(index))
  const taken = steps.slice(0, run.count).filter((step, index) => !left.has(index))
  return { path: startPath, steps: taken.map((step) => step.what) }
}
