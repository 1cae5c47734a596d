"""Closed page: what a browser shows instead of the review, in words, without a script."""

from html import escape

from aiohttp import web

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>CEMSynth</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ margin: 0; background: #0e1116; color: #d7dde5; font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; }}
h1 {{ font-size: 1.35rem; font-weight: 600; }}
p {{ color: #a4afbd; }}
a {{ display: inline-block; padding: .5rem 1rem; border-radius: 6px; background: #2f6f9f; color: #fff;
    text-decoration: none; }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p>{link}</main></body></html>"""


def closed_page(status: int, title: str, text: str, link: tuple[str, str] | None = None) -> web.Response:
    """A page that says why there is no review here.

    Parameters
    ----------
    status
        HTTP status.
    title, text
        What happened; what to do.
    link
        Address and text of a button.
    """
    button = f'<a href="{escape(link[0])}">{escape(link[1])}</a>' if link else ""
    page = _PAGE.format(title=escape(title), text=escape(text), link=button)
    return web.Response(status=status, text=page, content_type="text/html", headers={"Cache-Control": "no-store"})
