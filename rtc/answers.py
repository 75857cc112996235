"""What `/input_hook` and `/outputs` answer when they can't serve."""

from typing import Any

from django.http import JsonResponse

from rtc.core.exceptions import RTCError


class Refusal(RTCError):
    """Ends a request with JSON that says why.

    Args:
        status: of HTTP.
        code: the machine word a client can switch on.
        text: for the person who reads the client's log.
        more: further keys of the answer.
    """

    def __init__(self, status: int, code: str, text: str, **more: Any) -> None:
        super().__init__(status, code, text)
        self.status = status
        self.code = code
        self.text = text
        self.more = more

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.text}"

    def to_json(self) -> dict[str, Any]:
        return {"status": self.status, "code": self.code, "text": self.text, "more": self.more}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Refusal":
        """Undo `to_json`."""
        return cls(value["status"], value["code"], value["text"], **value["more"])

    def response(self) -> JsonResponse:
        return JsonResponse({"error": self.code, "message": self.text, **self.more}, status=self.status)
