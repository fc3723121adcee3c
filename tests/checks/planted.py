"""Twenty mistakes for copies of the example, each with the place and a part of the message that the check gives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A change of one file that a user could make by mistake."""

    title: str
    file: str
    right: str
    wrong: str
    #: The text at which the finding is, the first one in the changed text.
    at: str
    #: A part of the finding's text.
    says: str
    #: Another file in which the finding is; then ``at`` is its first occurrence there.
    found_in: str = ""
    #: The number of the copy that has it: some mistakes are at the same place, or hide others.
    copy: int = 1


MISTAKES = [
    # Names
    Mistake(
        "a handler's name",
        "templates/counter.html",
        "datastar.post('increment')",
        "datastar.post('incremnt')",
        "'incremnt'",
        "did you mean 'increment'?",
    ),
    Mistake(
        "an event's name",
        "templates/todo.html",
        "datastar.post('rename')",
        "datastar.post('renam')",
        "'renam'",
        "did you mean 'rename'?",
    ),
    Mistake(
        "a stream's name",
        "templates/clock.html",
        "datastar.open_stream('tick')",
        "datastar.open_stream('tik')",
        "'tik'",
        "did you mean 'tick'?",
    ),
    Mistake(
        "a region's name",
        "templates/dashboard.html",
        'datastar.show("board.people")',
        'datastar.show("board.peple")',
        '"board.peple"',
        "did you mean 'board.people'?",
    ),
    Mistake(
        "a helper's name",
        "templates/clock.html",
        "datastar.open_stream",
        "datastar.opn_stream",
        "opn_stream",
        "did you mean 'open_stream'?",
        copy=2,
    ),
    # Verbs
    Mistake(
        "a verb that the handler does not take",
        "templates/search.html",
        'data-on:submit="{{ datastar.get(',
        'data-on:submit="{{ datastar.post(',
        "post(",
        "takes GET, not POST",
    ),
    Mistake(
        "GET for a handler that writes",
        "templates/counter.html",
        "datastar.post('reset')",
        "datastar.get('reset')",
        "get(",
        "takes POST, PUT, PATCH, DELETE, not GET",
    ),
    # Parameters
    Mistake(
        "a parameter's name",
        "templates/todo.html",
        "datastar.post('check', item=item.id",
        "datastar.post('check', itm=item.id",
        "itm=",
        "did you mean 'item'?",
    ),
    Mistake(
        "the parameter of another handler of that name",
        "templates/todo.html",
        "datastar.delete('delete', item=item.id)",
        "datastar.delete('delete', card=item.id)",
        "card=",
        "todo.delete has no parameter 'card'",
    ),
    Mistake(
        "an option's name",
        "templates/import.html",
        "_content_type='form'",
        "_contenttype='form'",
        "_contenttype",
        "did you mean '_content_type'?",
    ),
    Mistake(
        "a required parameter that is left out",
        "templates/_columns.html",
        "datastar.post('move', card=card.id, step=1)",
        "datastar.post('move', card=card.id)",
        "post('move', card=card.id)",
        "write datastar.post(…, step=…)",
    ),
    # Attributes
    Mistake(
        "an attribute's name",
        "templates/clock.html",
        'data-text="$time"',
        'data-txt="$time"',
        "data-txt",
        "did you mean data-text?",
        copy=2,
    ),
    Mistake(
        "the syntax before v1.0",
        "templates/counter.html",
        "data-on:click=\"{{ datastar.post('finish') }}\"",
        "data-on-click=\"{{ datastar.post('finish') }}\"",
        "data-on-click",
        "write data-on:click",
    ),
    Mistake(
        "an event's name that browsers do not send",
        "templates/login.html",
        "data-on:submit",
        "data-on:sumbit",
        "sumbit",
        "did you mean 'submit'?",
    ),
    # Modifiers
    Mistake(
        "a modifier's name",
        "templates/search.html",
        "data-on:input__debounce.200ms",
        "data-on:input__debonce.200ms",
        "debonce",
        "did you mean debounce?",
    ),
    Mistake(
        "a modifier's tag",
        "templates/signup.html",
        "data-on:input__debounce.300ms",
        "data-on:input__debounce.300msec",
        "300msec",
        "accepted: a time such as 500ms",
    ),
    # Ids
    Mistake(
        "an id in Python",
        "csv_import.py",
        'to="problems"',
        'to="problem"',
        '"problem"',
        "did you mean 'problems'?",
    ),
    Mistake(
        "an id in a template",
        "templates/counter.html",
        'id="history"',
        'id="hstory"',
        '"history", mode',
        "did you mean 'hstory'?",
        found_in="counter.py",
        copy=2,
    ),
    # Signals
    Mistake(
        "a signal that an input is bound to",
        "templates/todo.html",
        'data-bind="text"',
        'data-bind="txt"',
        "txt",
        "did you mean 'text'?",
    ),
    Mistake(
        "a signal that a handler takes",
        "board.py",
        'def join(name: str = "")',
        'def join(nmae: str = "")',
        "nmae: str",
        "did you mean 'name'",
    ),
]
