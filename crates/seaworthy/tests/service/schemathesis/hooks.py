"""What the schema cannot say."""

import uuid

import schemathesis
from schemathesis.generation import GenerationMode


@schemathesis.hook
def before_call(context, case, kwargs):
    # A key belongs to one request. Two generated requests that happen to have the same one are refused, and
    # rightly, so each request that should be accepted gets a key of its own.
    wanted = case.meta and case.meta.generation.mode == GenerationMode.POSITIVE
    if wanted and case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
