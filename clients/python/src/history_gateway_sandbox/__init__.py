"""Runs history-gateway's sandbox in tests. With pytest, the fixtures history_sandbox and history_tenant do it all."""

from .sandbox import Sandbox
from .tenant import Clock, SandboxError, Tenant

__all__ = ["Clock", "Sandbox", "SandboxError", "Tenant"]
