"""A tenant of a sandbox, which belongs to one test; knows no process."""

from __future__ import annotations

import datetime
import json
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union
from urllib.parse import urlencode

from .control import Control, SandboxError

__all__ = ["Clock", "SandboxError", "Tenant"]

Date = Union[str, datetime.datetime]
Duration = Union[str, datetime.timedelta]


def _date(date: Date) -> str:
    if isinstance(date, str):
        return date
    if date.tzinfo is None:
        raise ValueError("the date has no time zone; use datetime.now(timezone.utc) or a string such as 2026-03-01T10:00:00Z")
    return date.isoformat()


def _duration(duration: Duration) -> str:
    if isinstance(duration, str):
        return duration
    milliseconds = round(duration.total_seconds() * 1000)
    if milliseconds < 0:
        raise ValueError("the duration is negative; stop() sets the clock back")
    return f"PT{milliseconds // 1000}.{milliseconds % 1000:03}S"


def _given(**fields: Any) -> Dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


class Clock:
    """A tenant's clock."""

    def __init__(self, control: Control, path: str) -> None:
        self._control, self._path = control, path

    def now(self) -> datetime.datetime:
        """The time of the tenant."""
        shown = str(self._control.send("GET", self._path)["now"])
        return datetime.datetime.fromisoformat(shown.replace("Z", "+00:00"))

    def stop(self, at: Date) -> None:
        """Stops the clock at a date."""
        self._control.send("PUT", self._path, {"now": _date(at)})

    def run(self, start: Date) -> None:
        """Lets the clock run from a date on."""
        self._control.send("PUT", self._path, {"now": _date(start), "runs": True})

    def advance(self, by: Duration) -> None:
        """Moves the clock forward, by a timedelta or an ISO 8601 duration such as P31D."""
        self._control.send("PUT", self._path, {"advance": _duration(by)})

    def machine(self) -> None:
        """Shows the machine's time again."""
        self._control.send("PUT", self._path, {"machine": True})


class Tenant:
    """A tenant with its own messages, keys, clock, errors and journal."""

    def __init__(self, control: Control, created: Mapping[str, Any]) -> None:
        self._control = control
        self.url: str = control.url
        """The base URL for the program under test."""
        self.id: int = created["tenantId"]
        self.project_id: str = created["projectId"]
        self.keys: Dict[str, str] = dict(created["keys"])
        """The keys by name: master, live, webhook, expired, revoked, withoutGroup, oneSender."""
        self._path = f"/tenants/{self.id}"
        self.clock = Clock(control, f"{self._path}/clock")

    @property
    def api_key(self) -> str:
        """A key that sees everything, for edna's x-api-key and OneUptime's ApiKey."""
        return self.keys["master"]

    def add(self, *messages: Mapping[str, Any]) -> None:
        """Puts messages into the history, in edna's form."""
        self._record("messages", messages)

    def add_statuses(self, *statuses: Mapping[str, Any]) -> None:
        """Adds status events of messages."""
        self._record("statuses", statuses)

    def _record(self, what: str, entries: Sequence[Mapping[str, Any]]) -> None:
        result = self._control.send("POST", f"{self._path}/{what}", list(entries))
        rejected = [entry["detail"] for entry in result["results"] if entry["result"] == "rejected"]
        if rejected:
            raise SandboxError(f"{len(rejected)} of {len(entries)} {what} were rejected: {rejected[0]}")

    def delete_messages(self) -> None:
        """Deletes all messages."""
        self._control.send("DELETE", f"{self._path}/messages")

    def reset(self) -> None:
        """Brings everything back to what it was at the tenant's creation."""
        self._control.send("POST", f"{self._path}/reset")

    def delete(self) -> None:
        self._control.send("DELETE", self._path)

    def set_strict(self, strict: bool = True) -> None:
        """Makes near misses of history requests errors, or lets them pass."""
        self._control.send("PUT", f"{self._path}/strict", {"strict": strict})

    def fail_with(
        self,
        error: Optional[str] = None,
        *,
        route: Optional[str] = None,
        method: Optional[str] = None,
        body: Optional[Mapping[str, Any]] = None,
        times: Optional[int] = None,
        skip: int = 0,
        probability: float = 1,
        answer: Any = None,
        **then: Any,
    ) -> int:
        """Adds a fault rule; returns its id. Further arguments are the fields of `then`, such as status=502, delayMs=300
        or close="before"; `answer` is the body that is sent. route, method and body say which requests it is for."""
        match = _given(route=route, method=method, body=body)
        rule = {"match": match, "skip": skip, "probability": probability, "then": _given(error=error, body=answer, **then)}
        rule.update(_given(times=times))
        return int(self._control.send("POST", f"{self._path}/faults", rule)["id"])

    def faults(self) -> List[Dict[str, Any]]:
        """The fault rules, with how often each was applied."""
        return list(self._control.send("GET", f"{self._path}/faults")["faults"])

    def remove_faults(self, fault: Optional[int] = None) -> None:
        """Removes one fault rule, or all."""
        self._control.send("DELETE", f"{self._path}/faults" + ("" if fault is None else f"/{fault}"))

    def incoming(
        self,
        text: Optional[str] = None,
        *,
        address: str,
        subject: int = 501,
        content: Optional[Mapping[str, Any]] = None,
        reply_to: Optional[int] = None,
    ) -> Dict[str, Any]:
        """Receives a message from a person; returns it. It is posted to the callback before this returns."""
        message = _given(address=address, subjectId=subject, text=text, content=content, replyTo=reply_to)
        return dict(self._control.send("POST", f"{self._path}/incoming", message))

    def life(
        self,
        *steps: Sequence[Optional[str]],
        address: Optional[str] = None,
        repeat: Optional[int] = None,
        shuffle: Optional[bool] = None,
    ) -> None:
        """Sets what becomes of messages that are sent from now on: steps such as ("PT1S", "SENT") or
        ("PT2S", "UNDELIVERED", "not-whatsapp-user")."""
        names = ("after", "status", "error")
        taken = [_given(**dict(zip(names, step))) for step in steps]
        match = None if address is None else {"address": address}
        life = {"steps": taken, **_given(match=match, repeat=repeat, shuffle=shuffle)}
        self._control.send("PUT", f"{self._path}/life", life)

    def set_callbacks(
        self,
        *,
        status: Optional[str] = None,
        incoming: Optional[str] = None,
        subject: Optional[int] = None,
        authorization: Optional[str] = None,
    ) -> None:
        """Sets the URLs that statuses and incoming messages are posted to."""
        urls = _given(statusCallbackUrl=status, inMessageCallbackUrl=incoming, subjectId=subject, authorization=authorization)
        code = self._control.send("PUT", f"{self._path}/callbacks", urls)["code"]
        if code != "ok":
            raise SandboxError(f"the callbacks were not set: {code}")

    def callbacks(self) -> List[Dict[str, Any]]:
        """What was posted, oldest first."""
        return list(self._control.send("GET", f"{self._path}/callbacks")["callbacks"])

    def requests(
        self,
        *,
        route: Optional[str] = None,
        status: Optional[int] = None,
        after: Optional[int] = None,
        limit: Optional[int] = None,
    ) -> List[Dict[str, Any]]:
        """What was asked with the tenant's keys, oldest first."""
        query = urlencode(_given(route=route, status=status, after=after, limit=limit))
        path = f"{self._path}/requests" + (f"?{query}" if query else "")
        return list(self._control.send("GET", path)["requests"])

    def verify(
        self,
        *,
        count: Optional[int] = None,
        at_least: Optional[int] = None,
        at_most: Optional[int] = None,
        **match: Any,
    ) -> int:
        """Fails unless the given number of requests fit method, route, body and status, or at least one; returns how
        many do."""
        expected = _given(count=count, atLeast=at_least, atMost=at_most)
        answer = self._control.send("POST", f"{self._path}/verify", {"match": match, **expected})
        if not answer["ok"]:
            raise AssertionError(_explain(answer))
        return int(answer["count"])


def _explain(answer: Mapping[str, Any]) -> str:
    lines = [f"{answer['count']} requests fit; expected: {json.dumps(answer['expected'])}"]
    for entry in answer["closest"]:
        lines.append(f"all but {entry['differs']} fits: {line_of(entry)}")
    return "\n".join(lines)


def line_of(entry: Mapping[str, Any]) -> str:
    """A journal's entry as one line."""
    body = json.dumps(entry["body"], ensure_ascii=False)
    warnings = "".join(f"; {warning['path']}: {warning['what']}" for warning in entry["warnings"])
    return f"{entry['method']} {entry['path']} {body} -> {entry['status']}{warnings}"
