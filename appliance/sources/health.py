"""Do all sources read well?"""

from appliance.sources.models import Source


def source_failures() -> list[str] | None:
    """Return a sentence for each source whose last reading failed, None where there are no
    sources.
    """
    sources = list(Source.objects.all())
    return [f"{one}: {one.last_result}" for one in sources if one.failed] if sources else None
