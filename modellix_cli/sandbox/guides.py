"""Pages of the documentation that are not about one model: path, then title, summary and text."""

from typing import Final

GUIDES: Final = {
    "get-started/introduction": (
        "Introduction",
        "One asynchronous REST API for image, video and audio models.",
        "Submit a task, keep its `task_id`, poll until it ends, then download the results.",
    ),
    "get-started/authentication": (
        "Authentication",
        "Create an API key and send it with every request.",
        "Send `Authorization: Bearer KEY`.\n`GET /api/v1/apikey/validate` checks a key for free.",
    ),
    "ways-to-use/api": (
        "REST API",
        "Submit tasks, poll them, and fetch what they made.",
        "`POST /api/v1/{provider}/{model}/async` submits a task.\n"
        "`GET /api/v1/tasks/{task_id}` reads it. Results are kept for 7 days.",
    ),
    "ways-to-use/cli": (
        "Command line",
        "Run models from a terminal, a script or a CI job.",
        "`modellix-cli model run SLUG --body JSON --wait --output-dir .`",
    ),
    "ways-to-use/webhooks": (
        "Webhooks",
        "Be called when a task ends instead of polling.",
        "Send `X-Webhook-URL` with a submission. Drop repeats by `X-Modellix-Delivery-ID`.",
    ),
    "reference/errors": (
        "Errors",
        "Every status code, and what to do about it.",
        "400, 401, 402 and 404 need another request; 429 and 503 may be sent again later.",
    ),
    "reference/rate-limits": (
        "Rate limits",
        "How many requests and running tasks a team may have.",
        "Watch `X-RateLimit-Remaining` and `X-RateLimit-Reset`.",
    ),
    "reference/files": (
        "Files",
        "Upload inputs: images, video and audio up to 16 MiB.",
        "A team keeps up to 10 files, each for about 7 days. Delete what is no longer needed.",
    ),
}
