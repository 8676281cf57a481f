"""What is done to each request before it is sent.

A request that carries an `Idempotency-Key` and is sent again is answered as the
first time, also when what it made has been deleted since. schemathesis sends
some requests again, and takes that answer for one that has just made something.
So each key is made a new one; that the same key gives the same answer is
tested by the server's own tests.
"""

import itertools
import re

import schemathesis

# As the document says what a key is. Others are sent as they are, to be refused.
KEY = re.compile(r"[!-~]{1,255}")
SENT = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    # Requests that are wrong on purpose stay as they are: they make nothing, and
    # what is wrong in them is noted of the request as it was made.
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and KEY.fullmatch(key):
        end = f"-{next(SENT)}"
        case.headers["Idempotency-Key"] = key[: 255 - len(end)] + end
