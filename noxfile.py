"""One session per task.  `./noxw -l` lists them, `./noxw -s NAME -- OPTIONS` runs one."""

from __future__ import annotations

import atexit
import contextlib
import datetime
import os
import shlex
import subprocess
import sys
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from fixtures.cnis import matrix as matrix_table  # noqa: E402 - the checkout is not installed
from fixtures.run import side_by_side  # noqa: E402 - the same
from reports.watch import child  # noqa: E402 - the same

nox.options.default_venv_backend = "none"  # ./noxw has installed everything; sessions start at once
nox.options.sessions = ["lint", "types", "layers", "tests", "browser"]

PYTHON = sys.executable
OUT = ROOT / "reports" / "out"
NETWORK = ["suites/datapath", "suites/services", "suites/egress"]
SUITES = [*NETWORK, "suites/networkpolicy", "suites/generated", "suites/performance"]
CHAOS = ["suites/chaos"]
MOTION = ["suites/motion"]
SPEED = ["suites/performance/test_paths.py"]
REPEATS = "10"  # rounds: a confidence interval leaves out the smallest and the largest of them
SELENIUM = ROOT / "tests" / "browser" / "requirements.lock"
ANALYZER = ROOT / "tests" / "differential" / "requirements.lock"
DEFAULT = "flannel:vxlan"
# The plugin of reports prints cases and results: -qq and -rN leave out pytest's own list and counts of them.
PYTEST = ["-m", "pytest", "-qq", "-rN", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
LAB = "lab"
EXIT_CODES: list[int] = []  # of sessions that failed
SEVERITY = [0, 2, 1, 3, 4]  # exit codes from best to worst
MEANING = {
    1: "not certified, worse than the baseline, or a test failed",
    2: "inconclusive, or a file that cannot be compared",
    3: "an error of netproof or of this machine",
    4: "wrong use",
}


def python(session: nox.Session, *arguments: str, packages: Path | None = None) -> None:
    """Run Python; if it fails, fail the session and let nox end with its exit code.

    Args:
        session: the session.
        arguments: those of Python.
        packages: a folder with packages that are in addition to those of all sessions.
    """
    session.log(f"python {' '.join(arguments)}")
    # The child ends when this process is killed, and with the child its lab.
    path = os.pathsep.join(map(str, (ROOT, *([packages] if packages else []))))
    environment = os.environ | {"PYTHONPATH": path, "NETPROOF_DIE_WITH": str(os.getpid())}
    process = subprocess.Popen([PYTHON, *arguments], env=environment)
    while process.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the child too; it ends in order
            process.wait()
    if process.returncode:
        EXIT_CODES.append(process.returncode)
        session.error(f"ended with exit code {process.returncode}: {MEANING.get(process.returncode, 'see above')}")


def exit_with_worst_code() -> None:
    """End this process with the worst exit code of its sessions; nox itself would always use 1."""
    if EXIT_CODES:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(max(EXIT_CODES, key=lambda code: (code in SEVERITY and SEVERITY.index(code), code)))


atexit.register(exit_with_worst_code)


def has_option(session: nox.Session, *names: str) -> bool:
    """Return whether the session's arguments have one of these options."""
    return any(option.split("=")[0] in names for option in session.posargs)


def with_defaults(session: nox.Session, cni: str, cluster: str = LAB) -> list[str]:
    """Return the session's arguments, with --cluster and --cni added if they are missing."""
    arguments = list(session.posargs)
    if not has_option(session, "--cluster", "--attach"):
        arguments += ["--cluster", cluster]
    if not has_option(session, "--cni", "--attach"):  # an open lab has a plugin already
        arguments += ["--cni", cni]
    return arguments


def run_suites(session: nox.Session, cni: str, suites: list[str] = SUITES, cluster: str = LAB) -> None:
    """Run pytest on the suites; its exit code is the verdict."""
    arguments = with_defaults(session, cni, cluster)
    python(session, *PYTEST, *suites, *arguments)


@nox.session
def certify(session: nox.Session) -> None:
    """Certify a CNI plugin (flannel:vxlan, or -- --cni NAME, of -- --list): cluster up, every suite, report."""
    if has_option(session, "--list"):
        python(session, "-m", "fixtures.commands.plugins", *session.posargs)
    else:
        session.posargs[:0] = side_by_side.options(session.posargs, DEFAULT)  # before the user's: the last one counts
        run_suites(session, DEFAULT)


@nox.session
def watch(session: nox.Session) -> None:
    """Certify again and again, and serve metrics for Prometheus: -- --every 10m [--port N] [OPTIONS of certify]."""
    arguments = ["-m", "reports.watch", *with_defaults(session, DEFAULT), "--", *PYTEST, *SUITES]
    session.log(f"python {' '.join(arguments)}")
    sys.stdout.flush()
    sys.stderr.flush()
    # In place of this process, so that signals reach the watch, which ends its run in order.
    os.execve(PYTHON, [PYTHON, *arguments], os.environ | {"PYTHONPATH": str(ROOT)})  # noqa: S606 - no shell


@nox.session
def migrate(session: nox.Session) -> None:
    """Replace a plugin by another on a live cluster, with common mistakes, and back: [-- --migrate-to NAME]."""
    if has_option(session, "-n", "--attach"):
        session.error("migrate changes the cluster under every case: leave out -n and --attach.")
    if not has_option(session, "--migrate-to"):
        session.posargs.extend(["--migrate-to", "bridge"])
    run_suites(session, DEFAULT, ["suites/migration", *NETWORK])


@nox.session
def matrix(session: nox.Session) -> None:
    """Certify every row of fixtures/cnis/matrix.toml (or -- NAME …), and show them side by side."""
    rows = matrix_table.rows()
    if unknown := set(session.posargs) - rows.keys():
        session.error(f"no row is called {', '.join(sorted(unknown))}; there are {', '.join(rows)}.")
    now = datetime.datetime.now(datetime.UTC)
    out = OUT / f"{now:%Y%m%dT%H%M%S}Z-matrix"
    without_verdict, unexpected = [], []
    for name, row in rows.items():
        if session.posargs and name not in session.posargs:
            continue
        session.log(f"{name}: {row.options}")
        done = certify_row(out / name, row.options)
        if done.returncode not in row.codes:
            unexpected.append(f"{name} ended with {done.returncode}")
            EXIT_CODES.append(done.returncode or 1)
        if not (out / name / "verdict.json").exists():
            reason = child.last_line(done.stderr + done.stdout) or f"exit code {done.returncode}"
            without_verdict.append(f"{name}: {reason}")
    verdicts = [str(path) for path in (out / name / "verdict.json" for name in rows) if path.exists()]
    command = [PYTHON, "-m", "reports.compare", "-", *verdicts]
    subprocess.run(command, input="\n".join(without_verdict), text=True, check=True)
    if unexpected:
        session.error(f"unexpected exit codes: {'; '.join(unexpected)}")


def certify_row(out: Path, options: str) -> subprocess.CompletedProcess[str]:
    """Certify a row of the matrix and capture the output.

    Args:
        out: the folder of the run.
        options: options of certify, as in a command line.
    """
    pytest = [PYTHON, "-m", "pytest", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", *SUITES]
    command = [*pytest, "--cluster", "lab", "--out", str(out), *options.split()]
    environment = os.environ | {"NETPROOF_DIE_WITH": str(os.getpid())}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@nox.session
def compare(session: nox.Session) -> None:
    """Show what differs between runs: -- RUN RUN …, or whether one is worse: -- --against BASELINE RUN."""
    python(session, "-m", "reports.compare", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Write the reports of a run that was killed, or write report.html and others again: -- RUN …."""
    python(session, "-m", "reports.unfinished", *session.posargs)


@nox.session
def publish(session: nox.Session) -> None:
    """Keep the verdict.json of runs in reports/published, and write the table of published runs: [-- RUN …]."""
    python(session, "-m", "reports.publish", *session.posargs)


@nox.session
def shuffle(session: nox.Session) -> None:
    """Run the suites in several orders, in which no verdict may differ: [-- --runs N --shuffle SEED …]."""
    python(session, "-m", "tests.shuffle.main", *SUITES, *with_defaults(session, DEFAULT))


@nox.session
def chaos(session: nox.Session) -> None:
    """Break a CNI plugin's network fault by fault while traffic is measured (flannel:vxlan, or -- --cni NAME)."""
    run_suites(session, DEFAULT, CHAOS)


@nox.session
def motion(session: nox.Session) -> None:
    """Watch flows while policies and labels change and agents are away (flannel:vxlan+reference): [-- --changes N]."""
    run_suites(session, f"{DEFAULT}+reference", MOTION)


@nox.session
def perf(session: nox.Session) -> None:
    """Measure how fast each path is, beside a bare veth pair, with confidence intervals: [-- --repeats N]."""
    if not has_option(session, "--repeats"):
        session.posargs.extend(["--repeats", REPEATS])
    run_suites(session, DEFAULT, SPEED)


@nox.session
def replay(session: nox.Session) -> None:
    """Run a reproducer or a file of policy cases: -- FILE [--cni PLUGIN+ENGINE …]."""
    if not session.posargs or session.posargs[0].startswith("-"):
        session.error("the file is missing: nox -s replay -- FILE [OPTIONS]")
    session.posargs.insert(0, "--replay")
    run_suites(session, f"{DEFAULT}+reference", ["suites/generated/test_replay.py"])


@nox.session
def sensitivity(session: nox.Session) -> None:
    """Put bugs into the reference engine and see which requirement finds each: [-- --mutants M014,… | --unlisted]."""
    now = datetime.datetime.now(datetime.UTC)
    out = [] if has_option(session, "--out") else ["--out", str(OUT / f"{now:%Y%m%dT%H%M%S}Z-sensitivity")]
    python(session, "-m", "tests.sensitivity.main", *out, *session.posargs)


@nox.session
def oracle(session: nox.Session) -> None:
    """Compare the oracle with the literal evaluator on generated worlds: [-- N], 20,000 by default."""
    os.environ["NETPROOF_WORLDS"] = session.posargs[0] if session.posargs else "20000"
    python(session, "-m", "pytest", "-q", "tests/unit/policies/test_oracle.py", "-k", "literal")


@nox.session(venv_backend="venv", default=False)
def differential(session: nox.Session) -> None:
    """Compare the oracle with np-guard's analyzer, in an environment of its own: [-- --states N --seed N]."""
    session.install("-q", "--require-hashes", "-r", str(ANALYZER))
    python(session, "-m", "tests.differential.main", "--python", f"{session.bin}/python", *session.posargs)


@nox.session
def heal(session: nox.Session) -> None:
    """Undo the faults that a killed run left in an open lab: -- LAB RUN (their folders)."""
    python(session, "-m", "fixtures.commands.heal", *session.posargs)


@nox.session
def lab(session: nox.Session) -> None:
    """Open a lab with a CNI plugin, print its KUBECONFIG, keep it until Ctrl-C."""
    python(session, "-m", "fixtures.commands.lab", *session.posargs)


@nox.session
def clean(session: nox.Session) -> None:
    """Remove what killed runs left in container engines and clusters: [-- --kubeconfig FILE]."""
    python(session, "-m", "fixtures.commands.clean", *session.posargs)


def run_tests(session: nox.Session, *options: str, default: list[str]) -> None:
    """Run tests of netproof itself: the files among the session's arguments, or the default folders."""
    os.environ["NETPROOF_PROGRAMS"] = "build"  # no test asks a publisher
    files = [argument for argument in session.posargs if (ROOT / argument.split("::")[0]).exists()]
    python(session, "-m", "pytest", "-q", *options, *([] if files else default), *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Run the tests that need no cluster, in about a minute: logic, messages, the repository."""
    # One process more than there are processors: a third of the time a test waits for a program or a timer.
    workers = [] if has_option(session, "-n") else ["-n", str(min(os.cpu_count() or 1, 4) + 1)]
    run_tests(session, *workers, default=["tests/unit"])


@nox.session
def lab_tests(session: nox.Session) -> None:
    """Run the tests that need clusters: whole runs, checks on broken nodes, policy suites on mutants, kills."""
    # They wait more than they work, so that two files at a time take half as long; a file shares a lab.
    workers = [] if has_option(session, "-n") else ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    run_tests(session, *workers, default=["tests/lab", "tests/kind"])


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests: `unit` and, if it passes, `lab_tests`; with [-- OPTIONS] of pytest, both in one run."""
    if session.posargs:
        run_tests(session, default=["tests"])
    else:
        unit(session)
        lab_tests(session)


def selenium(session: nox.Session) -> Path:
    """Install what drives a browser into the session's own environment; returns the folder of its packages."""
    session.install("-q", "--no-deps", "--require-hashes", "-r", str(SELENIUM))
    return next(Path(session.virtualenv.location).glob("lib/python*/site-packages"))


@nox.session(venv_backend="venv", reuse_venv=True)
def browser(session: nox.Session) -> None:
    """Open every page of reports in Chromium: two clicks, barriers, phones, no scripts, 5,000 cases: [-- OPTIONS]."""
    python(session, "-m", "pytest", "-q", "tests/browser", *session.posargs, packages=selenium(session))


@nox.session(venv_backend="venv", reuse_venv=True, default=False)
def screenshots(session: nox.Session) -> None:
    """Take pictures of pages, wide and narrow, light and dark: [-- --out FOLDER] [RUN or FILE.html …]."""
    python(session, "-m", "tests.browser.screenshots", *session.posargs, packages=selenium(session))


@nox.session
def breaks(session: nox.Session) -> None:
    """Apply every break of tests/lab/breaks.yaml to a lab, and check which requirements fail."""
    os.environ["NETPROOF_BREAKS"] = "all"
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests" / "lab").glob("test_reds*.py"))
    python(session, "-m", "pytest", *files, *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """Kill the runner, the lab's first process and etcd at random moments: [-- N], 20 of each by default."""
    os.environ["NETPROOF_KILLS"] = session.posargs[0] if session.posargs else "20"
    python(session, "-m", "pytest", "-q", "tests/lab/test_nothing_is_left.py")


@nox.session
def endurance_kind(session: nox.Session) -> None:
    """Kill runs on kind at ten random moments, clean, and check that nothing is left: [-- OPTIONS of certify]."""
    os.environ["NETPROOF_KIND"] = shlex.join(session.posargs) or "--cni flannel:vxlan"
    python(session, "-m", "pytest", "-q", "tests/kind")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, of the agent that runs in pods separately."""
    session.run("mypy", external=True)
    with session.chdir(ROOT / "fixtures" / "probes" / "agent"):
        session.run("mypy", ".", external=True)


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports between layers go in one direction only."""
    session.run("lint-imports", external=True)


@nox.session
def generate(session: nox.Session) -> None:
    """Write generated files: docs/requirements.md, docs/needs.md, and the enums of cni.schema.json."""
    python(session, "-m", "fixtures.needs")
    python(session, "-m", "tests.catalogue.main")


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmark the lab; [-- --starts N --timeline FILE] its start alone, [-- --beside-kind OPTIONS] beside kind."""
    if "--beside-kind" in session.posargs:
        python(
            session,
            "-m",
            "tests.bench.providers",
            *(a for a in session.posargs if a != "--beside-kind"),
        )
    elif {"--starts", "--timeline"} & set(session.posargs):
        python(session, "-m", "tests.bench.starts", *session.posargs)
    else:
        python(session, "-m", "tests.bench.main", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write the lock files of Python packages, and the checksums of published programs."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet", "--upgrade"]
    groups = ["--group", "pyproject.toml:dev", "pyproject.toml"]
    session.run("uv", "pip", "compile", *options, *groups, "-o", "requirements.lock", external=True)
    # What both locks have is alike: the session adds its packages to those of all sessions.
    driver = ["-c", "requirements.lock", "-o", str(SELENIUM), str(SELENIUM.with_suffix(".in"))]
    session.run("uv", "pip", "compile", *options, *driver, external=True)
    analyzer = ["--generate-hashes", "--universal", "-o", str(ANALYZER), str(ANALYZER.with_suffix(".in"))]
    session.run("uv", "pip", "compile", *analyzer, external=True)
    python(session, "-m", "fixtures.binaries.pin")
