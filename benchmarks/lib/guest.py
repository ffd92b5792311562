# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs plans: in a guest, or natively.  Both print the same lines (kernels/plan.c)."""
import os
import re
import selectors
import shutil
import subprocess
import tempfile
import time
import pathlib

from . import build

LINE = re.compile(rb"@bench (\w+) ?([^\r\n]*)")


class Silent(Exception):
    """Nothing was heard for too long."""


def lines_of(command, log, timeout, cwd=None):
    """Starts a command; yields (host seconds since the start, word, rest) for each @bench line.
    Everything that it prints goes to the log too.  It is killed when it says nothing for the
    timeout (raises Silent) or when the caller leaves the loop."""
    start = time.monotonic()
    log.write(("$ " + " ".join(map(str, command)) + "\n").encode())
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True)
    selector = selectors.DefaultSelector()
    selector.register(process.stdout, selectors.EVENT_READ)
    rest = b""
    try:
        while True:
            if not selector.select(timeout):
                raise Silent(f"silent for {timeout:.0f} s")
            data = os.read(process.stdout.fileno(), 65536)
            now = time.monotonic() - start
            if not data:
                break
            log.write(data)
            log.flush()
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                found = LINE.search(line)
                if found:
                    yield now, found[1].decode(), found[2].decode(errors="replace")
        process.wait(timeout=30)
        log.write(f"exit status {process.returncode}\n".encode())
        yield time.monotonic() - start, "exit", str(process.returncode)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()
        process.stdout.close()


class Recorder:
    """Fills entries from lines, and compares the guest's clock with the host's."""

    def __init__(self, entries):
        self.entries = entries
        self.current = None
        self.began = None     # guest's and host's clock at the last begin line
        self.guest = self.host = 0.0

    def add(self, now, word, rest):
        parts = rest.split()
        if word == "begin" and len(parts) == 2:
            self.current = parts[0]
            self.entries[self.current] = {"status": -1, "check": None, "runs": []}
            self.began = (float(parts[1]), now)
        elif word in ("check", "run") and len(parts) == 4 and parts[0] in self.entries:
            run = {"iterations": int(parts[1]), "seconds": float(parts[2]), "sum": parts[3]}
            entry = self.entries[parts[0]]
            if word == "check":
                entry["check"] = run
            else:
                entry["runs"].append(run)
        elif word == "end" and len(parts) == 3 and parts[0] in self.entries:
            self.entries[parts[0]]["status"] = int(parts[1])
            self.guest += float(parts[2]) - self.began[0]
            self.host += now - self.began[1]
            self.current = None

    def clock(self):
        """Guest seconds for a host second between begin and end lines; None if too little was seen."""
        return self.guest / self.host if self.host > 1 else None


def plan_text(items, runs, seconds):
    return "".join(f"{i['kind']} {i['name']} {runs} {seconds[i['kind']]}\n" for i in items)


class NativePeer:
    """The same programs on the host: kernels as they are, jobs in a chroot of the same tree.  On one
    processor, as in the guests."""

    name = "native"

    def __init__(self, bits, log):
        self.log = log
        self.note = ""
        self.bits = bits
        if bits == 32 and not can_run(build.bench_program(32)):
            self.bits = 64
            self.note = "this host cannot run 32-bit programs: native is the 64-bit build"

    def measure(self, items, runs, seconds, entries, options):
        pin = ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[-1])]
        for kind in ("kernel", "job"):
            mine = [i for i in items if i["kind"] == kind]
            if not mine:
                continue
            with tempfile.TemporaryDirectory(prefix="doppel-bench-") as work:
                folder = pathlib.Path(work) / "bench"
                build.folder_write(folder, build.bench_files(self.bits,
                                                             plan_text(mine, runs, seconds)))
                if kind == "kernel":
                    command = pin + [folder / "bench", "plan", folder / "plan"]
                else:
                    command = pin + self.chroot_command(folder)
                recorder = Recorder(entries)
                self.follow(command, options.timeout, recorder)
        return None

    def measure_micro(self, items, runs, entries, options):
        """What needs no privilege; the others stay without a native figure."""
        program = build.micro_native(self.bits)
        for item in items:
            self.follow([program, item["name"], str(runs)], options.timeout, Recorder(entries))

    def chroot_command(self, folder):
        tree, _ = build.user_land(self.bits)
        script = ('mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" && '
                  'mount -t tmpfs tmpfs "$1/tmp" && cp -r "$2" "$1/tmp/bench" && '
                  'exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin:/tmp/bench HOME=/tmp '
                  'LC_ALL=C PYTHONDONTWRITEBYTECODE=1 /tmp/bench/bench plan /tmp/bench/plan')
        unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-r", "-m"]
        return unshare + ["sh", "-c", script, "sh", tree, folder]

    def follow(self, command, timeout, recorder):
        try:
            for now, word, rest in lines_of(command, self.log, timeout):
                recorder.add(now, word, rest)
        except Silent:
            pass


def can_run(program):
    try:
        return subprocess.run([program, "nothing"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


class GuestPeer:
    """A machine emulator with QEMU's command line."""

    def __init__(self, name, command, bits, log, accel=None):
        self.name = name
        self.command = command
        self.accel = accel      # doppel's, None for its default; its figures go to stats_file
        self.stats_file = None
        self.bits = bits
        self.log = log
        self.note = ""

    def start_command(self):
        accel = self.accel
        if self.stats_file:
            accel = f"{accel or 'dbt'},stats={self.stats_file}"
        return self.command + (["-accel", accel] if accel else [])

    def boot(self, items, runs, seconds, options, words):
        """Yields the lines of one boot with a plan."""
        kernel, base = build.guest_images(self.bits)
        files = build.bench_files(self.bits, plan_text(items, runs, seconds))
        append = f"console=ttyS0 quiet panic=-1 doppel.run=/bench/start{words}"
        with tempfile.TemporaryDirectory(prefix="doppel-bench-") as work:
            initrd = pathlib.Path(work) / "initrd"
            build.initrd_write(initrd, base, files)
            command = self.start_command() + ["-m", str(options.memory), "-display", "none", "-serial",
                                      "stdio", "-no-reboot", "-kernel", kernel, "-initrd", initrd,
                                      "-append", append]
            if words:
                _, disk = build.user_land(self.bits)
                command += ["-drive", f"file={disk},format=raw,if=ide,index=0,snapshot=on"]
            yield from lines_of(command, self.log, options.timeout)

    def measure(self, items, runs, seconds, entries, options):
        """Boots as often as it takes: an item that ends the guest is left out the next time."""
        clocks = []
        for kind, words in (("kernel", ""), ("job", " bench.disk")):
            left = [i for i in items if i["kind"] == kind]
            while left:
                recorder = Recorder(entries)
                up, ending = False, ""
                try:
                    for now, word, rest in self.boot(left, runs, seconds, options, words):
                        up = up or word == "up"
                        if word == "exit":
                            ending = f", exit status {rest}"
                        recorder.add(now, word, rest)
                except Silent as silent:
                    self.note = f"{recorder.current or 'boot'}: {silent}"
                clocks.append(recorder.clock())
                if not up:
                    self.note = self.note or f"the guest did not come up{ending}"
                    for item in left:
                        entries[item["name"]] = {"status": -1, "check": None, "runs": []}
                    break
                done = [i for i in left if i["name"] in entries]
                if not done:
                    break
                left = [i for i in left if i["name"] not in entries]
        return next((c for c in clocks if c is not None), None)

    def measure_micro(self, items, runs, entries, options):
        """The multiboot kernel; what it measures before it ends counts."""
        only = ",".join(item["name"] for item in items)
        recorder = Recorder(entries)
        try:
            for now, word, rest in self.bare(f"runs={min(runs, 9)} only={only}", options):
                recorder.add(now, word, rest)
        except Silent as silent:
            self.note = f"{recorder.current or 'micro'}: {silent}"
        for item in items:
            entries.setdefault(item["name"], {"status": -1, "check": None, "runs": []})

    def bare(self, words, options):
        """Yields the lines of the multiboot kernel with these words."""
        command = self.start_command() + ["-m", "256", "-display", "none", "-serial", "stdio", "-no-reboot",
                                  "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel",
                                  build.micro_program(self.bits), "-append", words]
        yield from lines_of(command, self.log, options.timeout)

    def measure_boot(self, runs, entries, options):
        """Host seconds from the start to the first words of the guest's user land."""
        entry = {"status": -1, "check": None, "runs": []}
        entries["boot"] = entry
        for _ in range(runs):
            try:
                for now, word, _ in self.boot([], 1, {}, options, ""):
                    if word == "up":
                        entry["runs"].append({"iterations": 1, "seconds": now, "sum": "-"})
                        entry["status"] = 0
            except Silent as silent:
                self.note = f"boot: {silent}"
                break


def qemu_command(bits):
    name = {64: "qemu-system-x86_64", 32: "qemu-system-i386"}[bits]
    path = shutil.which(name)
    return [path, "-accel", "tcg", "-cpu", "max", "-nic", "none"] if path else None
