from app.self_test import find_faults, refusal


def test_this_installation_has_no_fault() -> None:
    assert find_faults() == []


def test_the_refusal_says_what_is_wrong_and_what_to_do() -> None:
    text = refusal(["PySide6 loses a reference to None with every call"])
    assert "loses a reference to None" in text
    assert "Install Retort again" in text
