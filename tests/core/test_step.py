"""What a step remembers, and when it must not."""

from components.core import Frozen, Machine, Step, Workspace, step


class Number(Frozen):
    value: int


def test_a_memo_is_kept_until_its_inputs_or_the_pinned_versions_change(tmp_path, monkeypatch):
    workspace, made = Workspace(tmp_path), []

    def ask(given: int) -> int:
        here = Step("outer", workspace.store.scratch("outer"), workspace, Machine())

        def make(inner: Step) -> Number:
            made.append(given)
            return Number(value=given)

        return here.memo("double", Number, [given], make, code=("components.core.digest",)).value

    assert [ask(1), ask(1), ask(2)] == [1, 1, 2]
    assert made == [1, 2]
    monkeypatch.setattr(step, "pins", lambda: "other versions")
    assert ask(1) == 1
    assert made == [1, 2, 1]


def test_a_step_records_what_it_and_its_sub_steps_opened_and_nothing_else(tmp_path):
    workspace = Workspace(tmp_path)
    objects = []
    for name in ("train", "validation", "test"):
        (tmp_path / name).write_text(name)
        objects.append(workspace.store.put(tmp_path / name))
    train, validation, test = objects
    for _ in range(2):  # the second time the sub-step is sealed already
        here = Step("outer", workspace.store.scratch("outer"), workspace, Machine())
        here.memo(
            "measure",
            Number,
            [validation, test],
            lambda inner: Number(value=len(inner.store.file(validation).read_text())),
            code=("components.core.digest",),
        )
        assert here.read == {validation}
        here.store.path(train)
        assert here.read == {train, validation}
    (seal,) = workspace.store.seals()
    assert seal.read == (validation,)
