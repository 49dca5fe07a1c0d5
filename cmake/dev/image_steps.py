#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: image_steps.py DOCKERFILE FOLDER

Runs the steps of a Dockerfile without a container engine: each stage is a folder beside FOLDER/debian, a
bare Debian 12 root that stands for every Debian image. Then the last stage is started as its ENTRYPOINT,
CMD and USER say, with a read-only root and a network of its own, and asked by its HEALTHCHECK.
Knows the instructions that our Dockerfile uses, and refuses any other. Needs root. `./dev image` calls it.
"""

import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

STEP_SECONDS = 3600
HEALTHY_SECONDS = 30

# A configuration that is whole but asks nobody until somebody calls: health needs no authority.
CONFIGURATION = """\
listeners:
  - {name: local, address: "127.0.0.1:7443", plaintext: {}, identity: tools, reflection: true}
authorities:
  - {name: nobody, entra: {base_url: "http://127.0.0.1:9", instance_discovery: false}}
registrations:
  - name: orders
    authority: nobody
    client_id: orders-service
    tenants: [0e5b2f5c-3d0a-4c55-9a1e-7f1d5c1c0a11]
    credentials:
      - secret: {value: "file:orders.secret"}
policy:
  rules:
    - {name: all, callers: ["*"], registrations: ["*"], tenants: ["*"], grants: ["*"], scopes: ["*"]}
"""


@dataclasses.dataclass
class Stage:
    """A root, and what its instructions said about running it."""

    root: pathlib.Path
    environment: dict
    directory: str = "/"
    user: str = "0:0"
    health: list = dataclasses.field(default_factory=list)
    entrypoint: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=list)


def instructions(text):
    """Yields (instruction, arguments); comments gone, continued lines joined."""
    line = ""
    for part in text.splitlines():
        if part.lstrip().startswith("#") or (not line and not part.strip()):
            continue
        line += part.rstrip().removesuffix("\\")
        if part.rstrip().endswith("\\"):
            continue
        word, _, arguments = line.partition(" ")
        yield word, arguments.strip()
        line = ""


def within(stage, user, command, *, read_only=False):
    """The command line that runs `command` in the stage's root, with mounts that end with it."""
    root = shlex.quote(str(stage.root))
    mounts = [f"mount --bind {root} {root}", f"mount -t proc proc {root}/proc", f"mount -t tmpfs tmpfs {root}/dev/shm"]
    if read_only:
        mounts += ["ip link set lo up", f"mount -o remount,bind,ro {root}", f"mount -t tmpfs tmpfs {root}/tmp"]
    environment = [f"{name}={value}" for name, value in stage.environment.items()]
    inside = ["chroot", f"--userspec={user}", str(stage.root), "env", "-i", *environment]
    inside += ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", stage.directory, *command]
    script = " && ".join([*mounts, "exec " + shlex.join(inside)])
    namespaces = ["--mount", "--pid", "--fork", "--kill-child"] + (["--net"] if read_only else [])
    return ["unshare", *namespaces, "sh", "-c", script]


def copy_tree(source, target, ignored=()):
    """Copies what is in a folder, as COPY does; `ignored` are the lines of .dockerignore."""
    anywhere = {line.removeprefix("**/") for line in ignored if line.startswith("**/")}
    at_top = set(ignored)

    def leave_out(folder, names):
        top = pathlib.Path(folder) == source
        return [name for name in names if name in anywhere or (top and name in at_top)]

    shutil.copytree(source, target, ignore=leave_out, symlinks=True, dirs_exist_ok=True)


def copy(stage, stages, arguments, context):
    words = arguments.split()
    ignored = []
    base = context
    if words[0].startswith("--from="):
        base = stages[words.pop(0).removeprefix("--from=")].root
    else:
        lines = (context / ".dockerignore").read_text().splitlines()
        ignored = [line for line in lines if line and not line.startswith("#")]
    *sources, target = words
    target = stage.root / os.path.join(stage.directory, target).lstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        path = base / source.lstrip("/")
        if path.is_dir():
            copy_tree(path, target, ignored)
        else:
            shutil.copy2(path, target)


def build(dockerfile, folder):
    """Runs every step; returns the last stage."""
    stages, stage = {}, None
    for word, arguments in instructions(dockerfile.read_text()):
        print(f"==> {word} {arguments}", file=sys.stderr, flush=True)
        if word == "FROM":
            base, _, name = arguments.split()
            origin = stages.get(base)
            root = folder / name
            subprocess.run(["cp", "-a", "--", origin.root if origin else folder / "debian", root], check=True)
            path = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
            stage = Stage(root, dict(origin.environment) if origin else path)
            stages[name] = stage
        elif word == "WORKDIR":
            stage.directory = arguments
            (stage.root / arguments.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            copy(stage, stages, arguments, dockerfile.parent)
        elif word == "RUN":
            command = within(stage, stage.user, ["sh", "-c", arguments])
            subprocess.run(command, check=True, timeout=STEP_SECONDS, stdin=subprocess.DEVNULL)
        elif word == "ENV":
            name, _, value = arguments.partition("=")
            stage.environment[name] = value
        elif word == "USER":
            stage.user = arguments
        elif word == "HEALTHCHECK":
            stage.health = json.loads(arguments.partition("CMD")[2])
        elif word == "ENTRYPOINT":
            stage.entrypoint = json.loads(arguments)
        elif word == "CMD":
            stage.command = json.loads(arguments)
        else:
            sys.exit(f"image_steps.py: does not know {word}; teach it, or leave it out of the Dockerfile")
    return stage


def configure(stage):
    """What whoever runs the image mounts at /etc/tokensvc."""
    folder = stage.root / "etc/tokensvc"
    folder.mkdir()
    (folder / "tokensvc.yaml").write_text(CONFIGURATION)
    secret = folder / "orders.secret"
    secret.write_bytes(os.urandom(32).hex().encode())
    secret.chmod(0o400)
    os.chown(secret, *(int(number) for number in stage.user.split(":")))


def answers_health(stage):
    """Starts the service, and asks until it is healthy; true when it is, and ends by SIGTERM with 0."""
    # One shell for both, because the network is theirs alone: the service's status is the script's.
    script = (
        '"$@" & service=$!; until ' + shlex.join(stage.health) + "; do sleep 0.2; done; "
        "kill -TERM $service; wait $service; echo the service ended with $?"
    )
    command = within(stage, stage.user, ["sh", "-c", script, "sh", *stage.entrypoint, *stage.command], read_only=True)
    started = time.monotonic()
    result = subprocess.run(
        command, timeout=HEALTHY_SECONDS, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
    )
    print(result.stdout, f"after {time.monotonic() - started:.1f} s", sep="")
    return result.returncode == 0 and result.stdout.endswith("the service ended with 0\n")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    stage = build(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())
    configure(stage)
    print(f"==> {shlex.join(stage.entrypoint + stage.command)} as {stage.user}", file=sys.stderr)
    if not answers_health(stage):
        sys.exit("image_steps.py: the service did not answer, or did not end cleanly")


if __name__ == "__main__":
    main()
