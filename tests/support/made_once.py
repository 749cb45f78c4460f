"""What libraries make anew at each use, and tests use often: made once for a process."""

from __future__ import annotations

from functools import cache
from types import CodeType
from typing import Any

import botocore.hooks
import botocore.regions
import pytest
import typer.main
import typer.testing
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser, NodeList
from botocore.httpsession import URLLib3Session, create_urllib3_context
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from jinja2 import Environment


def make_once(patch: pytest.MonkeyPatch) -> None:
    """The readers of botocore's models, megabytes of JSON, one for each session otherwise; what is the same for all
    clients of a service; what TLS would begin with, which no test speaks; the commands of an app, all for every call
    of one; the code of a template."""
    patch.setattr("botocore.session.create_loader", cache(create_loader))
    _make_clients_once(patch)
    tls = cache(create_urllib3_context)
    patch.setattr(URLLib3Session, "_get_ssl_context", lambda _: tls())
    command = cache(typer.main.get_command)
    patch.setattr(typer.main, "get_command", command)
    patch.setattr(typer.testing, "_get_command", command)
    patch.setattr(Environment, "compile", _code_once())


def _make_clients_once(patch: pytest.MonkeyPatch) -> None:
    """A service's operations, each looked at for every client, and their methods, of which SageMaker's has 400; the
    rules that lead to its endpoints; what botocore calls its events, and who may listen to them."""
    patch.setattr(ClientCreator, "_load_service_model", _models_once())
    patch.setattr(ClientCreator, "_create_methods", _methods_once())
    patch.setattr(botocore.regions, "EndpointProvider", _rules_once())
    patch.setattr(EventAliaser, "__init__", _events_once())
    patch.setattr(botocore.hooks, "accepts_kwargs", _listeners_once())
    patch.setattr(NodeList, "__copy__", lambda nodes: NodeList(*map(list, nodes)))  # as it does, in half of the time


def _models_once() -> Any:
    load, made = ClientCreator._load_service_model, dict[Any, ServiceModel]()

    def load_once(creator: ClientCreator, *service: Any, **version: Any) -> ServiceModel:
        key = (creator._loader, service, *version.items())
        if key not in made:
            made[key] = load(creator, *service, **version)
        return made[key]

    return load_once


def _rules_once() -> Any:
    make, made = botocore.regions.EndpointProvider, dict[tuple[int, ...], tuple[Any, Any]]()

    def make_once(**rules: Any) -> Any:
        key = tuple(map(id, rules.values()))
        if key not in made:
            made[key] = make(**rules), rules  # kept, so that nothing else is given their ids
        return made[key][0]

    return make_once


def _listeners_once() -> Any:
    accepts, known = botocore.hooks.accepts_kwargs, dict[Any, bool]()

    def accepts_once(function: Any) -> bool:
        code = getattr(function, "__code__", None)
        if code is None:
            return bool(accepts(function))
        if code not in known:
            known[code] = accepts(function)
        return known[code]

    return accepts_once


def _events_once() -> Any:
    begin, names = EventAliaser.__init__, dict[str, str]()

    def begin_with_names(events: EventAliaser, emitter: Any, aliases: Any = None) -> None:
        begin(events, emitter, aliases)
        events._alias_name_cache = names

    return begin_with_names


def _methods_once() -> Any:
    create, made = ClientCreator._create_methods, dict[str, dict[str, Any]]()

    def create_once(creator: ClientCreator, model: Any) -> dict[str, Any]:
        if model.service_name not in made:
            made[model.service_name] = create(creator, model)
        return dict(made[model.service_name])

    return create_once


def _code_once() -> Any:
    compiled, made = Environment.compile, dict[Any, CodeType | str]()

    def compile_once(environment: Environment, source: Any, *given: Any) -> CodeType | str:
        settings = (environment.autoescape, environment.trim_blocks, environment.lstrip_blocks, *environment.filters)
        key = (source, given, settings)
        if key not in made:
            made[key] = compiled(environment, source, *given)
        return made[key]

    return compile_once
