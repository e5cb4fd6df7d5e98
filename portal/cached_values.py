"""What is kept in the cache is JSON: reading it back can run nothing."""

import json
from typing import Any


class JsonValues:
    """Writes and reads the cache's values.

    Django's own reader unpickles, so that whoever can write to the cache could run code in the web.
    """

    def dumps(self, value: Any) -> str:
        return json.dumps(value)

    def loads(self, text: bytes) -> Any:
        """The value kept; None for what is no JSON, as if it were not there."""
        try:
            return json.loads(text)
        except ValueError:
            return None
