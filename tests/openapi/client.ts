// The README's own request, sent by a client whose types are generated from the document.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [baseUrl, key] = process.argv.slice(2);
if (baseUrl === undefined || key === undefined) throw new Error("usage: client.ts URL KEY");
const gateway = createClient<paths>({ baseUrl });

const { data, error } = await gateway.POST("/api/messages/history", {
  headers: { "x-api-key": key },
  body: {
    subscriberFilter: { address: "+7 900 000-00-00", type: "PHONE" },
    dateFrom: "2024-07-23T00:00:00Z",
    dateTo: "2024-07-24T00:00:00Z",
    limit: 1,
  },
});
if (error) throw new Error(`${error.title}: ${error.detail}`);
const [message] = data.content;
if (message === undefined) throw new Error("no message was found");
const status: string = message.deliveryStatus ?? "no status";

const list = await gateway.POST("/api/whatsapp-log/get-list", {
  headers: { ApiKey: key },
  body: {
    select: { toNumber: true, status: true, messageText: true, project: { name: true } },
    query: { messageText: { _type: "Search", value: "ДОСТАВКУ" }, status: ["Read", "Delivered"] },
    sort: { createdAt: -1 },
    limit: 1,
  },
});
if (list.error) throw new Error(list.error.message);
const number = list.data.data[0]?.toNumber;
const phone: string = typeof number === "object" ? number.value : (number ?? "no number");

const ingested = await gateway.POST("/v1/messages", {
  headers: { "x-api-key": key },
  body: {
    messageId: 9000000001,
    channelType: "WHATSAPP",
    direction: "OUT",
    address: "+7 900 111-22-33",
    content: { type: "TEXT", text: "Your order is on its way" },
    sentOrReceivedAt: "2026-03-01T10:00:00Z",
    subjectId: 501,
    deliveryStatus: "ACCEPTED",
    deliveryStatusAt: "2026-03-01T10:00:00Z",
  },
});
if (ingested.error) {
  throw new Error("rejected" in ingested.error ? `${ingested.error.rejected} rejected` : ingested.error.detail);
}

console.log(message.messageId, status, data.hasNext, list.data.count > 0 && phone.startsWith("+"), ingested.data.results.length);
