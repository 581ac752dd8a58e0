"""Modules that libraries import without using them: stand-ins that load them when used."""

import subprocess
import sys

import pytest

from modellix_cli.deferred_modules import _RARELY_CALLED, _RARELY_USED

START = "import sys\nfrom modellix_cli import deferred_modules as d\nd.defer_rarely_used()\n"
LOADED = "type(sys.modules[{!r}]) is not d._Deferred"


def ran(script: str) -> list[str]:
    """Return the lines that a fresh Python prints once it has deferred modules."""
    done = subprocess.run(
        [sys.executable, "-c", START + script], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def loaded(name: str) -> str:
    return f"print({LOADED.format(name)})\n"


def test_importing_a_deferred_module_does_not_load_it() -> None:
    assert ran("import tokenize\n" + loaded("tokenize")) == ["False"]


def test_it_loads_when_something_of_it_is_used() -> None:
    script = "import tokenize\nprint(tokenize.NAME)\n" + loaded("tokenize")
    assert ran(script) == ["1", "True"]


def test_what_was_used_once_is_kept_by_the_stand_in() -> None:
    assert ran("import bz2\nbz2.compress\nprint('compress' in vars(bz2))\n") == ["True"]


def test_a_module_that_is_loaded_already_stays() -> None:
    script = "import json\nd._RARELY_USED = ('json',)\nd.defer_rarely_used()\n" + loaded("json")
    assert ran(script) == ["True"]


def test_what_python_asks_of_any_module_loads_nothing() -> None:
    script = "import lzma\nprint(hasattr(lzma, '__file__'), hasattr(lzma, '__path__'))\n"
    assert ran(script + loaded("lzma")) == ["False False", "False"]


def test_once_it_is_loaded_the_stand_in_has_all_that_it_has() -> None:
    script = "import lzma\nlzma.FORMAT_XZ\nprint(lzma.__file__.endswith('lzma.py'))\n"
    assert ran(script) == ["True"]
    assert ran("import idna\nprint(idna.__version__[:1].isdigit())\n") == ["True"]


def test_what_a_module_does_not_have_is_no_attribute_of_its_stand_in() -> None:
    assert ran("import shutil\nprint(hasattr(shutil, 'nothing_like_it'))\n") == ["False"]


def test_a_function_that_is_taken_loads_its_module_when_called() -> None:
    script = "from shutil import get_terminal_size as f\n" + loaded("shutil")
    assert ran(f"{script}print(len(f()))\n{loaded('shutil')}") == ["False", "2", "True"]


def test_other_functions_load_their_module_at_once() -> None:
    assert ran("from shutil import which\n" + loaded("shutil")) == ["True"]


def test_parts_of_a_deferred_package_can_be_imported() -> None:
    script = "import idna.core\nfrom idna import encode\nprint(encode('bücher.example'))\n"
    assert ran(script) == ["b'xn--bcher-kva.example'"]


def test_all_names_of_a_deferred_module_can_be_imported() -> None:
    assert ran("from bz2 import *\nprint(BZ2File.__name__)\n") == ["BZ2File"]


def test_several_threads_may_be_the_first_to_use_it() -> None:
    script = (
        "import idna, threading\nready = threading.Barrier(8)\nseen = []\n"
        "def use():\n    ready.wait()\n    seen.append(idna.encode('ä.example'))\n"
        "threads = [threading.Thread(target=use) for _ in range(8)]\n"
        "[one.start() for one in threads]\n[one.join() for one in threads]\n"
        "print(len(seen), set(seen))\n"
    )
    for _ in range(5):
        assert ran(script) == ["8 {b'xn--4ca.example'}"]


@pytest.mark.parametrize("name", sorted({*_RARELY_USED, *_RARELY_CALLED} - {"httpx._main"}))
def test_every_module_that_is_deferred_can_be_loaded(name: str) -> None:
    function = _RARELY_CALLED.get(name, "__name__")
    script = f"from importlib import import_module\nfound = d._of_module(import_module({name!r}), "
    assert ran(f"{script}{function!r})\nprint(bool(found))\n{loaded(name)}") == ["True", "True"]


def test_httpx_loads_without_its_own_program() -> None:
    script = "import httpx\nprint('click' in sys.modules, httpx.main.__module__)\n"
    assert ran(script + loaded("httpx._main")) == ["False httpx", "False"]


def test_datetime_is_the_one_in_c() -> None:
    script = (
        "import datetime, pickle\nnow = datetime.datetime(2026, 11, 27, tzinfo=datetime.UTC)\n"
        "print(pickle.loads(pickle.dumps(now)) == now, f'{now:%Y}')\n"
        "print(datetime.datetime.strptime('2026', '%Y').year)\n"
    )
    assert ran(script) == ["True 2026", "2026"]
