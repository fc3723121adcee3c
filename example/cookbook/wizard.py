"""A wizard: a form in steps, each checked by the server, which a reload does not lose."""

from flask import render_template, session
from wtforms import EmailField, Form, StringField
from wtforms.validators import DataRequired, Length, Regexp

from example.cookbook.pages import bp
from example.extensions import datastar


class Guest(Form):
    name = StringField("Name", [DataRequired("Who is coming?"), Length(max=40)])
    email = EmailField("E-mail", [Length(max=80), Regexp(r"[^@\s]+@[^@\s]+$", message="This is not an address.")])


class Stay(Form):
    city = StringField("City", [DataRequired("Where to?"), Length(max=40)])
    nights = StringField("Nights", [Regexp(r"[1-9]\d?$", message="Between 1 and 99.")])


STEPS = [Guest, Stay]


@bp.get("/wizard")
def wizard() -> str:
    return render_template("cookbook/wizard.html", **show(session.get("step", 0)))


@datastar.handler
def next() -> None:
    step = session.get("step", 0)
    if step == len(STEPS):
        return  # a late click on a step that is done
    form = datastar.form(STEPS[step])
    if form.validate():
        session["booking"] = session.get("booking", {}) | form.data
        go(step + 1)
    else:
        datastar.show_errors(form)


@datastar.handler
def back() -> None:
    go(max(session.get("step", 0) - 1, 0))


@datastar.handler
def finish() -> None:
    session.pop("booking", None)
    datastar.signal("message", "Booked. Have a nice journey!")
    go(0)


def go(step: int) -> None:
    session["step"] = step
    datastar.patch_template("cookbook/wizard.html", block="step", context={**show(step), "is_new": True})


def show(step: int) -> dict[str, object]:
    booking = session.get("booking", {})
    form = STEPS[step](data=booking) if step < len(STEPS) else None
    if form:
        datastar.show_errors(form)  # none yet, so messages of another step go
    return {"step": step, "steps": len(STEPS) + 1, "form": form, "booking": booking}
