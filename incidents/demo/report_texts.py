"""The texts of the founding incident's report, in the portal's own words."""

ZONE = "Europe/Paris"

TIMELINE = """\
2026-02-04 13:45 to 14:00 | Interruption | No sign-in and no traffic, in Europe and in North America.
2026-02-04 13:57 | First word | Everyone affected is told that nothing can be reached.
2026-02-04 14:00 to 16:00 | Degraded | Reachable again, slowly and with 503 errors, while the queues drain.
2026-02-04 16:00 to 18:10 | Recovery of the first 95% | Account after account returns to its usual speed.
2026-02-04 18:10 to 20:15 | Recovery of the last 5% | Database resources are moved back, group after group.
2026-02-04 20:15 | Complete | Every client runs in its permanent environment."""

_ROOT_CAUSE = """\
A physical connection between servers and storage failed. With it every service in both data centers
lost its data at once."""

_CONTRIBUTING = """\
* The security layer in front of all traffic went down, so nobody could sign in.
* One primary database host stopped answering, and requests piled up behind it.
* After the hardware was mended, the waiting requests drove the routing applications to their limits.
* A few clients still met timeouts after 18:10."""

PRELIMINARY = {
    "summary": """\
The link between our servers and their storage broke at {{ started_at }}, and every service in both data
centers stopped for {{ affected_count }} client companies. The link was mended within a quarter of an hour;
what followed took far longer. The total resolution took **4 h 30 min**.

The first 95% of the companies were back {{ time_to_95 }} after the start, the last one after
{{ time_to_last }}. Your account was restored: {{ your_restored_at }}.""",
    "root_cause": _ROOT_CAUSE,
    "contributing_causes": _CONTRIBUTING,
    "comes_next": """\
The failed hardware is under forensic examination. The final report follows when that is done.""",
}

REASON = """\
This is the figure that was announced on the evening of 4 February. It was rounded from the recovery of \
the first 95% and leaves out the last clients. It stays here so that both can be read side by side; the \
final report drops it."""

FINAL = {
    "summary": """\
The link between our servers and their storage broke at {{ started_at }}, and every service in both data
centers stopped for {{ affected_count }} client companies. The link was mended within a quarter of an hour;
what followed took far longer.

The first 95% of the companies were back {{ time_to_95 }} after the start, the last one after
{{ time_to_last }}. Twice that evening we announced that all was well while the last 5% were still waiting:
that was untrue for them. Your account was restored: {{ your_restored_at }}.""",
    "root_cause": f"""\
{_ROOT_CAUSE}

The examination found a worn connector, years past the age at which its maker advises to replace it.""",
    "contributing_causes": f"""\
{_CONTRIBUTING}
* "Resolved" could be posted without a look at the accounts that were still down.""",
    "comes_next": """\
The promises above are kept up on the page of corrective actions. If the examination finds more, a revision
of this report says so.""",
}

CHANGE_NOTE = (
    "The cause in full after the examination; the announced total is dropped for the two figures of the "
    "record."
)

ACTIONS = (
    (
        "Infrastructure audit",
        """\
Every piece of hardware and every interconnection in the data centers is examined from top to bottom, and
what is ageing is replaced.""",
        "Data center operations",
    ),
    (
        "Expanded capacity",
        "More instances of the routing applications, so that a spike of waiting requests does not queue.",
        "Platform engineering",
    ),
    (
        "Automated redirection",
        "An emergency switch that moves traffic to maintenance pages or backup servers at once.",
        "Traffic engineering",
    ),
)
"""Title, text, who sees to it."""

CAPACITY_EVIDENCE = (
    "Twice as many instances since 26 February; a load test with four times the waiting requests of "
    "4 February ended without one 503."
)
AUDIT_NOTE = "The European data center is done: 31 connectors were replaced. North America has begun."
AGAIN_NOTE = "Requests for reports queued while an index was rebuilt: a part that has no more instances yet."
