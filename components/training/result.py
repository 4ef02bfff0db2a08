"""The Candidate with what was trained: an adapter beside the model, or the model itself, changed."""

from components.core import Adapter, Candidate, Derivation, Runtime, Store

from .recipe import Recipe, Trained
from .techniques import Fitted, technique


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


def labelling(candidate: Candidate, recipe: Recipe, fitted: Fitted, store: Store) -> Candidate:
    """`candidate` as a model with a head of labels, which moves into the store: it is asked without a prompt."""
    assert candidate.model is not None, "only a candidate with a model is trained"
    how = recipe.model_dump(mode="json", include={"settings", "seed", "dtype"}) | {"penalty": fitted.penalty}
    asked = {"runtime": candidate.runtime, "prompt": candidate.prompt} if candidate.prompt else {}
    step = Derivation(technique=recipe.technique, checkpoint=candidate.model, settings=how, trained=True, **asked)
    model = candidate.model.model_copy(update={"object": store.put(fitted.trained.folder), "derived_from": step})
    runtime = Runtime(engine="classifier", dtype=candidate.runtime.dtype)
    return candidate.model_copy(update={"model": model, "runtime": runtime, "prompt": None, "adapter": None, "quoted": None})
