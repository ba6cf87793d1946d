"""The colours of the window, for light and for dark, and each again with high contrast.

Text on its own background keeps a contrast of at least 4.5 (WCAG AA), with high contrast of 7 (AAA), and
lines there one of 3; a test computes it.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """One set of colours, each as #rrggbb."""

    is_dark: bool
    window: str  # behind messages, header and status strip
    sidebar: str
    raised: str  # buttons and fields on the sidebar, the composer
    hovered: str
    selected: str
    bubble: str  # behind the user's messages
    line: str  # hairlines and borders
    text: str
    secondary: str  # labels, statistics, hints
    accent: str
    on_accent: str
    text_selection: str  # behind selected text
    good: str
    busy: str
    bad: str
    callout: str  # behind an error
    callout_line: str
    callout_text: str
    code: str  # behind code
    code_head: str  # above it, and behind the head of a table
    code_keyword: str
    code_name: str  # of functions and classes where they are made
    code_builtin: str
    code_string: str
    code_number: str
    code_comment: str
    match: str  # behind what was searched for
    current_match: str


LIGHT = Tokens(
    is_dark=False,
    window="#ffffff",
    sidebar="#f6f6f7",
    raised="#ffffff",
    hovered="#eeeff2",
    selected="#e7e8ee",
    bubble="#eef0f4",
    line="#e4e5e9",
    text="#1d2129",
    secondary="#646a76",
    accent="#4a5cf0",
    on_accent="#ffffff",
    text_selection="#cdd4fd",
    good="#1a9c5b",
    busy="#a86200",
    bad="#c8342b",
    callout="#fdf1f0",
    callout_line="#f0c8c4",
    callout_text="#8f231c",
    code="#f6f7f9",
    code_head="#ecedf1",
    code_keyword="#b3185a",
    code_name="#3d4fe0",
    code_builtin="#0b6e75",
    code_string="#1c7a3e",
    code_number="#b04a00",
    code_comment="#666b75",
    match="#fff0b3",
    current_match="#ffc94d",
)

DARK = Tokens(
    is_dark=True,
    window="#1a1b1f",
    sidebar="#131417",
    raised="#212328",
    hovered="#1f2126",
    selected="#262930",
    bubble="#272a31",
    line="#2d3037",
    text="#e4e6eb",
    secondary="#959aa6",
    accent="#7f8cff",
    on_accent="#14151a",
    text_selection="#3b4378",
    good="#3fce8a",
    busy="#e0a23c",
    bad="#f2726a",
    callout="#2b1d1e",
    callout_line="#5a3230",
    callout_text="#f5b1ab",
    code="#131417",
    code_head="#212328",
    code_keyword="#ff7f9f",
    code_name="#8b97ff",
    code_builtin="#56c8d0",
    code_string="#77d493",
    code_number="#f0a765",
    code_comment="#8b909c",
    match="#5a4a14",
    current_match="#8a6a00",
)

LIGHT_HIGH_CONTRAST = replace(
    LIGHT,
    sidebar="#ffffff",
    hovered="#e2e4ea",
    selected="#d0d5e6",
    bubble="#ffffff",
    line="#5b606b",
    text="#000000",
    secondary="#383c44",
    accent="#1f2fb0",
    text_selection="#b9c3ff",
    good="#00602f",
    busy="#7a4700",
    bad="#9c1009",
    callout="#ffffff",
    callout_line="#9c1009",
    callout_text="#7c0f09",
)

DARK_HIGH_CONTRAST = replace(
    DARK,
    window="#000000",
    sidebar="#000000",
    raised="#000000",
    hovered="#22252c",
    selected="#2b3040",
    bubble="#000000",
    line="#8a909d",
    text="#ffffff",
    secondary="#cdd1da",
    accent="#a9b3ff",
    on_accent="#000000",
    text_selection="#2f3b8f",
    good="#5ff0a8",
    busy="#ffc45e",
    bad="#ff9d96",
    callout="#000000",
    callout_line="#ff9d96",
    callout_text="#ffd3cf",
)
