"""The three ways to install (make, pip, conda) name the same versions, and the README names the same commands."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUNTIME = [Requirement(line) for line in PROJECT["dependencies"]]
FOR_TESTS = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
# conda's name -> the name in pyproject.toml
CONDA_NAMES = {"pytorch-cpu": "torch"}


def pins() -> dict[str, str]:
    return {canonicalize_name(each.name): str(each.specifier) for each in [*RUNTIME, *FOR_TESTS]}


def conda_parts() -> tuple[dict[str, str], list[str]]:
    """(conda packages with their version conditions, lines for pip) of environment.yml."""
    content = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    packages, for_pip = {}, []
    for entry in content["dependencies"]:
        if isinstance(entry, dict):
            for_pip += entry["pip"]
        else:
            name, condition = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
            packages[name] = condition
    return packages, for_pip


@pytest.mark.parametrize("requirement", [*RUNTIME, *FOR_TESTS], ids=str)
def test_every_direct_dependency_is_pinned_exactly(requirement):
    assert [each.operator for each in requirement.specifier] == ["=="]
    assert requirement.url is None


def test_no_dependency_is_named_twice():
    names = [canonicalize_name(each.name) for each in [*RUNTIME, *FOR_TESTS]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("requirement", [*RUNTIME, *FOR_TESTS], ids=str)
def test_what_is_installed_is_what_is_pinned(requirement):
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        pytest.fail(f"{requirement.name} is not installed; run make test, which installs everything")
    # 2.13.0+cpu and 2.13.0 are the same release built for different hardware
    assert requirement.specifier.contains(Version(installed).public)


def test_the_declared_pythons():
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in range(8, 20) if f"3.{minor}" in allowed] == [11, 12, 13]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "(3, 11) <= sys.version_info[:2] < (3, 14)" in makefile


def test_conda_gets_the_same_python_and_the_same_torch():
    packages, _ = conda_parts()
    assert SpecifierSet(packages["python"]) == SpecifierSet(PROJECT["requires-python"])
    assert packages["pytorch-cpu"] == pins()["torch"] == "==2.13.0"
    for name, condition in packages.items():
        if name not in {"python", "pip"}:
            assert condition == pins()[canonicalize_name(CONDA_NAMES.get(name, name))], name


def test_conda_takes_everything_else_from_this_package():
    _, for_pip = conda_parts()
    assert for_pip == ["-e .[test]"], "the pins of pyproject.toml then hold for conda users too"


def test_torch_comes_in_its_cpu_build_for_conda():
    packages, _ = conda_parts()
    assert not [name for name in packages if "cuda" in name or "gpu" in name]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_readme_names_targets_that_exist():
    named = set(re.findall(r"^make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"notebooks", "test"} <= named <= targets()


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z]+):.*## \S", makefile, re.MULTILINE))
    assert explained == targets() == {
        "help", "notebooks", "test", "lint", "lab", "app", "artefacts", "bench", "clean",
    }  # fmt: skip


def test_continuous_integration_calls_the_readmes_test_command():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111, "must be executable"
    commands = script.read_text(encoding="utf-8").splitlines()
    assert any(re.match(r"make test\b", line) for line in commands)


def test_the_same_version_everywhere():
    import gensar_lite

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == gensar_lite.__version__ == version("gensar_lite")
    assert citation["license"] == PROJECT["license"] == "MIT"
