"""The style sheet's rules for the workbench: cards, tabs, progress, tables, the button that starts."""

from app.theme.tokens import Tokens


def workbench_rules(tokens: Tokens) -> str:
    """The rules, addressed by object names and properties."""
    return f"""
QFrame#benchCard {{ background: {tokens.window}; border: 1px solid {tokens.line}; border-radius: 12px; }}
QFrame#jobRow {{ background: {tokens.sidebar}; border: 1px solid {tokens.line}; border-radius: 10px; }}
QPushButton[shape="primary"] {{ background: {tokens.accent}; color: {tokens.on_accent}; font-weight: 600;
    border: 2px solid {tokens.accent}; border-radius: 9px; padding: 7px 16px; }}
QPushButton[shape="primary"]:focus {{ border-color: {tokens.text}; }}
QPushButton[shape="primary"]:disabled {{ background: {tokens.selected}; border-color: {tokens.selected};
    color: {tokens.secondary}; }}
QPushButton[shape="raised"]:checked {{ background: {tokens.selected}; border-color: {tokens.accent}; }}
QTabBar#benchTabs {{ background: transparent; }}
QTabBar#benchTabs::tab {{ background: transparent; color: {tokens.secondary}; border: 1px solid transparent;
    border-radius: 8px; padding: 6px 12px; margin-right: 4px; }}
QTabBar#benchTabs::tab:selected {{ background: {tokens.selected}; color: {tokens.text}; }}
QTabBar#benchTabs::tab:hover {{ background: {tokens.hovered}; }}
QTabBar#benchTabs:focus::tab:selected {{ border-color: {tokens.accent}; }}
QTabBar#benchTabs::tab:disabled {{ color: {tokens.line}; }}
QProgressBar#jobProgress {{ background: {tokens.selected}; border: none; border-radius: 3px;
    max-height: 6px; min-height: 6px; }}
QProgressBar#jobProgress::chunk {{ background: {tokens.accent}; border-radius: 3px; }}
QTableWidget#benchTable {{ background: {tokens.window}; border: 1px solid {tokens.line};
    border-radius: 8px; gridline-color: {tokens.line}; selection-background-color: {tokens.selected};
    selection-color: {tokens.text}; }}
QTableWidget#benchTable::item {{ padding: 0 6px; }}
QTableWidget#benchTable:focus {{ border-color: {tokens.accent}; }}
QTableWidget#benchTable QHeaderView::section {{ background: {tokens.code_head}; color: {tokens.text};
    border: none; border-right: 1px solid {tokens.line}; padding: 5px 8px; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {tokens.line}; border-radius: 4px; min-width: 36px;
    margin: 2px; }}
QScrollBar::handle:horizontal:hover {{ background: {tokens.secondary}; }}
QLabel[tone="bad"] {{ color: {tokens.bad}; }}
QLabel[tone="busy"] {{ color: {tokens.busy}; }}
QPlainTextEdit#recipe {{ background: {tokens.code}; }}
"""
