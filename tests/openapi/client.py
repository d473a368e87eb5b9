"""The README's own question, asked by a client that is generated from the document."""

import sys

from gateway_client import AuthenticatedClient
from gateway_client.api.edna import get_message_history
from gateway_client.models import ErrorResponse, HistoryResponse, HistoryRequest, SubscriberFilter


def main(url: str, key: str) -> None:
    client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-api-key")
    question = HistoryRequest(
        subscriber_filter=SubscriberFilter(address="+7 900 000-00-00"),
        date_from="2024-07-23T00:00:00Z",
        date_to="2024-07-24T00:00:00Z",
        limit=1,
    )
    answer = get_message_history.sync(client=client, body=question)
    if isinstance(answer, ErrorResponse):
        sys.exit(f"{answer.title.value}: {answer.detail}")
    if not isinstance(answer, HistoryResponse):
        sys.exit("there was no answer that the document tells of")
    message = answer.content[0]
    print(message.message_id, message.delivery_status, answer.has_next)


if __name__ == "__main__":
    main(*sys.argv[1:])
