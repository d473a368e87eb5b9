"""The questions that are asked, and the plots that they belong to."""

import json

NEWEST_30 = {"dateFrom": "2026-01-30T00:00:00Z", "dateTo": "2026-03-01T00:00:00Z"}
OLD_30 = {"dateFrom": "2025-08-13T00:00:00Z", "dateTo": "2025-09-12T00:00:00Z"}
YEAR = {"dateFrom": "2025-03-01T00:00:00Z", "dateTo": "2026-03-01T00:00:00Z"}
SMS = {"channelTypes": ["SMS"], "direction": "OUT"}
EXAMPLE = {"limit": 1000, **SMS, "trafficTypes": ["AD"], "subjectId": 50192}


def by(field, direction="ASC"):
    return {"sort": [{"property": field, "direction": direction}]}


HEAVY = {"limit": 1000, **by("content"), **YEAR}


def questions(phone):
    """Each with its name; those of the first list are asked of every server, at every size."""
    compared = {
        "15 messages of a recipient, a year": {"subscriberFilter": {"address": phone}, **YEAR},
        "the newest 1000 of 30 days": {"limit": 1000, **NEWEST_30},
        "1000 of 170 to 200 days ago": {"limit": 1000, **OLD_30},
        "the published example, newest 30 days": {**EXAMPLE, **NEWEST_30},
        "the published example, 170 to 200 days ago": {**EXAMPLE, **OLD_30},
        "15 SMS from offset 10,000 on, a year": {"offset": 10_000, **SMS, **YEAR},
        "1000 by content, newest 30 days": {"limit": 1000, **by("content"), **NEWEST_30},
    }
    own = {
        "a combination that does not occur, a year": {"channelTypes": ["PUSH"], "trafficTypes": ["AD"], "direction": "IN", **YEAR},
        "15 by deliveryStatusAt, a year": {**by("deliveryStatusAt", "DESC"), **YEAR},
        "1000 by content, a year": HEAVY,
    }
    return compared, own


def at_offset(offset):
    return {"offset": offset, **SMS, **YEAR}


def body(question):
    return json.dumps(question)
