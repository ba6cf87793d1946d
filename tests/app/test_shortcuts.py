import pytest

from app.shortcuts import COMMANDS, GROUPS, Shortcuts, normal_keys


def test_no_two_commands_share_keys_and_all_are_written_the_one_way() -> None:
    keys = [keys for command in COMMANDS.values() for keys in command.keys]
    assert len(keys) == len(set(keys))
    assert [normal_keys(one) for one in keys] == keys
    assert {command.group for command in COMMANDS.values()} == set(GROUPS)


def test_a_command_takes_other_keys_and_gives_them_back() -> None:
    shortcuts = Shortcuts()
    shortcuts.bind("new_chat", "ctrl+j")
    assert shortcuts.keys("new_chat") == ("Ctrl+J",)
    assert shortcuts.own == {"new_chat": ("Ctrl+J",)}
    shortcuts.reset("new_chat")
    assert shortcuts.keys("new_chat") == COMMANDS["new_chat"].keys
    assert shortcuts.own == {}


def test_a_command_can_be_left_without_keys() -> None:
    shortcuts = Shortcuts()
    shortcuts.bind("quit", "")
    assert shortcuts.keys("quit") == ()
    assert shortcuts.shown_keys("quit") == ""
    assert shortcuts.hint("quit", "Quit") == "Quit"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ("Ctrl+N", "Ctrl+N already means “New chat”."),
        ("A", "Keys without Ctrl or Alt are for typing."),
        ("Shift+A", "Keys without Ctrl or Alt are for typing."),
        ("Ctrl+K, Ctrl+C", "One press of keys is wanted, such as Ctrl+J."),
        ("nonsense", "One press of keys is wanted, such as Ctrl+J."),
    ],
)
def test_keys_that_cannot_be_had_are_refused_in_words(keys: str, reason: str) -> None:
    shortcuts = Shortcuts()
    assert shortcuts.refusal("quit", keys) == reason
    with pytest.raises(ValueError, match=r".+"):
        shortcuts.bind("quit", keys)
    assert shortcuts.keys("quit") == ("Ctrl+Q",)


def test_function_keys_need_no_other_key() -> None:
    assert Shortcuts().refusal("quit", "F9") == ""


def test_defaults_that_another_command_has_taken_stay_with_it() -> None:
    shortcuts = Shortcuts()
    shortcuts.bind("quit", "Ctrl+J")
    shortcuts.bind("settings", "Ctrl+Q")
    shortcuts.reset("quit")
    assert shortcuts.keys("quit") == ()
    assert shortcuts.keys("settings") == ("Ctrl+Q",)
    shortcuts.reset_all()
    assert shortcuts.keys("quit") == ("Ctrl+Q",)


def test_kept_keys_that_make_no_sense_count_as_absent() -> None:
    shortcuts = Shortcuts({"quit": ["Ctrl+B"], "new_chat": ["Ctrl+J"], "gone": ["Ctrl+1"], "log": ["A"]})
    assert shortcuts.keys("quit") == ("Ctrl+Q",)
    assert shortcuts.keys("log") == COMMANDS["log"].keys
    assert shortcuts.keys("new_chat") == ("Ctrl+J",)
