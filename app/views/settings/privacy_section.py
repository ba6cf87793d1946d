"""Privacy: what leaves this computer, and what never does."""

from app.theme.theme import Theme
from app.translation import tr
from app.views.settings.section import Section


class PrivacySection(Section):
    """Says what is so; there is nothing to switch on."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(tr("Privacy"), theme)
        self.add_heading(tr("Network"))
        self.add_text(
            tr(
                "Retort is offline until you allow the network, and asks it only for what you click on. "
                "Every request is listed under “Network”."
            )
        )
        self.add_text(
            tr(
                "“retort serve” in a terminal lets other programs of this computer ask your models. "
                "It only listens, asks for a key, and is off unless you start it."
            )
        )
        self.add_heading(tr("Your chats"))
        self.add_text(
            tr("What you write and what models answer is kept in one file on this computer, for you alone.")
        )
        self.add_heading(tr("Faults"))
        self.add_text(
            tr(
                "When Retort ends unexpectedly it writes a report into its log folder. You can read it; "
                "nothing is sent. The log names model files and errors, and never what was said."
            )
        )
