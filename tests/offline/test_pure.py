"""The pure half stays pure: what its objects import, and that each import is on the list."""

import re
import subprocess
from pathlib import Path

from tree import program

# Memory, text and numbers; getenv, time, files and sockets are not among them.
ALLOWED = re.compile(r"""
    _*(malloc|calloc|realloc|reallocarray|free|strn?dup|isoc99_sscanf|isoc23_sscanf|sscanf
    |v?asprintf(_chk)?|v?snprintf(_chk)?|strerror
    |mem(chr|rchr|cmp|cpy|move|mem|set|cpy_chk|move_chk)
    |str(n?cat|chr|rchr|chrnul|cmp|ncmp|casecmp|ncasecmp|cpy|ncpy|len|nlen|pbrk|spn|cspn|str|casestr)
    |stpcpy|explicit_bzero|xpg_basename|basename|fnmatch
    |(isoc23_)?strto(ul|l|ull|ll|umax|d)|qsort|bsearch|ctype_b_loc|to(lower|upper)(_loc)?
    |inet_(pton|ntop)|errno_location|assert_fail|stack_chk_fail)
    |yaml_\w+|__(asan|ubsan|lsan|sanitizer|gcov|llvm)_\w+|_GLOBAL_OFFSET_TABLE_""", re.VERBOSE)


def imports():
    """(object, symbol) for each symbol that the library's objects need from elsewhere."""
    library = Path(program()).parent / "libcore.a"
    assert library.exists(), f"{library} is missing: build the program where it is tested"
    text = subprocess.run(["nm", "-A", library], text=True, capture_output=True, check=True).stdout
    undefined, defined = set(), set()
    for line in text.splitlines():
        place, kind, symbol = re.fullmatch(r"(\S+:)(?:[0-9a-f]+| +) (\S) (\S+)", line).groups()
        if kind == "U":
            undefined.add((place.split(":")[-2], symbol))
        else:
            defined.add(symbol)
    return {(place, symbol) for place, symbol in undefined if symbol not in defined}


def test_the_pure_half_imports_no_effect():
    found = imports()
    assert any(symbol == "free" for _, symbol in found)
    assert sorted(pair for pair in found if not ALLOWED.fullmatch(pair[1])) == []
