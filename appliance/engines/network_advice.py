"""What switching the network tests on means, for whoever is about to do it.  Pure.

SpamAssassin has four sets of points for its rules, chosen by two questions: are there network
tests, and does Bayes score (Mail::SpamAssassin::Conf, `score`)?
"""

LEAVES = {
    "dns_lists": "Addresses of the servers that mail came through, and domains named in it, as DNS"
    " questions to the operators of the lists and to every resolver on the way.",
    "razor": "Checksums of the text, to Cloudmark's Razor2 servers.",
    "pyzor": "A checksum of the text, to the Pyzor server.",
    "dcc": "Checksums of the text, to the DCC servers.",
}
_EFFECTS = (
    "SpamAssassin uses the points that it has for work with network tests. Many rules that look at"
    " the mail alone then count a little less or more; the tests that come in add points to mail"
    " from listed servers, with listed links, or seen in bulk elsewhere.",
    "Spam moves up further than wanted mail does, so the levels that you have go on to make sense:"
    " leave spam_tag2_level and spam_kill_level as they are.",
    "A tag2 level of 6.3 is a careful start, 5 is the one that SpamAssassin's points are made for."
    " Go down only after a week or two in which no wanted mail scored between the two.",
    "Every message waits for the answers, mostly well under a second; a resolver that does not"
    " answer costs up to 15 seconds. Use a resolver of your own that does not forward to a public"
    " one: the lists refuse those, and an alarm then says so.",
)
_LEARNS = (
    "Bayes learns by itself from mail that passes its thresholds: with more points in play it"
    " learns spam faster. A threshold below 8 is then even less advisable."
)


def effects(*, auto_learn: bool) -> tuple[str, ...]:
    """Return sentences on scores, levels and time; `auto_learn`: Bayes learns by itself."""
    return (*_EFFECTS, _LEARNS) if auto_learn else _EFFECTS
