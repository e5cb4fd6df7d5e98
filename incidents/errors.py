"""What can be refused about incidents, each with the sentence that is shown."""

from collections.abc import Sequence

from tenants.errors import NotFound, Refusal


class IncidentNotFound(NotFound):
    code = "incident_not_found"
    message = "This incident does not exist, or does not affect your account."


class NothingSelected(Refusal):
    code = "nothing_selected"
    message = "No company was selected, so nothing was recorded."


class TooManySelected(Refusal):
    code = "too_many_selected"
    message = "These are more than 20,000 companies at once. Narrow the list. Nothing was changed."


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


class SentBefore(Refusal):
    code = "sent_before"
    message = (
        "This form was sent before, with other words, or what it sent was taken back since. "
        "Nothing was posted now. Read your text and post it again if you mean it."
    )


class WaitingNotFound(NotFound):
    code = "waiting_not_found"
    message = "This text does not exist."


class WaitingMovedOn(Refusal):
    code = "waiting_moved_on"
    message = "This text has moved on since you saw it: see below where it stands. Nothing was changed."


class EarlierWaits(Refusal):
    code = "earlier_waits"
    message = (
        "An earlier text of this incident is still about to leave. Post that one first, or take it back. "
        "Nothing was changed."
    )


class OwnText(Refusal):
    code = "own_text"
    message = "This is your own text: another person has to look at it. Nothing was changed."


class NoReason(Refusal):
    code = "no_reason"
    message = "Say why, so that its author knows what to change. Nothing was changed."


class AuthorMayNot(Refusal):
    code = "author_may_not"
    message = "Its author may not post any more, so nothing was posted."


class PromisePassed(Refusal):
    code = "promise_passed"
    message = (
        "The time for which it promises the next update has passed, so nothing was posted. "
        "Write it again with a later one."
    )


class WrongState(Refusal):
    code = "wrong_state"
    message = "This was answered already, or is closed. Nothing was changed."


class ReasonMissing(Refusal):
    code = "reason_missing"
    message = "The client reads the reason, so it cannot be empty. Nothing was changed."


class RequestsClosed(Refusal):
    code = "requests_closed"
    message = "There is no post-mortem to ask for in this incident."


class RequestNotFound(NotFound):
    code = "request_not_found"
    message = "Your company has not asked for this post-mortem, or has withdrawn its request."


class TooManyRequests(Refusal):
    code = "too_many_requests"
    message = "Your company has asked and withdrawn very often here. Please call support. Nothing was sent."


class TooManyQuestions(Refusal):
    code = "too_many_questions"
    message = "So many questions do not go with one request. Nothing was sent."


class AskedMeanwhile(Refusal):
    code = "asked_meanwhile"
    message = "A colleague asked something in the same moment. Look at it, then send yours again."


class EmptyQuestion(Refusal):
    code = "empty_question"
    message = "The question has no text. Nothing was sent."


class EmptyAnswer(Refusal):
    code = "empty_answer"
    message = "The answer has no text. Nothing was sent."


class NobodyChosen(Refusal):
    code = "nobody_chosen"
    message = "The report has to be for somebody. Nothing was changed."


class NotYourColleague(Refusal):
    code = "not_your_colleague"
    message = "A chosen person is not among your company's people any more. Nothing was changed."


class NotOfStaff(Refusal):
    code = "not_of_staff"
    message = "This person cannot answer requests. Nothing was changed."


class FileRefused(Refusal):
    code = "file_refused"
    message = "The file cannot be read. Nothing was kept."


class FileTooLarge(FileRefused):
    code = "file_too_large"
    message = "The file is larger than 50 MB. Send it in parts. Nothing was kept."


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


class ComponentNotFound(NotFound):
    code = "component_not_found"
    message = "This component does not exist, or is not part of the incident. Nothing was changed."


class AlreadyPart(Refusal):
    code = "already_part"
    message = "This component is part of the incident already. Nothing was changed."


class RestoredBeforeImpact(Refusal):
    code = "restored_before_impact"
    message = "It cannot have been restored before it went wrong. Nothing was changed."


class HasEntries(Refusal):
    code = "has_entries"
    message = "Entries are recorded for this component, so it is part of the record. Nothing was changed."


class LastComponent(Refusal):
    code = "last_component"
    message = "Without this component the incident would affect nobody. Nothing was changed."


class NamedInImport(Refusal):
    code = "named_in_import"
    message = "A file of recoveries that is not applied yet names this component. Nothing was changed."


class NamedByClient(Refusal):
    code = "named_by_client"
    message = "A client has reported on this component, so it is part of the record. Nothing was changed."


class HoldsMore(Refusal):
    code = "holds_more"
    message = (
        "For a company that this component alone brings into the incident, more is kept than its place "
        "there: a request, an update, a note. Nothing was changed."
    )


class SetAside(Refusal):
    """Nothing can be added to what was cancelled, a false alarm, or became part of another incident."""

    code = "set_aside"
    message = (
        "This was cancelled, was a false alarm, or goes on as another incident, so nothing can be added "
        "to it. Nothing was changed."
    )


class NoReportComes(Refusal):
    """A request for the report on what was set aside cannot be accepted."""

    code = "no_report_comes"

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"{reference} was set aside, so there will be no report on it: decline the request with the "
            "reason, or leave it out. Nothing was changed."
        )


class NotMaintenance(Refusal):
    code = "not_maintenance"
    message = "Only a maintenance has a planned window. Nothing was changed."


class NotIncident(Refusal):
    code = "not_incident"
    message = "This is a maintenance: extend it, cancel it or end it early. Nothing was changed."


class BegunAlready(Refusal):
    code = "begun_already"
    message = "The maintenance has begun, so it can only be ended early. Nothing was changed."


class OverAlready(Refusal):
    code = "over_already"
    message = "The maintenance is over. Nothing was changed."


class EndNotLater(Refusal):
    code = "end_not_later"
    message = "The new planned end has to lie after the present one, and in the future. Nothing was changed."


class StartNotAhead(Refusal):
    code = "start_not_ahead"
    message = "The new start has to lie in the future. Nothing was changed."


class EndNotAfterStart(Refusal):
    code = "end_not_after_start"
    message = "The planned end has to lie after the start. Nothing was changed."


class WindowUnchanged(Refusal):
    code = "window_unchanged"
    message = "This is the window that is announced already. Nothing was changed."


class MergedWithItself(Refusal):
    code = "merged_with_itself"
    message = "An incident cannot be merged into itself. Nothing was changed."


class MergeLoses(Refusal):
    """Two records of the same components that contradict each other: one of them would be lost."""

    code = "merge_loses"

    def __init__(self, company_count: int, names: Sequence[str]) -> None:
        self.company_count = company_count
        more = f" and {company_count - len(names)} more" if company_count > len(names) else ""
        super().__init__(
            f"The two records contradict each other for {company_count} "
            f"{'company' if company_count == 1 else 'companies'}: {', '.join(names)}{more}. "
            "Merged, time that one of them counts would be lost. "
            "Record what is true in both first. Nothing was changed."
        )


class MergeReopens(Refusal):
    """A resolved incident would get accounts that are not restored."""

    code = "merge_reopens"

    def __init__(self, open_count: int) -> None:
        self.open_count = open_count
        super().__init__(
            f"{open_count} {'account is' if open_count == 1 else 'accounts are'} not restored, and the "
            "incident that would stay is resolved. Reopen it first. Nothing was changed."
        )
