"""A change of rules by a form: filled in, looked at with whom it touches, and then proposed to a second person."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from portal.desk import REFUSED, Desk, office
from portal.office.rule_fields import Field, FieldError, FieldsWrong
from portal.office.rule_forms import RuleForm, common_fields, forms, tables_of
from portal.office.rule_tariffs import tariff_of, tariffs_of
from portal.office.rulebook import impact_words
from portal.refusals import REFUSALS, in_words, sentences
from tariffs.domain.fields import RulebookRejected
from tariffs.operations import ChangeRefused, preview_change, propose_change

OF_THE_DAY = {"change_too_early", "not_the_day"}
FROM_FILE = {"billed_from": "effective_on"}


@office("rulebook")
def propose(desk: Desk, name: str) -> HttpResponse:
    """One form. POST with `look` shows what it would do; without it, proposes it."""
    form = forms().get(name)
    if form is None:
        raise Http404
    if name == "prices" and tariff_of(desk) is None:
        return desk.show("office/rule_tariffs.html", form=form, name=name, tariffs=tariffs_of(desk))
    if desk.request.method != "POST":
        return _show(desk, form, name)
    try:
        values = _values(desk, form)
        change: dict[str, Any] = {
            "kind": form.kind, "payload": tables_of(desk, form, values), "effective_on": desk.on("effective_on"),
            "at": desk.now,
        }  # fmt: skip
        if "look" in desk.request.POST:
            return _show(desk, form, name, impact=preview_change(**change))
        made = propose_change(**change, by=desk.user, note=values["note"] or "", source=values["source"])
    except FieldsWrong as wrong:
        return _show(desk, form, name, REFUSED, errors=wrong.errors)
    except REFUSALS as error:
        errors, others = _by_field(desk, form, error)
        return _show(desk, form, name, REFUSED, errors=errors, refusals=others)
    return desk.done(_("Proposed. Somebody else decides; below is whom it touches."), "proposal", made.pk)


def _values(desk: Desk, form: RuleForm) -> dict[str, Any]:
    """Every field, read. Raises FieldsWrong with all that cannot be."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for asked in (*form.fields(desk), *common_fields(desk)):
        try:
            values[asked.name] = asked.read(desk.text(asked.name))
        except FieldError as error:
            errors[asked.name] = str(error)
    if errors:
        raise FieldsWrong(errors)
    return values


def _by_field(desk: Desk, form: RuleForm, error: Exception) -> tuple[dict[str, str], list[str]]:
    """What the rulebook refuses, beside the field it speaks of where there is one."""
    names = {asked.name for asked in (*form.fields(desk), *common_fields(desk))}
    if isinstance(error, ChangeRefused) and error.code in OF_THE_DAY:
        return {"effective_on": in_words(str(error))}, []
    if not isinstance(error, RulebookRejected):
        return {}, sentences(error)
    errors: dict[str, str] = {}
    others = []
    for mistake in error.mistakes:
        last = mistake.place.rpartition(".")[2]
        name = FROM_FILE.get(last, last)
        if name in names:
            errors[name] = in_words(mistake.sentence)
        else:
            others.append(in_words(mistake.sentence))
    return errors, others


def _show(desk: Desk, form: RuleForm, name: str, status: int = 200, **more: Any) -> HttpResponse:
    errors: dict[str, str] = more.pop("errors", {})
    context: dict[str, Any] = {
        "form": form,
        "name": name,
        "own_fields": _shown(desk, form.fields(desk), errors),
        "common_fields": _shown(desk, common_fields(desk), errors),
        "wrong": bool(errors),
        "tariff": tariff_of(desk),
        **impact_words(),
    }
    return desk.show("office/rule_form.html", status, **context | more)


def _shown(desk: Desk, fields: list[Field], errors: dict[str, str]) -> list[dict[str, Any]]:
    sent = desk.request.POST if desk.request.method == "POST" else None
    return [
        {
            "field": asked,
            "value": asked.shown(None if sent is None else sent.get(asked.name, "")),
            "error": errors.get(asked.name, ""),
        }
        for asked in fields
    ]
