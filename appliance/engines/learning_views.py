"""Screen: learn from much mail at once, and how far that is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import allowed
from appliance.engines import bayes
from appliance.engines.learning import start_upload, stop_job
from appliance.engines.learning_forms import LearningForm
from appliance.engines.learning_models import LearningJob
from appliance.ui.asking import UNPROCESSABLE, carried_out, posted, told

SHOWN = 20  # of the newest jobs


@require_http_methods(["GET", "HEAD", "POST"])
def learning(request: HttpRequest) -> HttpResponse:
    """Show the jobs; POST starts one.  While some are under way the page asks for their part of it
    again and again.
    """
    verb = Verb.EDIT_SITE if request.method == "POST" else Verb.SEE_SYSTEM
    person = allowed(request, verb)
    form = LearningForm(posted(request), request.FILES or None)
    if form.is_valid() and _started(form, person.email):
        return redirect("learning")
    jobs = list(LearningJob.objects.all()[:SHOWN])
    shown = {
        "jobs": jobs,
        "under_way": any(job.state == LearningJob.State.UNDER_WAY for job in jobs),
        "form": form,
        "counts": bayes.counts(),
        "may_edit": may(person, Verb.EDIT_SITE),
    }
    part = bool(request.headers.get("HX-Request"))
    page = "engines/learning_jobs.html" if part else "engines/learning.html"
    return render(request, page, shown, status=UNPROCESSABLE if form.errors else 200)


@require_POST
def learning_stop(request: HttpRequest, pk: int) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    job = get_object_or_404(LearningJob, pk=pk)
    told(request, "Learning has stopped.", stop_job, job_id=job.pk, actor=person.email)
    return redirect("learning")


def _started(form: LearningForm, actor: str) -> bool:
    file = form.cleaned_data["file"]
    kind = form.cleaned_data["kind"]
    return carried_out(form, start_upload, kind=kind, source=file.name, file=file.file, actor=actor)
