"""CMake installs what is listed and nothing else: the lists hold every file, and a build with them is complete."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What slicerMacroBuildScriptedModule does in a Slicer build tree and at installation, in short.
MOCK_CONFIG = """
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/use.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/nothing.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/nothing.cmake")
"""
MOCK_USE = """
set(_scripts lib/Slicer-5.12/qt-scripted-modules)
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MOCK "WITH_GENERIC_TESTS;WITH_SUBDIR" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MOCK_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords: ${MOCK_UNPARSED_ARGUMENTS}")
  endif()
  set(_subdir "")
  if(MOCK_WITH_SUBDIR)
    get_filename_component(_subdir ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  endif()
  foreach(_file ${MOCK_SCRIPTS} ${MOCK_RESOURCES})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${_file})
      message(FATAL_ERROR "nonexistent file ${_file}")
    endif()
    get_filename_component(_folder ${_file} DIRECTORY)
    install(FILES ${_file} DESTINATION ${_scripts}/${_subdir}/${_folder})
  endforeach()
endmacro()
macro(slicer_add_python_unittest)
  cmake_parse_arguments(MOCK "" "SCRIPT" "" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${MOCK_SCRIPT})
    message(FATAL_ERROR "nonexistent test ${MOCK_SCRIPT}")
  endif()
endmacro()
"""


def tracked(folder: str) -> set[str]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    # Files that are deleted but not yet committed are not asked for.
    return {name.removeprefix(f"{folder}/") for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def listed(folder: str) -> dict[str, list[str]]:
    """What a CMakeLists.txt lists under SCRIPTS and RESOURCES."""
    text = re.sub(r"#.*", "", (ROOT / folder / "CMakeLists.txt").read_text())
    text = text.replace("${MODULE_NAME}", folder)
    found: dict[str, list[str]] = {"SCRIPTS": [], "RESOURCES": []}
    section = None
    for word in re.findall(r"[^\s()]+", text[text.index("slicerMacroBuildScriptedModule") :]):
        if word in ("SCRIPTS", "RESOURCES"):
            section = word
        elif word.startswith(("WITH_", "if")):
            break
        elif section:
            found[section].append(word)
    return found


def test_every_file_of_the_library_is_listed() -> None:
    found = listed("CEMSynthLib")
    files = [*found["SCRIPTS"], *found["RESOURCES"]]
    assert len(files) == len(set(files))
    assert set(files) == tracked("CEMSynthLib") - {"CMakeLists.txt"}, "CEMSynthLib/CMakeLists.txt and git differ"
    assert all(name.endswith(".py") for name in found["SCRIPTS"])
    assert not any(name.endswith(".py") for name in found["RESOURCES"])


def test_every_file_of_the_module_is_listed() -> None:
    found = listed("CEMSynth")
    assert {*found["SCRIPTS"], *found["RESOURCES"]} == tracked("CEMSynth") - {"CMakeLists.txt"}


def test_extension_metadata() -> None:
    """What the extension index checks: one line each, name of the project, no SVG icon."""
    text = (ROOT / "CMakeLists.txt").read_text()
    assert re.search(r"^project\(CEMSynth\)$", text, re.MULTILINE)
    for key in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'^set\(EXTENSION_{key} "[^"]+"\)$', text, re.MULTILINE), key
    icon = re.search(r'EXTENSION_ICONURL "([^"]+)"', text)
    assert icon
    assert (ROOT / icon[1].partition("/main/")[2]).is_file()


def test_entry_of_the_extension_index() -> None:
    """The file that the index asks for: keys of its schema 1.0.2, and the same dependencies as CMakeLists.txt."""
    path = ROOT / "Resources/CEMSynth.json"
    raw = path.read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"}\n")
    entry = json.loads(raw)
    text = (ROOT / "CMakeLists.txt").read_text()
    optional = {"scm_revision", "scm_type", "build_dependencies", "build_subdirectory", "enabled", "tier"}
    assert {"$schema", "category", "scm_url"} <= set(entry)
    assert set(entry) <= {"$schema", "category", "scm_url", "dicom_support_rule", *optional}
    assert entry["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    assert entry["category"] == "Image Synthesis"
    assert f'"{entry["category"]}"' in (ROOT / "CEMSynth/CEMSynth.py").read_text()
    assert entry["tier"] in range(1, 6)
    home = re.search(r'EXTENSION_HOMEPAGE "([^"]+)"', text)
    assert home
    assert entry["scm_url"] == f"{home[1]}.git"
    assert re.fullmatch(r"https://github\.com/\w+/Slicer\w+", home[1])
    depends = re.search(r'EXTENSION_DEPENDS "([^"]+)"', text)
    assert depends
    assert depends[1].split() == entry["build_dependencies"]
    assert re.search(rf"^project\({path.stem}\)$", text, re.MULTILINE)
    assert not path.stem.startswith("Slicer")
    assert (ROOT / "LICENSE").is_file()


def test_icons_are_small_transparent_png() -> None:
    from PIL import Image

    for path in ("Resources/CEMSynth.png", "CEMSynth/Resources/Icons/CEMSynth.png"):
        with Image.open(ROOT / path) as icon:
            assert (icon.format, icon.mode, icon.size) == ("PNG", "RGBA", (128, 128))
            assert icon.getchannel("A").getextrema() == (0, 255)


def test_no_package_beside_the_module_and_no_shebang() -> None:
    """Slicer takes a folder with __init__.py for a package and a file that begins with #! for a command line module."""
    assert not (ROOT / "CEMSynth/__init__.py").exists()
    assert not (ROOT / "CEMSynth/CEMSynth.py").read_text().startswith("#!")


def test_a_build_installs_every_file(tmp_path: Path) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not here")
    config = tmp_path / "Slicer"
    config.mkdir()
    (config / "SlicerConfig.cmake").write_text(MOCK_CONFIG)
    (config / "use.cmake").write_text(MOCK_USE)
    (config / "nothing.cmake").write_text("")
    build, installed = tmp_path / "build", tmp_path / "installed"
    command = ["cmake", "-S", str(ROOT), "-B", str(build), f"-DSlicer_DIR={config}", "-DBUILD_TESTING=ON"]
    configure = subprocess.run([*command, f"-DCMAKE_INSTALL_PREFIX={installed}"], capture_output=True, text=True)
    if "No CMAKE_C" in configure.stderr:
        pytest.skip("no compiler, which project() asks for")
    assert configure.returncode == 0, configure.stderr
    subprocess.run(["cmake", "--install", str(build)], check=True, capture_output=True)
    modules = installed / "lib/Slicer-5.12/qt-scripted-modules"
    there = {path.relative_to(modules).as_posix() for path in modules.rglob("*") if path.is_file()}
    library = {f"CEMSynthLib/{name}" for name in tracked("CEMSynthLib") - {"CMakeLists.txt"}}
    assert there == library | (tracked("CEMSynth") - {"CMakeLists.txt"})
