"""The models of the pretend provider `sandbox`: each provokes one behaviour, every time.

They work as test card numbers do: naming the model is all it takes. `modellix-cli sandbox --help`
lists them from here.
"""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["image", "video", "audio", "text", "data-url", "structure"]
Reply = Literal["task", "cut", "half", "garbage", "trailing", "html", "no-id"]
MediaFault = Literal["whole", "late", "denied", "html", "cut"]

LATE: Final = 3.0
"""Seconds after the end of a task at which media that is late is there."""
RESULT_LIFETIME: Final = 7 * 24 * 3600.0
"""Seconds for which results are kept after the task ended."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to a submission that creates no task.

    `status` is the HTTP status, `code` that of the JSON (None: the same). `retry_after` is in
    seconds. `first` is how many POSTs of one body are refused before the next is accepted, None
    for all; after that it begins again. `html` sends a proxy's page instead of JSON. `resets` is
    how many seconds ahead `X-RateLimit-Reset` points, None to say what the team's window says.
    """

    status: int
    message: str
    code: int | None = None
    retry_after: int | None = None
    first: int | None = None
    html: bool = False
    resets: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A model of the sandbox and what it does.

    `summary` is one line for help; `type` the task type; `makes` and `count` what a success
    yields; `seconds` how long a task takes. `refusal` answers instead of creating a task. `reply`
    is what a submission that did create one is answered with, under the HTTP status
    `reply_status`. `passes` is a status it goes through on the way; `reads` are the answers to a
    task's first reads: an HTTP status, or 0 for a web page. `media` is what becomes of the
    results, which are kept for `kept` seconds; `evil` fills the reply with text that attacks
    whoever shows or saves it.
    """

    slug: str
    summary: str
    type: str = "text-to-image"
    makes: Kind = "image"
    count: int = 1
    seconds: float = 2.0
    refusal: Refusal | None = None
    reply: Reply = "task"
    reply_status: int = 200
    outcome: Literal["success", "failed", "canceled"] = "success"
    passes: str | None = None
    reads: tuple[int, ...] = ()
    media: MediaFault = "whole"
    kept: float = RESULT_LIFETIME
    evil: bool = False

    @property
    def name(self) -> str:
        """The model's part of the slug."""
        return self.slug.partition("/")[2]


_BUSY: Final = "Concurrent limit exceeded: 3 tasks of the team are running"
_INVALID: Final = "Invalid parameters: parameter 'prompt' is required"
_UNAVAILABLE: Final = "Service unavailable: the circuit breaker of the provider is open"

_ALL: Final = (
    Fault("sandbox/image", "makes an image (PNG)"),
    Fault("sandbox/video", "makes a video (MP4)", "text-to-video", "video", seconds=5.0),
    Fault("sandbox/audio", "makes a sound (WAV)", "text-to-speech", "audio"),
    Fault("sandbox/text", "answers with text inside the reply", "text-to-text", "text"),
    Fault("sandbox/data-url", "answers with an image as a data: URL", makes="data-url"),
    Fault("sandbox/many", "makes four images", count=4),
    Fault("sandbox/slow", "takes 60 seconds", seconds=60.0),
    Fault("sandbox/fails", "ends as failed, with a reason", outcome="failed"),
    Fault("sandbox/canceled", "ends as canceled", outcome="canceled"),
    Fault("sandbox/odd-status", "passes through an undocumented status", passes="reviewing"),
    Fault(
        "sandbox/rate-limited",
        "refuses a request twice (429, Retry-After 1), then accepts it",
        refusal=Refusal(429, "Rate limit exceeded: slow down", retry_after=1, first=2, resets=1),
    ),
    Fault(
        "sandbox/busy",
        "always refuses: too many running tasks (429)",
        refusal=Refusal(429, _BUSY, retry_after=1),
    ),
    Fault(
        "sandbox/flaky",
        "503, then accepted; each task's first reads are 500 and 429",
        refusal=Refusal(503, _UNAVAILABLE, first=1),
        reads=(500, 429),
    ),
    Fault("sandbox/unavailable", "always 503", refusal=Refusal(503, _UNAVAILABLE)),
    Fault(
        "sandbox/error",
        "always 500",
        refusal=Refusal(500, "Internal error: something went wrong"),
    ),
    Fault(
        "sandbox/gateway",
        "always 502, with a proxy's HTML page",
        refusal=Refusal(502, "Bad Gateway", html=True),
    ),
    Fault("sandbox/cut", "creates the task, then drops the connection", reply="cut"),
    Fault("sandbox/garbage", "creates the task, then answers nonsense", reply="garbage"),
    Fault("sandbox/half-reply", "creates the task, then drops half the answer", reply="half"),
    Fault("sandbox/no-id", "creates the task, answers without its id", reply="no-id"),
    Fault("sandbox/trailing", "creates the task, more bytes follow the answer", reply="trailing"),
    Fault("sandbox/html", "creates the task, answers 200 with a web page", reply="html"),
    Fault("sandbox/id-429", "creates the task, names it in a 429", reply_status=429),
    Fault("sandbox/id-500", "creates the task, names it in a 500", reply_status=500),
    Fault("sandbox/id-503", "creates the task, names it in a 503", reply_status=503),
    Fault("sandbox/html-reads", "each task's first three reads are web pages", reads=(0, 0, 0)),
    Fault(
        "sandbox/nonzero",
        "answers HTTP 200 with code 400 in the JSON",
        refusal=Refusal(200, "Invalid parameters: parameter 'size' is not supported", code=400),
    ),
    Fault(
        "sandbox/broke",
        "balance too low (402)",
        refusal=Refusal(402, "Insufficient balance: recharge the account"),
    ),
    Fault(
        "sandbox/forbidden",
        "key refused (401)",
        refusal=Refusal(401, "Authentication failed: the API key has expired"),
    ),
    Fault(
        "sandbox/missing",
        "model not found (404)",
        refusal=Refusal(404, "Resource not found: model sandbox/missing"),
    ),
    Fault("sandbox/invalid", "parameters refused (400)", refusal=Refusal(400, _INVALID)),
    Fault("sandbox/expired", "succeeds, but its media has expired (404)", kept=0.0),
    Fault("sandbox/late-media", "succeeds; its media is there 3 seconds later", media="late"),
    Fault("sandbox/denied", "succeeds, but its media is refused (403)", media="denied"),
    Fault("sandbox/html-media", "succeeds, but its media is a web page", media="html"),
    Fault("sandbox/short-lived", "succeeds, but keeps its media for 1 minute", kept=60.0),
    Fault("sandbox/cut-media", "the first download breaks off half-way", media="cut"),
    Fault("sandbox/evil", "succeeds with hostile text and file names", count=4, evil=True),
)

FAULTS: Final[dict[str, Fault]] = {fault.slug: fault for fault in _ALL}
"""The models by slug, in the order in which help lists them."""
