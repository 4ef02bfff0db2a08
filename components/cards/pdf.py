"""The card as PDF: the page's text and plots on A4, in pure Python (xhtml2pdf), with fonts that come with matplotlib.

xhtml2pdf knows no grid, no CSS variables and no inline SVG: it gets a page of its own, simple, with plots as pictures.
"""

import base64
import io
import logging
import re
from pathlib import Path

from components.core import MachineFault

from .colours import on_paper
from .page import INTERVAL, drawn, sections
from .record import Record

NO_BREAK = "\u00a0"
LINE = 105
"""Characters of code on one line."""
BROAD, IN_BODY, TALL = 480, 380, 380
"""Pixels that a picture takes at most: wide in an annex, wide in the body, high (about a third of a page)."""
WIDE = 6
"""Tables of more columns than this are set smaller."""
STYLE = """
@font-face { font-family: Card; src: url("%(fonts)s/DejaVuSans.ttf"); }
@font-face { font-family: Card; font-weight: bold; src: url("%(fonts)s/DejaVuSans-Bold.ttf"); }
@font-face { font-family: Mono; src: url("%(fonts)s/DejaVuSansMono.ttf"); }
@page { size: a4 portrait; margin: 16mm 15mm 18mm 15mm;
  @frame footer { -pdf-frame-content: footer; bottom: 8mm; margin-left: 15mm; margin-right: 15mm; height: 8mm; } }
body { font-family: Card; font-size: 8.5pt; line-height: 1.35; color: #1d2026; }
h1 { font-size: 18pt; margin: 0 0 2mm 0; }
h1.annexes { margin-top: 8mm; -pdf-keep-with-next: true; }
h2 { font-size: 12pt; margin: 4mm 0 1mm 0; color: #1f5fa8; -pdf-keep-with-next: true; }
h3 { font-size: 9.5pt; margin: 3mm 0 1mm 0; -pdf-keep-with-next: true; }
table { width: 100%%; margin: 1.5mm 0; font-size: 7.5pt; }
table.wide { font-size: 6pt; }
th { text-align: left; background-color: #f0f0ec; }
td, th { border: 0.4pt solid #cfcfc8; padding: 0.8mm 1mm; vertical-align: top; }
pre, code { font-family: Mono; font-size: 7pt; } pre { background-color: #f4f4f0; padding: 2mm; }
.caption, #footer { color: #626874; font-size: 7pt; }
"""


def pdf(record: Record, body: str) -> bytes:
    """The PDF of `record`. body: its Markdown without front matter. Raises MachineFault where it cannot be made."""
    from reportlab import rl_config
    from xhtml2pdf import pisa

    rl_config.invariant = 1  # no time and no random name in the file: equal records, equal bytes
    logging.getLogger("xhtml2pdf").setLevel(logging.ERROR)
    target = io.BytesIO()
    # it reads only what lies beside `path`: our fonts. A value of the record can name no other file, and no address
    done = pisa.CreatePDF(_html(record, body), dest=target, encoding="utf-8", path=str(_fonts() / "card.html"))
    if done.err:
        raise MachineFault(f"the card of {record.use_case['name']} could not be printed: {done.err} error(s) of xhtml2pdf")
    return target.getvalue()


def _html(record: Record, body: str) -> str:
    head, shown, annexes = sections(body)
    title = f"{record.use_case['name']}, {'version ' + str(record.model['version']) if record.model else 'draft'}"
    parts = [f"<style>{STYLE % {'fonts': _fonts()}}</style><h1>{title}</h1>", head]
    parts += [_part(name, html, record, IN_BODY) for name, html in shown]
    parts += ['<h1 class="annexes">Annexes</h1>', *(_part(name, html, record, BROAD) for name, html in annexes)]
    parts.append(f'<div id="footer">Model card {title}, run {record.run_id}, page <pdf:pagenumber> of <pdf:pagecount></div>')
    return "".join(parts)


def _part(title: str, html: str, record: Record, broad: int) -> str:
    """A section; its plots are at most `broad` pixels wide and stand last, so that no page ends early before a table."""
    pictures = [
        f'<p><img src="{_picture(svg)}" width="{_width(svg, broad)}"><br><span class="caption">{caption}</span></p>'
        for svg, caption in drawn(title, record)
    ]
    html = INTERVAL.sub(lambda match: f"{match[1]} {match[2].replace(' ', NO_BREAK)}", html)
    html = re.sub(r"<pre>.*?</pre>", _wrapped, html, flags=re.DOTALL)
    html = re.sub(r"<table>.*?</table>", _sized, html.replace("step <code>", f"step{NO_BREAK}<code>"), flags=re.DOTALL)
    return "".join([f"<h2>{title}</h2>", html, *pictures])


def _width(svg: str, broad: int) -> int:
    """Pixels: as wide as may be, or as narrow as keeps it within `TALL`, so that none leaves half a page empty."""
    wide, high = (float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    return round(min(broad, TALL * wide / high))


def _sized(match: "re.Match[str]") -> str:
    """A table whose columns are as wide as what stands in them asks for, small when it has many; its head is repeated."""
    table = match[0]
    rows = [re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("</tr>")]
    cells = [[re.sub(r"<[^>]*>", "", cell) for cell in row] for row in rows if row]
    needs = [_need([row[at] for row in cells if at < len(row)]) for at in range(len(cells[0]))]
    for need in needs:
        table = table.replace("<th>", f'<th width="{100 * need / sum(needs):.1f}%">', 1)
    return table.replace("<table>", f'<table repeat="1" class="{"wide" if len(needs) > WIDE else "narrow"}">')


def _wrapped(match: "re.Match[str]") -> str:
    """A block of code whose long lines go on below; nothing else would keep them on the paper."""
    return re.sub(rf"([^\n]{{{LINE}}})(?=[^\n])", r"\1\n", match[0])


def _need(column: list[str]) -> float:
    """How much of a line a column asks for: its longest word must fit, its longest text should."""
    word = max((len(word) for text in column for word in text.split(" ")), default=1)
    return max(word * 1.4 + 3, min(45.0, max(len(text) for text in column) ** 0.75 * 2))


def _picture(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(on_paper(svg).encode()).decode()


def _fonts() -> Path:
    import matplotlib

    return (Path(matplotlib.get_data_path()) / "fonts" / "ttf").resolve()
