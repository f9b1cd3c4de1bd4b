"""pip's cache of answers, without the credentials that they were asked for with (child only)."""

from __future__ import annotations

from pip._vendor.cachecontrol import CacheControlAdapter
from pip._vendor.cachecontrol.serialize import Serializer
from pip._vendor.requests import PreparedRequest, Session
from pip._vendor.urllib3 import HTTPResponse

from .refusal import refusal


class Reticent(Serializer):
    """Write answers without what says who asked.

    A server whose answer has ``Vary: Authorization`` would have that header kept beside it.
    Such an answer is never taken from the cache: without the header it fits no request.
    """

    def dumps(
        self, request: PreparedRequest, response: HTTPResponse, body: bytes | None = None
    ) -> bytes:
        """See Serializer."""
        anonymous = request.copy()
        for name in ("Authorization", "Proxy-Authorization", "Cookie"):
            anonymous.headers.pop(name, None)
        return super().dumps(anonymous, response, body)


def keep_no_credentials(session: Session) -> None:
    """Have a session's caches written by Reticent; raise Refusal if that fails."""
    caching = [each for each in session.adapters.values() if isinstance(each, CacheControlAdapter)]
    if not all(hasattr(each.controller, "serializer") for each in caching) or not caching:
        raise refusal("seams", "pip's cache is another one")
    for adapter in caching:
        adapter.controller.serializer = Reticent()
