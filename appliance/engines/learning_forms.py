"""What a person gives to learn from."""

from typing import Any

from django import forms

from appliance.engines.learning import UPLOAD_BYTES
from appliance.engines.learning_models import LearningJob


class LearningForm(forms.Form):
    kind = forms.ChoiceField(
        label="What the mail is",
        choices=(
            (LearningJob.Kind.SPAM, "Spam"),
            (LearningJob.Kind.HAM, "Wanted mail"),
            (LearningJob.Kind.FORGET, "Learnt by mistake, to be forgotten"),
        ),
    )
    file = forms.FileField(
        label="File",
        help_text=f"One message, or an mbox with many; {UPLOAD_BYTES >> 20} MB at most.",
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if (file.size or 0) > UPLOAD_BYTES:
            raise forms.ValidationError(
                f"The file has more than {UPLOAD_BYTES >> 20} MB: divide it."
            )
        return file
