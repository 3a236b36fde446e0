"""Which processes make up the product, and how the supervisor is told about them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from config.env import BASE_DIR

PYTHON = sys.executable


@dataclass(frozen=True)
class Process:
    name: str
    command: str
    stop_wait_s: int = 10


def manage(name: str, arguments: str) -> Process:
    return Process(name, f"{PYTHON} manage.py {arguments}")


def worker(name: str, threads: int) -> Process:
    """Threads, because a worker's work waits on the network or on a child process; a killed worker then ends as a whole."""
    options = f"--pool threads --concurrency {threads} --without-gossip --without-mingle --loglevel WARNING"
    return Process(
        f"worker-{name}", f"{PYTHON} -m celery -A config worker -Q {settings.QUEUES[name]} -n {name}@%%h {options}"
    )


def product(web_port: int) -> list[Process]:
    """What a deployment runs; the lab is the demo's own."""
    # Without gunicorn's control socket: nobody uses it, and its folder would stay behind in the user's home.
    options = "--threads 8 --no-control-socket --log-level warning"
    web = f"{PYTHON} -m gunicorn config.wsgi --bind 127.0.0.1:{web_port} {options}"
    return [
        Process("web", web),
        worker("default", 4),
        worker("automation", 4),
        worker("polling", 5),  # one more than POLL_SHARDS at its most here, for the tick itself
        worker("asking", 2),
        worker("searching", 1),
        worker("mail", 4),
        Process("beat", f"{PYTHON} -m celery -A config beat --loglevel WARNING"),
        manage("traps", "receive_traps"),
        manage("mail", "watch_mail"),
        manage("lab", "lab serve"),
    ]


def supervisor_config(processes: list[Process], var_dir: Path) -> str:
    head = f"""
[supervisord]
nodaemon=true
silent=true
logfile={_escape(var_dir)}/log/supervisor.log
pidfile={_escape(var_dir)}/supervisor.pid
childlogdir={_escape(var_dir)}/log
"""
    # One group, because the supervisor stops groups one after the other, and the processes of a group together.
    group = f"\n[group:fleetdesk]\nprograms={','.join(process.name for process in processes)}\n"
    return head + "".join(_section(process, var_dir) for process in processes) + group


def _section(process: Process, var_dir: Path) -> str:
    return f"""
[program:{process.name}]
command={process.command}
directory={_escape(BASE_DIR)}
autorestart=true
startsecs=1
startretries=10
stopasgroup=true
killasgroup=true
stopwaitsecs={process.stop_wait_s}
redirect_stderr=true
stdout_logfile={_escape(var_dir)}/log/{process.name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=1
"""


def _escape(path: Path) -> str:
    """The supervisor's configuration format expands percent signs."""
    return str(path).replace("%", "%%")
