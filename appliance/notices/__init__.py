"""The words of notices: shipped texts as files, the site's own as rows."""
