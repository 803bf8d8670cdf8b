"""Runs packaged functions under cargo-lambda; see `lambda` beside this file."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

target, stack = map(pathlib.Path, sys.argv[1:])
functions = sorted(path.parent.name for path in pathlib.Path("functions").glob("*/events"))
passed = failed = 0
# Seconds.
PATIENCE = 120


def check(what, holds, seen=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}: {seen}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def cargo_lambda(*arguments, **options):
    command = ["cargo", "lambda", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, **options)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer in {PATIENCE} s")


def started(command, environment=None, stdout=None):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout or log, stderr=log, env=environment)
    children.append(child)
    return child


def wait_for(port, child):
    """Until it listens: on a machine that is busy with other things, that may take a while."""
    until = time.monotonic() + PATIENCE
    while child.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    log.seek(0)
    sys.exit(f"`cargo lambda watch` does not listen: {log.read() or 'it says nothing'}")


def filled(text, demo):
    """An example with a code and a licence that there are."""
    yearly = next(license for license in demo["licenses"] if license["plan"] == "yearly")
    return text.replace("12345-67890-ABCDE-F1234-56789", yearly["code"]).replace("lic_01ARZ3NDEKTSV4RRFFQ69G5FAV", yearly["id"])


def fits(event, answer):
    """What a function may say to an example: a URL's response that is no failure of its own, or that a run was done."""
    if "requestContext" in event:
        return isinstance(answer, dict) and answer.get("statusCode", 500) < 500 and isinstance(answer.get("body"), str)
    if "Records" in event:
        return answer == {"batchItemFailures": []}
    return isinstance(answer, dict) and answer.get("failed") == 0 and answer.get("finished") is True


def judge(name, port, room, environment, demo):
    package = target / "lambda" / name / "bootstrap.zip"
    if not package.exists():
        check(f"{name} is packaged", False, f"{package} is not there: cargo xtask package")
        return
    zipfile.ZipFile(package).extract("bootstrap", room / name)
    program = room / name / "bootstrap"
    program.chmod(0o755)
    started([program], {
        **environment,
        "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{name}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
    })
    # Their names are in the order in which they make sense: an activation comes before a validation.
    for file in sorted(pathlib.Path("functions", name, "events").glob("*.json")):
        text = filled(file.read_text(), demo)
        example = room / file.name
        example.write_text(text)
        ran = cargo_lambda("invoke", name, "-A", "127.0.0.1", "-P", str(port), "--data-file", str(example), "--output-format", "json")
        try:
            answer = json.loads(ran.stdout)
        except ValueError:
            answer = ran.stdout + ran.stderr
        check(f"{name} answers {file}", ran.returncode == 0 and fits(json.loads(text), answer), answer)
        print(f"{file}: {answer['statusCode'] if isinstance(answer, dict) and 'statusCode' in answer else json.dumps(answer)}")
    dry = cargo_lambda("deploy", name, "--dry", "--region", "us-east-1")
    check(f"cargo lambda deploy {name} --dry", dry.returncode == 0, dry.stdout + dry.stderr)


children = []
with tempfile.TemporaryDirectory() as folder, open(target / "judges-lambda.log", "w+") as log:
    room = pathlib.Path(folder)
    try:
        told = json.loads(started([stack], stdout=subprocess.PIPE).stdout.readline())
        port = free_port()
        watch = started(["cargo", "lambda", "watch", "--only-lambda-apis", "-A", "127.0.0.1", "-P", str(port)], {**os.environ, "CARGO_LAMBDA_COLOR": "never"})
        wait_for(port, watch)
        for name in functions:
            judge(name, port, room, told["environment"], told["demo"])
    finally:
        for child in children:
            child.kill()
            child.wait()
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
