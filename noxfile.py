"""One session per task.  `./noxw -l` lists them, `./noxw -s NAME -- OPTIONS` runs one."""

from __future__ import annotations

import atexit
import contextlib
import datetime
import itertools
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from fixtures.cnis import catalogue  # noqa: E402 - the checkout is not installed
from fixtures.providers.registry import PROVIDERS  # noqa: E402 - the same

nox.options.default_venv_backend = "none"  # ./noxw has installed everything; sessions start at once
nox.options.sessions = ["lint", "types", "layers", "tests"]

PYTHON = sys.executable
OUT = ROOT / "reports" / "out"
NETWORK = ["suites/datapath", "suites/services", "suites/egress"]
SUITES = [*NETWORK, "suites/networkpolicy", "suites/generated"]
CHAOS = ["suites/chaos"]
ANALYZER = ROOT / "tests" / "differential" / "requirements.lock"
CHOICES = [f"{name}:{variant}" for name, variants in catalogue.known().items() for variant in variants]
DEFAULT = "flannel:vxlan"
CHOICES += [f"{DEFAULT}+{engine}" for engine in catalogue.known("policy-engine")]
LAB = next(iter(PROVIDERS))
CODES: list[int] = []  # of sessions that did not end with 0
WORST = [0, 2, 1, 3, 4]
MEANING = {
    1: "not certified, or a test failed",
    2: "inconclusive",
    3: "an error of netproof or of this machine",
    4: "wrong use",
}


def python(session: nox.Session, *arguments: str) -> None:
    """Run this environment's Python; its exit code becomes nox's."""
    session.log(f"python {' '.join(arguments)}")
    # The child ends when this process is killed, and with the child its lab.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NETPROOF_DIE_WITH": str(os.getpid())}
    process = subprocess.Popen([PYTHON, *arguments], env=environment)
    while process.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C reaches the child too; it ends in order
            process.wait()
    if process.returncode:
        CODES.append(process.returncode)
        session.error(f"ended with exit code {process.returncode}: {MEANING.get(process.returncode, 'see above')}")


def hand_through() -> None:
    """End nox with the worst exit code of its sessions; nox itself knows only 1."""
    if CODES:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(max(CODES, key=lambda code: (code in WORST and WORST.index(code), code)))


atexit.register(hand_through)


def said(session: nox.Session, *names: str) -> bool:
    """Whether one of these options was given to the session."""
    return any(option.split("=")[0] in names for option in session.posargs)


def with_defaults(session: nox.Session, cni: str, cluster: str = LAB) -> list[str]:
    """The options that were given to the session, and on which cluster and plugin where they do not say so."""
    given = list(session.posargs)
    if not said(session, "--cluster", "--attach"):
        given += ["--cluster", cluster]
    if not said(session, "--cni", "--attach"):  # a lab that is open has its plugin
        given += ["--cni", cni]
    return given


def run_suites(session: nox.Session, cni: str, suites: list[str] = SUITES, cluster: str = LAB) -> None:
    """Run pytest on the suites; its exit code is the verdict."""
    given = with_defaults(session, cni, cluster)
    pytest = ["-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
    python(session, *pytest, *suites, *given)


@nox.session
def certify(session: nox.Session) -> None:
    """Certify a CNI plugin (flannel:vxlan, or -- --cni NAME): cluster up, every suite, report."""
    run_suites(session, DEFAULT)


def certify_choice(choice: str, cluster: str) -> None:
    """A session of its own for one plugin and variant on a provider, so that `nox -l` lists what there is."""

    def session_of_choice(session: nox.Session) -> None:
        run_suites(session, choice, cluster=cluster)

    session_of_choice.__doc__ = f"The same for {choice}" + (f" on {cluster}." if cluster != LAB else ".")
    name = f"cni='{choice}'" + (f", cluster='{cluster}'" if cluster != LAB else "")
    nox.session(name=f"certify({name})", default=False)(session_of_choice)


for each in itertools.product(CHOICES, PROVIDERS):
    certify_choice(*each)


@nox.session
def migrate(session: nox.Session) -> None:
    """Replace a plugin by another on a live cluster, with people's mistakes, and back: [-- --migrate-to NAME]."""
    if said(session, "-n", "--attach"):
        session.error("migrate changes the cluster under every case: leave out -n and --attach.")
    if not said(session, "--migrate-to"):
        session.posargs.extend(["--migrate-to", "bridge"])
    run_suites(session, DEFAULT, ["suites/migration", *NETWORK])


@nox.session
def matrix(session: nox.Session) -> None:
    """Certify every row of fixtures/cnis/matrix.toml (or -- NAME …), and show them side by side."""
    rows = tomllib.loads((ROOT / "fixtures" / "cnis" / "matrix.toml").read_text())
    if unknown := set(session.posargs) - rows.keys():
        session.error(f"no row is called {', '.join(sorted(unknown))}; there are {', '.join(rows)}.")
    now = datetime.datetime.now(datetime.UTC)
    out = OUT / f"{now:%Y%m%dT%H%M%S}Z-matrix"
    silent, surprising = [], []
    for name, row in rows.items():
        if session.posargs and name not in session.posargs:
            continue
        session.log(f"{name}: {row['options']}")
        done = certify_row(out / name, row["options"])
        if done.returncode not in row.get("codes", [0]):
            surprising.append(f"{name} ended with {done.returncode}")
            CODES.append(done.returncode or 1)
        if not (out / name / "verdict.json").exists():
            silent.append(f"{name}: {last_words(done)}")
    found = [str(path) for path in (out / name / "verdict.json" for name in rows) if path.exists()]
    subprocess.run([PYTHON, "-m", "reports.compare", "-", *found], input="\n".join(silent), text=True, check=True)
    if surprising:
        session.error(f"not as known: {'; '.join(surprising)}")


def certify_row(out: Path, options: str) -> subprocess.CompletedProcess[str]:
    """Certify one row of the matrix, silently."""
    pytest = [PYTHON, "-m", "pytest", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", *SUITES]
    command = [*pytest, "--cluster", "lab", "--out", str(out), *options.split()]
    environment = os.environ | {"NETPROOF_DIE_WITH": str(os.getpid())}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """What a run that wrote no verdict said at its end."""
    lines = [line.strip("! ") for line in (done.stderr + done.stdout).splitlines() if line.strip("! ")]
    return lines[-1].removeprefix("_pytest.outcomes.Exit: ") if lines else f"exit code {done.returncode}"


@nox.session
def compare(session: nox.Session) -> None:
    """Show runs side by side: -- RUN/verdict.json …."""
    python(session, "-m", "reports.compare", *session.posargs)


@nox.session
def shuffle(session: nox.Session) -> None:
    """Run the suites as written, then in other orders: no verdict may differ: [-- --runs N --shuffle SEED …]."""
    python(session, "-m", "tests.shuffle.main", *SUITES, *with_defaults(session, DEFAULT))


@nox.session
def chaos(session: nox.Session) -> None:
    """Break a CNI plugin's network fault by fault while traffic is measured (flannel:vxlan, or -- --cni NAME)."""
    run_suites(session, DEFAULT, CHAOS)


@nox.session
def replay(session: nox.Session) -> None:
    """Play a reproducer or a file of policy cases: -- FILE [--cni PLUGIN+ENGINE …]."""
    if not session.posargs or session.posargs[0].startswith("-"):
        session.error("which file? nox -s replay -- FILE [OPTIONS]")
    session.posargs.insert(0, "--replay")
    run_suites(session, f"{DEFAULT}+reference", ["suites/generated/test_replay.py"])


@nox.session
def sensitivity(session: nox.Session) -> None:
    """Put historical bugs into the reference engine and see which requirement finds each: [-- --mutants M014,…]."""
    now = datetime.datetime.now(datetime.UTC)
    out = [] if said(session, "--out") else ["--out", str(OUT / f"{now:%Y%m%dT%H%M%S}Z-sensitivity")]
    python(session, "-m", "tests.sensitivity.main", *out, *session.posargs)


@nox.session
def oracle(session: nox.Session) -> None:
    """Compare the oracle with the literal evaluator on 20,000 generated worlds, or as many as are given."""
    os.environ["NETPROOF_WORLDS"] = session.posargs[0] if session.posargs else "20000"
    python(session, "-m", "pytest", "-q", "tests/unit/policies/test_oracle.py", "-k", "literal")


@nox.session(venv_backend="venv", default=False)
def differential(session: nox.Session) -> None:
    """Compare the oracle with np-guard's analyzer, in an environment of its own: [-- --states N --seed N]."""
    session.install("-q", "--require-hashes", "-r", str(ANALYZER))
    python(session, "-m", "tests.differential.main", "--python", f"{session.bin}/python", *session.posargs)


@nox.session
def heal(session: nox.Session) -> None:
    """Undo what a run that was killed left broken in an open lab: -- DIR of the lab, DIR of the run."""
    python(session, "-m", "fixtures.commands.heal", *session.posargs)


@nox.session
def lab(session: nox.Session) -> None:
    """Open a lab with a CNI plugin, print its KUBECONFIG, keep it until Ctrl-C."""
    python(session, "-m", "fixtures.commands.lab", *session.posargs)


@nox.session
def clean(session: nox.Session) -> None:
    """Remove what a run that was killed left in container engines and clusters: [-- --kubeconfig FILE]."""
    python(session, "-m", "fixtures.commands.clean", *session.posargs)


def run_tests(session: nox.Session, *options: str, default: list[str]) -> None:
    """Run tests of netproof itself: those that are given, or the default folders."""
    given = [word for word in session.posargs if (ROOT / word.split("::")[0]).exists()]
    python(session, "-m", "pytest", "-q", *options, *([] if given else default), *session.posargs)


@nox.session
def unit(session: nox.Session) -> None:
    """Test what needs no lab, in less than a minute: logic, messages, the repository."""
    workers = [] if said(session, "-n") else ["-n", "auto", "--maxprocesses", "4"]
    run_tests(session, *workers, default=["tests/unit"])


@nox.session
def lab_tests(session: nox.Session) -> None:
    """Test what needs labs: whole runs, checks on broken nodes, policy suites on mutants, kills."""
    run_tests(session, default=["tests/lab", "tests/kind"])


@nox.session
def tests(session: nox.Session) -> None:
    """Test the suite itself: `unit`, and where that passes `lab_tests`; or with [-- OPTIONS] of pytest all at once."""
    if session.posargs:
        run_tests(session, default=["tests"])
    else:
        unit(session)
        lab_tests(session)


@nox.session
def breaks(session: nox.Session) -> None:
    """Break one thing after another in a lab and see which requirements go red (tests/lab/breaks.yaml)."""
    os.environ["NETPROOF_BREAKS"] = "all"
    python(session, "-m", "pytest", "tests/lab/test_reds.py", "tests/lab/test_reds_of_ipv6.py", *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """Kill the runner, the lab's first process and etcd at 20 random moments each, or as many as given: [-- N]."""
    os.environ["NETPROOF_KILLS"] = session.posargs[0] if session.posargs else "20"
    python(session, "-m", "pytest", "-q", "tests/lab/test_nothing_is_left.py")


@nox.session
def endurance_kind(session: nox.Session) -> None:
    """Kill runs on kind at ten random moments, clean, and see that nothing is left: [-- OPTIONS of certify]."""
    os.environ["NETPROOF_KIND"] = shlex.join(session.posargs) or "--cni flannel:vxlan"
    python(session, "-m", "pytest", "-q", "tests/kind")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)


@nox.session
def types(session: nox.Session) -> None:
    """Check types: the packages, and apart from them the agent that runs in pods."""
    session.run("mypy", external=True)
    with session.chdir(ROOT / "fixtures" / "probes" / "agent"):
        session.run("mypy", ".", external=True)


@nox.session
def layers(session: nox.Session) -> None:
    """Check that the layers import each other in one direction only."""
    session.run("lint-imports", external=True)


@nox.session
def generate(session: nox.Session) -> None:
    """Write what is made from other files: docs/requirements.md, docs/needs.md, and the enums of cni.schema.json."""
    python(session, "-m", "fixtures.needs")
    python(session, "-m", "tests.catalogue.main")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure: lab ready, pod starts, matrices, ratios; or [-- --beside-kind OPTIONS]: whole runs of lab and kind."""
    if "--beside-kind" in session.posargs:
        python(session, "-m", "tests.bench.providers", *(one for one in session.posargs if one != "--beside-kind"))
    else:
        python(session, "-m", "tests.bench.main", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Renew requirements.lock from pyproject.toml."""
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet", "--upgrade"]
    groups = ["--group", "pyproject.toml:dev", "pyproject.toml"]
    session.run("uv", "pip", "compile", *options, *groups, "-o", "requirements.lock", external=True)
    beside = ["--generate-hashes", "--universal", "-o", str(ANALYZER), str(ANALYZER.with_suffix(".in"))]
    session.run("uv", "pip", "compile", *beside, external=True)
