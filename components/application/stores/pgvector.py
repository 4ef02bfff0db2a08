"""PostgreSQL with pgvector: one table an index, in the first schema of the role's search path, scanned exactly.

`NINEFOLD_PGVECTOR_URL` (`postgresql://user:password@host/base`) says where, and is read nowhere else: it stands in no
Candidate, card or log, and no message repeats it or what the driver says of it, which may hold parts of a password. The
table has most of the index's digest in its name, and all of it in its comment. No index of pgvector's is made or used: hits
are numpy's; a question over 13,000 chunks of 384 dimensions reads 20 MB there. A note in `derived` remembers that a table
was made, for `ninefold forget`.
"""

import os
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from components.core import MachineFault, MissingPackage, publish_text

from ..index_rows import IndexRows

if TYPE_CHECKING:
    import numpy as np
    from pgvector import Vector
    from psycopg import Connection

T = TypeVar("T")
PACKAGES = ("psycopg", "psycopg-binary", "pgvector")
URL = "NINEFOLD_PGVECTOR_URL"
ENVIRONMENT = (URL,)
NEAREST = (
    "select number, (vector <#> %(vector)s) * -1 from {table} "
    "order by round(((vector <#> %(vector)s) * -1)::numeric, 6) desc, number limit %(limit)s"
)
"""`<#>` is the inner product with its sign turned."""


class VectorStore:
    """See stores/__init__.py. A connection that the server has cut is opened once more."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._connection = _connect()

    @classmethod
    def open(cls, index: str, derived: Path) -> "VectorStore | None":
        """See stores/__init__.py."""
        _note(index, derived).parent.mkdir(parents=True, exist_ok=True)
        publish_text(_note(index, derived), "made in PostgreSQL\n")  # first: a killed call is found by `held`
        form = cls(_table(index))
        ((comment,),) = form._do(
            lambda base: base.execute("select obj_description(to_regclass(%s), 'pg_class')", [form._table]).fetchall()
        )
        if comment == index:
            return form
        form.close()
        return None

    @classmethod
    def build(cls, index: str, rows: IndexRows, derived: Path) -> "VectorStore":
        """In one transaction, under a lock: another process sees the table before, or all of it."""
        form = cls(_table(index))
        form._do(lambda base: form._build(base, index, rows))
        return form

    def _build(self, base: "Connection", index: str, rows: IndexRows) -> None:
        with base.transaction():
            base.execute("select pg_advisory_xact_lock(hashtext(%s))", [self._table])
            base.execute(f"drop table if exists {self._table}")
            size = rows.vectors.shape[1]
            columns = f"number bigint primary key, passage text not null, vector vector({size}) not null"
            base.execute(f"create table {self._table} ({columns})")
            self._copy(base, rows)
            base.execute(f"comment on table {self._table} is '{index}'")

    def _copy(self, base: "Connection", rows: IndexRows) -> None:
        with base.cursor().copy(f"copy {self._table} from stdin with (format binary)") as copy:
            copy.set_types(["int8", "text", "vector"])
            for number, passage, vector in zip(rows.numbers.tolist(), rows.passages, rows.vectors, strict=True):
                copy.write_row((number, passage, vector))

    def rows(self) -> IndexRows | None:
        """See stores/__init__.py."""
        import numpy as np

        try:
            rows = self._read(f"select number, passage, vector from {self._table} order by number")
        except MachineFault:  # without a column, or gone: building again says what else is wrong
            return None
        numbers, passages, vectors = zip(*rows, strict=True) if rows else ((), (), ())
        stacked = np.array([_array(vector) for vector in vectors], dtype=np.float32)
        return IndexRows(np.array(numbers, dtype=np.int64), tuple(passages), stacked)

    def search(self, vectors: "np.ndarray", limit: int | None = None) -> list[tuple["np.ndarray", "np.ndarray"]]:
        """See stores/__init__.py."""
        import numpy as np

        best = []
        for vector in vectors:
            nearest = self._read(NEAREST.format(table=self._table), {"vector": vector, "limit": limit})
            numbers, cosines = zip(*nearest, strict=True) if nearest else ((), ())
            best.append((np.array(numbers, dtype=np.int64), np.array(cosines, dtype=np.float32)))
        return best

    def add(self, passages: Collection[str], vectors: "np.ndarray") -> None:
        """See stores/__init__.py."""

        def insert(base: "Connection") -> None:
            with base.transaction():
                base.execute(f"lock table {self._table} in exclusive mode")
                ((largest,),) = base.execute(f"select coalesce(max(number), -1) from {self._table}").fetchall()
                self._copy(base, IndexRows.of(tuple(passages), vectors, first=largest + 1))

        self._do(insert)

    def delete(self, passages: Collection[str]) -> None:
        """See stores/__init__.py."""
        self._do(lambda base: base.execute(f"delete from {self._table} where passage = any(%s)", [list(passages)]))

    def close(self) -> None:
        """See stores/__init__.py."""
        self._connection.close()

    def _read(self, query: str, given: dict[str, object] | None = None) -> list[tuple]:
        return self._do(lambda base: base.cursor(binary=True).execute(query, given).fetchall())

    def _do(self, work: "Callable[[Connection], T]") -> T:
        """`work` on the connection; what the server refuses is said in its words, which name tables and roles alone."""
        import psycopg

        for last in (False, True):
            try:
                return work(self._connection)
            except psycopg.Error as error:
                if not self._connection.closed or last:
                    reason = error.diag.message_primary or "the connection was lost"
                    raise MachineFault(f"store 'pgvector': the server that {URL} names refuses: {reason}") from None
                self._connection = _connect()
        raise AssertionError("the second try returns or raises")


def held(indexes: Collection[str], derived: Path) -> set[str]:
    """See stores/__init__.py. Without the URL: raises MachineFault where a table was made from this workspace."""
    noted = {index for index in indexes if _note(index, derived).is_file()}
    if not os.environ.get(URL):
        if noted:
            raise MachineFault(f"an index of this workspace has a table in PostgreSQL; set {URL} and repeat the command")
        return set()
    with _connect() as base:
        query = "select index from unnest(%s::text[], %s::text[]) as asked(index, name) where to_regclass(name) is not null"
        names = [_table(index) for index in indexes]
        return noted | {index for (index,) in base.execute(query, [list(indexes), names]).fetchall()}


def drop(index: str, derived: Path) -> None:
    """See stores/__init__.py."""
    with _connect() as base:
        base.execute(f"drop table if exists {_table(index)}")
    _note(index, derived).unlink(missing_ok=True)


def _table(index: str) -> str:
    """PostgreSQL cuts names after 63 bytes: 48 of the digest's 64 digits."""
    assert re.fullmatch("[0-9a-f]{64}", index), f"not a digest: {index!r}"
    return f"ninefold_{index[:48]}"


def _note(index: str, derived: Path) -> Path:
    return derived / f"pgvector-{index}"


def _array(vector: "np.ndarray | Vector") -> "np.ndarray":
    import numpy as np

    return vector if isinstance(vector, np.ndarray) else vector.to_numpy()


def _connect() -> "Connection":
    """A connection that knows vectors. `from None`: the driver's own words may hold parts of the URL."""
    try:
        import psycopg
        from pgvector.psycopg import register_vector
    except ModuleNotFoundError as error:
        raise MissingPackage(str(error.name), "store 'pgvector'") from None
    if not (url := os.environ.get(URL)):
        raise MachineFault(f"store 'pgvector' needs the environment variable {URL}, which is not set")
    try:
        # prepared statements do not survive a pooler between here and the server
        base = psycopg.connect(url, autocommit=True, connect_timeout=10, prepare_threshold=None)
    except (psycopg.Error, ValueError):
        raise MachineFault(
            f"store 'pgvector': no connection by {URL}: check that it reads postgresql://user:password@host/base, with the "
            "password's signs percent-encoded, that a server answers there, and that it takes this user and password"
        ) from None
    try:
        if not base.execute("select 1 from pg_extension where extname = 'vector'").fetchone():
            base.execute("create extension if not exists vector")
        register_vector(base)
    except psycopg.Error as error:
        base.close()
        reason = error.diag.message_primary or "the connection was lost"
        raise MachineFault(
            f"store 'pgvector': the database lacks pgvector ({reason}); its owner runs: create extension vector"
        ) from None
    return base
