// One entry of the timeline: what the server has recorded of a request or a rendering, as elements. All texts are set as
// text, whatever they contain.

const REASONS = {
  done: 'done: the server has ended it, and the page does not come back',
  replaced: 'replaced: a newer stream of this tab took its place',
  restart: 'restart: the server has ended it, and the page comes back',
  stopping: 'stopping: the server stops, and the page comes back',
  age: 'age: it was open for as long as a stream may be, and the page comes back',
  slow: 'slow: the page has read too slowly, and comes back',
  refused: 'refused: there was no place for it',
  failed: 'failed: an exception was raised in it, and the page comes back',
  left: 'left: the page has closed it, or the connection was lost',
}

const MOST_EVENTS = 200

export function make(tag, attributes = {}, ...children) {
  const el = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value)
  el.append(...children.filter((child) => child !== null && child !== undefined))
  return el
}

const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2))
const isEmpty = (value) => value === undefined || value === null || (typeof value === 'object' && !Object.keys(value).length)
const shorten = (text, length = 90) => (text.length > length ? `${text.slice(0, length)}…` : text)

export class Entry {
  constructor(key, onCopy) {
    this.key = key
    this.facts = {}
    // The newest ones, and the number of all.
    this.events = []
    this.count = 0
    this.summary = make('summary')
    this.sections = make('div')
    this.eventList = make('div', { class: 'events' })
    this.copied = make('div')
    this.details = make('details', { class: 'entry' }, this.summary)
    this.details.addEventListener('toggle', () => this.details.open && this.showBody())
    this.el = make('li', {}, this.details)
    this.onCopy = onCopy
  }

  add(item) {
    if (item.event) {
      this.events.push(item.event)
      this.count += 1
      if (this.events.length > MOST_EVENTS) {
        this.events.shift()
        this.eventList.firstElementChild?.remove()
      }
      if (item.event.overlay) this.facts.overlay = item.event.overlay
      if (this.body) this.eventList.append(this.eventElement(item.event))
    } else {
      Object.assign(this.facts, item)
      if (this.body) this.showSections()
    }
    this.showSummary()
  }

  get problem() {
    const { error, overlay, refusal, status, reason } = this.facts
    if (error) return `${error.type}: ${error.message}`
    if (overlay) return overlay
    if (status >= 400) return `refused with ${status}${refusal ? `: ${refusal}` : ''}`
    if (this.facts['content-encoding']) return `not readable: encoded as ${this.facts['content-encoding']}`
    return reason === 'failed' || reason === 'refused' || reason === 'slow' ? REASONS[reason] : null
  }

  get name() {
    const { kind, region, arguments: values, handler, path } = this.facts
    if (kind !== 'render') return kind === 'page' || !handler ? path : handler
    return `${region}(${Object.entries(values).map(([name, text]) => `${name}=${text}`).join(', ')})`
  }

  get text() {
    return JSON.stringify([this.facts, this.events]).toLowerCase()
  }

  showSummary() {
    const { kind, method, at, status, seconds, has_ended: hasEnded, cause, viewers, has_changed: hasChanged, reason } = this.facts
    const time = new Date(at)
    const label = kind === 'render' ? 'render' : kind === 'stream' ? 'stream' : `${kind === 'page' ? 'page ' : ''}${method}`
    const pieces = []
    if (kind === 'render') pieces.push(cause, `${viewers} viewer${viewers === 1 ? '' : 's'}`, hasChanged ? null : 'unchanged')
    else {
      if (status) pieces.push(String(status))
      if (this.count) pieces.push(`${this.count} event${this.count === 1 ? '' : 's'}`)
      if (!hasEnded) pieces.push(kind === 'stream' ? 'open' : 'running')
      else if (kind === 'stream') pieces.push(`ended: ${reason ?? 'unknown'}`)
    }
    if (seconds !== undefined && kind !== 'stream') pieces.push(`${(seconds * 1000).toFixed(1)} ms`)
    const clock = `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`
    const problem = this.problem
    this.summary.replaceChildren(
      make('time', { datetime: time.toISOString() }, clock),
      make('span', { class: `kind ${kind}` }, label),
      make('span', {}, this.name),
      make('span', { class: 'dim' }, pieces.filter(Boolean).join(' · ')),
    )
    if (problem) this.summary.append(make('span', { class: 'bad' }, shorten(problem, 160)))
  }

  showBody() {
    if (this.body) return
    const canCopy = this.facts.method !== undefined
    const button = (how, label) => {
      const el = make('button', { type: 'button' }, label)
      el.addEventListener('click', () => this.onCopy(this, how))
      return el
    }
    this.body = make(
      'div', { class: 'body' }, this.sections,
      canCopy ? button('curl', 'Copy as curl') : null, ' ',
      canCopy && this.facts.kind === 'action' ? button('test', 'Copy as test') : null,
      this.copied, this.eventList,
    )
    this.details.append(this.body)
    this.eventList.append(...this.events.map((event) => this.eventElement(event)))
    this.showSections()
  }

  showSections() {
    const facts = this.facts
    const rows = [
      ['Handler', facts.function], ['Source', facts.source], ['Request', facts.method && `${facts.method} ${facts.path}`],
      ['From page', facts.page], ['Tab', facts.tab], ['Leads to', facts.location], ['Cause', facts.cause], ['Viewers', facts.viewers],
      ['Follows', facts.follows && (facts.follows.join(', ') || 'no topic and no region')], ['Ended', REASONS[facts.reason]],
    ]
    if (facts.has_unseen_queries) rows.push(['Queries', 'not recorded: set SQLALCHEMY_RECORD_QUERIES = True'])
    if (facts['datastar-repeat-ignored']) rows.push(['Repeat', 'of a click whose answer is not kept: the handler did not run'])
    const list = make('dl')
    for (const [name, value] of rows) if (!isEmpty(value) && value !== '') list.append(make('dt', {}, name), make('dd', {}, String(value)))
    this.sections.replaceChildren(list)
    this.section('Error', facts.error?.traceback)
    this.section('Refused because', facts.refusal)
    this.section('Parameters', facts.parameters)
    this.section('Signals sent', facts.signals)
    this.section('Form', facts.form)
    this.section('Body', facts.body)
    this.section('Queries', facts.queries?.map((query) => `${query.ms} ms  ${query.statement}\n    ${query.parameters}`).join('\n'))
    if (facts.kind !== 'render' && facts.kind !== 'page') {
      this.sections.append(make('h2', {}, this.events.length || !facts.has_ended ? 'Events' : 'Events: none. What a stream brought is in its own entry'))
    }
  }

  section(title, value) {
    if (!isEmpty(value) && value !== '') this.sections.append(make('h2', {}, title), make('pre', { tabindex: '0' }, pretty(value)))
  }

  eventElement(event) {
    const { elements, signals, selector, mode } = event.arguments
    const ids = [...(elements ?? '').matchAll(/^<[^>]*?\sid=["']?([^"'\s>]+)/gm)].map((found) => `#${found[1]}`)
    const what = signals ?? [mode, selector ?? ids.join(', ')].filter(Boolean).join(' ')
    const title = `${event.type.replace(/^datastar-/, '') || `id ${event.event_id}`}  ${shorten(what)}`
    const after = event.at - this.facts.at
    const text = Object.entries(event.arguments).map(([name, value]) => `${name}: ${value}`).join('\n')
    return make(
      'details', {},
      make('summary', {}, make('code', {}, title), make('span', { class: 'dim' }, `  ${event.size} bytes, after ${after} ms`)),
      make('pre', { tabindex: '0' }, text || 'no data'),
    )
  }

  clearEvents() {
    this.events = []
    this.count = 0
    this.eventList.replaceChildren()
    this.showSummary()
  }

  showCopied(text) {
    const area = make('textarea', { readonly: '', 'aria-label': 'The copied text', spellcheck: 'false' })
    area.value = text
    this.copied.replaceChildren(area)
    return area
  }
}
