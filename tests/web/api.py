"""A program that uses the API as one of the cast."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from appliance.accounts.models import User
from appliance.api.scopes import SCOPES
from appliance.api.tokens import add_token

API = "/api/v1/"


class Program:
    """`scopes`: what its token is good for; all that there is, where nothing is said."""

    def __init__(self, user: User, scopes: tuple[str, ...] = SCOPES) -> None:
        count = user.api_tokens.count()
        _, secret = add_token(user=user, name=f"t{count}", scopes=scopes, actor="tests")
        self.headers = {"Authorization": f"Bearer {secret}"}
        self.client = Client(headers=self.headers)

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> HttpResponse:
        """Return the answer to a request for what lies below /api/v1/."""
        address = path if path.startswith("/") else API + path
        content = {} if body is None else {"data": json.dumps(body)}
        return self.client.generic(
            method,
            address,
            query_params=query,
            content_type="application/json",
            **content,
        )

    def get(self, path: str, **query: Any) -> Any:
        """Return the document of a GET that succeeds."""
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()
