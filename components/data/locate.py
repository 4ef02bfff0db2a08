"""Where a source's file is, and its digest. Reads no rows."""

from pathlib import Path

from components.core import BadInput, Data, Workspace, asset_path, file_digest


def source_digests(data: Data, folder: Path, workspace: Workspace) -> dict[str, str]:
    """Source name → SHA-256 of its file. folder: where the use case's YAML lies; relative paths start there.

    Raises BadInput for a missing file or a name used twice, with the key. An asset that is not here yet is fetched.
    """
    names = [source.name for source in data.sources]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise BadInput(f"data.sources.{number}.name: '{name}' is used twice; give each source a name of its own")
    return {source.name: file_digest(find(data, number, folder, workspace)) for number, source in enumerate(data.sources)}


def find(data: Data, number: int, folder: Path, workspace: Workspace) -> Path:
    """The file of source `number`; raises BadInput with the key `data.sources.<number>.path` when there is none."""
    path = data.sources[number].path
    key = f"data.sources.{number}.path"
    if path.startswith("asset:"):
        try:
            return asset_path(path, workspace)
        except BadInput as error:
            raise BadInput(f"{key}: {error}") from error
    found = folder / path
    if not found.is_file():
        raise BadInput(
            f"{key}: {found}: no such file. Give a path relative to the use case's file, an absolute path, or "
            "`asset:<asset>/<path>`"
        )
    return found
