"""Reads out of the program's source each text that it prints to mend something: what is passed as a
fix, what the tables have in that column, and what stands behind "fix:"."""

import re

STRING = r'"(?:[^"\\]|\\.)*"'
TOKEN = re.compile(rf"/\*.*?\*/|'(?:[^'\\]|\\.)'|{STRING}|\w+|->|\S", re.S)
# Which argument of a call is a fix; of others see fixes_of().
CALLS = {"error_fix": 1, "admission_because": 1, "say": 2}
# Functions that put one together, or choose one.
MAKERS = re.compile(r"^(?:\w*fix\w*|advice|command_of)$")
FIX = re.compile(r"; fix: (.*)", re.S)


def tokens(text):
    """The code without comments; string literals that follow each other are one, and a macro between
    them is kept as {NAME}."""
    found = []
    for token in TOKEN.findall(text):
        if token.startswith("/*"):
            continue
        if token.startswith('"'):
            token = token.replace('\\"', "'")
            if found and found[-1].startswith('"'):
                found[-1] = found[-1][:-1] + token[1:]
                continue
            if len(found) > 1 and re.fullmatch("[A-Z_]{4,}", found[-1]) and (
                    found[-2].startswith('"') or found[-2] in ",;("):
                name = found.pop()
                before = found.pop() if found[-1].startswith('"') else '"'
                token = f"{before.rstrip(chr(34)) or chr(34)}{{{name}}}{token[1:]}"
        found.append(token)
    return found


def arguments(code, start):
    """The arguments, each a list of tokens, of the call whose parenthesis is at `start`."""
    depth, found = 0, [[]]
    for token in code[start:]:
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            return found
        if depth == 1 and token == ",":
            found.append([])
        elif not (depth == 1 and token == "("):
            found[-1].append(token)
    return found


def words(code):
    """The literals in it that say something."""
    found = [token.strip('"') for token in code if token.startswith('"')]
    return [text for text in found if re.search(r"[a-z]{2}", re.sub(r"%\w+|\{\w+\}", "", text))]


def functions(code):
    """(name, tokens of its body) of each function."""
    depth, name, body = 0, None, []
    for at, token in enumerate(code):
        if depth == 0 and token == "(":
            name = code[at - 1]
        if token == "{":
            depth += 1
        if depth:
            body.append(token)
        if token == "}":
            depth -= 1
            if depth == 0:
                yield name, body
                body = []
        if token == ";" and depth == 0:
            name = None


def fixes_of(text):
    """Each fix in the source of one file."""
    code, found, asked = tokens(text), [], False
    for at, token in enumerate(code[:-1]):
        if token in CALLS and code[at + 1] == "(":
            after = arguments(code, at + 1)[CALLS[token]:]
            found += words((after + [[]])[0]) or words(sum(after, []))
        if token == "snprintf":
            first, *rest = arguments(code, at + 1)
            found += words(sum(rest, [])) if first[-1] == "fix" else []
        if token in CALLS or FIX.search(token) or token in "();{}":
            asked = asked and token != ";"
        if token.startswith('"') and token.endswith('fix: %s"'):
            asked = True  # its words are among the arguments
        elif asked:
            found += words([token])
        if token == "fix" and code[at + 1] == "=":
            found += words(code[at + 2:at + 3])
        if token.startswith('"') and (tail := FIX.search(token.strip('"'))):
            found += words([f'"{tail[1]}"'])
    for name, body in functions(code):
        if MAKERS.match(name or ""):
            found += words(body)
    return found


def columns(text, table, column):
    """One column of a table of rows {…}."""
    code = tokens(text)
    start = next(at for at, token in enumerate(code)
                 if token == table and "=" in code[at:at + 5]) + 1
    start = code.index("=", start) + 1
    return [words(row[column]) for row in
            (arguments(code, at) for at in rows(code, start)) if len(row) > 1]


def rows(code, start):
    """Where the rows of the table begin."""
    depth, found = 0, []
    for at in range(start, len(code)):
        depth += (code[at] == "{") - (code[at] == "}")
        if code[at] == "{" and depth == 2:
            found.append(at)
        if depth == 0:
            return found
    return found
