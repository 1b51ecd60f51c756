"""A study's report: ``page`` fills the templates that lie here, the other modules make what they show."""
