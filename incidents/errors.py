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


class UnknownField(Refusal):
    """A field of a text that is not on the list; names the list."""

    code = "unknown_field"

    def __init__(self, unknown: tuple[str, ...], known: tuple[str, ...]) -> None:
        written = ", ".join(f"{{{{ {name} }}}}" for name in unknown)
        listed = ", ".join(known)
        super().__init__(f"There is no field {written}. Nothing was posted. The fields are: {listed}.")


class FieldWithoutValue(Refusal):
    """A field that the record cannot fill yet, or not for so few companies."""

    code = "field_without_value"

    def __init__(self, names: tuple[str, ...]) -> None:
        written = ", ".join(f"{{{{ {name} }}}}" for name in names)
        super().__init__(
            f"The record has no value for {written} yet, or too few companies are affected to show it "
            f"without pointing at one. Nothing was posted."
        )


class WrongBlock(Refusal):
    code = "wrong_block"

    def __init__(self, fault: str) -> None:
        super().__init__(f"{fault} Nothing was posted.")


class NobodyReads(Refusal):
    code = "nobody_reads"
    message = "No affected company is meant by this audience, so nobody would read it. Nothing was posted."


class MovesForSome(Refusal):
    code = "moves_for_some"
    message = (
        "A text for some companies cannot say where the incident stands for all. "
        "Post it as “Update”, or for everyone affected. Nothing was posted."
    )


class ContradictsRecord(Refusal):
    """Truth rule 3: words of a text that the record contradicts; each with what the record says."""

    code = "contradicts_record"

    def __init__(self, contradictions: tuple[str, ...]) -> None:
        self.contradictions = contradictions
        super().__init__(
            "The record says otherwise, so nothing was posted. "
            f"Change the text or acknowledge it: {'; '.join(contradictions)}."
        )


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


class FileRefused(Refusal):
    code = "file_refused"
    message = "The file cannot be read. Nothing was kept."


class ImportNotFound(NotFound):
    code = "import_not_found"
    message = "This import does not exist."


class ImportMovedOn(Refusal):
    code = "import_moved_on"
    message = "The import has moved on since you saw it. Nothing was changed."


class NothingNew(Refusal):
    code = "nothing_new"
    message = "The file holds nothing that is not recorded already. Nothing was changed."


class NothingBegun(Refusal):
    code = "nothing_begun"
    message = "This has not begun, so there is nothing to report yet. Nothing was sent."


class NotYourComponent(Refusal):
    code = "not_your_component"
    message = "A chosen component is not one of yours in this incident. Nothing was sent."


class TooManyReports(Refusal):
    code = "too_many_reports"
    message = "Your company has reported very often on this incident. Please call support. Nothing was sent."


class NotWhatWasSaid(Refusal):
    code = "not_what_was_said"
    message = "This state is not what the client reported. Dispute the report, or choose another state."


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


class OwnText(Refusal):
    code = "own_text"
    message = "Whoever wrote on a report does not review it: ask somebody else. Nothing was changed."


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
