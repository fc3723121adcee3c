"""The usage rules that ``flask datastar rules`` writes."""

USAGE_RULES = """\
# Flask-Datastar

Rules for code that uses Flask-Datastar (`flask_datastar`, the client Datastar v1.0). `flask datastar check` finds most
breaches of them: run it after each change of templates or handlers.

## The shape of a page

```python
from flask import Flask, render_template

from flask_datastar import Datastar

app = Flask(__name__)
datastar = Datastar(app)


@app.get("/")
def index():
    datastar.signal("count", 0)
    return render_template("index.html")


@datastar.handler(group="counter")
def increment(count: int = 0):
    datastar.signal("count", count + 1)
```

```html+jinja
<!doctype html>
<html>
<head>{{ datastar.script() }}</head>
<body {{ datastar.tab_signal() }}>
  <main data-signals="{{ datastar.init_signals() }}">
    <button data-on:click="{{ datastar.post('increment') }}">+1</button>
    <output data-text="$count">{{ count }}</output>
  </main>
</body>
</html>
```

## Handlers

- Declare what the browser can call with `@datastar.handler`. Do not write a route for it, and do not write its URL by
  hand: templates name the handler, `{{ datastar.post('increment') }}`.
- A parameter is a value of the action, `datastar.post('remove', id=3)`, else the signal of its name. Annotate it: it is
  converted, and a value that does not fit is a 400. Do not parse `request.json`.
- Handlers take POST, PUT, PATCH and DELETE. A handler that only reads declares `methods=["GET"]`.
- Do not start, flush or return a response. Set signals and patch elements; the extension sends them.
- Check rights in the handler, in a decorator below `@datastar.handler`, or in a `before_request` function of its
  blueprint (`blueprint=bp`). Never take a user's id from a signal or a parameter.
- Answer with a status of 200. The client ignores the body of any other status. Redirect with `flask.redirect()`.
- For a page whose events share a record, write a class: `StarView`, `@event`, `@datastar.view("/lists/<int:number>")`.

## Signals and elements

- Keep what belongs to the server in the database, and send HTML. Use signals for input and for small view state.
- `datastar.signal("name", value)` sets a signal, `datastar.assign("name", value)` a name for templates only.
- Signals whose names start with `_` stay in the browser.
- `datastar.patch_template("page.html", block="list")` sends one block of the page's own template.
- `datastar.patch_elements(html, to="list", mode="append")` names its place with `to` (an id) or `selector`. Without
  them each top-level element needs an `id` that the page has.
- Format HTML with `Markup("<li>{}</li>").format(name)`, which escapes. Never use an f-string for values from users.
- Put a value into an expression with `{{ datastar.js(value) }}` or `{{ value|js }}`, never with quotes around `{{ }}`.

## Attributes

- Keys follow a colon, modifiers two underscores: `data-on:click`, `data-on:input__debounce.300ms`, `data-class:done`.
- HTML has no upper case in names: `data-signals:first-name` is `$firstName`. Prefer `data-bind="firstName"`.
- The attributes are: `data-attr`, `data-bind`, `data-class`, `data-computed`, `data-effect`, `data-ignore`,
  `data-ignore-morph`, `data-indicator`, `data-init`, `data-json-signals`, `data-on`, `data-on-intersect`,
  `data-on-interval`, `data-on-signal-patch`, `data-on-signal-patch-filter`, `data-preserve-attr`, `data-ref`,
  `data-show`, `data-signals`, `data-style`, `data-text`.
- Do not write the syntax from before v1.0: `data-on-click`, `data-on-load` (it is `data-init`), `data-model`,
  `data-store`, `merge_fragments`, `merge_signals`.
- Do not open a stream by hand. Write `data-init="{{ datastar.open_stream('feed') }}"`.

## Pages that stay up to date

- First choice: a region. It is rendered again after each commit that changes what it has read.

```python
@datastar.region(group="shop")
def items():
    return render_template("_items.html", items=db.session.scalars(db.select(Item)).all())
```

```html+jinja
{{ datastar.show("items") }}
{{ datastar.live() }}
```

- A region runs without a request: pass what it needs as arguments, `datastar.show("notices", person=person.id)`.
- Else a stream: `@datastar.stream` on a generator that loops over `datastar.every(1)`, `datastar.changes("topic")` or
  `datastar.subscribe("topic")`, and yields once a turn. Do not call `time.sleep` in a stream.
- Publish after the commit: `datastar.publish("topic")`, `datastar.broadcast("topic").patch_elements(html)`.
- Streams need gunicorn's gevent worker in production. With several processes set `DATASTAR_BROKER_URL`.

## Tests

- Test a page as a person uses it; the client runs in the test, without a browser (`pip install Flask-Datastar[testing]`
  and `flask datastar fetch-client`). Never sleep: each gesture returns when the page is at rest.

```python
from flask_datastar.testing import DatastarClient


def test_page():
    with DatastarClient(app) as tab:
        tab.load("/")
        tab.click(text="+1")
        assert tab.text("output") == "1"
```

- Gestures: `fill(label="Title", value="Tea")`, `check`, `select`, `upload`, `submit`, `press("Enter")`. Looks:
  `text("#items")`, `find_all("#items li")`, `value("#title")`, `is_visible`, `tab.signals`. Pages that stay up to date
  need no wait; `wait_for("#items", text="Tea")` is for what another thread or process does.
- `fill` cuts off what `maxlength` does not take, as a browser does.
- A handler without its page, which needs neither the extra nor the client's file:

```python
def test_increment():
    tab = DatastarClient(app)
    assert tab.post(increment, count=1).signals["count"] == 2
```
"""
