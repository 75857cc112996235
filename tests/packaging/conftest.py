import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.blocks import ROOT

PACKAGED = ["pyproject.toml", "README.md", "LICENSE", "rtc", *(path.name for path in ROOT.glob("requirements*.txt"))]


@pytest.fixture(scope="session")
def distributions(tmp_path_factory) -> Path:
    """A directory with the sdist, and the wheel that was built from it."""
    directory = tmp_path_factory.mktemp("packaging")
    source = directory / "source"
    source.mkdir()
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--installer", "uv", "--outdir", str(directory / "dist"), str(source)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return directory / "dist"
