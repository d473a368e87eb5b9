"""Sends control requests to a sandbox; knows no tenant."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Optional

TIMEOUT_SECONDS = 30


class SandboxError(Exception):
    """A control request that the sandbox rejected; the text names the field that is wrong."""


class Control:
    """The control routes of one sandbox."""

    def __init__(self, url: str) -> None:
        self.url = url
        # The sandbox is on this machine, whatever proxy the environment names.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(self, method: str, path: str, body: Optional[Any] = None) -> Any:
        """Sends a request; returns the value of the response's JSON, None if it has no body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox{path}", data, method=method)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            raise SandboxError(_detail(error)) from None
        return json.loads(text) if text else None


def _detail(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        answer = json.loads(text)
        # Where every entry of a list is rejected, each has its own detail.
        detail = answer["detail"] if "detail" in answer else answer["results"][0]["detail"]
        return f"{error.code}: {detail}"
    except (ValueError, KeyError, IndexError, TypeError):
        return f"{error.code}: {text}"
