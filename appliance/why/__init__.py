"""The screen that explains a hypothetical message.  It stands above the filter's own judge."""
