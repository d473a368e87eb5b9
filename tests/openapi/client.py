"""The README's own request, sent by a client that is generated from the document."""

import sys

from gateway_client import AuthenticatedClient
from gateway_client.api.edna import get_message_history
from gateway_client.models import ErrorResponse, HistoryResponse, HistoryRequest, SubscriberFilter


def main(url: str, key: str) -> None:
    client = AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-api-key")
    request = HistoryRequest(
        subscriber_filter=SubscriberFilter(address="+7 900 000-00-00"),
        date_from="2024-07-23T00:00:00Z",
        date_to="2024-07-24T00:00:00Z",
        limit=1,
    )
    response = get_message_history.sync(client=client, body=request)
    if isinstance(response, ErrorResponse):
        sys.exit(f"{response.title.value}: {response.detail}")
    if not isinstance(response, HistoryResponse):
        sys.exit("the document does not describe this response")
    message = response.content[0]
    print(message.message_id, message.delivery_status, response.has_next)


if __name__ == "__main__":
    main(*sys.argv[1:])
