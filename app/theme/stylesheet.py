"""The style sheet: what a palette cannot say, such as corners, paddings and hairlines."""

from app.theme.tokens import Tokens
from engine.contract.paths import resources

_ARROWS = (resources() / "style" / "arrow").as_posix()
_CHECK = (resources() / "style" / "check").as_posix()


def make_stylesheet(tokens: Tokens, font_scale: float = 1.0) -> str:
    """The rules for the whole window, addressed by object names."""
    wordmark = f"QLabel#wordmark {{ font-size: {round(16 * font_scale)}px; font-weight: 600; }}"
    parts = (
        _frame_rules,
        _button_rules,
        _field_rules,
        _composer_rules,
        _notice_rules,
        _list_rules,
        _sidebar_rules,
        _scroll_bar_rules,
    )
    return "".join(part(tokens) for part in parts) + wordmark


def _frame_rules(tokens: Tokens) -> str:
    return f"""
QWidget#sidebar {{ background: {tokens.sidebar}; border-right: 1px solid {tokens.line}; }}
QScrollArea#sidePanel {{ background: {tokens.sidebar}; border-left: 1px solid {tokens.line}; }}
QWidget#header {{ border-bottom: 1px solid {tokens.line}; }}
QWidget#statusStrip {{ border-top: 1px solid {tokens.line}; }}
QLabel[tone="secondary"] {{ color: {tokens.secondary}; }}
"""


def _button_rules(tokens: Tokens) -> str:
    return f"""
QPushButton, QToolButton {{ border: 1px solid transparent; border-radius: 8px; padding: 5px; }}
QPushButton:hover, QToolButton:hover {{ background: {tokens.hovered}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {tokens.selected}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {tokens.accent}; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton[shape="raised"] {{ background: {tokens.raised}; border-color: {tokens.line}; padding: 7px 12px;
    text-align: left; border-radius: 9px; }}
QPushButton[shape="raised"]:hover {{ background: {tokens.hovered}; }}
QPushButton[shape="raised"]:focus {{ border-color: {tokens.accent}; }}
QPushButton#modelPicker {{ font-weight: 600; border-radius: 10px; padding: 6px 12px; }}
QPushButton[shape="suggestion"] {{ background: {tokens.window}; border-color: {tokens.line};
    border-radius: 12px; padding: 12px 16px; text-align: left; }}
QPushButton[shape="suggestion"]:hover {{ background: {tokens.hovered}; }}
QPushButton[shape="suggestion"]:focus {{ border-color: {tokens.accent}; }}
QPushButton[shape="link"] {{ color: {tokens.accent}; padding: 3px 8px; font-weight: 600; }}
QPushButton[shape="entry"] {{ text-align: left; padding: 8px 10px; }}
QPushButton:disabled {{ color: {tokens.secondary}; }}
QToolButton:checked {{ background: {tokens.selected}; }}
QFrame#popup {{ background: {tokens.raised}; border: 1px solid {tokens.line}; }}
QFrame#popup QScrollArea, QFrame#popup QScrollArea > QWidget > QWidget {{ background: transparent; }}
QLabel#badge {{ color: {tokens.accent}; border: 1px solid {tokens.line}; border-radius: 6px;
    padding: 0 5px; }}
QLabel#modelFacts {{ border: 1px solid {tokens.line}; border-radius: 10px; padding: 6px 12px;
    color: {tokens.secondary}; }}
"""


def _field_rules(tokens: Tokens) -> str:
    check = "light" if tokens.on_accent == "#ffffff" else "dark"
    return f"""
QLineEdit, QPlainTextEdit, QListWidget {{ background: {tokens.raised}; border: 1px solid {tokens.line};
    border-radius: 8px; padding: 5px 8px; }}
QLineEdit:focus, QPlainTextEdit:focus, QListWidget:focus {{ border-color: {tokens.accent}; }}
QComboBox, QAbstractSpinBox {{ background: {tokens.raised}; border: 1px solid {tokens.line};
    border-radius: 8px; padding: 4px 4px 4px 9px; }}
QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {tokens.accent}; }}
QComboBox:disabled, QAbstractSpinBox:disabled {{ color: {tokens.secondary}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({_ARROWS}-down.svg); width: 10px; }}
QAbstractSpinBox::up-arrow {{ image: url({_ARROWS}-up.svg); width: 10px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; width: 20px; }}
QComboBox QAbstractItemView {{ background: {tokens.raised}; border: 1px solid {tokens.line}; padding: 4px;
    selection-background-color: {tokens.selected}; selection-color: {tokens.text}; }}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QCheckBox::indicator {{ width: 16px; height: 16px; border: 1px solid {tokens.secondary};
    border-radius: 5px; background: {tokens.raised}; }}
QCheckBox::indicator:checked {{ background: {tokens.accent}; border-color: {tokens.accent};
    image: url({_CHECK}-{check}.svg); }}
QCheckBox::indicator:focus {{ border: 2px solid {tokens.text}; width: 14px; height: 14px; }}
QListWidget#sections {{ background: transparent; border: none; padding: 0; }}
QLabel#refusal {{ color: {tokens.bad}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; }}
"""


def _composer_rules(tokens: Tokens) -> str:
    return f"""
QFrame#composer {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 16px; }}
QFrame#chip {{ background: {tokens.bubble}; border: 1px solid {tokens.line}; border-radius: 9px; }}
QFrame#chip QToolButton {{ padding: 2px; border-radius: 5px; }}
QFrame#composer[focused="true"] {{ border-color: {tokens.accent}; }}
QFrame#composer QTextEdit {{ background: transparent; border: none; }}
QToolButton#send {{ background: {tokens.accent}; border-radius: 17px; padding: 0; }}
QToolButton#send:focus {{ border: 2px solid {tokens.text}; }}
QToolButton#send:disabled {{ background: {tokens.line}; }}
QToolButton#jumpToEnd {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 17px; }}
QToolButton#jumpToEnd:hover {{ background: {tokens.hovered}; }}
QToolButton[shape="small"] {{ border-radius: 6px; padding: 0; background: {tokens.window}; }}
QToolButton[shape="small"]:hover {{ background: {tokens.hovered}; }}
QFrame#findBar {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 12px; }}
QFrame#findBar QLineEdit {{ background: transparent; border: none; }}
"""


def _notice_rules(tokens: Tokens) -> str:
    return f"""
QFrame#notice {{ background: {tokens.callout}; border: 1px solid {tokens.callout_line};
    border-radius: 12px; }}
QFrame#notice QLabel {{ color: {tokens.callout_text}; }}
QFrame#notice[tone="plain"] {{ background: {tokens.raised}; border-color: {tokens.line}; }}
QFrame#notice[tone="plain"] QLabel {{ color: {tokens.text}; }}
"""


def _list_rules(tokens: Tokens) -> str:
    return f"""
QListView {{ background: transparent; border: none; outline: none; }}
QListView::item {{ border: 1px solid transparent; border-radius: 8px; margin: 1px 0; padding: 0 7px; }}
QListView::item:hover {{ background: {tokens.hovered}; }}
QListView::item:selected {{ background: {tokens.selected}; }}
QListView::item:selected:focus {{ border-color: {tokens.accent}; }}
QListView::item:disabled {{ background: transparent; margin-top: 10px; }}
QListView QLineEdit {{ background: {tokens.raised}; border: 1px solid {tokens.accent}; border-radius: 6px;
    padding: 0 7px; }}
QMenu {{ background: {tokens.raised}; border: 1px solid {tokens.line}; padding: 5px; }}
QMenu::item {{ padding: 7px 24px 7px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {tokens.selected}; }}
QMenu::item:disabled {{ color: {tokens.secondary}; }}
QMenu::separator {{ height: 1px; background: {tokens.line}; margin: 5px 8px; }}
QToolTip {{ background: {tokens.raised}; color: {tokens.text}; border: 1px solid {tokens.line};
    padding: 4px; }}
"""


def _sidebar_rules(tokens: Tokens) -> str:
    return f"""
QLineEdit#search {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 9px;
    padding: 6px 4px; }}
QLineEdit#search:focus {{ border-color: {tokens.accent}; }}
QLineEdit#search QToolButton {{ border: none; padding: 0; }}
QWidget#sidebar QPushButton[shape="entry"] {{ text-align: left; padding: 7px 8px; }}
"""


def _scroll_bar_rules(tokens: Tokens) -> str:
    return f"""
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {tokens.line}; border-radius: 4px;
    min-height: 36px; margin: 2px; }}
QScrollBar::handle:vertical:hover {{ background: {tokens.secondary}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
