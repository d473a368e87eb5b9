// POST /api/messages/history with Express and better-sqlite3: prepared statements, kept by their text; one process.
'use strict';

const Database = require('better-sqlite3');
const express = require('express');

const TENANT = 3193;
// In edna's order: the column, the field, and whether it is a time.
const FIELDS = require('./fields.json');
const COLUMNS = new Map(FIELDS.map((field) => [field.name, field.column]));

const database = new Database(process.argv[2], { readonly: true });
database.pragma('cache_size = -65536');
database.pragma('mmap_size = 268435456');

const statements = new Map();
function prepared(sql) {
  let statement = statements.get(sql);
  if (!statement) {
    statement = database.prepare(sql);
    statements.set(sql, statement);
  }
  return statement;
}

function conditionsOf(request) {
  const conditions = ['tenant_id = ?', 'sent_at BETWEEN ? AND ?'];
  const values = [TENANT, Date.parse(request.dateFrom), Date.parse(request.dateTo)];
  const address = request.subscriberFilter?.address;
  if (address) {
    const subscribers = prepared('SELECT DISTINCT subscriber_id FROM messages WHERE tenant_id = ? AND address = ?')
      .all(TENANT, address)
      .map((row) => row.subscriber_id)
      .filter((id) => id !== null);
    if (subscribers.length > 0) {
      conditions.push(`(subscriber_id IN (${subscribers.map(() => '?').join(', ')}) OR (subscriber_id IS NULL AND address = ?))`);
      values.push(...subscribers, address);
    } else {
      conditions.push('address = ?');
      values.push(address);
    }
  }
  const isIn = (column, list) => {
    if (list?.length > 0) {
      conditions.push(`${column} IN (${list.map(() => '?').join(', ')})`);
      values.push(...list);
    }
  };
  isIn('channel_type', request.channelTypes);
  isIn('direction', request.direction ? [request.direction] : []);
  isIn('traffic_type', request.trafficTypes);
  isIn('subject_id', request.subjectId ? [request.subjectId] : []);
  return { conditions, values };
}

function orderOf(request) {
  const sort = request.sort ?? [{ property: 'messageId', direction: 'DESC' }];
  const keys = sort.map(({ property, direction }) => {
    const column = COLUMNS.get(property);
    return `${column} IS NULL, ${column} ${direction === 'ASC' ? 'ASC' : 'DESC'}`;
  });
  if (sort.at(-1).property !== 'messageId') {
    keys.push(`message_id ${sort.at(-1).direction === 'ASC' ? 'ASC' : 'DESC'}`);
  }
  return keys.join(', ').replace('message_id IS NULL, ', '');
}

function itemOf(row) {
  const item = {};
  for (const { name, column, isTime } of FIELDS) {
    const value = row[column];
    if (value !== null) {
      item[name] = isTime ? new Date(value).toISOString().replace('Z', '+0000') : value;
    }
  }
  return item;
}

const app = express();
app.disable('x-powered-by');
app.set('etag', false);
app.post('/api/messages/history', express.json(), (request, response) => {
  const { conditions, values } = conditionsOf(request.body);
  const limit = request.body.limit ?? 15;
  const rows = prepared(
    `SELECT * FROM messages WHERE ${conditions.join(' AND ')} ORDER BY ${orderOf(request.body)} LIMIT ? OFFSET ?`,
  ).all(...values, limit + 1, request.body.offset ?? 0);
  const content = rows.slice(0, limit).map(itemOf);
  response.json({ content, hasNext: rows.length > limit });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
