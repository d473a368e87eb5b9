"""What a tenant of the sandbox can do, asked as a program under test would ask."""

import datetime
import json
import urllib.error
import urllib.request

import pytest

from history_gateway_sandbox import Sandbox, SandboxError, Tenant


def ask(tenant: Tenant, body=None, key=None, path="/api/messages/history"):
    """Sends a request; returns status and body."""
    request = urllib.request.Request(
        f"{tenant.url}{path}",
        json.dumps(body or {}).encode(),
        {"x-api-key": key or tenant.api_key, "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def message(number, **fields):
    return {
        "messageId": number,
        "channelType": "SMS",
        "direction": "OUT",
        "address": "79001112233",
        "content": "Hello",
        "sentOrReceivedAt": "2026-03-01T10:00:00Z",
        **fields,
    }


def ids(tenant: Tenant):
    return [found["messageId"] for found in ask(tenant)[1]["content"]]


def test_messages_statuses_and_reset(history_tenant: Tenant):
    history_tenant.clock.stop("2026-03-01T12:00:00Z")
    history_tenant.add(message(1), message(2))
    history_tenant.add_statuses({"messageId": 2, "status": "READ", "statusAt": "2026-03-01T10:01:00Z"})
    status, body = ask(history_tenant)
    assert status == 200 and [found["messageId"] for found in body["content"]] == [2, 1]
    assert body["content"][0]["deliveryStatus"] == "READ"
    history_tenant.delete_messages()
    assert ids(history_tenant) == []
    history_tenant.add(message(3))
    history_tenant.reset()
    history_tenant.clock.stop("2026-03-01T12:00:00Z")
    assert ids(history_tenant) == []


def test_a_rejected_message_is_an_error(history_tenant: Tenant):
    with pytest.raises(SandboxError, match="1 of 2 messages were rejected: the field 'channelType' is missing"):
        history_tenant.add(message(1), {"messageId": 2})
    with pytest.raises(SandboxError, match="400: the field 'channelType' is missing"):
        history_tenant.add({"messageId": 2})


def test_the_clock_moves(history_tenant: Tenant):
    clock = history_tenant.clock
    start = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
    clock.stop(start)
    clock.advance(datetime.timedelta(days=1, milliseconds=5))
    assert clock.now() == start + datetime.timedelta(days=1, milliseconds=5)
    clock.advance("P30D")
    history_tenant.add(message(1))
    assert ids(history_tenant) == []
    clock.run(start)
    assert start <= clock.now() < start + datetime.timedelta(minutes=1)
    clock.machine()
    assert abs(clock.now() - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(minutes=1)
    with pytest.raises(ValueError, match="no time zone"):
        clock.stop(datetime.datetime(2026, 3, 1))
    with pytest.raises(SandboxError, match="400: The field 'now' must be an ISO 8601 date"):
        clock.stop("tomorrow")


def test_fail_with(history_tenant: Tenant):
    fault = history_tenant.fail_with("limit-not-valid", body={"limit": 7}, times=1)
    assert ask(history_tenant, {"limit": 5})[0] == 200
    status, body = ask(history_tenant, {"limit": 7})
    assert (status, body["title"]) == (400, "limit-not-valid")
    assert ask(history_tenant, {"limit": 7})[0] == 200
    assert [rule["applied"] for rule in history_tenant.faults()] == [1]
    history_tenant.remove_faults(fault)
    assert history_tenant.faults() == []
    history_tenant.fail_with(body={"limit": 3}, status=200, answer={"content": "broken"})
    assert ask(history_tenant, {"limit": 3}) == (200, {"content": "broken"})
    history_tenant.fail_with(status=503, retryAfter=5)
    assert ask(history_tenant)[0] == 503
    history_tenant.remove_faults()
    assert ask(history_tenant)[0] == 200


def test_requests_and_verify(history_tenant: Tenant):
    ask(history_tenant, {"limit": 5})
    ask(history_tenant, {"limit": 6}, history_tenant.keys["expired"])
    keys = [(entry["key"], entry["status"]) for entry in history_tenant.requests()]
    assert keys == [("master", 200), ("expired", 401)]
    assert len(history_tenant.requests(status=401, after=1, limit=1, route="/api/messages/history")) == 1
    assert history_tenant.verify(body={"limit": 5}, count=1) == 1
    with pytest.raises(AssertionError, match="all but body.limit fits: POST /api/messages/history"):
        history_tenant.verify(body={"limit": 8}, status=200)


def test_sending_and_replies(history_tenant: Tenant):
    history_tenant.clock.stop("2026-03-01T12:00:00Z")
    history_tenant.life(("PT1S", "SENT"), ("PT2S", "UNDELIVERED", "not-whatsapp-user"), repeat=1)
    scheduled = {
        "requestId": "order-1",
        "cascadeId": 31,
        "subscriberFilter": {"address": "79001112233", "type": "PHONE"},
        "content": {"whatsappContent": {"contentType": "TEXT", "text": "Hello"}},
    }
    assert ask(history_tenant, scheduled, path="/api/cascade/schedule") == (200, {"requestId": "order-1"})
    history_tenant.clock.advance("PT2S")
    sent = ask(history_tenant)[1]["content"][0]
    assert (sent["deliveryStatus"], sent["deliveryStatusMessage"]) == ("UNDELIVERED", "not-whatsapp-user")
    reply = history_tenant.incoming("Hi", address="79001112233", reply_to=sent["messageId"])
    assert reply["replyOutMessageExternalRequestId"] == "order-1"
    assert history_tenant.callbacks() == []
    with pytest.raises(SandboxError, match="error-callback-url-not-available"):
        history_tenant.set_callbacks(status="http://127.0.0.1:1/")


def test_a_strict_tenant(history_sandbox: Sandbox):
    tenant = history_sandbox.tenant(strict=True, fixtures=[message(1)], now="2026-03-01T12:00:00Z")
    assert ids(tenant) == [1]
    assert ask(tenant, {"trafficType": "CHAT"})[0] == 400
    tenant.set_strict(False)
    assert ask(tenant, {"trafficType": "CHAT"})[0] == 200
    tenant.delete()
    assert ask(tenant)[0] == 401
    assert history_sandbox.unmatched()[-1]["status"] == 401


@pytest.mark.parametrize("number", range(40))
def test_tenants_of_parallel_tests_are_apart(history_tenant: Tenant, number: int):
    history_tenant.clock.stop("2026-03-01T12:00:00Z")
    history_tenant.add(message(number + 1))
    assert ids(history_tenant) == [number + 1]
    assert len(history_tenant.requests()) == 1
