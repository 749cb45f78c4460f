"""What libraries make anew at each use, and tests use often: made once for a process."""

from __future__ import annotations

from functools import cache
from types import CodeType
from typing import Any

import pytest
import typer.main
import typer.testing
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from botocore.httpsession import URLLib3Session, create_urllib3_context
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from jinja2 import Environment


def make_once(patch: pytest.MonkeyPatch) -> None:
    """The readers of botocore's models, megabytes of JSON, one for each session otherwise; a service's operations,
    each looked at for every client, and their methods, of which SageMaker's has 400; what botocore calls its events;
    what TLS would begin with, which no test speaks; the commands of an app, all for every call of one; the code of a
    template."""
    patch.setattr("botocore.session.create_loader", cache(create_loader))
    patch.setattr(ClientCreator, "_load_service_model", _models_once())
    patch.setattr(ClientCreator, "_create_methods", _methods_once())
    patch.setattr(EventAliaser, "__init__", _events_once())
    tls = cache(create_urllib3_context)
    patch.setattr(URLLib3Session, "_get_ssl_context", lambda _: tls())
    command = cache(typer.main.get_command)
    patch.setattr(typer.main, "get_command", command)
    patch.setattr(typer.testing, "_get_command", command)
    patch.setattr(Environment, "compile", _code_once())


def _models_once() -> Any:
    load, made = ClientCreator._load_service_model, dict[Any, ServiceModel]()

    def load_once(creator: ClientCreator, *service: Any, **version: Any) -> ServiceModel:
        key = (creator._loader, service, *version.items())
        if key not in made:
            made[key] = load(creator, *service, **version)
        return made[key]

    return load_once


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
