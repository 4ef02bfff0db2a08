"""PDF, DOCX and EPUB: what a reader sees, by page, section and chapter; a hostile file is set aside and named."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from components.core import BadInput, Source, Task
from components.data import zipped
from components.data.read import Record, read_source
from components.data.readers import pdf

from .conftest import QUESTIONS, REVIEWS, Bench, write

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
BOMB = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def read(path: Path, task: Task = QUESTIONS, **more: Any) -> list[Record]:
    given = {"name": "docs", "role": "knowledge", "path": path.name, "licence": "CC0-1.0", "origin": "made for a test"}
    return read_source(Source(**(given | more)), 0, path, task)


def printed(path: Path, *pages: str, title: str = "") -> Path:
    canvas = Canvas(str(path))
    canvas.setTitle(title)
    for page in pages:
        for place, line in enumerate(page.splitlines()):
            canvas.drawString(72, 720 - 14 * place, line)
        canvas.showPage()
    canvas.save()
    return path


def archive(path: Path, members: dict[str, str | bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def paragraph(text: str, style: str = "") -> str:
    named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{named}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word(path: Path, body: str, more: dict[str, str | bytes] | None = None, before: str = "") -> Path:
    """A document as Word packs it, a German one: the styles' ids are translated, their names are not."""
    styles = "".join(
        f'<w:style w:styleId="{id}"><w:name w:val="{name}"/></w:style>'
        for id, name in {"Titel": "Title", "berschrift1": "heading 1", "berschrift2": "heading 2"}.items()
    )
    members: dict[str, str | bytes] = {
        "_rels/.rels": f'<Relationships><Relationship Type="{OFFICE}" Target="word/document.xml"/></Relationships>',
        "word/styles.xml": f"<w:styles {W}>{styles}</w:styles>",
        "word/document.xml": f"{before}<w:document {W}><w:body>{body}</w:body></w:document>",
    }
    return archive(path, members | (more or {}))


def book(path: Path, chapters: dict[str, str], more: dict[str, str | bytes] | None = None) -> Path:
    items = "".join(f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters))
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    metadata = '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The harbour</dc:title></metadata>'
    members: dict[str, str | bytes] = {
        "META-INF/container.xml": '<container><rootfiles><rootfile full-path="OPS/a.opf"/></rootfiles></container>',
        "OPS/a.opf": f"<package>{metadata}<manifest>{items}</manifest><spine>{order}</spine></package>",
    }
    pages = {f"OPS/{name.replace('%20', ' ')}": f"<html><head><title>x</title></head><body>{text}</body></html>"
             for name, text in chapters.items() if not name.startswith("..")}  # fmt: skip
    return archive(path, members | pages | (more or {}))


def test_each_page_of_a_pdf_is_a_passage_with_its_number(tmp_path: Path) -> None:
    records = read(
        printed(tmp_path / "a.pdf", "The wall is of 1887.\nIt is long.", "", "Boats lie there.", title="The wall")
    )
    assert records == [
        Record(1, passage="The wall is of 1887.\nIt is long.", title="The wall"),
        Record(3, passage="Boats lie there.", title="The wall"),
    ]


def test_a_page_is_named_in_a_folder_and_in_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    printed(tmp_path / "docs" / "a.pdf", "One.", "Two.")
    word(tmp_path / "docs" / "b.docx", paragraph("Three."))
    book(tmp_path / "docs" / "c.epub", {"1.xhtml": "<p>Four.</p>"})
    (tmp_path / "docs" / "d.pdf").write_bytes(b"%PDF-1.4\nnothing")
    records = read(tmp_path / "docs")
    assert [record.file for record in records] == [
        *("a.pdf, page 1", "a.pdf, page 2", "b.docx, section 1", "c.epub, chapter 1", "d.pdf"),
    ]
    assert [record.passage for record in records] == ["One.", "Two.", "Three.", "Four.", None]
    assert (records[-1].fault or "").startswith("it is no readable PDF (")


def test_a_pdf_of_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a\.pdf: it holds pictures only, no text layer"):
        read(printed(tmp_path / "a.pdf", ""))


def test_a_locked_pdf_says_so_and_one_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    for password, name in (("secret", "locked.pdf"), ("", "open.pdf")):
        writer = PdfWriter(clone_from=PdfReader(printed(tmp_path / "a.pdf", "One.")))
        writer.encrypt(password, "of the owner", algorithm="AES-256")
        writer.write(tmp_path / name)
    with pytest.raises(BadInput, match=r"locked\.pdf: it is encrypted"):
        read(tmp_path / "locked.pdf")
    assert [record.passage for record in read(tmp_path / "open.pdf")] == ["One."]


def raw_pdf(*objects: bytes) -> bytes:
    """Objects numbered from 1, the first the catalogue, behind a table that says where they are."""
    text, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(text))
        text += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return text + head + b"trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(text))


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
FONT = b"<< /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


def one_page(content: bytes) -> bytes:
    data = zlib.compress(content)
    return raw_pdf(
        CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources " + FONT + b" /Contents 4 0 R >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(data), data),
    )


@pytest.mark.parametrize(
    "data",
    [
        raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        raw_pdf(CATALOGUE, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        raw_pdf(
            CATALOGUE, b"<< /Type /Pages /Kids [" + b"3 0 R " * 1_000_000 + b"] /Count 1000000 >>", b"<< /Type /Page >>"
        ),
        one_page(b"BT /F 9 Tf (a) Tj ET " * 3_000_000),
        one_page(b"[" * 1_000_000),
        b"%PDF-1.7\n" + b"<<" * 1_000_000,
        b"MZ\0\0",
        b"",
    ],
    ids=["own child", "cycle", "a million pages", "bomb", "nested", "open", "program", "empty"],
)
def test_a_hostile_pdf_is_set_aside_and_the_rest_kept(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.pdf").write_bytes(data)
    printed(tmp_path / "docs" / "b.pdf", "One.")
    first, second = read(tmp_path / "docs")
    assert first.file == "a.pdf"
    assert first.fault
    assert second.passage == "One."


def test_a_pdf_beyond_the_limits_is_set_aside_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed(tmp_path / "a.pdf", "One.", "Two.")
    monkeypatch.setattr(pdf, "MOST_PAGES", 1)
    with pytest.raises(BadInput, match="it has more than 1 pages"):
        read(tmp_path / "a.pdf")
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    monkeypatch.setattr(pdf, "MOST_SECONDS", -1)
    with pytest.raises(BadInput, match="page 1 was reached after"):
        read(tmp_path / "a.pdf")


def test_a_word_document_is_cut_at_its_highest_headings(tmp_path: Path) -> None:
    body = paragraph("Travel", "Titel") + paragraph("In short.")
    body += paragraph("Trains", "berschrift1") + paragraph("Book early.") + paragraph("Abroad", "berschrift2")
    body += "<w:tbl><w:tr>" + "".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in ("class", "second")) + "</w:tr></w:tbl>"
    body += paragraph("Hotels", "berschrift1") + paragraph("Keep the receipt.")
    assert read(word(tmp_path / "a.docx", body)) == [
        Record(1, passage="Travel\n\nIn short.", title="Travel"),
        Record(2, passage="Trains\n\nBook early.\n\nAbroad\n\nclass second", title="Travel: Trains"),
        Record(3, passage="Hotels\n\nKeep the receipt.", title="Travel: Hotels"),
    ]


def test_a_word_document_says_what_a_reader_sees(tmp_path: Path) -> None:
    body = "<w:p><w:del><w:r><w:delText>Old</w:delText></w:r></w:del><w:ins><w:r><w:t>New</w:t></w:r></w:ins>"
    body += '<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> rules'
    body += (
        '</w:t></w:r><w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom><w:hyperlink><w:r><w:t xml:space="preserve"> here'
    )
    body += "</w:t><w:br/><w:t>below</w:t></w:r></w:hyperlink></w:p>"
    body += f"<w:sdt><w:sdtContent>{paragraph('From a form.')}</w:sdtContent></w:sdt>"
    box = f"<w:txbxContent>{paragraph('In a box.')}</w:txbxContent>"
    body += f"<w:p><w:r><w:t>Around.</w:t><mc:AlternateContent xmlns:mc='m'><mc:Choice>{box}</mc:Choice>"
    body += f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    (record,) = read(word(tmp_path / "a.docx", body))
    assert record.passage == "New rules here\nbelow\n\nFrom a form.\n\nIn a box.\n\nAround."
    assert record.title == "a"


def test_a_book_is_its_chapters_in_the_order_of_reading(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.epub",
        {
            "cover.xhtml": "<img src='a.png'/>",
            "text/b%20one.xhtml": "<h1>The wall</h1><div>It is<br/>of <i>1887</i>.<p>Long.</p></div><script>x</script>",
            "a.xhtml": "<nav>Home</nav><table><tr><td>wheel</td><td>90</td></tr></table><p>Straße &nbsp;&amp; so</p>",
        },
        {"META-INF/encryption.xml": '<e><CipherReference URI="OPS/font.otf"/></e>'},
    )
    assert read(path) == [
        Record(2, passage="The wall\n\nIt is\nof 1887.\n\nLong.", title="The harbour: The wall"),
        Record(3, passage="wheel 90\n\nStraße & so", title="The harbour"),
    ]


def lying(path: Path) -> None:
    """An archive whose directory says of a member that it is small."""
    word(path, paragraph("a " * 3_000_000))
    data = path.read_bytes()
    size = ZipFile(path).getinfo("word/document.xml").file_size.to_bytes(4, "little")
    assert data.count(size) == 2, "before the member, and in the directory"
    path.write_bytes(data.replace(size, (9).to_bytes(4, "little")))


PACKED: dict[str, tuple[Callable[[Path], object], str]] = {
    "bomb.docx": (lambda path: word(path, paragraph(" " * 120_000_000)), "it unpacks to more than 100 MB"),
    "many.docx": (lambda path: word(path, "", {f"x{n}": "" for n in range(20_001)}), "holds more than 20,000 files"),
    "away.docx": (
        lambda path: word(path, "", {"_rels/.rels": f'<r><Relationship Type="{OFFICE}" Target="../../etc/passwd"/></r>'}),
        r"lacks '\.\./\.\./etc/passwd', which it names",
    ),
    "entities.docx": (lambda path: word(path, paragraph("&b;"), before=BOMB), "it holds no text"),
    "broken.docx": (lambda path: word(path, "<w:p>"), "is no valid XML"),
    "deep.docx": (lambda path: word(path, "<w:p>" * 50_000 + "</w:p>" * 50_000), "is no valid XML"),
    "empty.docx": (lambda path: word(path, ""), "it holds no text"),
    "other.docx": (lambda path: archive(path, {"a": ""}), r"lacks '_rels/\.rels'"),
    "old.docx": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" * 9), "locked by a password, or of Word 97"),
    "torn.docx": (lambda path: path.write_bytes(b"PK\3\4"), "it is no readable ZIP archive"),
    "away.epub": (lambda path: book(path, {"../../etc/passwd": ""}), r"lacks '\.\./etc/passwd'"),
    "locked.epub": (
        lambda path: book(
            path, {"a.xhtml": "x"}, {"META-INF/encryption.xml": '<e><CipherReference URI="OPS/a.xhtml"/></e>'}
        ),
        r"its text is encrypted \(DRM\)",
    ),
    "empty.epub": (lambda path: book(path, {"a.xhtml": ""}), "it holds no text"),
    "bomb.epub": (lambda path: book(path, {"a.xhtml": "<p>a</p>" * 14_000_000}), "it unpacks to more than 100 MB"),
    "nothing.epub": (lambda path: archive(path, {"META-INF/container.xml": "<container/>"}), "names no book"),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_hostile_archive_is_named_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    make, said = PACKED[name]
    make(tmp_path / name)
    with pytest.raises(BadInput, match=rf"data\.sources\.0\.path: .*{name}: .*{said}"):
        read(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_an_archive_says_of_its_size_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lying(tmp_path / "a.docx")
    monkeypatch.setattr(zipped, "MOST_UNPACKED", 1_000_000)
    with pytest.raises(BadInput, match=r"a\.docx: .*cannot be unpacked"):
        read(tmp_path / "a.docx")


def test_documents_wait_for_labels_too(bench: Bench) -> None:
    (bench.folder / "docs").mkdir()
    printed(bench.folder / "docs" / "a.pdf", "A film to see.")
    assert [record.text for record in read(bench.folder / "docs", REVIEWS, role="unlabelled")] == ["A film to see."]
    with pytest.raises(BadInput, match=r"must be 'knowledge' \(or 'unlabelled'\), not 'practice'"):
        read(bench.folder / "docs", role="practice")


def test_a_folder_of_documents_becomes_the_base_and_what_is_unreadable_is_counted(bench: Bench) -> None:
    rows = [{"question": f"What is the height of wall {n}?", "answer": str(n)} for n in range(24)]
    write(bench.folder / "calls.jsonl", rows)
    (bench.folder / "docs").mkdir()
    printed(bench.folder / "docs" / "a.pdf", *(f"Page {n} is about boats and nets." for n in range(30)))
    (bench.folder / "docs" / "b.pdf").write_bytes(b"%PDF-1.4")
    data = bench.data({"name": "calls", "path": "calls.jsonl"}, {"name": "docs", "role": "knowledge", "path": "docs"})
    done = bench.prepare(QUESTIONS, data)
    assert done.dataset.knowledge
    assert done.dataset.knowledge.count == 30
    assert done.metrics["quarantined"] == 1
