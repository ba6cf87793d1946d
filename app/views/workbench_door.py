"""The way to the workbench: its jobs are known from the start, its page is made when it is opened first."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.engine_link.host_process import HostProcess
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.engine_link.workbench_client import WorkbenchClient
from app.lists.job_list import JobList
from app.model_names import BUILTIN
from app.theme.theme import Theme
from app.views.job_closing import JobClosing
from app.views.main_window import MainWindow
from engine.contract.paths import Paths

if TYPE_CHECKING:
    from app.views.workbench.bench_control import BenchControl


class WorkbenchDoor(QObject):
    """Opens the page, and asks about jobs when the window is to close."""

    def __init__(
        self,
        *,
        host: HostProcess,
        window: MainWindow,
        library: ModelLibrary,
        choice: ModelChoice,
        paths: Paths,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window, self._library, self._choice = window, library, choice
        self._paths, self._theme = paths, theme
        self._client = WorkbenchClient(host, self)
        self.jobs = JobList(self._client)
        self.closing = JobClosing(
            jobs=self.jobs, choice=choice, window=window, theme=theme, close=window.close
        )
        self._control: BenchControl | None = None
        window.workbench_requested.connect(self.open)

    @property
    def control(self) -> "BenchControl":
        """The workbench behind the page, made where it is not yet."""
        if self._control is None:
            from app.views.workbench.bench_control import BenchControl  # noqa: PLC0415  (not at every start)

            self._control = BenchControl(
                client=self._client,
                jobs=self.jobs,
                library=self._library,
                current_model=self._model_to_begin_with,
                paths=self._paths,
                theme=self._theme,
                parent=self,
            )
            self._control.closed.connect(self._window.show_chat)
        return self._control

    def _model_to_begin_with(self) -> str:
        """The model that answers, if it lies somewhere."""
        model = self._choice.current
        return model if self._library.find(model) or self._choice.is_there(model) else BUILTIN

    def open(self) -> None:
        """Show the page."""
        self._window.show_page(self.control.page)
        self.control.open()

    def refresh(self) -> None:
        """Look for jobs that an earlier window did not finish, which the host has begun again."""
        self.jobs.refresh()

    def close(self) -> None:
        """Ask the host nothing more."""
        if self._control is not None:
            self._control.dry_run.close()
