"""The style sheet's rules for the pages of models: rows of files, questions, tabs."""

from app.theme.tokens import Tokens


def model_page_rules(tokens: Tokens) -> str:
    """The rules, addressed by object names and properties."""
    return f"""
QFrame#fileRow {{ background: {tokens.sidebar}; border: 1px solid {tokens.line}; border-radius: 10px; }}
QFrame#card {{ background: {tokens.sidebar}; border: 1px solid {tokens.line}; border-radius: 10px; }}
QFrame#filterPanel {{ background: {tokens.sidebar}; border: 1px solid {tokens.line}; border-radius: 10px; }}
QFrame#networkQuestion {{ background: {tokens.raised}; border: 1px solid {tokens.accent};
    border-radius: 12px; }}
QFrame#downloadsPanel {{ background: {tokens.sidebar}; border-top: 1px solid {tokens.line}; }}
QFrame#edge {{ background: {tokens.line}; border: none; }}
QPushButton[shape="tab"] {{ color: {tokens.secondary}; padding: 6px 12px; font-weight: 600; }}
QPushButton[shape="tab"]:checked {{ background: {tokens.selected}; color: {tokens.text}; }}
QPushButton[shape="bare"] {{ color: {tokens.accent}; padding: 2px 0; font-weight: 600; text-align: left; }}
QPushButton[shape="raised"]:checked {{ background: {tokens.selected}; }}
QTableView#requests {{ background: {tokens.window}; border: 1px solid {tokens.line}; border-radius: 8px;
    gridline-color: {tokens.line}; selection-background-color: {tokens.selected};
    selection-color: {tokens.text}; }}
QTableView#requests:focus {{ border-color: {tokens.accent}; }}
QTableView#requests QHeaderView::section {{ background: {tokens.sidebar}; color: {tokens.secondary};
    border: none; border-bottom: 1px solid {tokens.line}; padding: 5px 8px; }}
QLineEdit#fact {{ background: transparent; border: none; padding: 0; }}
QLabel[tone="bad"] {{ color: {tokens.bad}; }}
QLabel[tone="good"] {{ color: {tokens.good}; }}
QLabel[tone="busy"] {{ color: {tokens.busy}; }}
"""
