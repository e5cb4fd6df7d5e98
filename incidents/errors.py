"""What can be refused about incidents, each with the sentence that is shown."""

from tenants.errors import NotFound, Refusal


class IncidentNotFound(NotFound):
    code = "incident_not_found"
    message = "This incident does not exist, or does not affect your account."


class NothingSelected(Refusal):
    code = "nothing_selected"
    message = "No company was selected, so nothing was recorded."


class NotAffected(Refusal):
    code = "not_affected"
    message = "A selected company is not affected by this incident. Nothing was recorded."


class InstantInFuture(Refusal):
    code = "instant_in_future"
    message = "The time lies in the future. Record what has happened. Nothing was recorded."


class InstantTooEarly(Refusal):
    code = "instant_too_early"
    message = "The time lies more than 7 days before the incident's start. Nothing was recorded."


class StartInFuture(Refusal):
    code = "start_in_future"
    message = "The start lies in the future, and an incident has begun. Nothing was published."


class NotBegun(Refusal):
    code = "not_begun"
    message = "The maintenance has not begun, so it cannot be completed. Nothing was posted."


class AlreadyPublished(Refusal):
    code = "already_published"
    message = "This incident is published already."


class NotPublished(Refusal):
    code = "not_published"
    message = "This incident is a draft: publish it first, so that its companies are known."


class NothingAffected(Refusal):
    code = "nothing_affected"
    message = "No component was chosen, or no company is placed on the chosen ones. Nothing was published."


class EmptyText(Refusal):
    code = "empty_text"
    message = "The update has no text. Nothing was posted."


class NotAllRestored(Refusal):
    """Truth rule 1: a `resolved` that the record contradicts; carries the numbers."""

    code = "not_all_restored"

    def __init__(
        self, *, affected_count: int, restored_count: int, open_by_data_center: dict[str, int]
    ) -> None:
        self.affected_count = affected_count
        self.restored_count = restored_count
        self.open_count = affected_count - restored_count
        self.open_by_data_center = open_by_data_center
        self.honest_alternative = f"Monitoring: {100 * restored_count / affected_count:.1f}% restored"
        where = ", ".join(f"{count} {code}" for code, count in sorted(open_by_data_center.items()))
        super().__init__(
            f"{restored_count} of {affected_count} restored, {self.open_count} open: {where}. "
            f"“Resolved” would be untrue for them, so nothing was posted. "
            f"Post it as “{self.honest_alternative}”, or give a reason to override."
        )


class WrongState(Refusal):
    code = "wrong_state"
    message = "This was answered already. Nothing was changed."


class ReasonMissing(Refusal):
    code = "reason_missing"
    message = "The client reads the reason, so it cannot be empty. Nothing was changed."


class RequestsClosed(Refusal):
    code = "requests_closed"
    message = "There is no post-mortem to ask for in this incident."
