"""The base of all refusals: each carries a sentence that can be shown to a person as it is."""


class Refusal(Exception):
    """Something was refused and nothing was changed.

    `message` says what happened and what to do; `code` is stable for machines.
    """

    code = "refused"
    message = "This was refused. Nothing was changed."

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.message
        super().__init__(self.message)


class NotPermitted(Refusal):
    code = "not_permitted"
    message = "Your role does not allow this. Ask an owner of your account."


class NotFound(Refusal):
    """Unknown, or of another company: the two are never told apart."""

    code = "not_found"
    message = "This page does not exist, or is not part of your account."


class ScopeError(RuntimeError):
    """A programming error: business data touched without a scope, or in the wrong one."""
