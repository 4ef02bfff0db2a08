from components.core import Profile, UseCase, read_yaml
from components.core.code import ROOT
from flows.plan import estimate


def test_made_rows_cost_twice_the_tuning_and_nothing_else():
    profile = read_yaml(ROOT / "flows/profiles/cpu.yaml", Profile)
    data = read_yaml(ROOT / "flows/use_cases/voice_helpdesk.yaml", UseCase).data
    (first, *others) = data.sources
    asked = data.model_copy(update={"sources": (first.model_copy(update={"synthetic": True}), *others)})
    assert estimate("tuning", profile, asked) == 2 * estimate("tuning", profile, data)
    assert estimate("prompting", profile, asked) == estimate("prompting", profile, data)
    assert not data.has_made_rows, "the shipped contracts make none"
