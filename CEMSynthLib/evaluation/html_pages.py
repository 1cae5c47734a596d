"""HTML pages: templates of self-contained documents; every text is escaped, and what is not there is an error."""

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape


def html_environment(*loaders: BaseLoader) -> Environment:
    """The environment of a page.

    Parameters
    ----------
    loaders
        Where templates are looked for before those that all pages share.
    """
    return Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("CEMSynthLib.evaluation", "templates")]),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
