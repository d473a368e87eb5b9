"""pytest fixtures: one sandbox for a test run, one tenant for each test, whose journal a failed test shows."""

from __future__ import annotations

from typing import Generator, Iterator

import pytest

from .sandbox import Sandbox
from .tenant import SandboxError, Tenant, line_of

_TENANT = pytest.StashKey[Tenant]()

_SHOWN = 20


@pytest.fixture(scope="session")
def history_sandbox() -> Iterator[Sandbox]:
    """A sandbox that all tests of a run share, or with pytest-xdist all tests of a worker."""
    with Sandbox.start() as sandbox:
        yield sandbox


@pytest.fixture
def history_tenant(history_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A tenant of this test alone."""
    tenant = history_sandbox.tenant()
    request.node.stash[_TENANT] = tenant
    yield tenant
    try:
        tenant.delete()
    except SandboxError:
        pass  # the test has deleted it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    tenant = item.stash.get(_TENANT, None)
    if tenant is not None and report.when == "call" and report.failed:
        report.sections.append(("requests to history-gateway", _journal(tenant)))
    return report


def _journal(tenant: Tenant) -> str:
    try:
        entries = tenant.requests()
    except Exception as error:  # the report of the failure must not fail
        return f"the journal cannot be read: {error}"
    lines = [line_of(entry) for entry in entries[-_SHOWN:]]
    if len(entries) > _SHOWN:
        lines.insert(0, f"… {len(entries) - _SHOWN} earlier ones")
    return "\n".join(lines) or "none"
