"""What a wheel carries beside the packages: the pinned versions and the templates of deployment targets.

All else is declared in pyproject.toml, which has no word for files from outside a package.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = ("constraints.txt", "infra")


class WithShippedFiles(build_py):
    """Copies `BESIDE` to where `components.core.code.shipped` looks for them in an installation."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "components", "shipped")
        target.mkdir(parents=True, exist_ok=True)
        for name in BESIDE:
            source = Path(name)
            if source.is_dir():
                shutil.copytree(source, target / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target / name)


setup(cmdclass={"build_py": WithShippedFiles})
