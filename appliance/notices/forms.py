"""Subject and body of a notice, with a little Jinja.  What is a good text, the verbs say."""

from django import forms

from smtpfilter.verdict.texts import LONGEST_BODY, LONGEST_SUBJECT, Template


class WordsForm(forms.Form):
    subject = forms.CharField(max_length=LONGEST_SUBJECT, strip=False)
    body = forms.CharField(
        label="Text",
        max_length=LONGEST_BODY,
        strip=False,
        widget=forms.Textarea({"rows": 24, "class": "mono", "spellcheck": "false"}),
    )

    def template(self) -> Template:
        """Return what was typed."""
        return Template(self.cleaned_data["subject"], self.cleaned_data["body"])
