"""Jobs that do what tests need; processes of jobs import this module by its name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.files import atomic_path
from kida.jobs.batches import FilesJob
from kida.jobs.job import Job, Stage


class Square(Job, frozen=True, kw_only=True):
    """Squares a number, and says where."""

    number: int

    def run(self, stage: Stage) -> Any:
        stage.tell({"number": self.number})
        print("what a job prints is no news")
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        return {"square": self.number**2, "process": os.getpid(), "cores": cores}


class Misbehaving(Job, frozen=True, kw_only=True):
    """Job 1 fails once, 3 always; 5 kills itself once, 7 always; 9 is a user's mistake."""

    number: int
    folder: str

    def run(self, stage: Stage) -> Any:
        tries = Path(self.folder) / str(self.number)
        tried = tries.exists()
        with tries.open("a", encoding="utf-8") as file:
            file.write("x")
        if self.number == 9:
            raise UserError("no such thing")
        if self.number == 3 or (self.number == 1 and not tried):
            raise RuntimeError(f"job {self.number}")
        if self.number == 7 or (self.number == 5 and not tried):
            print("these are its last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.number


class Measuring(FilesJob, frozen=True, kw_only=True):
    """Returns the files' sizes; is killed by one that is called ``bad``."""

    def run(self, stage: Stage) -> Any:
        for file in self.files:
            if Path(file).name == "bad":
                os.kill(os.getpid(), signal.SIGKILL)
        return [Path(file).stat().st_size for file in self.files]


class KilledWhileWriting(Job, frozen=True, kw_only=True):
    """Is killed when half of its record is written."""

    def run(self, stage: Stage) -> Any:
        with atomic_path(Path(self.record)) as temporary:
            temporary.write_text("half of")
            os.kill(os.getpid(), signal.SIGKILL)


class Sleeping(Job, frozen=True, kw_only=True):
    """Writes its process's number, and its child's, and sleeps."""

    started: str
    seconds: float = 600.0

    def run(self, stage: Stage) -> Any:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(self.started).write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
        try:
            time.sleep(self.seconds)
        except KeyboardInterrupt:
            child.kill()
            child.wait()
            return "stopped in order"
        return "slept"
