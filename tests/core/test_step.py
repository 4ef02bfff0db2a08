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
