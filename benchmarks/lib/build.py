# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what is booted: the guest program, its initramfs overlay, the images of scripts/."""
import os
import pathlib
import re
import stat
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "benchmarks"
CACHE = pathlib.Path(os.environ.get("DOPPEL_CACHE") or pathlib.Path(
    os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "doppel")
FLAGS = ["-O2", "-fno-tree-vectorize", "-Wall", "-Wextra", "-static"]
GUESTS = {64: "amd64", 32: "i386"}


class BenchError(Exception):
    """Something that the user can do something about; one line."""


def newer(target, sources):
    return target.exists() and all(target.stat().st_mtime >= s.stat().st_mtime for s in sources)


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))} failed:\n{done.stdout}")


def bench_program(bits):
    """The kernels and the guest's runner as one static program."""
    sources = sorted((HERE / "kernels").glob("*.c"))
    target = CACHE / "bench" / f"bench{bits}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not newer(target, sources + sorted((HERE / "kernels").glob("*.h"))):
        new = target.with_suffix(".new")
        run(["gcc", f"-m{bits}", *FLAGS, "-o", new, *sources, "-lm", "-pthread"])
        new.rename(target)
    return target


def kernel_items():
    """What `bench list` says, as items."""
    out = subprocess.run([bench_program(64), "list"], stdout=subprocess.PIPE, text=True, check=True)
    items = []
    for line in out.stdout.splitlines():
        name, family, group, _ = line.split()
        items.append({"name": name, "family": family, "group": group, "unit": "s", "kind": "kernel"})
    return items


def job_items():
    names = sorted(p.name for p in (HERE / "jobs").glob("*") if p.is_file())
    return [{"name": n, "family": "jobs", "group": "job", "unit": "s", "kind": "job"} for n in names]


def guest_images(bits):
    """Kernel and initramfs of scripts/guest-images; they are downloaded the first time."""
    guest = GUESTS[bits]
    done = subprocess.run([ROOT / "scripts" / "guest-images", guest], stdout=subprocess.PIPE,
                          text=True)
    if done.returncode != 0:
        raise BenchError(f"scripts/guest-images {guest} failed")
    folder = pathlib.Path(done.stdout.split()[-1])
    return folder / "vmlinuz", folder / "initrd"


def user_land(bits):
    """Tree and ext4 image of benchmarks/guest-image."""
    done = subprocess.run([HERE / "guest-image", GUESTS[bits]], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise BenchError(f"benchmarks/guest-image {GUESTS[bits]} failed")
    folder = pathlib.Path(done.stdout.split()[-1])
    return folder / "tree", folder / "disk.img"


def bench_files(bits, plan):
    """What stands in /bench of the guest: {path: (mode, bytes)}."""
    files = {
        "bench": (0o755, bench_program(bits).read_bytes()),
        "start": (0o755, (HERE / "guest-start").read_bytes()),
        "plan": (0o644, plan.encode()),
    }
    for job in job_items():
        files[f"jobs/{job['name']}"] = (0o755, (HERE / "jobs" / job["name"]).read_bytes())
    for path in sorted((HERE / "jobs" / "data").glob("*")):
        files[f"jobs/data/{path.name}"] = (0o644, path.read_bytes())
    for path in sorted((HERE / "kernels").glob("*.[ch]")):
        files[f"src/{path.name}"] = (0o644, path.read_bytes())
    return files


def folder_write(folder, files):
    for path, (mode, data) in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(mode)


def cpio_entry(number, path, mode, data):
    name = path.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def cpio(files, prefix="bench"):
    """An archive that the kernel unpacks after the one before it."""
    folders = {prefix}
    for path in files:
        folders.update(str(p) for p in pathlib.PurePath(prefix, path).parents if str(p) != ".")
    out = [cpio_entry(i, p, stat.S_IFDIR | 0o755, b"") for i, p in enumerate(sorted(folders))]
    for path, (mode, data) in files.items():
        out.append(cpio_entry(1000 + len(out), f"{prefix}/{path}", stat.S_IFREG | mode, data))
    out.append(cpio_entry(0, "TRAILER!!!", 0, b""))
    return b"".join(out)


def initrd_write(target, base, files):
    data = base.read_bytes()
    target.write_bytes(data + b"\0" * (-len(data) % 512) + cpio(files))


def micro_items():
    """The rows of the table in micro/micro.c."""
    text = (HERE / "micro" / "micro.c").read_text()
    names = re.findall(r'\{ "([a-z0-9-]+)", \w+_cycles \}', text)
    return [{"name": n, "family": "micro", "group": "micro", "unit": "cycles", "kind": "micro"}
            for n in names]


def micro_program(bits):
    """The multiboot kernel: loaders want a 32-bit ELF file, whatever is in it."""
    folder = HERE / "micro"
    sources = [folder / "start.S", folder / "micro.c"]
    target = CACHE / "bench" / f"micro{bits}.elf"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not newer(target, sources + [folder / "loops.h", folder / "link.ld"]):
        linked = target.with_suffix(".linked")
        run(["gcc", f"-m{bits}", "-O2", "-Wall", "-Wextra", "-ffreestanding", "-fno-pie", "-no-pie",
             "-mno-red-zone", "-mgeneral-regs-only", "-fno-stack-protector", "-fcf-protection=none",
             "-fno-asynchronous-unwind-tables", "-nostdlib", "-static",
             f"-Wl,-T,{folder / 'link.ld'},--build-id=none,-z,max-page-size=4096", "-o", linked,
             *sources])
        run(["objcopy", "-O", "elf32-i386", linked, target])
        linked.unlink()
    return target


def micro_native(bits):
    folder = HERE / "micro"
    target = CACHE / "bench" / f"micro-native{bits}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not newer(target, [folder / "native.c", folder / "loops.h"]):
        run(["gcc", f"-m{bits}", "-O2", "-Wall", "-Wextra", "-mno-red-zone", "-o", target,
             folder / "native.c"])
    return target
