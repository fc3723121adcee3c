// The timeline's panel: what went between the tabs of this browser and the app. It lives in a shadow root beside the
// page's body, where no patch, style or signal of the page reaches it, and asks for nothing while it is closed.

import { Entry, make } from './entries.js'
import { gesturesFor, watchGestures } from './gestures.js'
import style from './style.js'

const HEADERS = { 'Datastar-Timeline': '1' }
const MOST_ENTRIES = 500
const OPEN_KEY = 'datastar-timeline'
const base = new URL('.', import.meta.url)
const isFull = location.pathname === base.pathname

function remembered(value) {
  try {
    if (value !== undefined) sessionStorage.setItem(OPEN_KEY, value)
    return sessionStorage.getItem(OPEN_KEY) === 'open'
  } catch {
    return false
  }
}

function ownTab() {
  try {
    return sessionStorage.getItem('datastar-tab')
  } catch {
    return null
  }
}

const isCovered = () => document.querySelector('dialog:modal') !== null
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const option = (value, text) => make('option', { value }, text)
const button = (text, attributes = {}) => make('button', { type: 'button', ...attributes }, text)

class Panel {
  entries = new Map()
  boot = ''
  last = 0
  isPaused = false
  polling = null

  constructor() {
    this.host = make('div', { id: 'datastar-timeline', 'data-ignore': '', 'data-ignore-morph': '' })
    const root = this.host.attachShadow({ mode: 'open' })
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    root.adoptedStyleSheets = [sheet]
    this.opener = button('Timeline', { class: 'open', title: 'Alt+Shift+D', 'aria-expanded': 'false' })
    this.filter = make('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter by any text' })
    this.tabs = make('select', { 'aria-label': 'Tabs' }, option('all', 'All tabs'), option('own', 'This tab'))
    const kinds = ['action', 'stream', 'render', 'page'].map((kind) => option(kind, `${kind[0].toUpperCase()}${kind.slice(1)}s`))
    this.kinds = make('select', { 'aria-label': 'Kinds' }, option('', 'Everything'), ...kinds, option('problem', 'Problems'))
    this.pauser = button('Pause', { 'aria-pressed': 'false' })
    this.clearer = button('Clear')
    this.closer = button('Close', { title: 'Alt+Shift+D' })
    this.status = make('p', { class: 'status', role: 'status' })
    this.list = make('ol', { 'aria-label': 'Newest first', tabindex: '0' })
    const head = make('header', {}, make('h1', {}, 'Timeline'), this.filter, this.tabs, this.kinds, this.pauser, this.clearer, isFull ? null : this.closer)
    this.panel = make('section', { class: isFull ? 'panel full' : 'panel', 'aria-label': 'Timeline', hidden: '' }, head, this.status, this.list)
    this.frame = make('dialog', { 'aria-label': 'Timeline' }, this.panel)
    root.append(this.opener, this.frame)
    this.listen()
  }

  listen() {
    this.opener.addEventListener('click', () => this.toggle(true))
    this.closer.addEventListener('click', () => this.toggle(false))
    this.pauser.addEventListener('click', () => this.setPaused(!this.isPaused))
    this.clearer.addEventListener('click', () => this.clear())
    this.filter.addEventListener('input', () => this.refilter())
    for (const select of [this.tabs, this.kinds]) select.addEventListener('change', () => this.refilter())
    // What is typed and clicked here is not the page's.
    for (const type of ['click', 'input', 'change', 'keyup', 'keypress', 'submit']) this.panel.addEventListener(type, (event) => event.stopPropagation())
    this.panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !isFull) {
        // It is not for the page's dialog behind.
        event.preventDefault()
        this.toggle(false)
      }
      event.stopPropagation()
    })
    // The browser's own way of closing it, such as the gesture "back".
    this.frame.addEventListener('cancel', (event) => { event.preventDefault(); this.toggle(false) })
    document.addEventListener('close', () => this.panel.hidden || this.fit(), { capture: true })
    window.addEventListener('keydown', (event) => this.noteKey(event), { capture: true })
    document.addEventListener('visibilitychange', () => this.poll())
  }

  noteKey(event) {
    if (event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey && event.code === 'KeyD' && !isFull) {
      event.preventDefault()
      event.stopImmediatePropagation()
      // A dialog that was opened since keeps everybody out of an open panel.
      this.toggle(this.panel.hidden || (isCovered() && !this.frame.matches(':modal')))
    }
  }

  attach() {
    const keep = () => this.host.isConnected || document.documentElement.append(this.host)
    keep()
    // A patch of the whole document removes what the server does not know.
    new MutationObserver(keep).observe(document.documentElement, { childList: true })
    if (isFull || remembered()) this.toggle(true, false)
  }

  toggle(isOpen, hasFocus = true) {
    this.panel.hidden = !isOpen
    this.opener.hidden = isOpen
    this.fit()
    this.opener.setAttribute('aria-expanded', String(isOpen))
    if (!isFull) remembered(isOpen ? 'open' : 'closed')
    if (hasFocus) (isOpen ? this.filter : this.opener).focus()
    this.poll()
  }

  // Beside a modal dialog of the page everything is inert, but for another modal dialog above it.
  fit() {
    const isModal = isCovered()
    if (this.panel.hidden || this.frame.matches(':modal') !== isModal) this.frame.close()
    if (this.panel.hidden || this.frame.open) return
    if (isModal) this.frame.showModal()
    // Not show(), which takes the focus.
    else this.frame.open = true
  }

  setPaused(isPaused) {
    this.isPaused = isPaused
    this.pauser.setAttribute('aria-pressed', String(isPaused))
    this.say(isPaused ? 'Paused: what happens now is shown when you go on' : '')
    this.poll()
  }

  say(text) {
    if (this.status.textContent !== text) this.status.textContent = text
  }

  // Asking the server

  get isAsking() {
    return !this.panel.hidden && !this.isPaused && !document.hidden
  }

  async poll() {
    if (!this.isAsking) return this.polling?.abort()
    if (this.polling) return
    const { signal } = (this.polling = new AbortController())
    while (!signal.aborted) await this.ask(signal).catch((error) => this.noteFailure(error, signal))
    this.polling = null
    // It may have been wanted again meanwhile.
    if (this.isAsking) this.poll()
  }

  async ask(signal) {
    const url = new URL(`items.json?after=${this.last}&boot=${this.boot}&wait=1`, base)
    const response = await fetch(url, { headers: HEADERS, signal })
    if (!response.ok) throw new Error(await response.text())
    const { boot, last, waits, items } = await response.json()
    if (this.boot && boot !== this.boot) this.say('The server has restarted')
    else if (this.status.classList.contains('failed')) this.say('')
    this.status.classList.remove('failed')
    this.boot = boot
    this.last = last
    this.take(items)
    if (!waits) await pause(700)
  }

  async noteFailure(error, signal) {
    if (signal.aborted) return
    this.status.classList.add('failed')
    this.say(`The server does not answer: ${error.message}`)
    await pause(1000)
  }

  async post(name, body) {
    const response = await fetch(new URL(name, base), { method: 'POST', headers: HEADERS, body })
    if (!response.ok) throw new Error(await response.text())
    return response.text()
  }

  // Showing

  take(items) {
    const touched = new Set()
    for (const item of items) {
      const key = `${this.boot}.${item.id}`
      let entry = this.entries.get(key)
      if (!entry) {
        // The rest of a request whose start is dropped tells nothing.
        if (!item.kind || !item.at) continue
        entry = new Entry(key, (...what) => this.copy(...what))
        this.entries.set(key, entry)
        this.list.prepend(entry.el)
      }
      entry.add(item)
      touched.add(entry)
    }
    for (const entry of touched) this.show(entry)
    while (this.entries.size > MOST_ENTRIES) {
      const [key, entry] = this.entries.entries().next().value
      entry.el.remove()
      this.entries.delete(key)
    }
  }

  show(entry) {
    const { facts } = entry
    const kind = this.kinds.value
    const isKind = !kind || (kind === 'problem' ? entry.problem !== null : facts.kind === kind)
    const isTab = this.tabs.value === 'all' || !facts.tab || facts.tab === ownTab()
    const text = this.filter.value.trim().toLowerCase()
    entry.el.hidden = !(isKind && isTab && (!text || entry.text.includes(text)))
  }

  refilter() {
    for (const entry of this.entries.values()) this.show(entry)
  }

  async clear() {
    for (const [key, entry] of this.entries) {
      // What goes on is still there.
      if (entry.facts.kind === 'stream' && !entry.facts.has_ended) entry.clearEvents()
      else if (this.entries.delete(key)) entry.el.remove()
    }
    await this.post('clear.json').catch((error) => this.say(error.message))
  }

  failedKeys() {
    const failed = [...this.entries.values()].filter(({ facts }) => facts.error || facts.status >= 400)
    return new Set(failed.map(({ facts }) => new URLSearchParams(facts.query).get('_k')).filter(Boolean))
  }

  async copy(entry, how) {
    const gestures = how === 'test' ? gesturesFor(entry.facts, this.failedKeys()) : null
    try {
      const text = await this.post('copy.txt', JSON.stringify({ id: entry.facts.id, as: how, gestures }))
      const area = entry.showCopied(text)
      area.select()
      // Missing on plain http, but for localhost.
      await navigator.clipboard?.writeText(text).then(() => this.say('Copied'), () => this.say('Copy the marked text'))
    } catch (error) {
      this.say(error.message)
    }
  }
}

watchGestures()
new Panel().attach()
