"""POST /api/messages/history with FastAPI and SQLAlchemy: one uvicorn process, sessions in its thread pool."""

import json
import pathlib
import socket
import sys
from datetime import datetime, timezone
from typing import Literal, Optional

import uvicorn
from fastapi import FastAPI, Response
from orjson import dumps
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, and_, create_engine, event, or_, select

TENANT = 3193
# In edna's order: the column, the field, and whether it is a time.
FIELDS = json.loads((pathlib.Path(__file__).parent.parent / "express" / "fields.json").read_text())

engine = create_engine(f"sqlite:///file:{sys.argv[1]}?mode=ro&uri=true", connect_args={"check_same_thread": False})


@event.listens_for(engine, "connect")
def settings(connection, _):
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA mmap_size = 268435456")


messages = Table(
    "messages",
    MetaData(),
    *(Column(field["column"], BigInteger if field["isNumber"] else Text) for field in FIELDS),
)
COLUMNS = {field["name"]: messages.c[field["column"]] for field in FIELDS}


class SubscriberFilter(BaseModel):
    address: str


class SortKey(BaseModel):
    property: str
    direction: Literal["ASC", "DESC"] = "DESC"


class HistoryRequest(BaseModel):
    subscriberFilter: Optional[SubscriberFilter] = None
    dateFrom: datetime
    dateTo: datetime
    offset: int = 0
    limit: int = 15
    channelTypes: list[str] = []
    direction: Optional[str] = None
    trafficTypes: list[str] = []
    subjectId: Optional[int] = None
    sort: list[SortKey] = [SortKey(property="messageId")]


def millis(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def of_person(connection, address: str):
    own = select(messages.c.subscriber_id).distinct()
    own = own.where(messages.c.tenant_id == TENANT, messages.c.address == address)
    subscribers = [row[0] for row in connection.execute(own) if row[0] is not None]
    if not subscribers:
        return messages.c.address == address
    without = and_(messages.c.subscriber_id.is_(None), messages.c.address == address)
    return or_(messages.c.subscriber_id.in_(subscribers), without)


def order_of(request: HistoryRequest):
    keys = []
    for key in request.sort:
        column = COLUMNS[key.property]
        if key.property != "messageId":
            keys.append(column.is_(None))
        keys.append(column.asc() if key.direction == "ASC" else column.desc())
    if request.sort[-1].property != "messageId":
        keys.append(messages.c.message_id.asc() if request.sort[-1].direction == "ASC" else messages.c.message_id.desc())
    return keys


def text_of(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}+0000"


def item_of(row) -> dict:
    item = {}
    for field, value in zip(FIELDS, row):
        if value is not None:
            item[field["name"]] = text_of(value) if field["isTime"] else value
    return item


app = FastAPI()


@app.post("/api/messages/history")
def history(request: HistoryRequest) -> Response:
    with engine.connect() as connection:
        query = select(messages).where(
            messages.c.tenant_id == TENANT,
            messages.c.sent_at.between(millis(request.dateFrom), millis(request.dateTo)),
        )
        if request.subscriberFilter:
            query = query.where(of_person(connection, request.subscriberFilter.address))
        if request.channelTypes:
            query = query.where(messages.c.channel_type.in_(request.channelTypes))
        if request.direction:
            query = query.where(messages.c.direction == request.direction)
        if request.trafficTypes:
            query = query.where(messages.c.traffic_type.in_(request.trafficTypes))
        if request.subjectId:
            query = query.where(messages.c.subject_id == request.subjectId)
        query = query.order_by(*order_of(request)).limit(request.limit + 1).offset(request.offset)
        rows = connection.execute(query).all()
    content = [item_of(row) for row in rows[: request.limit]]
    return Response(dumps({"content": content, "hasNext": len(rows) > request.limit}), media_type="application/json")


if __name__ == "__main__":
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(2048)
    print("%s:%d" % listener.getsockname(), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listener])
