"""Prepare ``.venv`` from ``requirements.lock``, then run a command of the book in it.

Run by the Makefile with whatever Python the machine has, so this file uses the
standard library only, and a syntax that older Pythons can read well enough to
say that they are too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from typing import Dict, List, NoReturn, TextIO, Tuple

MINIMUM = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NETWORK_SIGNS = (
    "NewConnectionError",
    "Failed to establish a new connection",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Network is unreachable",
    "Connection refused",
    "ProxyError",
    "ConnectTimeoutError",
    "Read timed out",
)


def stop(message: str) -> NoReturn:
    """Print one line that names cause and remedy, and end with status 1."""
    sys.stderr.write("avrec: %s\n" % message)
    sys.exit(1)


def fingerprint() -> str:
    """Return what the environment was made from: the lock, the project file, this Python, this folder."""
    digest = hashlib.sha256(repr((sys.version, ROOT)).encode())
    for name in ("requirements.lock", "pyproject.toml"):
        path = os.path.join(ROOT, name)
        if not os.path.exists(path):
            stop("%s is missing from %s; check it out again (git checkout -- %s)" % (name, ROOT, name))
        with open(path, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def explain(output: str) -> str:
    """Return one line for the cause of a failed installation."""
    if "No space left on device" in output:
        return "the disk is full: the packages need about 4 GB; free some space and run the same command again"
    if any(sign in output for sign in NETWORK_SIGNS):
        return (
            "no network: the packages could not be downloaded; connect (or point PIP_INDEX_URL or PIP_FIND_LINKS at "
            "a mirror) and run the same command again; what is already installed is kept"
        )
    if "(from versions: none)" in output:
        return (
            "pip found no version at all of a package of requirements.lock: there is no network, or the package index "
            "that pip is set to lacks it; mend either and run the same command again"
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return "pip could not install requirements.lock: %s" % (errors[-1] if errors else output.strip()[-300:])


def call(command: List[str], environment: Dict[str, str]) -> Tuple[int, str]:
    """Run a command, show its output as it comes, and return (status, last output)."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        if not line.startswith("Requirement already satisfied"):
            sys.stdout.write("  " + line)
            if line.startswith("Installing collected packages"):
                sys.stdout.write("  (unpacking some gigabytes: two or three minutes without another word)\n")
            sys.stdout.flush()
        lines.append(line)
    return process.wait(), "".join(lines[-400:])


def one_at_a_time() -> TextIO:
    """Take the lock of the set-up; another process that holds it means to stop here."""
    import fcntl

    build = os.path.join(ROOT, "_build")
    os.makedirs(build, exist_ok=True)
    lock = open(os.path.join(build, "setup.lock"), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stop("another set-up is running in this folder; wait for it to end, then run the same command again")
    return lock


def prepare(venv: str) -> str:
    """Make or mend the environment, unless its stamp says that it is up to date."""
    python = os.path.join(venv, "bin", "python")
    stamp = os.path.join(venv, "avrec-stamp")
    wanted = fingerprint()
    if os.path.exists(stamp) and os.path.exists(python):
        with open(stamp) as file:
            if file.read() == wanted:
                return python
    lock = one_at_a_time()
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_RETRIES=os.environ.get("PIP_RETRIES", "2"))
    print("Setting up %s from requirements.lock (a few minutes and about 3 GB the first time)" % venv, flush=True)
    if os.path.exists(stamp):
        os.remove(stamp)
    if not os.path.exists(python) or subprocess.call([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL):
        shutil.rmtree(venv, ignore_errors=True)
        status, output = call([sys.executable, "-m", "venv", venv], environment)
        if status:
            stop(
                "python could not make a virtual environment: %s; on Debian and Ubuntu, install python3-venv"
                % (output.strip().splitlines() or ["no reason given"])[-1]
            )
    for arguments in (["-r", "requirements.lock"], ["--no-deps", "--no-build-isolation", "-e", "."]):
        status, output = call([python, "-m", "pip", "install"] + arguments, environment)
        if status:
            stop(explain(output))
    with open(stamp + ".new", "w") as file:
        file.write(wanted)
    os.replace(stamp + ".new", stamp)
    lock.close()
    return python


def main() -> None:
    """Check this Python, prepare the environment, and become the command that follows ``--``."""
    if sys.version_info < MINIMUM:
        stop(
            "Python %d.%d or newer is needed and this is %s; install one and run: make PYTHON=python3.11 <target>"
            % (MINIMUM[0], MINIMUM[1], sys.version.split()[0])
        )
    venv = os.environ.get("AVREC_VENV") or os.path.join(ROOT, ".venv")
    try:
        python = prepare(venv)
    except OSError as error:
        if error.errno == 28:
            stop("the disk is full; free some space and run the same command again")
        stop("the set-up failed: %s" % error)
    arguments = sys.argv[1:]
    os.environ.setdefault("AVREC_CACHE", os.path.join(ROOT, "_build", "cache"))
    os.chdir(ROOT)
    sys.stdout.flush()
    os.execv(python, [python] + arguments)


if __name__ == "__main__":
    main()
