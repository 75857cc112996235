import tarfile
import zipfile

import pytest

from tests.blocks import ROOT

pytestmark = pytest.mark.live


def source_files() -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "rtc").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_app_and_nothing_else(distributions):
    [wheel] = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        [metadata] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    assert names == source_files()
    assert "Provides-Extra: call" in metadata
    assert "Requires-Dist: Django<7,>=5.2" in metadata


def test_the_sdist_holds_what_the_wheel_is_built_from(distributions):
    [sdist] = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert names >= source_files() | {"pyproject.toml", "README.md", "LICENSE", "requirements.txt"}
