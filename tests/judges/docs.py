"""Runs the blocks of one document, in order and in one shell.

- A fence `sh` is run. `http://127.0.0.1:8080` in it is replaced by the address of a fresh `marque serve`, whose data
  are in `.marque` of the folder. Every command must end with 0.
- A fence `text` or `json` after it is what it prints, on both outputs. `…` stands for anything. What differs at each
  run is compared by its form alone: identifiers, codes, keys, tokens, times. JSON is compared as JSON.
- A fence after `<!-- not run: why -->` is left alone.
"""

import json
import re
import subprocess
import sys

document, url, name = sys.argv[1:]
FENCE = re.compile(r"(?m)^(?P<note><!-- not run: [^\n]+ -->\n)?```(?P<kind>\w*)\n(?P<body>.*?)^```$", re.S)
MARK = "\x1e"
# What is another at each run, and what it is called instead. The order matters: the longer first.
VOLATILE = [
    (r"eyJ[\w-]*(?:\.[\w-]+){0,2}", "<token>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"\b(?:[0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}\b", "<code>"),
    (r"\b([a-z]{3})_[0-7][0-9A-HJKMNP-TV-Z]{25}\b", r"\1_<ulid>"),
    (r"\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b", "<ulid>"),
    (r"(?<![\w-])[\w-]{43}(?![\w-])", "<key>"),
    (r'(?<="request_id": ")[0-9a-f]{24}', "<request>"),
    (r"(?<=\b)1[789]\d{8}\b", "<seconds>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
]


def blocks(text):
    """Pairs of what is run and what it prints, which may be nothing."""
    runs = []
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start()) + 1
        if fence["note"]:
            continue
        if fence["kind"] == "sh":
            runs.append({"line": line, "script": fence["body"], "kind": None, "printed": None})
        elif fence["kind"] in ("text", "json") and runs and runs[-1]["printed"] is None:
            runs[-1] |= {"kind": fence["kind"], "printed": fence["body"]}
    return runs


def plain(text):
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


def fits(said, came):
    """Whether a line is as it is said to be; `…` is anything."""
    pattern = lambda parts: ".*".join(map(re.escape, parts))
    parts = said.split("…")
    # A token that is cut off by `…` is no token in form, so the line as it came is tried first.
    return bool(re.fullmatch(pattern(parts), came) or re.fullmatch(pattern(map(plain, parts)), plain(came)))


def json_fits(said, came):
    if isinstance(said, dict):
        return isinstance(came, dict) and list(said) == list(came) and all(json_fits(said[key], came[key]) for key in said)
    if isinstance(said, list):
        return isinstance(came, list) and len(said) == len(came) and all(map(json_fits, said, came))
    if isinstance(said, str):
        return isinstance(came, str) and fits(said, came)
    return type(said) is type(came) and fits(json.dumps(said), json.dumps(came))


def judge(run, output):
    if run["kind"] is None:
        return None
    if run["kind"] == "json":
        try:
            came = json.loads(output)
        except ValueError:
            return "it printed no JSON"
        return None if json_fits(json.loads(run["printed"]), came) else "it printed other JSON"
    said = [line.rstrip() for line in run["printed"].strip("\n").split("\n")]
    came = [line.rstrip() for line in output.strip("\n").split("\n")]
    if len(said) == len(came) and all(map(fits, said, came)):
        return None
    return "it printed something else"


runs = blocks(open(document, encoding="utf-8").read())
if not runs:
    sys.exit(f"FAILED {name} has nothing that can be run")
script = "set -eo pipefail\n"
for run in runs:
    script += f"printf '{MARK}'\n" + run["script"].replace("http://127.0.0.1:8080", url)
script += f"printf '{MARK}'\n"
done = subprocess.run(
    ["bash", "-c", script],
    stdin=subprocess.DEVNULL,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    encoding="utf-8",
    timeout=120,
)
outputs = done.stdout.split(MARK)[1:]

failed = 0
for at, run in enumerate(runs):
    if at + 1 >= len(outputs):
        fault = "it ended with a failure" if at + 1 == len(outputs) else "it was not reached"
    else:
        fault = judge(run, outputs[at])
    if fault:
        failed += 1
        print(f"FAILED {name}:{run['line']}: {fault}")
        if at < len(outputs):
            print("".join(f"    {line}\n" for line in outputs[at].strip("\n").split("\n")), end="")
print(f"{name}")
print(f"{len(runs) - failed} passed, {failed} failed")
sys.exit(failed > 0)
