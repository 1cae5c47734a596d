"""The panels of the page, each one a vertical slice: widgets, handlers, what is saved of it."""
