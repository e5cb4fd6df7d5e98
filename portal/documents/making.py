"""Make one document: read in the company's own scope, close it, and have it set."""

from incidents.choices import DocumentKind
from incidents.operations.documents import NotMade, Wanted
from incidents.queries import statements
from portal.documents import statement_values, typesetting
from tenants import scope


def make(wanted: Wanted) -> bytes:
    """The PDF that is wanted. Raises NotMade. No scope is open while it is set."""
    with scope.as_company(wanted.company_id, read_only=True):
        content = _content(wanted)
    try:
        return typesetting.pdf("statement", statement_values.values(content))
    except typesetting.NotSet as error:
        raise NotMade(str(error)) from error


def _content(wanted: Wanted) -> str:
    if wanted.kind is not DocumentKind.STATEMENT or wanted.statement_id is None:
        raise NotMade(f"Nobody knows how to make a {wanted.kind.label}.")
    return statements.content_of(wanted.statement_id)
