"""What a page has become, in the form in which the browser's and the tab's can be compared."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import turbohtml

from flask_datastar.testing import DatastarClient

State = dict[str, Any]

#: In the browser, before the page's own scripts: notes requests, and what is still to come.
WATCH = """(() => {
  const sent = window.sentRequests = [];
  let open = 0, timers = new Map();
  const {fetch, setTimeout, clearTimeout} = window;
  const entries = (body) => body instanceof FormData || body instanceof URLSearchParams
    ? [...body].map(([name, value]) => [name, value instanceof File ? value.name : value]) : null;
  window.fetch = async (url, options = {}) => {
    const text = typeof options.body === 'string' ? options.body : null;
    sent.push([options.method ?? 'GET', new URL(url, document.baseURI).href, text, entries(options.body)]);
    open++;
    try {
      const response = await fetch(url, options);
      const done = response.clone().arrayBuffer().catch(() => {});
      done.then(() => setTimeout(() => open--, 0));
      return response;
    } catch (error) { open--; throw error }
  };
  window.setTimeout = (call, delay, ...values) => {
    const id = setTimeout((...given) => { timers.delete(id); call(...given) }, delay, ...values);
    timers.set(id, delay ?? 0);
    return id;
  };
  window.clearTimeout = (id) => { timers.delete(id); clearTimeout(id) };
  window.isIdle = () => open === 0 && ![...timers.values()].some((delay) => delay < 900);
  window.settled = () => new Promise((done) => {
    let quiet = 0;
    const look = () => { quiet = window.isIdle() ? quiet + 1 : 0; quiet > 1 ? done() : requestAnimationFrame(look) };
    requestAnimationFrame(look);
  });
})()"""

#: In the browser, after a gesture.
READ = """async () => {
  await window.settled();
  const {root} = await import('/static/datastar.js');
  const signals = JSON.parse(JSON.stringify(root, (_, value) => value instanceof Node ? {} : value));
  const states = [...document.querySelectorAll('input,textarea,select')].map((one) => [
    one.localName === 'select' ? [...one.selectedOptions].map((option) => option.value) : one.value,
    one.checked ?? null]);
  const url = location.pathname + location.search + location.hash, requests = window.sentRequests.splice(0);
  return {signals, html: document.body.outerHTML, states, active: document.activeElement?.id ?? '',
    title: document.title, url, requests};
}"""


def normal(html: str) -> str:
    """Return HTML with its attributes in order, without scripts."""
    tree = turbohtml.parse(html)
    for script in tree.select("script"):
        script.extract()
    for element in tree.select("*"):
        attributes = sorted((name, element.attr(name) or "") for name in element.attrs)
        for name, _ in attributes:
            del element.attrs[name]
        for name, value in attributes:
            element.attrs[name] = value
    return str(tree.select_one("body").inner_html)


def request_of(method: str, url: str, body: str | None, form: list[list[str]] | None) -> list[Any]:
    """Return a request of the browser as the tab notes it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    text = query.pop("datastar", body)
    return [method, parts.path, query, _value_of(text), dict(form) if form is not None else None]


def _value_of(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def browser_state(found: dict[str, Any]) -> State:
    """Return what :data:`READ` has given."""
    return found | {"html": normal(found["html"]), "requests": [request_of(*one) for one in found["requests"]]}


def tab_state(tab: DatastarClient) -> State:
    """Return the same of a tab."""
    requests = [[one.method, one.path, one.query, one.signals, one.form] for one in tab.requests]
    tab.requests.clear()
    page = tab._running_page()
    active = page.call("active")
    return {
        "signals": json.loads(json.dumps(tab.signals)),
        "html": normal(tab.html("body")),
        "states": [[value, checked] for _, value, checked in page.call("states")],
        "active": (page.document.node(active).attr("id") or "") if active else "",
        "title": tab.title,
        "url": tab.url,
        "requests": requests,
    }
