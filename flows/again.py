"""Why a step that was sealed once runs again: what of its key differs from the seal of that step that is nearest to it.

A key is a digest and says nothing, so a seal carries what it was made of (`Seal.asked`); seals made before that hold as they
are, and say only that something differs. Nearest: fewest parts differ.
"""

from collections.abc import Iterator, Mapping

from components.core import Seal, Store


def why_again(
    store: Store, name: str, asked: Mapping[str, object], inputs: Mapping[str, tuple[str, ...]], key: str = ""
) -> str:
    """One line: `learning_rate 0.0006 → 0.0003; another dataset`. Where no step `name` was sealed: `not done before`.

    key: the step's; its seal may have been set aside
    asked: what the seal would carry (`Seal.asked`); inputs: `inputs_of` what goes in beside the settings
    """
    seals = [seal for seal in store.seals() if seal.name == name]
    if (store.root / "scratch" / f"damaged-{key}").is_dir():
        return "its seal was damaged"
    if not seals:
        return "not done before"
    nearest = min((list(_differences(seal, asked, inputs)) for seal in seals), key=len)
    return "; ".join(nearest) or "its seal, or what it made, is gone or was damaged"


def _differences(seal: Seal, asked: Mapping[str, object], inputs: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if not seal.asked:
        yield "sealed by an earlier version of Ninefold"
        return
    for part, words in (("code", "the code of this step changed"), ("pins", "the pinned versions changed")):
        if seal.asked.get(part) != asked[part]:
            yield words
    before, now = _flat(seal.asked.get("settings")), _flat(asked["settings"])
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{key} {before.get(key, 'not set')} → {now.get(key, 'not set')}"
    for given in sorted(seal.inputs.keys() | inputs.keys()):
        if given != "config" and seal.inputs.get(given, ("",))[0] != inputs.get(given, ("",))[0]:
            yield f"another {given.replace('_', ' ')}"


def _flat(settings: object, key: str = "") -> dict[str, object]:
    """Key, with dots → value."""
    if not isinstance(settings, dict):
        return {key: settings}
    parts = [_flat(one, f"{key}.{part}" if key else part) for part, one in settings.items()]
    return {name: value for part in parts for name, value in part.items()}
