"""What can go wrong with reports, corrective actions, statements and documents: one class each."""

from tenants.errors import NotFound, Refusal


class StatementNotFound(NotFound):
    code = "statement_not_found"
    message = "This statement does not exist."


class NoSigningKey(Refusal):
    code = "no_signing_key"
    message = "Statements are not set up here yet. Ask the vendor's support. Nothing was issued."


class NotAMonth(Refusal):
    code = "not_a_month"
    message = "This month has no statement: choose one of the list. Nothing was issued."


class TooManyStatements(Refusal):
    code = "too_many_statements"
    message = "Your company has issued very many statements today. Go on tomorrow. Nothing was issued."


class DocumentNotFound(NotFound):
    code = "document_not_found"
    message = "This document does not exist."


class ReportNotFound(NotFound):
    code = "report_not_found"
    message = "There is no such report, or your company does not hold it."


class ReportExists(Refusal):
    code = "report_exists"
    message = "This incident has a post-mortem already. Nothing was changed."


class SavedMeanwhile(Refusal):
    """Two people write at once; carries who saved and when."""

    code = "saved_meanwhile"

    def __init__(self, by: str) -> None:
        super().__init__(
            f"{by} has saved this report since you opened it. Yours was not saved and nothing is lost: both "
            "texts are below."
        )


class BadTimeline(Refusal):
    """Lines of a timeline that cannot be read, each with its number and what is wrong with it."""

    code = "bad_timeline"

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(" ".join(faults))


class ReportMovedOn(Refusal):
    code = "report_moved_on"
    message = "The report has moved on since you saw it. Nothing was changed."


class NotReviewed(Refusal):
    code = "not_reviewed"
    message = "A second person has to review the report before it is published. Nothing was published."


class EmptyReport(Refusal):
    code = "empty_report"
    message = "A report needs at least a summary and a root cause. Nothing was published."


class WrongPublication(Refusal):
    code = "wrong_publication"
    message = (
        "There is one preliminary and one final version, in this order; what comes besides is a revision. "
        "Nothing was published."
    )


class NotOver(Refusal):
    code = "not_over"
    message = (
        "The incident is not over, so its record can still move: publish a preliminary version. "
        "Nothing was published."
    )


class ActionFixed(Refusal):
    code = "action_fixed"
    message = "The clients read this promise already: its words stay. Nothing was changed."


class ActionNotPublished(Refusal):
    code = "action_not_published"
    message = "No client has read this promise yet: change it plainly. Nothing was recorded."


class NothingChanged(Refusal):
    code = "nothing_changed"
    message = "This is how it stands already. Nothing was changed."


class NotLater(Refusal):
    code = "not_later"
    message = "This is not a later, published incident. Nothing was changed."
