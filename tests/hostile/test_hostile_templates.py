"""Templates that want out, or never to end: each is over within the limit and has read nothing.

A quarter of them runs by default, all of them with RETORT_FULL_TESTS=1.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.chat.template import TemplateVariables
from engine.contract.chat import ChatMessage, ToolCallPart
from engine.contract.errors import TemplateBroken
from engine.worker.template_child import TIME_LIMIT_S, TemplateChild

SLACK_S = 1.5  # to be scheduled, killed and waited for on a busy machine
SECRET = "canary-5f1d3c"
MESSAGES = (
    ChatMessage(role="user", text="Hi"),
    ChatMessage(role="assistant", text="Yes", tool_calls=(ToolCallPart(name="f", arguments='{"a": [1]}'),)),
)
VARIABLES = TemplateVariables(
    special_tokens={"bos_token": "<s>"}, tools=({"type": "function", "function": {"name": "f"}},)
)
FILE = "CANARY_FILE"  # stands for the path of a file that holds the secret

REACHING_OUT = {
    "class": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "class by filter": "{{ '' | attr('__class__') }}",
    "class by item": "{{ ''['__class__'] }}",
    "class by map": "{{ [''] | map(attribute='__class__') | list }}",
    "class in pieces": "{{ '' | attr('__cl' ~ 'ass__') }}",
    "class by escapes": "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}",
    "class by select": "{{ [''] | selectattr('__class__') | list }}",
    "class by sort": "{{ ['', 'a'] | sort(attribute='__class__.__name__') }}",
    "class by groupby": "{{ [''] | groupby('__class__') }}",
    "class by sum": "{{ [''] | sum(attribute='__class__') }}",
    "globals of a function": "{{ raise_exception.__globals__ }}",
    "globals of a clock": "{{ strftime_now.__globals__['os'].environ }}",
    "code of a function": "{{ strftime_now.__code__.co_consts }}",
    "closure": "{{ raise_exception.__closure__ }}",
    "cycler": "{{ cycler.__init__.__globals__.os.popen('cat CANARY_FILE').read() }}",
    "joiner": "{{ joiner.__init__.__globals__.os.environ }}",
    "namespace": "{{ namespace.__init__.__globals__.os.environ }}",
    "namespace's own": "{{ namespace().__init__.__globals__ }}",
    "namespace's storage": "{{ namespace(a=1)._Namespace__attrs }}",
    "namespace set": "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__ }}",
    "namespace made with a class": "{{ namespace(__class__=dict, _Namespace__attrs=3).x }}",
    "dictionary": "{{ dict.__class__.__base__.__subclasses__() }}",
    "dictionary of keys": "{{ dict.fromkeys.__func__.__globals__ }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "range": "{{ range.__class__ }}",
    "self": "{{ self.__init__.__globals__ }}",
    "self's context": "{{ self._TemplateReference__context.environment }}",
    "loop": "{% for m in messages %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "loop's storage": (
        "{% for m in messages %}{{ loop._iterable }}{{ loop._undefined.__globals__ }}{% endfor %}"
    ),
    "macro": "{% macro m() %}{% endmacro %}{{ m.__init__.__globals__ }}",
    "macro's function": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}{{ m._environment }}",
    "caller": "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
    "format": "{{ '{0.__class__.__mro__}'.format('') }}",
    "format of keys": "{{ '{x.__globals__}'.format(x=strftime_now) }}",
    "format by mapping": "{{ '{x.__class__}'.format_map({'x': ''}) }}",
    "format taken first": "{% set f = '{0.__class__}'.format %}{{ f('') }}",
    "format by filter": "{{ '{0.__class__}' | attr('format') }}",
    "format mapped": "{{ ['{0.__class__.__mro__}'] | map('format', '') | list }}",
    "percent": "{{ '%s' | format(strftime_now.__globals__) }}",
    "markup": "{{ ('{0.__class__}' | escape).format('') }}",
    "include": "{% include 'CANARY_FILE' %}",
    "include of several": "{% include ['CANARY_FILE', 'x'] ignore missing %}",
    "import": "{% import 'CANARY_FILE' as x %}{{ x }}",
    "import from": "{% from 'os' import environ %}{{ environ }}",
    "extends": "{% extends 'CANARY_FILE' %}",
    "block": "{% block a %}{{ super.__class__ }}{{ self.a.__globals__ }}{% endblock %}",
    "environment": "{{ environment }}{{ request }}{{ config }}{{ os }}{{ environ }}{{ __import__('os') }}",
    "builtins": "{{ __builtins__ }}{{ open('CANARY_FILE').read() }}{{ eval('1') }}{{ globals() }}",
    "message changed": "{{ messages.append(1) }}{{ messages.clear() }}{{ messages[0].update(a=1) }}",
    "tool changed": "{{ tools[0].function.update(name='x') }}",
    "generator": "{{ (messages | map('upper')).gi_frame.f_globals }}",
    "generator's code": "{{ (messages | batch(1)).gi_code }}",
    "bound method": "{{ ''.join.__self__.__class__ }}",
    "exception": "{{ raise_exception(messages.__class__) }}",
    "undefined": "{{ nothing.__class__.__init__.__globals__ }}",
    "undefined's own": "{{ nothing._fail_with_undefined_error.__globals__ }}",
    "json": "{{ strftime_now | tojson }}",
    "debug": "{% debug %}",
    "do": "{% do messages.append(1) %}",
    "clock": "{{ strftime_now('%' * 100000) }}",
    "generation": "{% generation %}{{ caller.__globals__ }}{{ self.__class__ }}{% endgeneration %}",
    "pprint": "{{ strftime_now | pprint }}{{ self | pprint }}{{ namespace | pprint }}",
    "xmlattr": "{{ {'a b': strftime_now} | xmlattr }}",
    "async": "{% for x in messages async %}{% endfor %}{{ auto_await }}",
}
NEVER_ENDING = {
    "nested loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "loop of a huge range": "{% for a in range(10 ** 9) %}{% endfor %}",
    "power": "{{ 10 ** (10 ** 8) }}",
    "power of powers": "{{ 9 ** 9 ** 9 ** 9 }}",
    "power as a condition": "{% if 7 ** (7 ** 12) %}{% endif %}",
    "shift by multiplying": (
        "{% set ns = namespace(n=3) %}{% for i in range(60) %}{% set ns.n = ns.n * ns.n %}{% endfor %}"
    ),
    "text multiplied": "{{ 'x' * 10 ** 9 }}",
    "text multiplied again": "{{ ('x' * 10 ** 6 ~ 'y') * 10 ** 6 }}",
    "text doubled": (
        "{% set ns = namespace(t='ab') %}{% for i in range(64) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}"
    ),
    "list multiplied": "{{ ([1] * 10 ** 10) | length }}",
    "list doubled": (
        "{% set ns = namespace(l=[1]) %}{% for i in range(64) %}{% set ns.l = ns.l + ns.l %}{% endfor %}"
    ),
    "list in itself": (
        "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}"
        "{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}"
    ),
    "json of depth": (
        "{% set ns = namespace(l=[]) %}{% for i in range(9999) %}"
        "{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}"
    ),
    "width": "{{ '%999999999d' | format(1) }}",
    "width in braces": "{{ '{:>999999999}'.format(1) }}",
    "centred": "{{ 'x' | center(10 ** 9) }}",
    "indented": "{{ ('x\n' * 100000) | indent(100000) }}",
    "json indented": "{{ [[[[1]]]] | tojson(indent=10 ** 9) }}",
    "replaced": "{{ ('a' * 10 ** 5) | replace('a', 'a' * 10 ** 5) }}",
    "joined": "{{ (range(99999) | list) | join('x' * 10 ** 5) }}",
    "justified": "{{ 'x'.ljust(10 ** 10) }}",
    "zeros": "{{ '1'.zfill(10 ** 10) }}",
    "tabs": "{{ ('\t' * 10 ** 5).expandtabs(10 ** 5) }}",
    "bytes": "{{ 'x'.encode().hex().join(['y' * 10 ** 8, 'z'] * 10) }}",
    "translated": "{{ 'a'.translate({97: 'b' * 10 ** 9}) }}",
    "batches": "{{ [1] | batch(10 ** 9, 0) | list | length }}",
    "slices": "{{ [1] | slice(10 ** 9) | list | length }}",
    "wrapped": "{{ ('a' * 10 ** 7) | wordwrap(1) }}",
    "lorem": "{{ lipsum(n=10 ** 6) }}",
    "macro in itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "macro twice in itself": (
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}"
    ),
    "macros in each other": (
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}"
    ),
    "caller in itself": "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
    "loop in itself": "{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "block in itself": "{% block a %}{{ self.a() }}{% endblock %}",
    "cycler for ever": (
        "{% set c = cycler(1) %}{% for a in range(99999) %}"
        "{% for b in range(99999) %}{{ c.next() }}{% endfor %}{% endfor %}"
    ),
    "sorting": "{{ ((range(99999) | list) * 200) | sort | last }}",
    "uniques": "{{ ((range(99999) | list) * 500) | unique | list | length }}",
    "products": "{% for a in messages for b in messages %}{% endfor %}",
    "search": "{{ ('a' * 99999 ~ 'b') * 50 in ('a' * 99999) * 100 }}",
    "urls": "{{ ('(' * 20000 ~ 'http://a') | urlize }}",
    "tags": "{{ ('<' * 10 ** 6) | striptags }}",
    "numbers as text": "{{ (10 ** 100000) | string }}",
    "number read": "{{ ('9' * 10 ** 6) | int }}",
    "a megabyte of text": "x" * 2**20,
    "a megabyte of braces": "{{ 1 }}" * (2**20 // 7),
    "a megabyte of comments": "{# #}" * (2**20 // 5),
    "a megabyte of an open block": "{% if 1 " + "and 1 " * (2**20 // 6),
    "a megabyte in one comment": "{#" + "x" * 2**20,
    "deep brackets": "{{ " + "[" * 50_000 + "]" * 50_000 + " }}",
    "deep parentheses": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "deep blocks": "{% if 1 %}" * 3_000 + "{% endif %}" * 3_000,
    "deep loops": "{% for a in [1] %}" * 100 + "{% endfor %}" * 100,
    "deep negation": "{{ " + "not " * 50_000 + "1 }}",
    "deep minus": "{{ " + "-" * 50_000 + "1 }}",
    "deep filters": "{{ 1" + " | string" * 20_000 + " }}",
    "deep attributes": "{{ messages" + ".a" * 20_000 + " }}",
    "long sum": "{{ 1" + " + 1" * 50_000 + " }}",
    "long concatenation": "{{ 1" + " ~ 1" * 50_000 + " }}",
    "many macros": "".join(f"{{% macro m{n}() %}}{{% endmacro %}}" for n in range(5_000)),
    "many variables": "".join(f"{{% set v{n} = {n} %}}" for n in range(20_000)),
    "a huge constant": "{{ '" + "x" * 2**20 + "' * 500 }}",
    "constants folded": "{{ 'a' * 99999 * 99999 }}",
    "a huge number": "{{ " + "9" * 100_000 + " }}",
    "a null byte": "{{ '\x00' }}\x00" * 1000,
    "half a surrogate pair": "{{ '\\ud800' }}",
    "a tag that never ends": "{% generation %}" * 10_000,
}
ALL = {f"out: {name}": source for name, source in REACHING_OUT.items()} | {
    f"end: {name}": source for name, source in NEVER_ENDING.items()
}
CHOSEN = list(ALL) if os.environ.get("RETORT_FULL_TESTS") else [*ALL][::4]


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file and an environment variable that hold the secret."""
    monkeypatch.setenv("RETORT_CANARY", SECRET)
    monkeypatch.setenv("HOME", SECRET)
    path = tmp_path / "canary"
    path.write_text(SECRET)
    return path


@pytest.fixture
def templates(canary: Path) -> Iterator[TemplateChild]:
    child = TemplateChild()
    assert child.render("{{ bos_token }}", MESSAGES, VARIABLES) == "<s>"  # it is warm
    yield child
    assert child.render("{{ bos_token }}", MESSAGES, VARIABLES) == "<s>"  # the next one works
    child.close()


def test_there_are_hostile_templates_enough() -> None:
    assert len(ALL) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_hostile_template_ends_in_time_and_reads_nothing(
    name: str, templates: TemplateChild, canary: Path
) -> None:
    source = ALL[name].replace(FILE, str(canary))
    started = time.monotonic()
    try:
        said = templates.render(source, MESSAGES, VARIABLES)
    except TemplateBroken as error:
        said = str(error)
        assert len(said) < 2_000
    assert time.monotonic() - started < TIME_LIMIT_S + SLACK_S
    for trace in (SECRET, "<class 'object'>", "<module", "Popen", "environ("):
        assert trace not in said
