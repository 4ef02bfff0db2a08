"""The Candidate with what was trained: an adapter beside the model, or the model itself, changed."""

from components.core import Adapter, Candidate, Derivation, Store

from .recipe import Recipe, Trained
from .techniques import technique


def tuned(candidate: Candidate, recipe: Recipe, objective: str, trained: Trained, store: Store) -> Candidate:
    """`candidate` with what was trained, which moves into the store."""
    assert candidate.model is not None, "only a candidate with a model is trained"
    digest = store.put(trained.folder)
    if technique(recipe.technique).PRODUCT == "adapter":
        adapter = Adapter(object=digest, technique=recipe.technique, objective=objective)
        return candidate.model_copy(update={"adapter": adapter})
    how = recipe.model_dump(mode="json", exclude={"technique", "checkpoint_every"}) | {"objective": objective}
    step = Derivation(technique=recipe.technique, checkpoint=candidate.model, settings=how, trained=True)
    model = candidate.model.model_copy(update={"object": digest, "derived_from": step})
    return candidate.model_copy(update={"model": model, "adapter": None})
